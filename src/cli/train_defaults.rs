//! `verbatim train-defaults`: the shipped weights from public data.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::ProgressBar;
use verbatim_udfs::train::{encoder_texts, train_defaults};

use super::Failure;
use crate::error::{Error, sqlstate};

/// Train the heads that ship with the program, with their cards
///
/// The same data give the same files, byte by byte. The encoder of sentences is taught once, by
/// udfs/encoder/distil.py: --encoder-texts writes what it is taught with.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  verbatim train-defaults --data data --out udfs/weights
  verbatim train-defaults --data data --encoder-texts texts.jsonl

--data is a folder with a folder of CSV files for each public set that udfs/weights/NOTICE credits.
The weights are compiled in: build again to use new ones.")]
pub(super) struct TrainDefaults {
    /// The folder of the sets
    #[arg(long, value_name = "FOLDER")]
    data: PathBuf,
    /// The folder that weights and cards are written to
    #[arg(long, value_name = "FOLDER", required_unless_present = "encoder_texts")]
    out: Option<PathBuf>,
    /// Write the texts that the encoder is taught with to this file, and train nothing
    #[arg(long, value_name = "FILE", conflicts_with = "out")]
    encoder_texts: Option<PathBuf>,
}

impl TrainDefaults {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let work = tokio::task::spawn_blocking(move || match (&self.encoder_texts, &self.out) {
            (Some(path), _) => write_texts(&self.data, path),
            (None, Some(out)) => train(&self.data, out),
            (None, None) => Ok(()),
        });
        let stopped = |error| {
            let message = format!("the training was broken off: {error}");
            Error::statement(sqlstate::INTERNAL_ERROR, message)
        };
        Ok(work.await.map_err(stopped)??)
    }
}

fn train(data: &Path, out: &Path) -> Result<(), Error> {
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    let report = train_defaults(data, out, &mut |step| {
        bar.suspend(|| println!("{step}"));
    });
    bar.finish_and_clear();
    let report = report.map_err(cannot)?;
    println!("\n{report}");
    Ok(())
}

fn write_texts(data: &Path, path: &Path) -> Result<(), Error> {
    let io = |source| Error::Io {
        context: format!("writing {}", path.display()),
        source,
    };
    let mut out = BufWriter::new(std::fs::File::create(path).map_err(io)?);
    let texts = encoder_texts(data, path, &mut out).map_err(cannot)?;
    out.flush().map_err(io)?;
    println!("{texts} texts in {}", path.display());
    Ok(())
}

fn cannot(error: verbatim_udfs::train::TrainError) -> Error {
    Error::statement(sqlstate::INVALID_PARAMETER_VALUE, error.to_string())
}
