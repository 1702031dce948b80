//! Rewriting history with other models, file by file, while queries and imports go on.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;
use verbatim_udfs::model::{ModelSet, ScoreColumn};

use super::sets::{ModelMap, mixed_set_id, model_map, record};
use super::{EnrichError, SCORED_BY, score_columns, stale_functions};
use crate::lake::schema::MESSAGES;
use crate::lake::{DataFile, Lake, LakeTable};

/// What to rescore.
#[derive(Debug, Clone, Default)]
pub struct RescoreOptions {
    /// Only these functions; empty: every scored function.
    pub functions: Vec<String>,
    /// Stops after the file in hand; running again goes on where it stopped.
    pub stop: CancellationToken,
}

/// The messages whose stored scores of a function are not from the wanted models: rows that a
/// rescore rewrites.
///
/// # Errors
/// As [`rescore`].
pub async fn stale_rows(
    lake: &Lake,
    models: &ModelSet,
    function: &str,
) -> Result<u64, EnrichError> {
    let wanted = wanted(&model_map(models), &[function.to_owned()])?;
    let stale = stale_files(lake, lake.table(MESSAGES)?, &wanted).await?;
    Ok(stale.iter().map(|(file, _)| file.records).sum())
}

/// How far a rescore has come. Files that imports add meanwhile raise the total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RescoreProgress {
    /// Rows rewritten.
    pub rows: u64,
    /// Rows rewritten and still to rewrite.
    pub total_rows: u64,
}

/// What a rescore did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RescoreReport {
    /// Files replaced.
    pub files: usize,
    /// Rows rewritten.
    pub rows: u64,
    /// Files that someone else replaced first (compaction), taken up again under their new names.
    pub overtaken: usize,
    /// Every file is current for the functions asked for; `false` after a stop.
    pub complete: bool,
    /// The lake's active set was changed to the one rescored with.
    pub activated: bool,
}

/// Bytes of small files that are rewritten into one.
const GROUP_BYTES: u64 = 64 << 20;

/// Rewrites every file of `messages` whose scores are not from `models`, then makes `models` the
/// lake's active set where no file has scores of others.
///
/// A file is replaced by a file with the same rows in one commit of the table, like a compaction:
/// readers keep the snapshot they have, appends go on, and a stop or a crash leaves whole files,
/// old or new. Files that appear meanwhile are taken up until none is stale.
///
/// # Errors
/// When a function is not a scored one, or reading, scoring or committing fails.
pub async fn rescore(
    lake: &Arc<Lake>,
    models: &ModelSet,
    options: &RescoreOptions,
    mut progress: impl FnMut(RescoreProgress),
) -> Result<RescoreReport, EnrichError> {
    let all = model_map(models);
    let wanted = wanted(&all, &options.functions)?;
    record(lake, models.id(), &all).await?;
    let table = lake.table(MESSAGES)?;
    let mut report = RescoreReport::default();
    loop {
        let stale = stale_files(lake, table, &wanted).await?;
        let waiting: u64 = stale.iter().map(|(file, _)| file.records).sum();
        progress(RescoreProgress {
            rows: report.rows,
            total_rows: report.rows + waiting,
        });
        let Some((first, functions)) = stale.first() else {
            report.complete = true;
            let others = wanted != all && !stale_files(lake, table, &all).await?.is_empty();
            if others || lake.catalog().active_set == models.id() {
                return Ok(report);
            }
            // Writers that still used the set that was active until now may have added files.
            activate(lake, models).await?;
            report.activated = true;
            continue;
        };
        if options.stop.is_cancelled() {
            report.complete = false;
            return Ok(report);
        }
        // What other processes' files are scored by, and what the caller may stop for.
        lake.refresh_catalog().await?;
        let group = group(lake, table, &stale);
        let rows: u64 = group.iter().map(|file| file.records).sum();
        let rewrite = Rewrite::new(models, &all, set_of(lake, table, first), functions);
        record(lake, &rewrite.id, &rewrite.models).await?;
        let added = rewritten(table, &group, models, rewrite)?;
        match table.replace(&group, added).await {
            Ok(_) => {
                report.files += group.len();
                report.rows += rows;
            }
            Err(error) if error.is_retryable() => report.overtaken += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The models of the functions asked for.
fn wanted(all: &ModelMap, functions: &[String]) -> Result<ModelMap, EnrichError> {
    if functions.is_empty() {
        return Ok(all.clone());
    }
    let find = |name: &String| match all.get_key_value(name) {
        Some((function, model)) => Ok((function.clone(), model.clone())),
        None => Err(EnrichError::Function {
            name: name.clone(),
            known: all
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        }),
    };
    functions.iter().map(find).collect()
}

type Stale = (Arc<DataFile>, Vec<String>);

/// Files with rows whose scores are not from the wanted models, and the functions concerned.
async fn stale_files(
    lake: &Lake,
    table: &LakeTable,
    wanted: &ModelMap,
) -> Result<Vec<Stale>, EnrichError> {
    let snapshot = table.snapshot().await?;
    let mut stale = Vec::new();
    for file in snapshot.files().iter().filter(|file| !file.deleted) {
        let written_with = set_of(lake, table, file);
        let functions = stale_functions(written_with.as_ref(), wanted);
        if !functions.is_empty() {
            stale.push((
                Arc::clone(file),
                functions.into_iter().map(String::from).collect(),
            ));
        }
    }
    Ok(stale)
}

fn set_of(lake: &Lake, table: &LakeTable, file: &DataFile) -> Option<ModelMap> {
    let scored_by = file.constant(table.schema().index_of(SCORED_BY).ok()?)?;
    lake.catalog()
        .model_sets
        .get(scored_by.try_as_str()??)
        .cloned()
}

/// The first stale file and the small ones behind it that need the same.
fn group(lake: &Lake, table: &LakeTable, stale: &[Stale]) -> Vec<Arc<DataFile>> {
    let mut group: Vec<Arc<DataFile>> = Vec::new();
    let mut bytes = 0;
    let Some((first, functions)) = stale.first() else {
        return group;
    };
    let set = set_of(lake, table, first);
    for (file, stale_functions) in stale {
        let alike = stale_functions == functions
            && file.settled == first.settled
            && set_of(lake, table, file) == set;
        if !alike || (!group.is_empty() && bytes + file.size > GROUP_BYTES) {
            break;
        }
        bytes += file.size;
        group.push(Arc::clone(file));
    }
    group
}

/// What is done to a group of files: which columns are scored anew, and under which set the rows
/// are kept afterwards.
struct Rewrite {
    id: String,
    models: ModelMap,
    columns: Vec<ScoreColumn>,
}

impl Rewrite {
    fn new(
        models: &ModelSet,
        all: &ModelMap,
        written_with: Option<ModelMap>,
        functions: &[String],
    ) -> Rewrite {
        let mut set = written_with.unwrap_or_default();
        for function in functions {
            if let Some(model) = all.get(function) {
                set.insert(function.clone(), model.clone());
            }
        }
        let id = if &set == all {
            models.id().to_string()
        } else {
            mixed_set_id(&set)
        };
        let is_stale = |column: &ScoreColumn| functions.iter().any(|f| f == column.function());
        let columns = ScoreColumn::ALL.into_iter().filter(is_stale).collect();
        Rewrite {
            id,
            models: set,
            columns,
        }
    }
}

/// The rows of some files with their scores made anew.
fn rewritten(
    table: &LakeTable,
    files: &[Arc<DataFile>],
    models: &ModelSet,
    rewrite: Rewrite,
) -> Result<SendableRecordBatchStream, EnrichError> {
    let context = SessionContext::new();
    let state = context.state();
    let plan = table.scan_files(&state, files, None, &[], None)?;
    let rows = execute_stream(plan, context.task_ctx())?;
    let schema: SchemaRef = table.schema();
    let models = models.clone();
    let score = move |batch: RecordBatch| {
        score_columns(&batch, &models, &rewrite.columns, &rewrite.id)
            .map_err(|error| DataFusionError::External(Box::new(error)))
    };
    let scored = rows.map(move |batch| batch.and_then(&score));
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, scored)))
}

async fn activate(lake: &Lake, models: &ModelSet) -> Result<(), EnrichError> {
    let id = models.id().to_string();
    lake.update_catalog(|catalog| {
        catalog.active_set.clone_from(&id);
        Ok::<_, EnrichError>(())
    })
    .await?;
    Ok(())
}
