//! The command `verbatim demo`: what it prints, and what it does to a folder that is there.

use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verbatim"));
    command
        .current_dir(folder)
        .args(["demo", "--no-serve"])
        .args(arguments);
    command.output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_demo_is_made_once_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let small = ["--conversations", "400", "--lake", "demo"];
    let first = run(folder.path(), &small);
    let text = said(&first.stdout);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first.stderr));
    assert!(
        text.starts_with("400 conversations over 90 days generated"),
        "{text}"
    );
    assert_eq!(text.matches("planted  ").count(), 5, "{text}");
    assert!(text.contains(" of 5 planted facts found"), "{text}");

    let again = run(folder.path(), &small);
    assert!(said(&again.stdout).starts_with("demo holds this demo already"));
    // The same lake, the same answers.
    let report = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains("found    "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(report(&said(&again.stdout)), report(&text));

    let other = run(folder.path(), &["--conversations", "500", "--lake", "demo"]);
    assert_eq!(other.status.code(), Some(1));
    assert!(said(&other.stderr).contains("--fresh"));
}

#[test]
fn the_metrics_of_a_demo_find_every_planted_fact() {
    let folder = tempfile::tempdir().unwrap();
    let made = run(folder.path(), &[]);
    let text = said(&made.stdout);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made.stderr));
    assert!(text.contains("5 of 5 planted facts found"), "{text}");
}

#[test]
fn a_folder_of_others_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    for arguments in [["--lake", "."].as_slice(), &["--lake", ".", "--fresh"]] {
        let refused = run(folder.path(), arguments);
        assert_eq!(refused.status.code(), Some(1));
        let error = said(&refused.stderr);
        assert!(error.contains("is not a demo lake"), "{error}");
    }
    let left = std::fs::read(folder.path().join("mine.txt")).unwrap();
    assert_eq!(left, b"mine");
}
