//! The program `verbatim`.

use std::process::ExitCode;

/// Queries allocate and free across threads all the time, where this allocator is faster.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    verbatim::cli::main()
}
