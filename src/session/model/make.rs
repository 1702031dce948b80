//! What CREATE MODEL makes a model of: labelled rows, an encoder of one's own, a classifier.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use verbatim_udfs::model::{ModelError, OnnxFiles, OnnxGraph, OnnxKind, OwnModel, TextEncoder};
use verbatim_udfs::train::{OwnOptions, Quality, TrainError, Trained, measure, train_own};

use super::labelled::{Corrections, LabelledRows};
use crate::enrich::{EnrichError, ModelCard};
use crate::error::{Error, sqlstate};
use crate::govern;
use crate::session::{Prepared, Session};
use crate::statement::{CreateModel, TrainingQuery};

/// A model with everything that is kept of it.
pub(super) struct Made {
    pub(super) model: OwnModel,
    /// The weight file.
    pub(super) bytes: Vec<u8>,
    pub(super) card: ModelCard,
    /// The files of the ONNX graph that it reads.
    pub(super) onnx: Option<OnnxFiles>,
}

/// A graph of one's own, as the statement names it.
struct Opened {
    graph: Arc<OnnxGraph>,
    files: OnnxFiles,
}

impl Session {
    /// Refuses a CREATE MODEL of a user who may not make the model, or may not read the files that
    /// it names.
    pub(in crate::session) fn check_create_model(&self, create: &CreateModel) -> Result<(), Error> {
        self.check_model(&create.name)?;
        match create.options.onnx {
            None => Ok(()),
            Some(_) => {
                let catalog = self.engine.lake().catalog();
                govern::authorize_server_files(&self.principal, &catalog)
            }
        }
    }

    /// Makes the model of a statement.
    pub(super) async fn make(
        &self,
        create: &CreateModel,
        prepared: &Prepared,
    ) -> Result<Made, Error> {
        // First, since a wrong path is told sooner than rows are read.
        let opened = match &create.options.onnx {
            None => None,
            Some(path) => {
                let kind = match create.rows.is_some() {
                    true => OnnxKind::Encoder,
                    false => OnnxKind::Classifier,
                };
                Some(self.open_graph(path.clone(), kind).await?)
            }
        };
        match (&create.rows, opened) {
            (None, Some(opened)) => classifier(create, opened),
            (None, None) => Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                "a model needs rows that it is trained on",
            )),
            (Some(query), opened) => {
                let mut rows = self.labelled_rows(prepared).await?;
                let corrections = self.correct(create, &mut rows).await?;
                self.train(create, query, opened, rows, corrections).await
            }
        }
    }

    async fn open_graph(&self, path: PathBuf, kind: OnnxKind) -> Result<Opened, Error> {
        let opening = tokio::task::spawn_blocking(move || OnnxGraph::open(&path, kind));
        let (graph, files) = opening
            .await
            .map_err(failed)?
            .map_err(|error| unusable(error.into()))?;
        let graph = self.engine.models().share(graph);
        Ok(Opened { graph, files })
    }

    /// Trains on a thread of its own; the training ends when the statement does.
    async fn train(
        &self,
        create: &CreateModel,
        query: &TrainingQuery,
        opened: Option<Opened>,
        rows: LabelledRows,
        corrections: Corrections,
    ) -> Result<Made, Error> {
        let mut options = OwnOptions::new(create.name.as_str(), create.options.function.as_str());
        if let Some(label) = &create.options.unclassified {
            options.unclassified.clone_from(label);
        }
        options.seed = create.options.seed.unwrap_or(options.seed);
        options.cost = create.options.cost.unwrap_or(options.cost);
        let (encoder, onnx) = match opened {
            None => (None, None),
            Some(Opened { graph, files }) => {
                let id = graph.id().to_owned();
                options.encoder = TextEncoder::Onnx(graph);
                (Some(id), Some(files))
            }
        };
        let Trained {
            bytes,
            model,
            quality,
            rows,
            left_out,
            thinned,
        } = until_dropped(move |keep_going| train_own(rows, &options, keep_going)).await?;
        let card = ModelCard {
            query: query.sql.clone(),
            labels: model.labels().to_vec(),
            rows,
            corrections: corrections.used,
            corrections_left_out: corrections.left_out,
            rows_left_out: left_out,
            rows_thinned: thinned,
            threshold: model.header().threshold,
            held_out: Some(quality),
            encoder,
        };
        Ok(Made {
            model,
            bytes,
            card,
            onnx,
        })
    }

    /// Measures a model on labelled texts, until the statement ends.
    pub(super) async fn measured(
        &self,
        model: Arc<OwnModel>,
        rows: Vec<(String, String)>,
    ) -> Result<Quality, Error> {
        until_dropped(move |keep_going| measure(&model, &rows, keep_going)).await
    }
}

/// A model that answers as a classifier does.
fn classifier(create: &CreateModel, opened: Opened) -> Result<Made, Error> {
    let Opened { graph, files } = opened;
    let options = &create.options;
    let encoder = Some(graph.id().to_owned());
    let unclassified = options.unclassified.as_deref();
    let made = OwnModel::classifier(&create.name, &options.function, unclassified, graph);
    let (model, bytes) = made.map_err(unusable)?;
    let card = ModelCard {
        query: String::new(),
        labels: model.labels().to_vec(),
        rows: 0,
        corrections: 0,
        corrections_left_out: 0,
        rows_left_out: 0,
        rows_thinned: 0,
        threshold: model.header().threshold,
        held_out: None,
        encoder,
    };
    Ok(Made {
        model,
        bytes,
        card,
        onnx: Some(files),
    })
}

/// Runs work on a thread of its own; it is told to end once nobody waits for it.
async fn until_dropped<T: Send + 'static>(
    work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> Result<T, TrainError> + Send + 'static,
) -> Result<T, Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let _stop_at_end = StopAtEnd(Arc::clone(&stop));
    let working = tokio::task::spawn_blocking(move || work(&|| !stop.load(Ordering::Relaxed)));
    working.await.map_err(failed)?.map_err(|error| match error {
        TrainError::Rows { reason, mend } => {
            Error::statement(sqlstate::INVALID_PARAMETER_VALUE, reason).with_hint(mend)
        }
        TrainError::Stopped => Error::statement(sqlstate::QUERY_CANCELED, error.to_string()),
        TrainError::Model(error) => unusable(error),
        other => Error::statement(sqlstate::INTERNAL_ERROR, other.to_string()),
    })
}

/// Tells work to stop once nobody waits for it.
struct StopAtEnd(Arc<AtomicBool>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn failed(error: tokio::task::JoinError) -> Error {
    Error::statement(sqlstate::INTERNAL_ERROR, error.to_string())
}

/// A model or a graph that cannot be used, in its own words.
fn unusable(error: ModelError) -> Error {
    let message = error.to_string();
    let state = Error::Enrich(EnrichError::Model(error)).sqlstate();
    Error::statement(state, message)
}
