//! Models of one's own: kept in the lake by content hash, read once by each process.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{PutMode, PutOptions, PutPayload};
use parking_lot::Mutex;
use verbatim_udfs::model::{ModelError, OwnModel, OwnModels};

use super::EnrichError;
use crate::catalog::CatalogObject;
use crate::lake::{Lake, LakeError};

/// The models that the calls of this process name, by name; the lake's catalog says which model a
/// name stands for.
#[derive(Debug)]
pub struct OwnModelStore {
    lake: Arc<Lake>,
    loaded: Mutex<BTreeMap<String, Arc<OwnModel>>>,
    shown: ArcSwap<OwnModels>,
}

impl OwnModelStore {
    /// No model is read yet.
    pub fn new(lake: Arc<Lake>) -> OwnModelStore {
        OwnModelStore {
            lake,
            loaded: Mutex::default(),
            shown: ArcSwap::default(),
        }
    }

    /// The models that were read so far, for the calls of one statement.
    pub fn loaded(&self) -> OwnModels {
        OwnModels::clone(&self.shown.load())
    }

    /// Keeps a weight file in the lake; the same bytes are kept once.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep(&self, model: &OwnModel, bytes: Vec<u8>) -> Result<(), EnrichError> {
        let path = self.path(model.id())?;
        let options = PutOptions {
            mode: PutMode::Create,
            ..PutOptions::default()
        };
        let payload = PutPayload::from_bytes(Bytes::from(bytes));
        match self
            .lake
            .store()
            .root()
            .put_opts(&path, payload, options)
            .await
        {
            Ok(_) => Ok(self.lake.store().persist(&path).await?),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(LakeError::store(format!("writing {path}"), error).into()),
        }
    }

    /// Reads the models of some names, as the catalog has them; names that it does not have are
    /// forgotten, and are left to the call to complain about.
    ///
    /// # Errors
    /// The store's, and [`EnrichError::Model`] for a damaged file.
    pub async fn load(
        &self,
        names: impl IntoIterator<Item = String>,
        catalog: &CatalogObject,
    ) -> Result<(), EnrichError> {
        for name in names {
            let known = self
                .loaded
                .lock()
                .get(&name)
                .map(|model| model.id().to_owned());
            match catalog.named_models.get(&name) {
                Some(named) if known.as_ref() == Some(&named.id) => {}
                Some(named) => {
                    let model = self.read(&named.id).await?;
                    self.show(|models| models.insert(name, model));
                }
                None if known.is_some() => self.show(|models| models.remove(&name)),
                None => {}
            }
        }
        Ok(())
    }

    fn show(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Arc<OwnModel>>) -> Option<Arc<OwnModel>>,
    ) {
        let mut loaded = self.loaded.lock();
        change(&mut loaded);
        self.shown.store(Arc::new(OwnModels::new(loaded.clone())));
    }

    async fn read(&self, id: &str) -> Result<Arc<OwnModel>, EnrichError> {
        let path = self.path(id)?;
        let bytes = self.lake.store().get(&path).await?;
        let bytes = bytes.ok_or_else(|| LakeError::Catalog(format!("{path} is gone")))?;
        let parsed = tokio::task::spawn_blocking(move || OwnModel::parse(&bytes));
        let stopped = |error| ModelError::Weights(format!("reading was stopped: {error}"));
        Ok(Arc::new(parsed.await.map_err(stopped)??))
    }

    fn path(&self, id: &str) -> Result<Path, LakeError> {
        self.lake
            .store()
            .path(&format!("_verbatim/models/{id}.bin"))
    }
}
