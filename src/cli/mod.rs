//! The command line: one file a subcommand.
//!
//! A subcommand is a `clap::Args` struct with `async fn run(self) -> Result<(), Failure>`; it gets
//! an arm in [`Command`] and in [`Command::run`].
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the command line writes results to the standard output and messages to the standard error"
)]

mod demo;
mod evaluate;
mod import;
mod rescore;
mod serve;
mod sql;
mod train_defaults;
mod upgrade;
mod user;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::Error;

/// Bytes of stack of each worker thread: deep expressions recurse while they are planned.
const THREAD_STACK: usize = 16 << 20;

/// The SQL engine for what customers say.
#[derive(Debug, Parser)]
#[command(
    name = "verbatim",
    version,
    max_term_width = 100,
    after_help = "Examples:
  verbatim demo
  verbatim sql \"SELECT channel, avg(sentiment) FROM customer_messages GROUP BY 1\"
  verbatim sql --lake s3://bucket/lake --format csv --file report.sql > report.csv

Every subcommand has its own examples: verbatim sql --help.

Exit codes: 0 done; 1 failed, the message names the SQLSTATE; 2 wrong use; 3 done in part.
Log messages go to the standard error; VERBATIM_LOG=debug shows more."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Evaluate(evaluate::Evaluate),
    Import(import::Import),
    Rescore(rescore::Rescore),
    Serve(serve::Serve),
    Maintain(upgrade::Maintain),
    Sql(sql::Sql),
    TrainDefaults(train_defaults::TrainDefaults),
    Upgrade(upgrade::Upgrade),
    User(user::UserCommand),
}

impl Command {
    async fn run(self) -> Result<(), Failure> {
        match self {
            Command::Demo(command) => command.run().await,
            Command::Evaluate(command) => command.run().await,
            Command::Import(command) => command.run().await,
            Command::Rescore(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Maintain(command) => command.run().await,
            Command::Sql(command) => command.run().await,
            Command::TrainDefaults(command) => command.run().await,
            Command::Upgrade(command) => command.run().await,
            Command::User(command) => command.run().await,
        }
    }
}

/// Why a subcommand did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It failed.
    Error(Error),
    /// It did a part of its work and has said what it left out.
    Partial,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Error(error.into())
    }
}

/// Where the lake is, for every subcommand that opens one.
#[derive(Debug, clap::Args)]
pub(crate) struct LakeArgument {
    /// The lake: a folder, or a URL such as s3://bucket/path
    #[arg(
        long,
        env = "VERBATIM_LAKE",
        default_value = "./lake",
        value_name = "PATH|URL"
    )]
    pub(crate) lake: String,
}

/// Parses the command line and runs what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            EnvFilter::try_from_env("VERBATIM_LOG").unwrap_or_else(|_| EnvFilter::new("warn")),
        )
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("verbatim")
        .thread_stack_size(THREAD_STACK)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("verbatim: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    // On a worker thread, where the stack is large.
    let command = runtime.spawn(cli.command.run());
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    match result {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(Failure::Partial)) => ExitCode::from(3),
        Ok(Err(Failure::Error(error))) => {
            report(&error);
            ExitCode::FAILURE
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes an error as psql does, with its SQLSTATE; a closed pipe is no error worth a word.
fn report(error: &Error) {
    if is_broken_pipe(error) {
        return;
    }
    eprintln!("ERROR:  {}: {error}", error.sqlstate());
    if let Some(hint) = error.hint() {
        eprintln!("HINT:  {hint}");
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == std::io::ErrorKind::BrokenPipe)
}
