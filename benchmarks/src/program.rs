//! Running other programs.

use std::path::PathBuf;
use std::process::Command;

use crate::BenchmarkError;

/// What a program writes; an error with what it said where it failed.
pub(crate) fn run(command: &mut Command) -> Result<Vec<u8>, BenchmarkError> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .map_err(|error| BenchmarkError::Program(format!("{name} does not start: {error}")))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(BenchmarkError::Program(format!(
            "{name} failed: {}",
            said.trim()
        )));
    }
    Ok(output.stdout)
}

/// The program `verbatim`, built beside this one.
pub(crate) fn verbatim() -> Result<PathBuf, BenchmarkError> {
    let own = std::env::current_exe().ok();
    let beside = own.and_then(|own| Some(own.parent()?.join("verbatim")));
    beside.filter(|program| program.exists()).ok_or_else(|| {
        let message = "the program verbatim is not beside this one: cargo build --release";
        BenchmarkError::Program(message.into())
    })
}
