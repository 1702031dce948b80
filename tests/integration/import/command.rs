//! The command `verbatim import`: exit codes, rejects, standard input, summary.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::message;

fn run(folder: &std::path::Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verbatim"));
    command
        .current_dir(folder)
        .env("VERBATIM_LAKE", "lake")
        .arg("import")
        .args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The program may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn exit_codes_and_messages() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let good = [
        message("c1", "a", "customer", 1, "hi"),
        message("c1", "b", "agent", 2, "yes"),
    ];
    std::fs::write(folder.join("good.jsonl"), good.join("\n")).unwrap();
    std::fs::write(folder.join("bad.jsonl"), format!("{}\n{{broken\n", good[0])).unwrap();

    let dry = run(folder, &["--dry-run", "good.jsonl"], "");
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry.stderr));
    assert!(said(&dry.stdout).starts_with("would import 2 messages in 1 new conversations"));
    assert!(!folder.join("lake").exists());

    let done = run(folder, &["good.jsonl"], "");
    assert_eq!(done.status.code(), Some(0), "{}", said(&done.stderr));
    assert!(
        said(&done.stdout).starts_with("imported 2 messages"),
        "{}",
        said(&done.stdout)
    );
    let again = run(folder, &["-"], &good.join("\n"));
    assert_eq!(again.status.code(), Some(0), "{}", said(&again.stderr));
    assert!(
        said(&again.stdout).contains("2 duplicates left out"),
        "{}",
        said(&again.stdout)
    );

    let part = run(folder, &["bad.jsonl", "--reject-file", "rejects.jsonl"], "");
    assert_eq!(part.status.code(), Some(3));
    assert!(said(&part.stderr).contains("rejected: bad.jsonl:2: malformed JSON"));
    let reject = std::fs::read_to_string(folder.join("rejects.jsonl")).unwrap();
    let reject: serde_json::Value = serde_json::from_str(&reject).unwrap();
    assert_eq!(
        (reject["file"].as_str(), reject["line"].as_u64()),
        (Some("bad.jsonl"), Some(2))
    );

    let failed = run(folder, &["nothing.jsonl"], "");
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        said(&failed.stderr).contains("nothing.jsonl"),
        "{}",
        said(&failed.stderr)
    );
    assert_eq!(run(folder, &[], "").status.code(), Some(2));
}

/// Every file below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_dry_run_makes_no_lake() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("lake")).unwrap();
    std::fs::write(
        folder.join("good.jsonl"),
        message("c", "a", "customer", 1, "hi"),
    )
    .unwrap();
    let dry = run(folder, &["--dry-run", "good.jsonl"], "");
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry.stderr));
    assert_eq!(
        files(&folder.join("lake")),
        Vec::<std::path::PathBuf>::new()
    );
    let wrong = run(
        folder,
        &["--dry-run", "--lake", "ftp://x/y", "good.jsonl"],
        "",
    );
    assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong.stdout));
}

#[test]
fn a_bad_file_is_a_reject() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("a.txt"), "garbage").unwrap();
    std::fs::write(
        folder.join("b.jsonl"),
        message("c", "a", "customer", 1, "hi"),
    )
    .unwrap();
    let part = run(folder, &["a.txt", "b.jsonl"], "");
    assert_eq!(part.status.code(), Some(3), "{}", said(&part.stderr));
    assert!(said(&part.stdout).starts_with("imported 1 messages"));
    let stderr = said(&part.stderr);
    assert!(
        stderr.contains("rejected: a.txt:1: no format is known"),
        "{stderr}"
    );
}
