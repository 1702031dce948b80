//! `verbatim demo`: a synthetic lake with known truth in it, what the metrics make of it, a server.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::Failure;
use super::serve::{ServerArguments, serve};
use crate::demo::{self, DemoOptions, Finding, Folder};
use crate::engine::{Engine, EngineOptions};
use crate::error::{Error, sqlstate};

/// Make a lake of synthetic conversations, show what the metrics find in it, and serve it
///
/// The conversations are drawn from a seed, so that the same options give the same lake. Facts are
/// planted in them: a billing spike, a release that breaks onboarding, a bot that fails on one
/// intent, an agent whose behaviour goes with better outcomes, accounts that leave after saying so.
/// The report sets what the metrics say against what is so.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  verbatim demo
  psql -h 127.0.0.1 -p 5433 -d verbatim      # in another terminal
  verbatim demo --conversations 2000 --no-serve

A demo lake that is there with the same options is used as it is. --fresh makes it anew; it removes
nothing but a folder that this command made.")]
pub(super) struct Demo {
    /// The folder of the demo lake
    #[arg(long, default_value = "./verbatim-demo", value_name = "PATH")]
    lake: PathBuf,
    /// Number of conversations; about eight messages each
    #[arg(long, default_value_t = 20_000, value_name = "COUNT",
          value_parser = clap::value_parser!(u64).range(100..=10_000_000))]
    conversations: u64,
    /// Days over which they are spread
    #[arg(long, default_value_t = 90, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(14..=3650))]
    days: u32,
    /// What everything is drawn from
    #[arg(long, default_value_t = 42, value_name = "NUMBER")]
    seed: u64,
    /// The first day
    #[arg(long, default_value = "2025-09-01", value_name = "DATE")]
    from: NaiveDate,
    /// Make the lake anew
    #[arg(long)]
    fresh: bool,
    /// Stop after the report
    #[arg(long)]
    no_serve: bool,
    #[command(flatten)]
    server: ServerArguments,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = DemoOptions {
            conversations: usize::try_from(self.conversations).unwrap_or(usize::MAX),
            days: self.days,
            seed: self.seed,
            first_day: self.from,
        };
        let name = self.lake.display().to_string();
        let there = self.clear(options)?;
        let engine = Engine::open(EngineOptions::new(name.clone()).create()).await?;
        if there {
            println!("{name} holds this demo already (--fresh makes it anew)");
        } else {
            fill(&engine, &self.lake, options).await?;
        }
        report(&engine, options).await?;
        if self.no_serve {
            engine.close().await?;
            return Ok(());
        }
        let listen = self.server.listen();
        println!("\nConnect from another terminal; Ctrl-C stops the server:");
        println!("  psql -h {} -p {} -d verbatim", listen.ip(), listen.port());
        println!("  SELECT channel, avg(sentiment(text)) FROM customer_messages GROUP BY 1;");
        println!("  SELECT * FROM metric('escalation_rate', by => 'topic');\n");
        serve(engine, &name, self.server).await?;
        Ok(())
    }

    /// Makes way for the lake; whether it is there, complete.
    fn clear(&self, options: DemoOptions) -> Result<bool, Error> {
        let name = self.lake.display();
        let refuse = |message: String, hint: &str| {
            Err(Error::statement(sqlstate::DUPLICATE_OBJECT, message).with_hint(hint))
        };
        let folder = demo::look(&self.lake, options)?;
        match folder {
            Folder::Complete if !self.fresh => return Ok(true),
            Folder::Empty => {}
            Folder::Begun if !self.fresh => println!("{name} was begun and is completed now"),
            Folder::Foreign => {
                return refuse(
                    format!("{name} is not a demo lake"),
                    "Name another folder with --lake.",
                );
            }
            Folder::OtherDemo if !self.fresh => {
                return refuse(
                    format!("{name} holds a demo that was made with other options"),
                    "Name another folder with --lake, or use --fresh to make it anew.",
                );
            }
            Folder::Complete | Folder::Begun | Folder::OtherDemo => {
                std::fs::remove_dir_all(&self.lake).map_err(|source| Error::Io {
                    context: format!("removing the demo lake {name}"),
                    source,
                })?;
            }
        }
        demo::begin(&self.lake, options)?;
        Ok(false)
    }
}

async fn fill(engine: &Arc<Engine>, folder: &Path, options: DemoOptions) -> Result<(), Error> {
    let begun = Instant::now();
    let bar = match std::io::stderr().is_terminal() {
        true => ProgressBar::new(options.conversations as u64),
        false => ProgressBar::hidden(),
    };
    let style = "{msg} {wide_bar} {human_pos}/{human_len} conversations, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message("generating, scoring, writing");
    demo::fill(engine.ingest(), folder, options, |done| {
        bar.set_position(done as u64)
    })
    .await?;
    bar.finish_and_clear();
    println!(
        "{} conversations over {} days generated, scored and written to {} in {:.1} s (seed {})",
        HumanCount(options.conversations as u64),
        options.days,
        folder.display(),
        begun.elapsed().as_secs_f64(),
        options.seed,
    );
    Ok(())
}

async fn report(engine: &Arc<Engine>, options: DemoOptions) -> Result<(), Error> {
    let session = engine.session(None)?;
    let begun = Instant::now();
    let findings = demo::findings(&session, &demo::planted(options)?).await?;
    println!("\nWhat is planted, and what the metrics say:");
    for Finding {
        metric,
        planted,
        found,
        holds,
    } in &findings
    {
        let mark = if *holds { "✓" } else { "✗" };
        println!("\n{mark} planted  {planted}");
        match found {
            Some(found) => println!("  found    {found}"),
            None => println!("  found    nothing"),
        }
        println!("  by       {metric}");
    }
    let held = findings.iter().filter(|finding| finding.holds).count();
    println!(
        "\n{held} of {} planted facts found, in {:.1} s. The queries are sql/library/demo_*.sql.",
        findings.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}
