//! Models of one's own: kept in the lake by content hash, read once by each process.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};
use parking_lot::Mutex;
use verbatim_udfs::model::{
    Head, ModelError, OnnxFiles, OnnxGraph, OwnModel, OwnModels, Sentences, TextEncoder,
};

use super::EnrichError;
use super::active::{ActiveSet, Parts};
use super::card::ModelCard;
use super::graphs::Graphs;
use crate::catalog::CatalogObject;
use crate::lake::{Lake, LakeError};

/// Where weight files and cards are, by content hash.
pub(super) const FOLDER: &str = "_verbatim/models";
/// Ending of weight files.
const WEIGHTS: &str = "bin";
/// Ending of cards.
const CARD: &str = "json";

/// The models that the calls of this process name, by name; the lake's catalog says which model a
/// name stands for.
#[derive(Debug)]
pub struct OwnModelStore {
    lake: Arc<Lake>,
    loaded: Mutex<BTreeMap<String, Arc<OwnModel>>>,
    shown: ArcSwap<OwnModels>,
    active: ArcSwap<ActiveSet>,
    cards: Mutex<HashMap<String, Arc<ModelCard>>>,
    graphs: Graphs,
}

impl OwnModelStore {
    /// No model is read yet.
    pub fn new(lake: Arc<Lake>) -> OwnModelStore {
        OwnModelStore {
            graphs: Graphs::new(Arc::clone(&lake)),
            lake,
            loaded: Mutex::default(),
            shown: ArcSwap::default(),
            active: ArcSwap::from_pointee(ActiveSet::shipped()),
            cards: Mutex::default(),
        }
    }

    /// The set that was active when [`OwnModelStore::active`] was last asked.
    pub fn last_active(&self) -> Arc<ActiveSet> {
        self.active.load_full()
    }

    /// The lake's active set. It is put together once for each choice of models.
    ///
    /// # Errors
    /// The store's, and [`EnrichError::Model`] for a weight file that this program cannot use.
    pub async fn active(&self, catalog: &CatalogObject) -> Result<Arc<ActiveSet>, EnrichError> {
        let parts = Parts::of(catalog);
        let last = self.active.load_full();
        if *last.parts() == parts {
            return Ok(last);
        }
        let mut own = BTreeMap::new();
        for (function, id) in &parts.own {
            own.insert(function.clone(), self.model(id).await?);
        }
        let active = Arc::new(ActiveSet::compose(parts, &own, catalog)?);
        self.active.store(Arc::clone(&active));
        Ok(active)
    }

    /// The set that new messages are scored with: the active one; the program's own where a model
    /// cannot be used, so that messages still come in. Their scores are stale then, and are
    /// computed once the model is mended.
    ///
    /// # Errors
    /// The store's.
    pub async fn active_or_shipped(
        &self,
        catalog: &CatalogObject,
    ) -> Result<Arc<ActiveSet>, EnrichError> {
        match self.active(catalog).await {
            Err(EnrichError::Model(error)) => {
                tracing::warn!(%error, "an active model cannot be used: the shipped one scores");
                Ok(Arc::new(ActiveSet::shipped()))
            }
            other => other,
        }
    }

    /// The model of a content hash, from memory where a name stands for it.
    async fn model(&self, id: &str) -> Result<Arc<OwnModel>, EnrichError> {
        let known = self.loaded.lock().values().find(|m| m.id() == id).cloned();
        match known {
            Some(model) => Ok(model),
            None => self.read(id).await,
        }
    }

    /// The models that were read so far, for the calls of one statement.
    pub fn loaded(&self) -> OwnModels {
        OwnModels::clone(&self.shown.load())
    }

    /// The graph for all models that read it: the one that is in memory already, else this one.
    pub fn share(&self, graph: OnnxGraph) -> Arc<OnnxGraph> {
        self.graphs.share(graph)
    }

    /// Keeps a weight file and the model's card in the lake, under the hash of the weights, and the
    /// files of the ONNX graph that it reads under theirs.
    ///
    /// # Errors
    /// The store's.
    pub async fn keep(
        &self,
        model: &OwnModel,
        bytes: Vec<u8>,
        card: ModelCard,
        onnx: Option<&OnnxFiles>,
    ) -> Result<(), EnrichError> {
        if let Some(files) = onnx {
            self.graphs.keep(files).await?;
        }
        let store = self.lake.store();
        let path = self.path(model.id(), CARD)?;
        let text = serde_json::to_vec(&card)
            .map_err(|error| LakeError::Catalog(format!("{path}: {error}")))?;
        let payload = PutPayload::from_bytes(Bytes::from(text));
        let put = store.root().put(&path, payload).await;
        put.map_err(|error| LakeError::store(format!("writing {path}"), error))?;
        self.cards
            .lock()
            .insert(model.id().to_owned(), Arc::new(card));
        let path = self.path(model.id(), WEIGHTS)?;
        // Written anew where it is there: a file that nothing named may be about to be deleted for
        // its age.
        let payload = PutPayload::from_bytes(Bytes::from(bytes));
        let put = store.root().put(&path, payload).await;
        put.map_err(|error| LakeError::store(format!("writing {path}"), error))?;
        Ok(store.persist(&path).await?)
    }

    /// The card of a model; `None` where the lake has none.
    ///
    /// # Errors
    /// The store's, and a card that is no JSON.
    pub async fn card(&self, id: &str) -> Result<Option<Arc<ModelCard>>, EnrichError> {
        if let Some(card) = self.cards.lock().get(id) {
            return Ok(Some(Arc::clone(card)));
        }
        let path = self.path(id, CARD)?;
        let Some(bytes) = self.lake.store().get(&path).await? else {
            return Ok(None);
        };
        let card = serde_json::from_slice(&bytes)
            .map_err(|error| LakeError::Catalog(format!("{path}: {error}")))?;
        let card: Arc<ModelCard> = Arc::new(card);
        self.cards.lock().insert(id.to_owned(), Arc::clone(&card));
        Ok(Some(card))
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
                    let model = self.model(&named.id).await?;
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
        let path = self.path(id, WEIGHTS)?;
        let bytes = self.lake.store().get(&path).await?;
        let bytes = bytes.ok_or_else(|| ModelError::Weights(format!("{path} is gone")))?;
        let stopped = |error| ModelError::Weights(format!("reading was stopped: {error}"));
        let decoded = tokio::task::spawn_blocking(move || Head::decode(&bytes));
        let head = decoded.await.map_err(stopped)??;
        let sentences = head.header.sentences.as_ref();
        let encoder = match sentences.and_then(Sentences::onnx) {
            Some((graph, kind)) => TextEncoder::Onnx(self.graphs.graph(graph, kind).await?),
            None => TextEncoder::Shipped,
        };
        let made = tokio::task::spawn_blocking(move || OwnModel::new(head, encoder));
        Ok(Arc::new(made.await.map_err(stopped)??))
    }

    fn path(&self, id: &str, ending: &str) -> Result<Path, LakeError> {
        self.lake.store().path(&format!("{FOLDER}/{id}.{ending}"))
    }
}
