//! Weight files that nothing names any more.

use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};

use super::EnrichError;
use super::own::FOLDER;
use crate::lake::{Lake, LakeError};

/// Deletes the weight files and cards of models that no name of the lake stands for any more, and the
/// ONNX graphs that none of the named ones reads; the number of files that went.
///
/// An active model has a name. Files whose scores are from a model that is gone need no weights:
/// they are computed anew, and the names of stored topics are in the catalog. A file stays for
/// [`LakeOptions::retention`](crate::lake::LakeOptions::retention) after it was written, since a
/// CREATE MODEL writes it before it gives it a name, and after it has lost its name, since
/// statements that run may still be about to read it.
///
/// # Errors
/// The store's.
pub async fn remove_unneeded(lake: &Lake) -> Result<usize, EnrichError> {
    let store = lake.store();
    let folder = store.path(FOLDER)?;
    let listing = |error| LakeError::store(format!("listing {folder}"), error);
    // The files first: a model that gets its name meanwhile is among the names.
    let files: Vec<_> = store
        .root()
        .list(Some(&folder))
        .try_collect()
        .await
        .map_err(listing)?;
    if files.is_empty() {
        return Ok(0);
    }
    let catalog = lake.latest_catalog().await?;
    let needed: BTreeSet<&str> = catalog
        .named_models
        .values()
        .flat_map(|named| std::iter::once(&named.id).chain(&named.encoder))
        .map(String::as_str)
        .collect();
    let retention = chrono::TimeDelta::from_std(lake.retention()).unwrap_or(chrono::TimeDelta::MAX);
    let now = chrono::Utc::now();
    let retired = |id: &str| {
        let at = catalog.retired_models.get(id).copied();
        at.and_then(chrono::DateTime::from_timestamp_micros)
    };
    let mut gone = BTreeSet::new();
    let mut removed = 0;
    for file in &files {
        let name = file.location.filename().unwrap_or_default();
        let id = name.split_once('.').map_or(name, |(id, _)| id);
        let since = retired(id).map_or(file.last_modified, |at| at.max(file.last_modified));
        if needed.contains(id) || now - since < retention {
            continue;
        }
        gone.insert(id);
        let deleting = |error| LakeError::store(format!("deleting {}", file.location), error);
        match store.root().head(&file.location).await {
            // Made anew since it was listed.
            Ok(found) if found.last_modified != file.last_modified => continue,
            Ok(_) => {}
            Err(object_store::Error::NotFound { .. }) => continue,
            Err(error) => return Err(deleting(error).into()),
        }
        match store.root().delete(&file.location).await {
            Ok(()) => removed += 1,
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(deleting(error).into()),
        }
    }
    if gone
        .iter()
        .any(|id| catalog.retired_models.contains_key(*id))
    {
        let forget = lake.update_catalog(|catalog| {
            catalog
                .retired_models
                .retain(|id, _| !gone.contains(id.as_str()));
            Ok::<_, EnrichError>(())
        });
        forget.await?;
    }
    Ok(removed)
}
