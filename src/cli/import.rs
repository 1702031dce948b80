//! `verbatim import`: files into the lake.

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use super::{Failure, LakeArgument};
use crate::ingest::{
    Batch, ImportOptions, ImportReport, Ingest, IngestError, OnError, Progress, Receipt, Reject,
    import,
};
use crate::lake::{Lake, LakeError, LakeOptions, Store};

/// Rejects shown on the terminal; the reject file has all.
const SHOWN: u64 = 20;
/// Time between two lines of progress where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Exit code of a program that Ctrl-C has ended.
const INTERRUPTED: i32 = 130;

/// Import conversations from files, object storage or standard input
///
/// Messages are scored and durable when they are acknowledged. Importing the same file again adds
/// nothing: messages are known by (conversation_id, message_id).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  verbatim import conversations.json                      the form is told by the file
  verbatim import --format jsonl 'export/*.jsonl.gz'      columns named as in the table messages
  verbatim import --format desk.toml 's3://bucket/desk/*' a mapping of your own, see docs/import.md
  verbatim import --dry-run --reject-file bad.jsonl chats.csv

Exit codes: 0 everything is in; 1 failed; 2 wrong use; 3 some records were rejected, or Ctrl-C
ended the import: the same command completes it.")]
pub(crate) struct Import {
    #[command(flatten)]
    lake: LakeArgument,
    /// Paths, URLs or patterns; - is standard input. gzip and zstd are recognised
    #[arg(required = true, value_name = "PATH|URL|GLOB")]
    inputs: Vec<String>,
    /// auto, jsonl (an object a line), json (also an array, or one after the other), csv, parquet,
    /// a shipped mapping (twitter-care, bot-airline, complaint-chats), or a mapping file (.toml)
    #[arg(long, default_value = "auto", value_name = "FORMAT")]
    format: String,
    /// Fill this table alone, such as events or annotations, from jsonl, csv or parquet
    #[arg(long)]
    table: Option<String>,
    /// The source of rows that do not name theirs; replaces a mapping's
    #[arg(long)]
    source: Option<String>,
    /// The channel of conversations that do not name theirs
    #[arg(long)]
    channel: Option<String>,
    /// Read and check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Write every rejected record to this file: one JSON object a line, with file, line, field
    /// and reason
    #[arg(long, value_name = "FILE")]
    reject_file: Option<String>,
    /// What to do with a bad record
    #[arg(long, value_enum, default_value = "continue")]
    on_error: OnErrorArgument,
    /// Append a line of JSON to this file for every batch that is durable
    #[arg(long, value_name = "FILE")]
    acknowledge_file: Option<String>,
    /// Messages that are scored and written together
    #[arg(long, default_value_t = ImportOptions::default().batch_rows)]
    batch_rows: usize,
    /// Reject records that are larger than this
    #[arg(long, default_value_t = ImportOptions::default().record_limit >> 20, value_name = "MIB")]
    max_record_mib: usize,
    /// No progress, only the summary
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum OnErrorArgument {
    /// Report it and go on
    Continue,
    /// End the import
    Stop,
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = ImportOptions {
            inputs: self.inputs.clone(),
            format: self.format.clone(),
            table: self.table.clone(),
            source: self.source.clone(),
            channel: self.channel.clone(),
            dry_run: self.dry_run,
            on_error: match self.on_error {
                OnErrorArgument::Continue => OnError::Continue,
                OnErrorArgument::Stop => OnError::Stop,
            },
            record_limit: self.max_record_mib << 20,
            batch_rows: self.batch_rows,
        };
        let display = Arc::new(Display::new(&self)?);
        let create = LakeOptions {
            create: true,
            ..LakeOptions::default()
        };
        let lake = match self.dry_run {
            false => Lake::open(&self.lake.lake, create).await?,
            true => self.lake_to_look_at(create).await?,
        };
        let ingest = Ingest::new(Arc::clone(&lake));
        let cancel = Arc::clone(&display);
        let listener = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.say("finishing the batches under way; press Ctrl-C again to end at once");
                cancel.cancelled.store(true, Ordering::Relaxed);
            }
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(INTERRUPTED);
            }
        });
        let outcome = import(&ingest, &options, display.as_ref()).await;
        listener.abort();
        let flushed = display.finish();
        lake.close().await?;
        let report = outcome?;
        flushed?;
        self.summary(&report, &display);
        match report.rejected > 0 || report.interrupted {
            true => Err(Failure::Partial),
            false => Ok(()),
        }
    }

    /// The lake of a dry run: the one that is there, and nothing is made where none is.
    async fn lake_to_look_at(&self, create: LakeOptions) -> Result<Arc<Lake>, LakeError> {
        let place = &self.lake.lake;
        // A bad address is an error in a dry run too.
        Store::open(place, &create.storage, None)?;
        let look = LakeOptions {
            create: false,
            ..create.clone()
        };
        match Lake::open(place, look).await {
            // What would go into a lake that is not there yet: all that is good.
            Err(LakeError::Location { .. }) => Lake::open("memory://dry-run", create).await,
            found => found,
        }
    }

    fn summary(&self, report: &ImportReport, display: &Display) {
        let verb = if self.dry_run {
            "would import"
        } else {
            "imported"
        };
        println!(
            "{verb} {} messages in {} new conversations from {} files ({} records) in {:.1} s, {} \
             messages/s",
            HumanCount(report.messages),
            HumanCount(report.conversations),
            report.files,
            HumanCount(report.records),
            report.elapsed.as_secs_f64(),
            HumanCount(report.rate() as u64),
        );
        if report.others > 0 {
            println!("{} rows of other tables", HumanCount(report.others));
        }
        println!(
            "{} duplicates left out, {} rejected",
            HumanCount(report.duplicates),
            HumanCount(report.rejected)
        );
        if report.interrupted {
            println!("interrupted: run the same import again to complete it");
        }
        let hidden = display
            .rejected
            .load(Ordering::Relaxed)
            .saturating_sub(SHOWN);
        if hidden > 0 && self.reject_file.is_none() {
            println!("{hidden} rejects are not shown; --reject-file FILE keeps all of them");
        }
    }
}

/// Shows progress, writes rejects and acknowledgements.
struct Display {
    bar: Option<ProgressBar>,
    quiet: bool,
    begun: Instant,
    last_line: Mutex<Instant>,
    rejects: Option<Mutex<BufWriter<File>>>,
    acknowledged: Option<Mutex<File>>,
    rejected: AtomicU64,
    messages: AtomicU64,
    failure: Mutex<Option<IngestError>>,
    cancelled: AtomicBool,
}

impl Display {
    fn new(command: &Import) -> Result<Display, IngestError> {
        let open = |path: &Option<String>, append: bool| {
            let path = path.as_deref();
            let open = path.map(|path| {
                let mut options = File::options();
                options
                    .create(true)
                    .write(true)
                    .append(append)
                    .truncate(!append);
                options
                    .open(path)
                    .map_err(|error| IngestError::io(path, error))
            });
            open.transpose()
        };
        let bar =
            (!command.quiet && std::io::stderr().is_terminal()).then(ProgressBar::new_spinner);
        Ok(Display {
            bar,
            quiet: command.quiet,
            begun: Instant::now(),
            last_line: Mutex::new(Instant::now()),
            rejects: open(&command.reject_file, false)?
                .map(BufWriter::new)
                .map(Mutex::new),
            acknowledged: open(&command.acknowledge_file, true)?.map(Mutex::new),
            rejected: AtomicU64::new(0),
            messages: AtomicU64::new(0),
            failure: Mutex::new(None),
            cancelled: AtomicBool::new(false),
        })
    }

    fn finish(&self) -> Result<(), IngestError> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(rejects) = &self.rejects {
            rejects
                .lock()
                .flush()
                .map_err(|error| IngestError::io("--reject-file", error))?;
        }
        self.failure.lock().take().map_or(Ok(()), Err)
    }

    /// Keeps the first failure to write a file of ours; there is no use in going on.
    fn note(&self, file: &str, result: std::io::Result<()>) {
        if let Err(error) = result {
            self.failure
                .lock()
                .get_or_insert(IngestError::io(file, error));
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }

    fn rate(&self) -> u64 {
        let messages = self.messages.load(Ordering::Relaxed) as f64;
        (messages / self.begun.elapsed().as_secs_f64().max(1e-9)) as u64
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }
}

impl Progress for Display {
    fn started(&self, _files: usize, bytes: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        let template = match bytes {
            Some(bytes) => {
                bar.set_length(bytes);
                "{bar:30} {percent:>3} %  {binary_bytes} of {binary_total_bytes}  {msg}  eta {eta}"
            }
            None => "{spinner} {binary_bytes}  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
    }

    fn read(&self, bytes: u64) {
        let messages = self.messages.load(Ordering::Relaxed);
        match &self.bar {
            Some(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!(
                    "{} messages, {}/s",
                    HumanCount(messages),
                    HumanCount(self.rate())
                ));
            }
            None if !self.quiet => {
                let mut last = self.last_line.lock();
                if last.elapsed() >= LINE_INTERVAL {
                    *last = Instant::now();
                    eprintln!(
                        "{} read, {} messages, {}/s",
                        HumanBytes(bytes),
                        HumanCount(messages),
                        HumanCount(self.rate())
                    );
                }
            }
            None => {}
        }
    }

    fn acknowledged(&self, batch: &Batch, receipt: &Receipt) {
        let messages = receipt.inserted("messages");
        self.messages
            .fetch_add(messages + receipt.duplicates, Ordering::Relaxed);
        if let Some(file) = &self.acknowledged {
            let line = serde_json::json!({
                "batch": batch.number,
                "file": batch.file,
                "first_line": batch.first_line,
                "last_line": batch.last_line,
                "messages": messages,
                "duplicates": receipt.duplicates,
            });
            // One write, so that a reader sees whole lines.
            let result = file.lock().write_all(format!("{line}\n").as_bytes());
            self.note("--acknowledge-file", result);
        }
    }

    fn rejected(&self, rejects: &[Reject]) {
        for reject in rejects {
            let number = self.rejected.fetch_add(1, Ordering::Relaxed);
            if number < SHOWN {
                self.say(&format!("rejected: {reject}"));
            }
            if let Some(file) = &self.rejects {
                let line = serde_json::to_string(reject).map_err(std::io::Error::other);
                let result = line.and_then(|line| writeln!(file.lock(), "{line}"));
                self.note("--reject-file", result);
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
