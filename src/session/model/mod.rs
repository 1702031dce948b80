//! CREATE, ALTER, EVALUATE and DROP MODEL: training on the rows of a query, the lake keeps the model.

mod active;
mod figures;
mod labelled;
mod named;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::Utc;
use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;
use verbatim_udfs::train::{OwnOptions, TrainError, Trained, measure, train_own};

pub(super) use active::altered_schema;
use figures::quality_rows;
pub(super) use figures::quality_schema;
use labelled::{Corrections, LabelledRows};

use super::run::rows_of;
use super::{Outcome, Prepared, Session};
use crate::catalog::{CatalogObject, NamedModel};
use crate::enrich::{ModelCard, follow};
use crate::error::{Error, sqlstate};
use crate::govern::{self, Principal};
use crate::statement::{CreateModel, DropModel, EvaluateModel};

impl Session {
    pub(super) fn check_model(&self, name: &str) -> Result<(), Error> {
        govern::authorize_models(name, &self.principal, &self.engine.lake().catalog())
    }

    pub(super) async fn run_create_model(
        &self,
        create: &CreateModel,
        prepared: &Prepared,
    ) -> Result<Outcome, Error> {
        self.check_write("CREATE MODEL")?;
        self.check_model(&create.name)?;
        let taken = |catalog: &CatalogObject| catalog.named_models.contains_key(&create.name);
        if taken(&*self.engine.lake().refresh_catalog().await?) && !create.replace {
            return match create.if_not_exists {
                true => {
                    let nothing = RecordBatch::new_empty(created_schema());
                    Ok(rows_of(created_schema(), nothing, "CREATE MODEL"))
                }
                false => Err(already_there(&create.name)),
            };
        }
        let mut rows = self.labelled_rows(prepared).await?;
        let corrections = self.correct(create, &mut rows).await?;
        let trained = self.train(create, rows).await?;
        let Trained {
            bytes,
            model,
            quality,
            rows,
            left_out,
            thinned,
        } = trained;
        let card = ModelCard {
            query: create.sql.clone(),
            labels: model.labels().to_vec(),
            rows,
            corrections: corrections.used,
            corrections_left_out: corrections.left_out,
            rows_left_out: left_out,
            rows_thinned: thinned,
            threshold: model.header().threshold,
            held_out: quality,
        };
        let models = self.engine.models();
        models.keep(&model, bytes, card.clone()).await?;
        let rescored = self.name_model(create, model.id(), &card.labels).await?;
        let batch = created_row(create, &card, corrections, rescored)?;
        Ok(rows_of(created_schema(), batch, "CREATE MODEL"))
    }

    /// Has the name stand for a model that is kept. Where the name is that of an active model,
    /// history follows: the number of messages that are rescored.
    async fn name_model(
        &self,
        create: &CreateModel,
        id: &str,
        labels: &[String],
    ) -> Result<Option<u64>, Error> {
        let function = &create.options.function;
        let named = NamedModel {
            id: id.to_owned(),
            function: function.clone(),
            owner: match &self.principal {
                Principal::Trusted | Principal::Local => None,
                Principal::User(name) => Some(name.clone()),
            },
            trained_at: Some(Utc::now().timestamp_micros()),
        };
        let (mut before, mut is_changed) = (None, false);
        let update = self.engine.lake().update_catalog(|catalog| {
            before = catalog.rescoring.get(function).cloned();
            let existing = catalog.named_models.get(&create.name);
            if existing.is_some() && !create.replace {
                return Err(already_there(&create.name));
            }
            if let Some(existing) = existing
                && existing.function != *function
                && is_active(catalog, &create.name)
            {
                return Err(Error::statement(
                    sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                    format!(
                        "cannot make \"{}\" a model of {function}: it answers {}",
                        create.name, existing.function
                    ),
                )
                .with_hint(make_inactive(&existing.function)));
            }
            is_changed = existing.map(|existing| &existing.id) != Some(&named.id);
            let name = create.name.clone();
            let replaced = catalog.named_models.insert(name, named.clone());
            if let Some(replaced) = replaced {
                retire(catalog, replaced.id);
            }
            catalog.retired_models.remove(&named.id);
            if is_changed {
                follow(catalog, function, &create.name, labels);
            }
            Ok(())
        });
        let catalog = update.await?;
        if !is_active(&catalog, &create.name) || !is_changed {
            return Ok(None);
        }
        let (_, rows) = self.rescore_history(function, before, &catalog).await?;
        Ok(Some(rows))
    }

    pub(super) async fn run_drop_model(&self, drop: &DropModel) -> Result<Outcome, Error> {
        self.check_write("DROP MODEL")?;
        for name in &drop.names {
            self.check_model(name)?;
        }
        let update = self.engine.lake().update_catalog(|catalog| {
            for name in &drop.names {
                if is_active(catalog, name) {
                    let function = catalog.named_models.get(name).map(|n| n.function.as_str());
                    let function = function.unwrap_or_default();
                    return Err(Error::statement(
                        sqlstate::DEPENDENT_OBJECTS_STILL_EXIST,
                        format!(
                            "cannot drop model \"{name}\": it is the active model of {function}"
                        ),
                    )
                    .with_hint(make_inactive(function)));
                }
                match catalog.named_models.remove(name) {
                    Some(dropped) => retire(catalog, dropped.id),
                    None if drop.if_exists => {}
                    None => return Err(unknown(name)),
                }
            }
            Ok(())
        });
        update.await?;
        Ok(Outcome::done("DROP MODEL"))
    }

    /// Trains on a thread of its own; the training ends when the statement does.
    async fn train(&self, create: &CreateModel, rows: LabelledRows) -> Result<Trained, Error> {
        let mut options = OwnOptions::new(create.name.as_str(), create.options.function.as_str());
        if let Some(label) = &create.options.unclassified {
            options.unclassified.clone_from(label);
        }
        options.seed = create.options.seed.unwrap_or(options.seed);
        options.cost = create.options.cost.unwrap_or(options.cost);
        let stop = Arc::new(AtomicBool::new(false));
        let _stop_at_end = StopAtEnd(Arc::clone(&stop));
        let training = tokio::task::spawn_blocking(move || {
            train_own(rows, &options, &|| !stop.load(Ordering::Relaxed))
        });
        let failed = |error| Error::statement(sqlstate::INTERNAL_ERROR, format!("{error}"));
        training
            .await
            .map_err(failed)?
            .map_err(|error| match error {
                TrainError::Rows { reason, mend } => {
                    Error::statement(sqlstate::INVALID_PARAMETER_VALUE, reason).with_hint(mend)
                }
                TrainError::Stopped => {
                    Error::statement(sqlstate::QUERY_CANCELED, error.to_string())
                }
                other => Error::statement(sqlstate::INTERNAL_ERROR, other.to_string()),
            })
    }

    pub(super) async fn run_evaluate_model(
        &self,
        evaluate: &EvaluateModel,
        prepared: &Prepared,
    ) -> Result<Outcome, Error> {
        let catalog = self.engine.lake().refresh_catalog().await?;
        let store = self.engine.models();
        store.load([evaluate.name.clone()], &catalog).await?;
        let models = store.loaded();
        let model = models
            .get(&evaluate.name)
            .ok_or_else(|| unknown(&evaluate.name))?;
        let model = Arc::clone(model);
        let rows = self.labelled_rows(prepared).await?;
        let rows: Vec<(String, String)> = rows
            .into_iter()
            .filter_map(|(text, label)| Some((text?, label?)))
            .collect();
        let measured = tokio::task::spawn_blocking(move || measure(&model, &rows));
        let failed = |error| Error::statement(sqlstate::INTERNAL_ERROR, format!("{error}"));
        let quality = measured.await.map_err(failed)?;
        let batch = quality_rows(&quality)?;
        Ok(rows_of(quality_schema(), batch, "EVALUATE MODEL"))
    }
}

/// Tells a training to stop once nobody waits for it.
struct StopAtEnd(Arc<AtomicBool>);

impl Drop for StopAtEnd {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn already_there(name: &str) -> Error {
    Error::statement(
        sqlstate::DUPLICATE_OBJECT,
        format!("model \"{name}\" already exists"),
    )
    .with_hint("CREATE OR REPLACE MODEL takes its place.")
}

fn unknown(name: &str) -> Error {
    Error::statement(
        sqlstate::UNDEFINED_OBJECT,
        format!("model \"{name}\" does not exist"),
    )
}

/// Notes that a model has lost its name.
fn retire(catalog: &mut CatalogObject, id: String) {
    let now = Utc::now().timestamp_micros();
    catalog.retired_models.insert(id, now);
}

/// Whether a model answers its function in the whole lake.
fn is_active(catalog: &CatalogObject, name: &str) -> bool {
    catalog.active_models.values().any(|active| active == name)
}

fn make_inactive(function: &str) -> String {
    format!("ALTER MODEL DEFAULT FOR {function} SET ACTIVE, or another model, comes first.")
}

/// A number of rows as SQL has it.
fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// What CREATE MODEL returns: how much the model was trained on, how good it is on held-out rows
/// (0..1), and, where it took the place of an active model, the messages that are scored anew.
/// No row where IF NOT EXISTS found a model.
pub(super) fn created_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("model", DataType::Utf8, true),
        Field::new("function", DataType::Utf8, true),
        Field::new("labels", DataType::Int64, true),
        Field::new("training_rows", DataType::Int64, true),
        Field::new("corrections", DataType::Int64, true),
        Field::new("corrections_left_out", DataType::Int64, true),
        Field::new("accuracy", DataType::Float64, true),
        Field::new("macro_f1", DataType::Float64, true),
        Field::new("rows_to_rescore", DataType::Int64, true),
    ]))
}

fn created_row(
    create: &CreateModel,
    card: &ModelCard,
    corrections: Corrections,
    rescored: Option<u64>,
) -> Result<RecordBatch, DataFusionError> {
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let whole = |value: usize| Arc::new(Int64Array::from(vec![value as i64])) as ArrayRef;
    let share = |value: f64| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    Ok(RecordBatch::try_new(
        created_schema(),
        vec![
            text(&create.name),
            text(&create.options.function),
            whole(card.labels.len()),
            whole(card.rows),
            whole(corrections.used),
            whole(corrections.left_out),
            share(card.held_out.accuracy),
            share(card.held_out.macro_f1),
            Arc::new(Int64Array::from(vec![rescored.map(count)])),
        ],
    )?)
}
