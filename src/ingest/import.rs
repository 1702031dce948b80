//! Import: sources are read on one thread while the batches before are scored and appended.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::format::{Chunk, Defaults, Format, ReadOptions, Reading, read};
use super::input::{Source, expand};
use super::pipeline::Ingest;
use super::rows::{EARLIEST, Receipt, Rows, WriteMode};
use super::{IngestError, Reject};

/// Batches that wait for the writer.
const READ_AHEAD: usize = 2;
/// Batches that are scored and appended at the same time.
const IN_FLIGHT: usize = 3;

/// A text column of one batch holds at most two gibibytes.
const LARGEST_RECORD: usize = 512 << 20;

/// What to do with a record that is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnError {
    /// Report it and go on.
    #[default]
    Continue,
    /// End the import; what was acknowledged before stays.
    Stop,
}

/// How files are imported.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Paths, addresses, patterns; `-` is standard input.
    pub inputs: Vec<String>,
    /// `auto`, `jsonl`, `json`, `csv`, `parquet`, the name of a shipped mapping, or a mapping file.
    pub format: String,
    /// Fill this table alone, from files in our own form.
    pub table: Option<String>,
    /// The source of rows that do not name theirs; replaces a mapping's.
    pub source: Option<String>,
    /// The channel of conversations that do not name theirs.
    pub channel: Option<String>,
    /// Read and check, write nothing.
    pub dry_run: bool,
    /// What to do with a bad record.
    pub on_error: OnError,
    /// Records of more bytes than this are rejected.
    pub record_limit: usize,
    /// Messages in a batch.
    pub batch_rows: usize,
}

impl Default for ImportOptions {
    fn default() -> Self {
        ImportOptions {
            inputs: Vec::new(),
            format: "auto".into(),
            table: None,
            source: None,
            channel: None,
            dry_run: false,
            on_error: OnError::Continue,
            record_limit: 64 << 20,
            batch_rows: 16_384,
        }
    }
}

/// What an import did.
#[derive(Debug, Default, Clone)]
pub struct ImportReport {
    /// Files read.
    pub files: u64,
    /// Records read.
    pub records: u64,
    /// Conversations that did not exist before.
    pub conversations: u64,
    /// Messages added.
    pub messages: u64,
    /// Rows added to other tables.
    pub others: u64,
    /// Rows that were there already.
    pub duplicates: u64,
    /// Records and messages that were rejected.
    pub rejected: u64,
    /// From the first byte to the last acknowledgement.
    pub elapsed: Duration,
    /// Whether the import was told to end early.
    pub interrupted: bool,
}

impl ImportReport {
    /// Messages a second, duplicates included.
    pub fn rate(&self) -> f64 {
        (self.messages + self.duplicates) as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// A batch of an import: what is read together is durable together.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Its number, in the order of reading.
    pub number: u64,
    /// The file that it comes from.
    pub file: String,
    /// Line of its first record.
    pub first_line: u64,
    /// Line of its last record.
    pub last_line: u64,
}

impl Batch {
    fn of(number: u64, rows: &Rows) -> Batch {
        let Some(origin) = &rows.origin else {
            return Batch {
                number,
                ..Batch::default()
            };
        };
        let lines = origin
            .messages
            .iter()
            .chain(&origin.conversations)
            .chain(&origin.others);
        let (first, last) = lines.fold((u64::MAX, 0), |(first, last), line| {
            (first.min(*line), last.max(*line))
        });
        Batch {
            number,
            file: origin.file.to_string(),
            first_line: first.min(last),
            last_line: last,
        }
    }
}

/// Is told how an import goes.
pub trait Progress: Send + Sync {
    /// The files are known; `bytes` is their stored size where every size is known.
    fn started(&self, _files: usize, _bytes: Option<u64>) {}
    /// Stored bytes read so far.
    fn read(&self, _bytes: u64) {}
    /// A batch is durable.
    fn acknowledged(&self, _batch: &Batch, _receipt: &Receipt) {}
    /// Records were rejected.
    fn rejected(&self, _rejects: &[Reject]) {}
    /// Whether to end early: what has been handed to the writer is finished, no more is read.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// No progress to tell.
impl Progress for () {}

/// Imports files. Every batch is durable when it is acknowledged, and importing the same files
/// again adds nothing.
///
/// # Errors
/// Inputs that name nothing, a format that is not known, a mapping with a mistake, or a lake that
/// cannot be written. What is wrong with the files is rejected, record by record or as a whole.
pub async fn import(
    ingest: &Arc<Ingest>,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport, IngestError> {
    let begun = Instant::now();
    let read_options = ReadOptions {
        format: Format::named(&options.format)?,
        table: options.table.clone(),
        defaults: Defaults {
            source: options.source.clone(),
            channel: options.channel.clone(),
        },
        record_limit: options.record_limit.clamp(1, LARGEST_RECORD),
        batch_rows: options.batch_rows.max(1),
        batch_bytes: 32 << 20,
    };
    let sources = expand(&options.inputs).await?;
    let sizes: Option<Vec<u64>> = sources.iter().map(|source| source.size).collect();
    progress.started(sources.len(), sizes.map(|sizes| sizes.iter().sum()));

    let mut report = ImportReport {
        files: sources.len() as u64,
        ..ImportReport::default()
    };
    let count = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let (sender, mut chunks) = mpsc::channel(READ_AHEAD);
    let reader = {
        let (count, stop) = (Arc::clone(&count), Arc::clone(&stop));
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            read_all(&sources, &read_options, &runtime, &count, &stop, &sender)
        })
    };
    let outcome = write_all(
        ingest,
        options,
        progress,
        &mut chunks,
        &count,
        &stop,
        &mut report,
    )
    .await;
    stop.store(true, Ordering::Relaxed);
    // A reader that waits to hand on its batch wakes up and ends.
    drop(chunks);
    ingest.forget_keys().await;
    report.elapsed = begun.elapsed();
    outcome?;
    if !report.interrupted {
        // An interrupted reader may wait for input that never comes.
        let read = reader.await;
        read.map_err(|error| IngestError::io("reader", std::io::Error::other(error)))??;
    }
    Ok(report)
}

async fn write_all(
    ingest: &Arc<Ingest>,
    options: &ImportOptions,
    progress: &dyn Progress,
    chunks: &mut mpsc::Receiver<Chunk>,
    count: &AtomicU64,
    stop: &AtomicBool,
    report: &mut ImportReport,
) -> Result<(), IngestError> {
    let mut writing = FuturesUnordered::new();
    let mut number = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    loop {
        tokio::select! {
            chunk = chunks.recv(), if writing.len() < IN_FLIGHT => {
                let Some(mut chunk) = chunk else { break };
                report.records += chunk.records;
                take_rejects(std::mem::take(&mut chunk.rejects), options, progress, report)?;
                let (ingest, dry_run) = (Arc::clone(ingest), options.dry_run);
                // Taken here, in the order of reading: no batch overtakes one before it.
                let turn = ingest.turn();
                let batch = Batch::of(number, &chunk.rows);
                writing.push(async move {
                    let mode = WriteMode::Import {
                        earliest: chunk.bounds.0.unwrap_or(EARLIEST),
                        latest: chunk.bounds.1,
                    };
                    let receipt = match dry_run {
                        true => ingest.check_in_turn(turn, chunk.rows, mode).await?,
                        false => ingest.write_in_turn(turn, chunk.rows, mode).await?,
                    };
                    Ok::<_, IngestError>((batch, receipt))
                });
                number += 1;
            }
            written = writing.next(), if !writing.is_empty() => {
                if let Some(written) = written {
                    take_receipt(written?, options, progress, report)?;
                }
            }
            _ = tick.tick() => {}
        }
        progress.read(count.load(Ordering::Relaxed));
        if progress.is_cancelled() {
            report.interrupted = true;
            stop.store(true, Ordering::Relaxed);
            break;
        }
    }
    while let Some(written) = writing.next().await {
        take_receipt(written?, options, progress, report)?;
    }
    Ok(())
}

fn take_receipt(
    (batch, mut receipt): (Batch, Receipt),
    options: &ImportOptions,
    progress: &dyn Progress,
    report: &mut ImportReport,
) -> Result<(), IngestError> {
    report.conversations += receipt.new_conversations;
    report.messages += receipt.inserted("messages");
    report.duplicates += receipt.duplicates;
    let others = receipt.inserted.iter();
    let others =
        others.filter(|(table, _)| !matches!(table.as_str(), "messages" | "conversations"));
    report.others += others.map(|(_, rows)| rows).sum::<u64>();
    let rejects = std::mem::take(&mut receipt.rejected);
    progress.acknowledged(&batch, &receipt);
    take_rejects(rejects, options, progress, report)
}

fn take_rejects(
    rejects: Vec<Reject>,
    options: &ImportOptions,
    progress: &dyn Progress,
    report: &mut ImportReport,
) -> Result<(), IngestError> {
    if rejects.is_empty() {
        return Ok(());
    }
    report.rejected += rejects.len() as u64;
    progress.rejected(&rejects);
    match (options.on_error, rejects.into_iter().next()) {
        (OnError::Stop, Some(first)) => Err(IngestError::Stopped(first)),
        _ => Ok(()),
    }
}

fn read_all(
    sources: &[Source],
    options: &ReadOptions,
    runtime: &Handle,
    count: &Arc<AtomicU64>,
    stop: &AtomicBool,
    chunks: &mpsc::Sender<Chunk>,
) -> Result<(), IngestError> {
    for source in sources {
        let mut take = |chunk: Chunk| {
            let gone = chunks.blocking_send(chunk).is_err();
            match gone || stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        read(Reading {
            source,
            options,
            runtime,
            count: Arc::clone(count),
            take: &mut take,
        })?;
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    Ok(())
}
