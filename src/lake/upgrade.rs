//! Bringing a lake of an older schema version up to date.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel as _;
use deltalake_core::kernel::{Action, CommitInfo, EagerSnapshot, MetadataExt as _};
use deltalake_core::schema::StructType;
use rand::Rng as _;

use super::options::LakeOptions;
use super::schema::built_in_tables;
use super::store::Store;
use super::table::LakeTable;
use super::{LakeError, TableSchema};
use crate::catalog::{self, SCHEMA_VERSION};

/// What an upgrade did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgraded {
    /// Version that the lake had.
    pub from: u32,
    /// Version that it has now.
    pub to: u32,
    /// Columns that tables got, as `table.column`.
    pub columns: Vec<String>,
}

/// Upgrades the lake at an address to this program's schema version: tables get the columns that
/// they lack (old rows are NULL in them), then the catalog object gets the new version. Files are
/// not rewritten. Safe to repeat.
///
/// # Errors
/// [`LakeError::SchemaVersion`] for a lake that is newer than the program, the store's errors.
pub async fn upgrade(url: &str, options: LakeOptions) -> Result<Upgraded, LakeError> {
    let store = Store::open(url, &options.storage, options.store.clone())?;
    let from = catalog::schema_version(&store).await?;
    if from > SCHEMA_VERSION {
        return Err(LakeError::SchemaVersion {
            found: from,
            expected: SCHEMA_VERSION,
        });
    }
    let options = Arc::new(options);
    let mut columns = Vec::new();
    for definition in built_in_tables()? {
        let writer: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let options = Arc::clone(&options);
        let table = LakeTable::new(Arc::clone(definition), &store, options, writer, None)?;
        let added = add_columns_between_writes(&table, definition).await?;
        columns.extend(
            added
                .into_iter()
                .map(|column| format!("{}.{column}", definition.name)),
        );
    }
    catalog::set_schema_version(&store, SCHEMA_VERSION).await?;
    Ok(Upgraded {
        from,
        to: SCHEMA_VERSION,
        columns,
    })
}

/// Tries of a table whose metadata is changed while others write.
const ATTEMPTS: u32 = 100;

/// Adds the columns that the table lacks, again where a write came in between.
async fn add_columns_between_writes(
    table: &LakeTable,
    definition: &TableSchema,
) -> Result<Vec<String>, LakeError> {
    for attempt in 0..ATTEMPTS {
        match add_columns(table, definition).await {
            Err(LakeError::Contention { .. }) => {
                let longest = Duration::from_millis(5 << attempt.min(6));
                let pause = rand::rng().random_range(Duration::ZERO..=longest);
                tokio::time::sleep(pause).await;
            }
            other => return other,
        }
    }
    Err(LakeError::Contention {
        table: definition.name.clone(),
        attempts: ATTEMPTS as usize,
    })
}

/// Adds the columns that the table in the lake lacks. A step of its own, since it conflicts with
/// every write that goes on meanwhile.
async fn add_columns(
    table: &LakeTable,
    definition: &TableSchema,
) -> Result<Vec<String>, LakeError> {
    let fail = |error: DeltaTableError| {
        LakeError::delta(format!("upgrading table {}", definition.name), error)
    };
    if table.fresh_state().await?.version < 0 {
        return Ok(Vec::new());
    }
    let snapshot = EagerSnapshot::try_new(table.log().as_ref(), None)
        .await
        .map_err(fail)?;
    let existing = snapshot.arrow_schema();
    let fields = definition.columns.fields().iter();
    let missing: Vec<_> = fields
        .filter(|field| existing.field_with_name(field.name()).is_err())
        .collect();
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(required) = missing.iter().find(|field| !field.is_nullable()) {
        return Err(LakeError::Column {
            table: definition.name.clone(),
            column: required.name().clone(),
            message: "is required, so it cannot be added to rows that lack it".into(),
        });
    }
    let schema: StructType = definition.columns.as_ref().try_into_kernel()?;
    let kernel = |error: deltalake_core::kernel::Error| fail(error.into());
    let metadata = snapshot
        .metadata()
        .clone()
        .with_schema(&schema)
        .map_err(kernel)?;
    let statistics = definition.statistics.join(",");
    let metadata = metadata
        .add_config_key("delta.dataSkippingStatsColumns".into(), statistics)
        .map_err(kernel)?;
    let info = CommitInfo {
        timestamp: Some(chrono::Utc::now().timestamp_millis()),
        operation: Some("CHANGE COLUMN".into()),
        operation_parameters: Some(HashMap::new()),
        ..CommitInfo::default()
    };
    table
        .commit_metadata(vec![Action::CommitInfo(info), Action::Metadata(metadata)])
        .await?;
    Ok(missing.iter().map(|field| field.name().clone()).collect())
}
