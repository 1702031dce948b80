//! The catalog object in the lake: numbered files, each created once.
//!
//! `_verbatim/catalog/<number>.json`; the highest number counts. Creating a file that must not yet
//! be there is the one conditional write that every store has, local folders included.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use rand::Rng as _;
use serde_json::Value;

use super::{CatalogObject, SCHEMA_VERSION};
use crate::lake::{LakeError, Store};

const FOLDER: &str = "_verbatim/catalog";
const ATTEMPTS: usize = 200;
/// Older versions stay for an hour, so that no number is given twice to writers that race.
const KEEP: chrono::TimeDelta = chrono::TimeDelta::hours(1);
const KEEP_VERSIONS: usize = 20;

/// Reads and changes a lake's catalog object.
#[derive(Debug)]
pub(crate) struct CatalogStore {
    store: Store,
    staleness: Duration,
    current: ArcSwap<Version>,
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Version {
    number: u64,
    object: Arc<CatalogObject>,
    read_at: Instant,
}

impl CatalogStore {
    /// Reads the catalog object; makes it where there is none and `create` is set.
    pub(crate) async fn open(
        store: &Store,
        create: bool,
        staleness: Duration,
    ) -> Result<Self, LakeError> {
        let current = match read_latest(store).await? {
            Some(version) => version,
            None if create => {
                let object = Arc::new(CatalogObject::default());
                // Where another process makes the lake at the same time, its object counts.
                put(store, 0, object.as_ref()).await?;
                read_latest(store).await?.ok_or_else(|| {
                    LakeError::Catalog("the new catalog object cannot be found".into())
                })?
            }
            None => {
                return Err(LakeError::Location {
                    url: store.url().to_string(),
                    message: "there is no lake here".into(),
                });
            }
        };
        let found = current.object.schema_version;
        if found != SCHEMA_VERSION {
            return Err(LakeError::SchemaVersion {
                found,
                expected: SCHEMA_VERSION,
            });
        }
        Ok(CatalogStore {
            store: store.clone(),
            staleness,
            current: ArcSwap::from_pointee(current),
            refreshing: tokio::sync::Mutex::default(),
        })
    }

    /// The object as last read.
    pub(crate) fn cached(&self) -> Arc<CatalogObject> {
        Arc::clone(&self.current.load().object)
    }

    /// The object, no older than the staleness bound.
    pub(crate) async fn fresh(&self) -> Result<Arc<CatalogObject>, LakeError> {
        if self.current.load().read_at.elapsed() > self.staleness {
            let _refreshing = self.refreshing.lock().await;
            if self.current.load().read_at.elapsed() > self.staleness {
                self.reload().await?;
            }
        }
        Ok(self.cached())
    }

    async fn reload(&self) -> Result<(), LakeError> {
        let read_at = Instant::now();
        let path = latest_path(&self.store).await?;
        let current = self.current.load_full();
        let version = match path {
            Some((number, _)) if number == current.number => Version {
                read_at,
                ..(*current).clone()
            },
            Some((number, path)) => read(&self.store, number, &path).await?,
            None => return Err(LakeError::Catalog("the catalog object is gone".into())),
        };
        self.current.store(Arc::new(version));
        Ok(())
    }

    /// Changes the object: on the latest version, again where another process was faster.
    pub(crate) async fn update<E: From<LakeError>>(
        &self,
        mut change: impl FnMut(&mut CatalogObject) -> Result<(), E>,
    ) -> Result<Arc<CatalogObject>, E> {
        let _refreshing = self.refreshing.lock().await;
        for attempt in 0..ATTEMPTS {
            self.reload().await?;
            let current = self.current.load_full();
            let mut object = (*current.object).clone();
            change(&mut object)?;
            if object == *current.object {
                return Ok(Arc::clone(&current.object));
            }
            let object = Arc::new(object);
            let number = current.number + 1;
            if put(&self.store, number, object.as_ref()).await? {
                let read_at = Instant::now();
                self.current.store(Arc::new(Version {
                    number,
                    object: Arc::clone(&object),
                    read_at,
                }));
                if let Err(error) = clean_up(&self.store).await {
                    tracing::warn!(%error, "old versions of the catalog object stay");
                }
                return Ok(object);
            }
            let pause = Duration::from_millis(5 << attempt.min(6));
            let pause = rand::rng().random_range(Duration::ZERO..=pause);
            tokio::time::sleep(pause).await;
        }
        Err(LakeError::Catalog(format!("no change got through in {ATTEMPTS} attempts")).into())
    }
}

fn path_of(store: &Store, number: u64) -> Result<Path, LakeError> {
    store.path(&format!("{FOLDER}/{number:020}.json"))
}

fn number_of(path: &Path) -> Option<u64> {
    path.filename()?.strip_suffix(".json")?.parse().ok()
}

/// Versions in the store, the latest last.
async fn versions(store: &Store) -> Result<Vec<(u64, object_store::ObjectMeta)>, LakeError> {
    let folder = store.path(FOLDER)?;
    let listed: Vec<_> = store
        .root()
        .list(Some(&folder))
        .try_collect()
        .await
        .map_err(|error| LakeError::store(format!("listing {folder}"), error))?;
    let mut versions: Vec<_> = listed
        .into_iter()
        .filter_map(|meta| Some((number_of(&meta.location)?, meta)))
        .collect();
    versions.sort_by_key(|(number, _)| *number);
    Ok(versions)
}

async fn latest_path(store: &Store) -> Result<Option<(u64, Path)>, LakeError> {
    Ok(versions(store)
        .await?
        .pop()
        .map(|(number, meta)| (number, meta.location)))
}

async fn read_latest(store: &Store) -> Result<Option<Version>, LakeError> {
    match latest_path(store).await? {
        Some((number, path)) => read(store, number, &path).await.map(Some),
        None => Ok(None),
    }
}

async fn read(store: &Store, number: u64, path: &Path) -> Result<Version, LakeError> {
    let read_at = Instant::now();
    let document = read_document(store, path).await?;
    // The version first: a newer document may not be readable at all.
    let found = version_of(&document, path)?;
    if found != SCHEMA_VERSION {
        return Err(LakeError::SchemaVersion {
            found,
            expected: SCHEMA_VERSION,
        });
    }
    let object = serde_json::from_value(document)
        .map_err(|error| LakeError::Catalog(format!("{path}: {error}")))?;
    Ok(Version {
        number,
        object: Arc::new(object),
        read_at,
    })
}

async fn read_document(store: &Store, path: &Path) -> Result<Value, LakeError> {
    let bytes = store.get(path).await?;
    let bytes = bytes.ok_or_else(|| LakeError::Catalog(format!("{path} is gone")))?;
    serde_json::from_slice(&bytes).map_err(|error| LakeError::Catalog(format!("{path}: {error}")))
}

fn version_of(document: &Value, path: &Path) -> Result<u32, LakeError> {
    let version = document["schema_version"]
        .as_u64()
        .and_then(|number| number.try_into().ok());
    version.ok_or_else(|| LakeError::Catalog(format!("{path}: schema_version is missing")))
}

async fn latest_document(store: &Store) -> Result<(u64, Path, Value), LakeError> {
    let Some((number, path)) = latest_path(store).await? else {
        return Err(LakeError::Location {
            url: store.url().to_string(),
            message: "there is no lake here".into(),
        });
    };
    let document = read_document(store, &path).await?;
    Ok((number, path, document))
}

/// The schema version of the lake, whatever it is.
pub(crate) async fn schema_version(store: &Store) -> Result<u32, LakeError> {
    let (_, path, document) = latest_document(store).await?;
    version_of(&document, &path)
}

/// Sets the schema version of the lake and leaves the rest of the object as it is.
pub(crate) async fn set_schema_version(store: &Store, version: u32) -> Result<(), LakeError> {
    for _ in 0..ATTEMPTS {
        let (number, path, mut document) = latest_document(store).await?;
        if version_of(&document, &path)? == version {
            return Ok(());
        }
        document["schema_version"] = version.into();
        if put(store, number + 1, &document).await? {
            return Ok(());
        }
    }
    Err(LakeError::Catalog(format!(
        "no change got through in {ATTEMPTS} attempts"
    )))
}

/// Creates a version; false when the number is taken.
async fn put(
    store: &Store,
    number: u64,
    object: &impl serde::Serialize,
) -> Result<bool, LakeError> {
    let path = path_of(store, number)?;
    let bytes = serde_json::to_vec_pretty(object)
        .map_err(|error| LakeError::Catalog(format!("{path}: {error}")))?;
    let options = PutOptions {
        mode: PutMode::Create,
        ..PutOptions::default()
    };
    match store
        .root()
        .put_opts(&path, PutPayload::from(bytes.clone()), options)
        .await
    {
        Ok(_) => {
            store.persist(&path).await?;
            Ok(true)
        }
        // After a lost answer the store says so of one's own write.
        Err(
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. },
        ) => Ok(store.get(&path).await?.is_some_and(|found| found == bytes) && number > 0),
        Err(error) => Err(LakeError::store(format!("writing {path}"), error)),
    }
}

async fn clean_up(store: &Store) -> Result<(), LakeError> {
    let mut versions = versions(store).await?;
    versions.truncate(versions.len().saturating_sub(KEEP_VERSIONS));
    let before = chrono::Utc::now() - KEEP;
    for (_, meta) in versions
        .into_iter()
        .filter(|(_, meta)| meta.last_modified < before)
    {
        let deleted = store.root().delete(&meta.location).await;
        deleted.map_err(|error| LakeError::store(format!("deleting {}", meta.location), error))?;
    }
    Ok(())
}
