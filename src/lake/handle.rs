//! The lake: its tables, its catalog object and the task that commits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::append::{Append, Appender, CommitHook, Committed, Hooks};
use super::options::LakeOptions;
use super::schema::{MESSAGES, built_in_tables};
use super::store::Store;
use super::table::LakeTable;
use super::{LakeError, TableSchema};
use crate::catalog::{CatalogObject, CatalogStore};

/// A lake: Delta tables and a catalog object at one address of an object store.
pub struct Lake {
    store: Store,
    tables: BTreeMap<String, Arc<LakeTable>>,
    catalog: CatalogStore,
    appender: Appender,
    hooks: Arc<Hooks>,
    options: Arc<LakeOptions>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake")
            .field("url", &self.store.url().as_str())
            .finish_non_exhaustive()
    }
}

impl Lake {
    /// Opens the lake at a path, `file://`, `memory://name`, `s3://`, `gs://` or `az://` address;
    /// makes a new one where there is none and the options allow it. The tables come into being
    /// with their first row.
    ///
    /// # Errors
    /// [`LakeError::Location`] for a bad address or no lake at it, [`LakeError::SchemaVersion`]
    /// for a lake of another version, the store's errors.
    pub async fn open(url: &str, options: LakeOptions) -> Result<Arc<Lake>, LakeError> {
        let store = Store::open(url, &options.storage, options.store.clone())?;
        let store = store.with_sync(options.sync);
        let catalog = CatalogStore::open(&store, options.create, options.staleness).await?;
        let options = Arc::new(options);
        let writer: Arc<str> = uuid::Uuid::new_v4().to_string().into();
        let definitions = built_in_tables()?;
        let mut messages: Option<Arc<LakeTable>> = None;
        let mut tables = BTreeMap::new();
        // `messages` is the first; the others depend on it.
        for definition in definitions {
            let table = Arc::new(LakeTable::new(
                Arc::clone(definition),
                &store,
                Arc::clone(&options),
                Arc::clone(&writer),
                messages.clone(),
            )?);
            if definition.name == MESSAGES {
                messages = Some(Arc::clone(&table));
            }
            tables.insert(definition.name.clone(), table);
        }
        let hooks: Arc<Hooks> = Arc::new(ArcSwap::from_pointee(Vec::new()));
        let appender = Appender::start(
            tables.values().cloned().collect(),
            Arc::clone(&options),
            Arc::clone(&hooks),
        );
        Ok(Arc::new(Lake {
            store,
            tables,
            catalog,
            appender,
            hooks,
            options,
        }))
    }

    /// The lake's address.
    pub fn url(&self) -> &str {
        self.store.url().as_str()
    }

    /// The lake's object store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A table by name.
    ///
    /// # Errors
    /// [`LakeError::NoSuchTable`].
    pub fn table(&self, name: &str) -> Result<&Arc<LakeTable>, LakeError> {
        self.tables
            .get(name)
            .ok_or_else(|| LakeError::NoSuchTable(name.to_string()))
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<LakeTable>> {
        self.tables.values()
    }

    /// The catalog object as last read; [`Lake::refresh_catalog`] brings it up to date.
    pub fn catalog(&self) -> Arc<CatalogObject> {
        self.catalog.cached()
    }

    /// The catalog object, at most [`LakeOptions::staleness`] old.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refresh_catalog(&self) -> Result<Arc<CatalogObject>, LakeError> {
        self.catalog.fresh().await
    }

    /// The catalog object as it is in the store now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn latest_catalog(&self) -> Result<Arc<CatalogObject>, LakeError> {
        self.catalog.update(|_| Ok(())).await
    }

    /// How long files that have been replaced stay for those who still read them.
    pub fn retention(&self) -> Duration {
        self.options.retention
    }

    /// Time between two removals of what is no longer needed.
    pub fn vacuum_interval(&self) -> Duration {
        self.options.vacuum_interval
    }

    /// How old what a process knows of the lake may be when a statement or a write starts.
    pub fn staleness(&self) -> Duration {
        self.options.staleness
    }

    /// Changes the catalog object. `change` is applied to the latest version, and again where
    /// another process was faster; nothing is written when it fails.
    ///
    /// # Errors
    /// The error of `change`, or the store's.
    pub async fn update_catalog<E: From<LakeError>>(
        &self,
        change: impl FnMut(&mut CatalogObject) -> Result<(), E>,
    ) -> Result<Arc<CatalogObject>, E> {
        self.catalog.update(change).await
    }

    /// Appends rows; they are durable and visible when this returns.
    ///
    /// # Errors
    /// [`LakeError::Column`] for rows that do not fit their table, [`LakeError::Moved`] when the
    /// caller has to look for duplicates again, the store's errors; nothing is visible then.
    pub async fn append(&self, append: Append) -> Result<Committed, LakeError> {
        let definition = |name: &str| -> Result<Arc<TableSchema>, LakeError> {
            Ok(Arc::clone(self.table(name)?.definition()))
        };
        self.appender.append(definition, append).await
    }

    /// Has `hook` called after each of this process's commits that add rows.
    pub fn on_commit(&self, hook: Arc<dyn CommitHook>) {
        self.hooks.rcu(|hooks| {
            let mut hooks = Vec::clone(hooks);
            hooks.push(Arc::clone(&hook));
            hooks
        });
    }

    /// Upkeep of every table now: few large files, no superseded versions, a short log, and
    /// nothing left in the store that no version needs.
    ///
    /// # Errors
    /// The store's; upkeep that another process was faster with is none.
    pub async fn maintain(&self) -> Result<(), LakeError> {
        for table in self.tables.values() {
            table.maintain().await?;
        }
        Ok(())
    }

    /// Commits what has been appended, waits for upkeep under way and refuses further appends.
    ///
    /// # Errors
    /// None at present; the appends themselves have had theirs.
    pub async fn close(&self) -> Result<(), LakeError> {
        self.appender.close().await;
        for table in self.tables.values() {
            table.background.close();
            table.background.wait().await;
        }
        Ok(())
    }
}
