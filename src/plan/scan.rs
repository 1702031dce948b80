//! Planning the scan: which files answer from their columns, which from their text.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::cast::as_boolean_array;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, plan_datafusion_err, project_schema};
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, ExprSchemable, lit, when};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::union::UnionExec;

use super::call::ScoreCall;
use super::explain::StoredScoresExec;
use super::options::ScoreOptions;
use super::scored_messages::ScoredMessages;
use crate::enrich::{LAST_SCORED_ROLE, SCORED_BY, UNSCORED_ROLES};
use crate::ingest::Writable;
use crate::lake::schema::MESSAGES;
use crate::lake::{DataFile, LakeTable, LakeTableProvider, SnapshotPins};

/// How a group of files answers: `stored[i]` where the column of call `i` is current, and whether
/// some of their rows were never scored because of their role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    stored: Vec<bool>,
    has_unscored_rows: bool,
}

/// Files that are read in one way.
struct Group {
    kind: Kind,
    files: Vec<Arc<DataFile>>,
    /// Rows that may be later versions of rows in settled files, see [`DataFile::settled`].
    is_tail: bool,
}

/// The lake's `messages` behind a provider, or behind the one that makes it writable.
pub(super) fn messages_table(provider: &Arc<dyn TableProvider>) -> Option<Arc<LakeTable>> {
    let read = provider
        .downcast_ref::<Writable>()
        .map_or(provider, Writable::inner);
    let table = read.downcast_ref::<LakeTableProvider>()?.table();
    (table.name() == MESSAGES).then(|| Arc::clone(table))
}

/// A plan that gives the projected columns of `messages`, answers among them.
pub(super) async fn plan(
    messages: &ScoredMessages,
    state: &dyn Session,
    projection: Option<&Vec<usize>>,
    filters: &[Expr],
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = project_schema(&messages.schema(), projection)?;
    let columns: Vec<usize> = match projection {
        Some(columns) => columns.clone(),
        None => (0..schema.fields().len()).collect(),
    };
    let calls: Vec<&ScoreCall> = columns
        .iter()
        .filter_map(|c| messages.answered(*c))
        .collect();
    let snapshot = SnapshotPins::of(state, messages.table()).await?;
    let (settled, tail) = snapshot.split();
    let groups = group_files(messages, state, &calls, filters, settled, &tail)?;
    let summary = summary(&calls, &groups);
    let scan = Scan {
        messages,
        state,
        schema,
        columns,
        filters,
        limit,
        tail,
    };
    let mut parts = Vec::with_capacity(groups.len());
    for group in &groups {
        parts.push(scan.part(&calls, group)?);
    }
    let plan = match parts.len() {
        0 => Arc::new(EmptyExec::new(Arc::clone(&scan.schema))),
        1 => parts.swap_remove(0),
        _ => UnionExec::try_new(parts)?,
    };
    Ok(Arc::new(StoredScoresExec::new(plan, summary.into())))
}

/// The files by how they answer; one group where every file answers alike.
fn group_files(
    messages: &ScoredMessages,
    state: &dyn Session,
    calls: &[&ScoreCall],
    filters: &[Expr],
    settled: Vec<Arc<DataFile>>,
    tail: &[Arc<DataFile>],
) -> Result<Vec<Group>> {
    let options = state.config_options().extensions.get::<ScoreOptions>();
    let catalog = options.map(|options| options.lake().catalog());
    let schema = messages.table().schema();
    let (role, scored_by) = (schema.index_of("role")?, schema.index_of(SCORED_BY)?);
    let unscored_excluded = excludes_unscored_roles(state, filters, &schema).unwrap_or(false);
    let kind_of = |file: &Arc<DataFile>| {
        let set = file
            .constant(scored_by)
            .and_then(|set| set.try_as_str().flatten());
        let written_with = set
            .zip(catalog.as_ref())
            .and_then(|(set, c)| c.model_sets.get(set));
        let is_current = |call: &&ScoreCall| {
            let function = call.stored.column.function();
            let wanted = options.and_then(|options| options.models.get(function));
            wanted.is_some() && written_with.and_then(|set| set.get(function)) == wanted
        };
        let stored: Vec<bool> = calls.iter().map(is_current).collect();
        let has_unscored_rows = !unscored_excluded
            && stored.contains(&true)
            && may_exceed(file, role, LAST_SCORED_ROLE);
        Kind {
            stored,
            has_unscored_rows,
        }
    };
    let mut by_kind: BTreeMap<Kind, Vec<Arc<DataFile>>> = BTreeMap::new();
    for file in settled {
        by_kind.entry(kind_of(&file)).or_default().push(file);
    }
    let mut groups: Vec<Group> = by_kind
        .into_iter()
        .map(|(kind, files)| Group {
            kind,
            files,
            is_tail: false,
        })
        .collect();
    // The tail is merged as a whole: a column counts only where it is current in all of it.
    let tail_kind = tail.iter().map(kind_of).reduce(|one, other| Kind {
        stored: one
            .stored
            .iter()
            .zip(&other.stored)
            .map(|(a, b)| *a && *b)
            .collect(),
        has_unscored_rows: one.has_unscored_rows || other.has_unscored_rows,
    });
    if let Some(kind) = tail_kind {
        groups.push(Group {
            kind,
            files: tail.to_vec(),
            is_tail: true,
        });
    }
    Ok(groups)
}

/// Whether a file may have a text above `bound` in a column.
fn may_exceed(file: &DataFile, column: usize, bound: &str) -> bool {
    let max = file
        .range(column)
        .and_then(|range| range.max.as_ref()?.try_as_str()?);
    max.is_none_or(|max| max > bound)
}

/// Whether the filters on `role` alone reject every role that is never scored.
fn excludes_unscored_roles(
    state: &dyn Session,
    filters: &[Expr],
    schema: &SchemaRef,
) -> Result<bool> {
    let on_role = |filter: &&Expr| {
        let columns = filter.column_refs();
        !columns.is_empty() && columns.iter().all(|column| column.name == "role")
    };
    let Some(filter) = conjunction(filters.iter().filter(on_role).cloned()) else {
        return Ok(false);
    };
    let role = Schema::new(vec![schema.field_with_name("role")?.clone()]);
    let filter = state.create_physical_expr(filter, &DFSchema::try_from(role.clone())?)?;
    let roles = StringArray::from_iter_values(UNSCORED_ROLES);
    let roles = cast(&roles, role.field(0).data_type())?;
    let batch = RecordBatch::try_new(Arc::new(role), vec![roles])?;
    let kept = filter.evaluate(&batch)?.into_array(batch.num_rows())?;
    Ok(as_boolean_array(&kept)?.true_count() == 0)
}

fn summary(calls: &[&ScoreCall], groups: &[Group]) -> String {
    let count = |wanted: &dyn Fn(&Kind) -> bool| -> usize {
        groups
            .iter()
            .filter(|group| wanted(&group.kind))
            .map(|group| group.files.len())
            .sum()
    };
    let files = count(&|_| true);
    let mut stored = Vec::new();
    let mut computed = Vec::new();
    for (i, call) in calls.iter().enumerate() {
        let name = call.function.name();
        let stale = count(&|kind| !kind.stored[i]);
        if stale < files || files == 0 {
            stored.push(name.to_string());
        }
        if stale > 0 {
            computed.push(format!("{name} in {stale} of {files} files"));
        }
    }
    let mixed = count(&|kind| kind.has_unscored_rows);
    if mixed > 0 {
        computed.push(format!("tool and system rows in {mixed} of {files} files"));
    }
    format!(
        "stored=[{}], computed=[{}]",
        stored.join(", "),
        computed.join(", ")
    )
}

/// What the groups of one scan share.
struct Scan<'a> {
    messages: &'a ScoredMessages,
    state: &'a dyn Session,
    /// The columns to give, and their positions in `messages`.
    schema: SchemaRef,
    columns: Vec<usize>,
    filters: &'a [Expr],
    limit: Option<usize>,
    /// The files whose rows may supersede others.
    tail: Vec<Arc<DataFile>>,
}

impl Scan<'_> {
    /// The rows of one group of files.
    fn part(&self, calls: &[&ScoreCall], group: &Group) -> Result<Arc<dyn ExecutionPlan>> {
        let kind = &group.kind;
        let own = self.messages.inner().schema();
        let mut outputs = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            outputs.push(match self.messages.answered(*column) {
                None => Expr::Column(Column::from_name(own.field(*column).name())),
                Some(call) => {
                    let known = calls
                        .iter()
                        .position(|c| c.column_name() == call.column_name());
                    answer(
                        self.state,
                        call,
                        known.is_some_and(|i| kind.stored[i]),
                        kind.has_unscored_rows,
                    )?
                }
            });
        }
        // Rows that a filter drops are not worth scoring.
        let computes = kind.has_unscored_rows || kind.stored.contains(&false);
        let own_filters = self
            .filters
            .iter()
            .filter(|f| !self.messages.reads_answer(f))
            .cloned();
        let filter = computes.then(|| conjunction(own_filters)).flatten();
        let mut read = Vec::new();
        for expression in outputs.iter().chain(&filter) {
            for column in expression.column_refs() {
                read.push(own.index_of(&column.name)?);
            }
        }
        read.sort_unstable();
        read.dedup();
        let pruning = self.pruning(calls, kind)?;
        let limit = if filter.is_some() { None } else { self.limit };
        let settled = if group.is_tail {
            &[]
        } else {
            group.files.as_slice()
        };
        let mut plan = self.messages.table().scan_latest(
            self.state,
            settled,
            &self.tail,
            group.is_tail,
            Some(&read),
            &pruning,
            limit,
        )?;
        let schema = DFSchema::try_from(plan.schema())?;
        if let Some(filter) = filter {
            let filter = self.state.create_physical_expr(filter, &schema)?;
            plan = Arc::new(FilterExec::try_new(filter, plan)?);
        }
        let mut expressions = Vec::with_capacity(outputs.len());
        for (output, field) in outputs.into_iter().zip(self.schema.fields()) {
            let output = output.cast_to(field.data_type(), &schema)?;
            expressions.push(ProjectionExpr {
                expr: self.state.create_physical_expr(output, &schema)?,
                alias: field.name().clone(),
            });
        }
        let plan = ProjectionExec::try_new_with_schema_metadata(expressions, plan, &self.schema)?;
        Ok(Arc::new(plan))
    }

    /// The filters by which files and row groups can be skipped: an answer's own column stands for
    /// it where every row of the group has it stored.
    fn pruning(&self, calls: &[&ScoreCall], kind: &Kind) -> Result<Vec<Expr>> {
        let mut pruning = Vec::new();
        for filter in self.filters {
            let mut usable = true;
            let replaced = filter.clone().transform_up(|part| {
                let Expr::Column(column) = &part else {
                    return Ok(Transformed::no(part));
                };
                let Some(i) = calls.iter().position(|c| c.column_name() == column.name) else {
                    return Ok(Transformed::no(part));
                };
                let stored = calls[i].stored;
                usable &= kind.stored[i] && !kind.has_unscored_rows && stored.derive.is_none();
                Ok(Transformed::yes(Expr::Column(Column::from_name(
                    stored.column.name(),
                ))))
            })?;
            // An answer that only a filter reads is among the scan's columns as well: whatever
            // still names one cannot be told from the file.
            if usable && !self.messages.reads_answer(&replaced.data) {
                pruning.push(replaced.data);
            }
        }
        Ok(pruning)
    }
}

/// The expression over a file's own columns that gives the value of a call.
fn answer(
    state: &dyn Session,
    call: &ScoreCall,
    is_stored: bool,
    has_unscored_rows: bool,
) -> Result<Expr> {
    let name = |name: &str| Expr::Column(Column::from_name(name));
    let computed = call.function.call(vec![name("text")]);
    if !is_stored {
        return Ok(computed);
    }
    let column = name(call.stored.column.name());
    let stored = match call.stored.derive {
        None => column,
        Some(derive) => state
            .scalar_functions()
            .get(derive)
            .ok_or_else(|| plan_datafusion_err!("the function {derive} is not registered"))?
            .call(vec![column]),
    };
    if !has_unscored_rows {
        return Ok(stored);
    }
    let unscored = name("role").in_list(UNSCORED_ROLES.map(lit).to_vec(), false);
    when(unscored, computed).otherwise(stored)
}
