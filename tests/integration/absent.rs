//! What a test needs beside Rust: psql, Python packages, the shared data sets.
//!
//! A test whose need is absent says so and passes. Where `CI` is set, a client that is absent fails
//! the test instead: there the test command installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Says that something is absent.
pub fn say(what: &str, mend: &str) {
    eprintln!("skipped: {what} is not there; {mend}");
}

/// Says that a client is absent; fails in CI.
pub fn client(what: &str, mend: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "{what} is not there; {mend}"
    );
    say(what, mend);
}

/// A Python that has a package of PyPI, in an environment that is kept for the next run; `None`
/// where there is no Python or no way to the package.
pub fn python_with(module: &str, requirement: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-{module}"));
    let python = folder.join("bin/python");
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    let import = format!("import {module}");
    let ready = || run(&python, &["-c", &import]);
    if !ready() {
        run(Path::new("python3"), &["-m", "venv", folder.to_str()?]);
        run(&python, &["-m", "pip", "install", "--quiet", requirement]);
    }
    if ready() {
        return Some(python);
    }
    client(
        requirement,
        "install python3 and its venv module, and let pip reach PyPI",
    );
    None
}

/// A folder with packages of PyPI as they are, kept for the next run, without what they depend on;
/// `None` where there is no Python or no way to them.
pub fn packages(name: &str, requirements: &[&str]) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = root.join(format!("packages-{name}"));
    if folder.exists() {
        return Some(folder);
    }
    let run = |program: &Path, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    };
    // Tests that run side by side each fetch them, and the first one's stay.
    let work = tempfile::tempdir_in(root).unwrap();
    let (python, target) = (work.path().join("venv"), work.path().join("packages"));
    let install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target"];
    let install = [&install, &[target.to_str()?][..], requirements].concat();
    let fetched = run(Path::new("python3"), &["-m", "venv", python.to_str()?])
        && run(&python.join("bin/python"), &install);
    if fetched {
        let _ = std::fs::rename(&target, &folder);
    }
    if folder.exists() {
        return Some(folder);
    }
    client(
        &requirements.join(", "),
        "install python3 and its venv module, and let pip reach PyPI",
    );
    None
}

/// A set of the shared data.
pub fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var("VERBATIM_DATA")
        .map(PathBuf::from)
        .unwrap_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"));
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    let shown = path.display().to_string();
    say(&shown, "set VERBATIM_DATA to the folder of the data sets");
    None
}
