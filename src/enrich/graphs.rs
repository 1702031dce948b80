//! ONNX graphs of one's own: their files are kept in the lake by content hash, and they are in
//! memory as long as a model reads them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use object_store::{ObjectStoreExt as _, PutPayload};
use parking_lot::Mutex;
use verbatim_udfs::model::{ModelError, OnnxError, OnnxFiles, OnnxGraph, OnnxKind};

use super::EnrichError;
use super::own::FOLDER;
use crate::lake::{Lake, LakeError};

/// Endings of the files of a graph.
const GRAPH: &str = "onnx";
const TOKENIZER: &str = "tokenizer.json";
const CONFIG: &str = "config.json";

/// The graphs that this process has in memory. The same files may be read as an encoder and as a
/// classifier.
#[derive(Debug)]
pub(super) struct Graphs {
    lake: Arc<Lake>,
    loaded: Mutex<HashMap<(String, OnnxKind), Weak<OnnxGraph>>>,
}

impl Graphs {
    pub(super) fn new(lake: Arc<Lake>) -> Graphs {
        Graphs {
            lake,
            loaded: Mutex::default(),
        }
    }

    /// The graph that is in memory already, else this one: its sessions are for all models.
    pub(super) fn share(&self, graph: OnnxGraph) -> Arc<OnnxGraph> {
        let key = (graph.id().to_owned(), graph.kind());
        let mut loaded = self.loaded.lock();
        loaded.retain(|_, graph| graph.strong_count() > 0);
        if let Some(known) = loaded.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        let graph = Arc::new(graph);
        loaded.insert(key, Arc::downgrade(&graph));
        graph
    }

    /// The graph of a content hash, from memory or from the lake.
    pub(super) async fn graph(
        &self,
        id: &str,
        kind: OnnxKind,
    ) -> Result<Arc<OnnxGraph>, EnrichError> {
        let key = (id.to_owned(), kind);
        let known = self.loaded.lock().get(&key).and_then(Weak::upgrade);
        if let Some(graph) = known {
            return Ok(graph);
        }
        // First, since an import without it asks again and again, and the files are large.
        let checked = tokio::task::spawn_blocking(OnnxGraph::check_runtime);
        checked.await.map_err(stopped)?.map_err(ModelError::from)?;
        let files = OnnxFiles {
            graph: self.needed(id, GRAPH).await?,
            tokenizer: self.needed(id, TOKENIZER).await?,
            config: self.read(id, CONFIG).await?,
        };
        let wanted = id.to_owned();
        let loading = tokio::task::spawn_blocking(move || match files.id() == wanted {
            true => OnnxGraph::load(files, kind).map_err(ModelError::from),
            false => Err(ModelError::Weights(format!(
                "the files of {wanted} are damaged: their hash is {}",
                files.id()
            ))),
        });
        Ok(self.share(loading.await.map_err(stopped)??))
    }

    /// Keeps the files of a graph in the lake. Like the weights of a model they are written anew
    /// where they are there, for they may be about to be deleted for their age.
    pub(super) async fn keep(&self, files: &OnnxFiles) -> Result<(), EnrichError> {
        let id = files.id();
        let config = files.config.as_ref().map(|config| (CONFIG, config));
        let needed = [(GRAPH, &files.graph), (TOKENIZER, &files.tokenizer)];
        let store = self.lake.store();
        for (ending, content) in needed.into_iter().chain(config) {
            let path = store.path(&format!("{FOLDER}/{id}.{ending}"))?;
            let payload = PutPayload::from_bytes(Bytes::from_owner(Arc::clone(content)));
            let put = store.root().put(&path, payload).await;
            put.map_err(|error| LakeError::store(format!("writing {path}"), error))?;
            store.persist(&path).await?;
        }
        Ok(())
    }

    async fn needed(&self, id: &str, ending: &str) -> Result<Arc<[u8]>, EnrichError> {
        let found = self.read(id, ending).await?;
        let gone = || ModelError::from(OnnxError::Files(format!("{FOLDER}/{id}.{ending} is gone")));
        Ok(found.ok_or_else(gone)?)
    }

    async fn read(&self, id: &str, ending: &str) -> Result<Option<Arc<[u8]>>, EnrichError> {
        let path = self.lake.store().path(&format!("{FOLDER}/{id}.{ending}"))?;
        let bytes = self.lake.store().get(&path).await?;
        Ok(bytes.map(|bytes| Arc::from(&bytes[..])))
    }
}

fn stopped(error: tokio::task::JoinError) -> ModelError {
    ModelError::Weights(format!("reading was stopped: {error}"))
}
