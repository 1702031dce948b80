//! Where a lake is: from a URL or path to an object store.

use std::collections::HashMap;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parking_lot::Mutex;
use url::Url;

use super::LakeError;

/// The object store of a lake and the lake's place in it.
#[derive(Debug, Clone)]
pub struct Store {
    /// The lake's address, without a slash at its end.
    url: Url,
    /// The store, from its root.
    root: Arc<dyn ObjectStore>,
    /// Path of the lake below the root.
    prefix: Path,
    /// The store's address in DataFusion's registry.
    object_store_url: ObjectStoreUrl,
    /// The store is not the one that the address names.
    is_replaced: bool,
    /// Files are written through to the disk before they count as written.
    syncs: bool,
}

/// Name of the first entry of a table's log, with which its folders come into being.
const FIRST_ENTRY: &str = "00000000000000000000";

/// Lakes in memory, by the name in `memory://name`: a second `Lake::open` sees the first's data.
static MEMORY: LazyLock<Mutex<HashMap<String, Arc<InMemory>>>> = LazyLock::new(Mutex::default);

impl Store {
    /// The store at `url`: a path, `file://`, `memory://name`, `s3://`, `gs://`, `az://`.
    /// `options` come on top of the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, …);
    /// `instead` takes the place of the store that the address names.
    ///
    /// # Errors
    /// When the address is malformed or the kind of store is not built in.
    pub fn open(
        url: &str,
        options: &HashMap<String, String>,
        instead: Option<Arc<dyn ObjectStore>>,
    ) -> Result<Self, LakeError> {
        let parsed = parse(url)?;
        let (root, path): (Arc<dyn ObjectStore>, String) = match parsed.scheme() {
            "file" => {
                if let Some(host) = parsed.host_str().filter(|host| *host != "localhost") {
                    let path = format!("{host}{}", parsed.path());
                    let message = format!(
                        "{host} would be the name of a machine: write file:///{path}, or {path} \
                         for a path below this folder"
                    );
                    return Err(location(url, message));
                }
                (Arc::new(LocalFileSystem::new()), parsed.path().to_string())
            }
            "memory" => {
                let name = parsed.host_str().unwrap_or_default().to_string();
                let store = MEMORY.lock().entry(name).or_default().clone();
                (store, parsed.path().to_string())
            }
            "s3" | "s3a" => (s3(&parsed, options)?, parsed.path().to_string()),
            "gs" => (google(&parsed, options)?, parsed.path().to_string()),
            "az" => (azure(&parsed, options)?, parsed.path().to_string()),
            other => {
                let known = "a path, file://, memory://, s3://, gs:// or az://";
                return Err(location(
                    url,
                    format!("unknown scheme {other}: use {known}"),
                ));
            }
        };
        if matches!(parsed.scheme(), "file" | "memory") && !options.is_empty() {
            let given: Vec<&str> = options.keys().map(String::as_str).collect();
            tracing::warn!(
                url,
                options = given.join(", "),
                "storage options without effect"
            );
        }
        let prefix = Path::from_url_path(path.trim_matches('/'))
            .map_err(|error| location(url, error.to_string()))?;
        let authority = match parsed.scheme() {
            "file" => "file:///".to_string(),
            scheme => format!("{scheme}://{}/", parsed.host_str().unwrap_or_default()),
        };
        let object_store_url =
            ObjectStoreUrl::parse(&authority).map_err(|error| location(url, error.to_string()))?;
        Ok(Store {
            url: parsed,
            is_replaced: instead.is_some(),
            syncs: true,
            root: instead.unwrap_or(root),
            prefix,
            object_store_url,
        })
    }

    /// The lake's address.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store, from its root.
    pub fn root(&self) -> &Arc<dyn ObjectStore> {
        &self.root
    }

    /// Path of something in the lake, from the store's root.
    pub fn path(&self, below: &str) -> Result<Path, LakeError> {
        let path = match self.prefix.as_ref() {
            "" => below.to_string(),
            prefix => format!("{prefix}/{below}"),
        };
        Path::parse(&path).map_err(|error| location(&path, error.to_string()))
    }

    /// The address under which [`Store::register`] makes the store known.
    pub fn object_store_url(&self) -> &ObjectStoreUrl {
        &self.object_store_url
    }

    /// Has what was put at a path of the local file system survive a power loss: the bytes and the
    /// name. Other stores have done so when they answer.
    pub(crate) async fn persist(&self, path: &Path) -> Result<(), LakeError> {
        if !self.syncs || self.is_replaced || self.url.scheme() != "file" {
            return Ok(());
        }
        let fail = |source| LakeError::store(format!("writing {path} to the disk"), source);
        let file = LocalFileSystem::new()
            .path_to_filesystem(path)
            .map_err(fail)?;
        let lake = self.url.to_file_path().unwrap_or_default();
        let synced = tokio::task::spawn_blocking(move || {
            std::fs::File::open(&file)?.sync_all()?;
            // The folder holds the name; a new folder's name is in the one above.
            let first = file.file_stem().is_some_and(|name| name == FIRST_ENTRY);
            let folders = file.ancestors().skip(1);
            let folders = folders.take_while(|folder| folder.starts_with(&lake));
            for folder in folders.take(if first { usize::MAX } else { 1 }) {
                sync_folder(folder)?;
            }
            Ok(())
        });
        let synced = synced
            .await
            .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
        synced.map_err(|error: std::io::Error| {
            fail(object_store::Error::Generic {
                store: "file",
                source: error.into(),
            })
        })
    }

    /// Whether [`Store::persist`] does anything.
    pub(crate) fn with_sync(mut self, syncs: bool) -> Self {
        self.syncs = syncs;
        self
    }

    /// The folder of something in a lake of the local file system.
    fn folder(&self, below: &str) -> Option<PathBuf> {
        let folder = self.url.to_file_path().ok().filter(|_| !self.is_replaced)?;
        Some(folder.join(below))
    }

    /// Removes what writes of a table have left that died half-way: `LocalFileSystem` writes beside
    /// the place of a file first, and lists nothing of it.
    pub(crate) async fn remove_staged(
        &self,
        table: &str,
        older_than: Duration,
    ) -> Result<(), LakeError> {
        let Some(folder) = self.folder(table) else {
            return Ok(());
        };
        let removed = tokio::task::spawn_blocking(move || {
            let log = folder.join("_delta_log");
            [folder, log]
                .iter()
                .map(|at| remove_staged(at, older_than))
                .sum::<usize>()
        });
        let removed = removed
            .await
            .map_err(|error| datafusion::error::DataFusionError::External(Box::new(error)))?;
        tracing::debug!(table, removed, "removed what unfinished writes have left");
        Ok(())
    }

    /// Makes the store known to an execution environment.
    pub fn register(&self, runtime: &RuntimeEnv) {
        let url: &Url = self.object_store_url.as_ref();
        runtime.register_object_store(url, Arc::clone(&self.root));
    }

    /// The Delta log of a table.
    pub fn log_store(&self, table: &str) -> Result<LogStoreRef, LakeError> {
        let prefixed = PrefixStore::new(Arc::clone(&self.root), self.path(table)?);
        let mut url = self.url.clone();
        if url.scheme() == "memory" {
            // The kernel takes the path below the root from the URL; the name is the store's.
            url = parse(&format!("memory:///{}", self.prefix))?;
        }
        url.set_path(&format!("{}/{table}/", url.path().trim_end_matches('/')));
        let root = Arc::clone(&self.root);
        Ok(default_logstore(
            Arc::new(prefixed),
            root,
            &url,
            &StorageConfig::default(),
        ))
    }

    /// Reads a whole object, `None` when there is none.
    pub async fn get(&self, path: &Path) -> Result<Option<bytes::Bytes>, LakeError> {
        let context = || format!("reading {path}");
        match self.root.get(path).await {
            Ok(found) => found
                .bytes()
                .await
                .map(Some)
                .map_err(|error| LakeError::store(context(), error)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(LakeError::store(context(), error)),
        }
    }
}

#[cfg(unix)]
fn sync_folder(folder: &FilePath) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened, and the file system keeps the names by itself.
#[cfg(not(unix))]
fn sync_folder(_: &FilePath) -> std::io::Result<()> {
    Ok(())
}

/// Removes old files with names as `part.parquet#1` from a folder. What cannot be removed stays for
/// the next time.
fn remove_staged(folder: &FilePath, older_than: Duration) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_staged = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.rsplit_once('#'));
        number.is_some_and(|(_, number)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let is_old = |entry: &std::fs::DirEntry| {
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age >= older_than))
    };
    entries
        .filter(|entry| is_staged(entry) && is_old(entry))
        .filter(|entry| std::fs::remove_file(entry.path()).is_ok())
        .count()
}

fn location(url: &str, message: impl Into<String>) -> LakeError {
    LakeError::Location {
        url: url.to_string(),
        message: message.into(),
    }
}

/// A URL as it is; anything without `://` is a path in the file system.
fn parse(url: &str) -> Result<Url, LakeError> {
    if url.contains("://") {
        return Url::parse(url).map_err(|error| location(url, error.to_string()));
    }
    if url.is_empty() {
        return Err(location(url, "the path is empty"));
    }
    let absolute =
        std::path::absolute(FilePath::new(url)).map_err(|e| location(url, e.to_string()))?;
    Url::from_file_path(&absolute).map_err(|()| location(url, "not a path of the file system"))
}

/// A mistake in the name of a setting must not end in a store without it.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
fn unknown_option(url: &Url, option: &str) -> LakeError {
    let message = format!(
        "there is no storage option {option} for {}://",
        url.scheme()
    );
    location(url.as_str(), message)
}

#[cfg(feature = "s3")]
fn s3(url: &Url, options: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
    let mut builder = AmazonS3Builder::from_env().with_url(url.as_str());
    for (key, value) in options {
        let known = key.to_ascii_lowercase().parse::<AmazonS3ConfigKey>();
        builder = builder.with_config(known.map_err(|_| unknown_option(url, key))?, value);
    }
    let store = builder
        .build()
        .map_err(|error| location(url.as_str(), error.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(feature = "gcs")]
fn google(url: &Url, options: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
    let mut builder = GoogleCloudStorageBuilder::from_env().with_url(url.as_str());
    for (key, value) in options {
        let known = key.to_ascii_lowercase().parse::<GoogleConfigKey>();
        builder = builder.with_config(known.map_err(|_| unknown_option(url, key))?, value);
    }
    let store = builder
        .build()
        .map_err(|error| location(url.as_str(), error.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(feature = "azure")]
fn azure(url: &Url, options: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
    let mut builder = MicrosoftAzureBuilder::from_env().with_url(url.as_str());
    for (key, value) in options {
        let known = key.to_ascii_lowercase().parse::<AzureConfigKey>();
        builder = builder.with_config(known.map_err(|_| unknown_option(url, key))?, value);
    }
    let store = builder
        .build()
        .map_err(|error| location(url.as_str(), error.to_string()))?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "s3"))]
fn s3(url: &Url, _: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    Err(location(url.as_str(), "built without the feature `s3`"))
}

#[cfg(not(feature = "gcs"))]
fn google(url: &Url, _: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    Err(location(url.as_str(), "built without the feature `gcs`"))
}

#[cfg(not(feature = "azure"))]
fn azure(url: &Url, _: &HashMap<String, String>) -> Result<Arc<dyn ObjectStore>, LakeError> {
    Err(location(url.as_str(), "built without the feature `azure`"))
}
