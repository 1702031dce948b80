//! The table `messages` with one more column for each call that its scan answers.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Constraints;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::call::ScoreCall;
use super::scan;
use crate::lake::LakeTable;

/// `messages`, with `__score_<function>` columns behind its own: the stored score where the file
/// is current for the function, else computed from the text.
#[derive(Debug)]
pub(super) struct ScoredMessages {
    /// The provider that the query named.
    inner: Arc<dyn TableProvider>,
    /// The Delta table behind it.
    table: Arc<LakeTable>,
    calls: Vec<ScoreCall>,
    schema: SchemaRef,
}

impl ScoredMessages {
    /// `provider` with a column that answers `call`, and the position of that column. `None` where
    /// column `column` of `provider` is not the text of the lake's messages.
    pub(super) fn with_answer(
        provider: &Arc<dyn TableProvider>,
        column: usize,
        call: &ScoreCall,
    ) -> Option<(ScoredMessages, usize)> {
        let (inner, table, mut calls) = match provider.downcast_ref::<ScoredMessages>() {
            Some(known) => (&known.inner, Arc::clone(&known.table), known.calls.clone()),
            None => (provider, scan::messages_table(provider)?, Vec::new()),
        };
        let own = inner.schema();
        if own.fields().get(column)?.name() != "text" {
            return None;
        }
        let known = calls
            .iter()
            .position(|known| known.function == call.function && known.data_type == call.data_type);
        let answer = known.unwrap_or_else(|| {
            calls.push(call.clone());
            calls.len() - 1
        });
        let fields = own.fields().iter().cloned();
        let added = calls.iter().map(|call| Arc::new(call.field()));
        let schema = Schema::new_with_metadata(
            fields.chain(added).collect::<Vec<_>>(),
            own.metadata().clone(),
        );
        let answer = own.fields().len() + answer;
        let scored = ScoredMessages {
            inner: Arc::clone(inner),
            table,
            calls,
            schema: Arc::new(schema),
        };
        Some((scored, answer))
    }

    /// The Delta table behind the columns.
    pub(super) fn table(&self) -> &Arc<LakeTable> {
        &self.table
    }

    /// The provider that has the table's own columns.
    pub(super) fn inner(&self) -> &Arc<dyn TableProvider> {
        &self.inner
    }

    /// The call whose answer is in column `column`.
    pub(super) fn answered(&self, column: usize) -> Option<&ScoreCall> {
        let own = self.schema.fields().len() - self.calls.len();
        self.calls.get(column.checked_sub(own)?)
    }

    /// Whether an expression reads an answer.
    pub(super) fn reads_answer(&self, expression: &Expr) -> bool {
        let columns = expression.column_refs();
        columns.iter().any(|column| {
            self.calls
                .iter()
                .any(|call| call.column_name() == column.name)
        })
    }
}

#[async_trait]
impl TableProvider for ScoredMessages {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        self.inner.constraints()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let own: Vec<&Expr> = filters
            .iter()
            .copied()
            .filter(|filter| !self.reads_answer(filter))
            .collect();
        let mut supported = self.inner.supports_filters_pushdown(&own)?.into_iter();
        Ok(filters
            .iter()
            .map(|filter| {
                // An answer may be computed behind the files' statistics: those only skip.
                if self.reads_answer(filter) {
                    return TableProviderFilterPushDown::Inexact;
                }
                match supported.next() {
                    Some(TableProviderFilterPushDown::Unsupported) | None => {
                        TableProviderFilterPushDown::Unsupported
                    }
                    Some(_) => TableProviderFilterPushDown::Inexact,
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        scan::plan(self, state, projection, filters, limit).await
    }
}
