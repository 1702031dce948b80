//! A table of the lake as DataFusion sees it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::data_file::DataFile;
use super::latest::{LatestVersionExec, TailRows};
use super::pins::SnapshotPins;
use super::schema::{IS_DELETED, VERSION_AT};
use super::table::{LakeTable, Snapshot};

/// The latest version of each row of a lake table that is not deleted.
#[derive(Debug)]
pub struct LakeTableProvider {
    table: Arc<LakeTable>,
}

impl LakeTableProvider {
    /// The provider of a table.
    pub fn new(table: Arc<LakeTable>) -> Self {
        LakeTableProvider { table }
    }

    /// The table.
    pub fn table(&self) -> &Arc<LakeTable> {
        &self.table
    }
}

#[async_trait]
impl TableProvider for LakeTableProvider {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let snapshot = SnapshotPins::of(state, &self.table).await?;
        self.table
            .scan_snapshot(state, &snapshot, projection, filters, limit)
    }
}

impl Snapshot {
    /// The visible files that are settled and those that are not, see [`DataFile::settled`].
    pub fn split(&self) -> (Vec<Arc<DataFile>>, Vec<Arc<DataFile>>) {
        let files = self.files().iter().filter(|file| !file.deleted);
        files.cloned().partition(|file| file.settled)
    }
}

impl LakeTable {
    /// What users see of a snapshot: the latest version of each key that is not deleted.
    /// `filters` must be applied again above.
    ///
    /// # Errors
    /// When a filter cannot be planned.
    pub fn scan_snapshot(
        &self,
        state: &dyn Session,
        snapshot: &Snapshot,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (settled, tail) = snapshot.split();
        self.scan_latest(state, &settled, &tail, true, projection, filters, limit)
    }

    /// The rows of the `settled` files that no row of the `tail` supersedes and, with
    /// `with_tail`, the latest versions in the tail: for a plan that reads some settled files in
    /// one way and the others in another. The tail must be the snapshot's whole one.
    ///
    /// # Errors
    /// When a filter cannot be planned.
    #[allow(clippy::too_many_arguments)]
    pub fn scan_latest(
        &self,
        state: &dyn Session,
        settled: &[Arc<DataFile>],
        tail: &[Arc<DataFile>],
        with_tail: bool,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let rows = if with_tail {
            TailRows::Live
        } else {
            TailRows::None
        };
        self.scan_merged(state, settled, tail, rows, projection, filters, limit)
    }

    /// As [`LakeTable::scan_latest`]; `rows` says which rows of the tail come out.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn scan_merged(
        &self,
        state: &dyn Session,
        settled: &[Arc<DataFile>],
        tail: &[Arc<DataFile>],
        rows: TailRows,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if tail.is_empty() {
            return self.scan_files(state, settled, projection, filters, limit);
        }
        // A filter on anything but the key could hide the later version of a row that passes.
        let on_key = self.on_key(filters);
        let wanted: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema().fields().len()).collect(),
        };
        let with_versions = self.with_columns(&wanted, true);
        let overlapping = match self.overlapping(settled, tail) {
            files if files.is_empty() => None,
            files => {
                let columns = self.with_columns(&[], true);
                Some(self.scan_files(state, &files, Some(&columns), &on_key, None)?)
            }
        };
        let tail = self.scan_files(state, tail, Some(&with_versions), &on_key, None)?;
        let with_key = self.with_columns(&wanted, false);
        let settled = self.scan_files(state, settled, Some(&with_key), filters, None)?;
        Ok(Arc::new(LatestVersionExec::try_new(
            self.definition(),
            tail,
            Some(settled),
            overlapping,
            rows,
            wanted.len(),
        )?))
    }

    /// The wanted columns, then those that merging needs beside them.
    fn with_columns(&self, wanted: &[usize], versions: bool) -> Vec<usize> {
        let definition = self.definition();
        let mut columns = wanted.to_vec();
        let mut add = |column: usize| {
            if !columns.contains(&column) {
                columns.push(column);
            }
        };
        definition.key_indices().into_iter().for_each(&mut add);
        if versions {
            let names = definition.version_columns().iter().chain(&[IS_DELETED]);
            names
                .filter_map(|name| definition.columns.index_of(name).ok())
                .for_each(add);
        }
        columns
    }

    fn on_key(&self, filters: &[Expr]) -> Vec<Expr> {
        let key = self.key_columns();
        let on_key = |filter: &&Expr| {
            let columns = filter.column_refs();
            !columns.is_empty() && columns.iter().all(|column| key.contains(&column.name))
        };
        filters.iter().filter(on_key).cloned().collect()
    }

    /// The settled files that may have a row that is newer than one of the tail.
    fn overlapping(&self, settled: &[Arc<DataFile>], tail: &[Arc<DataFile>]) -> Vec<Arc<DataFile>> {
        // Rows of a table without `version_at` are settled unless edited or deleted.
        let Ok(version) = self.definition().columns.index_of(VERSION_AT) else {
            return Vec::new();
        };
        let oldest = tail.iter().map(|file| file.range(version)?.min.as_ref());
        let Some(oldest) = oldest.collect::<Option<Vec<_>>>() else {
            return settled.to_vec();
        };
        let is_older = |file: &&Arc<DataFile>| {
            let newest = file.range(version).and_then(|range| range.max.as_ref());
            newest.is_some_and(|newest| oldest.iter().all(|old| newest < *old))
        };
        let overlapping = settled.iter().filter(|file| !is_older(file));
        overlapping.cloned().collect()
    }
}
