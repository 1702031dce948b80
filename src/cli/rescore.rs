//! `verbatim rescore`: history scored anew while queries and imports go on.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, LakeArgument};
use crate::Error;
use crate::engine::rescoring;
use crate::enrich::{RescoreOptions, RescoreReport, rescore};
use crate::ingest::Ingest;
use crate::lake::{Lake, LakeOptions};

/// Score all stored messages with the active models: those of ALTER MODEL, else this program's
#[derive(Debug, Args)]
#[command(
    after_help = "Queries, imports and servers may go on meanwhile. Ctrl-C stops after the \
file in hand; the same command goes on from there.

Examples:
  verbatim rescore
  verbatim rescore --lake s3://bucket/lake --function intent --function topic"
)]
pub(super) struct Rescore {
    #[command(flatten)]
    lake: LakeArgument,
    /// Only this function's scores (sentiment, intent, topic, effort, …)
    #[arg(long = "function", value_name = "NAME")]
    functions: Vec<String>,
}

impl Rescore {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = LakeOptions {
            create: false,
            ..LakeOptions::default()
        };
        let lake = Lake::open(&self.lake.lake, options)
            .await
            .map_err(Error::from)?;
        let options = RescoreOptions {
            functions: self.functions,
            ..RescoreOptions::default()
        };
        let ingest = Ingest::new(Arc::clone(&lake));
        let catalog = lake.latest_catalog().await.map_err(Error::from)?;
        let active = ingest
            .models()
            .active(&catalog)
            .await
            .map_err(Error::from)?;
        let mut runs = catalog.rescoring.clone();
        runs.retain(|function, _| {
            options.functions.is_empty() || options.functions.contains(function)
        });
        let stop = options.stop.clone();
        let interrupt = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        let bar = progress_bar();
        let report = rescore(&lake, active.set(), &options, |progress| {
            bar.set_length(progress.total_rows);
            bar.set_position(progress.rows);
        })
        .await;
        interrupt.abort();
        bar.finish_and_clear();
        if let Ok(report) = &report
            && report.complete
        {
            rescoring::finish(&ingest, &runs, report.rows).await?;
        }
        let closed = lake.close().await;
        let report = report.map_err(Error::from)?;
        closed.map_err(Error::from)?;
        println!("{}", summary(&report));
        if report.complete {
            Ok(())
        } else {
            Err(Failure::Partial)
        }
    }
}

fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let template = "{bar:30} {human_pos} of {human_len} messages, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn summary(report: &RescoreReport) -> String {
    let RescoreReport { rows, files, .. } = report;
    let active = if report.activated {
        "; all messages have scores of one set of models"
    } else {
        ""
    };
    if report.complete {
        format!("rescored {rows} messages in {files} files{active}")
    } else {
        format!("stopped after {rows} messages in {files} files; run again to go on")
    }
}
