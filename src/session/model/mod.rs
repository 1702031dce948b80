//! CREATE, ALTER, EVALUATE and DROP MODEL: training on the rows of a query, the lake keeps the model.

mod active;
mod figures;
mod labelled;
mod make;
mod named;

use std::sync::Arc;

use chrono::Utc;
use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;

pub(super) use active::altered_schema;
use figures::quality_rows;
pub(super) use figures::quality_schema;
use make::Made;

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
        self.check_create_model(create)?;
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
        let Made {
            model,
            bytes,
            card,
            onnx,
        } = self.make(create, prepared).await?;
        let models = self.engine.models();
        models
            .keep(&model, bytes, card.clone(), onnx.as_ref())
            .await?;
        let rescored = self.name_model(create, model.id(), &card).await?;
        let batch = created_row(create, &card, rescored)?;
        Ok(rows_of(created_schema(), batch, "CREATE MODEL"))
    }

    /// Has the name stand for a model that is kept. Where the name is that of an active model,
    /// history follows: the number of messages that are rescored.
    async fn name_model(
        &self,
        create: &CreateModel,
        id: &str,
        card: &ModelCard,
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
            encoder: card.encoder.clone(),
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
                retire(catalog, replaced);
            }
            for id in std::iter::once(&named.id).chain(&named.encoder) {
                catalog.retired_models.remove(id);
            }
            if is_changed {
                follow(catalog, function, &create.name, &card.labels);
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
                    Some(dropped) => retire(catalog, dropped),
                    None if drop.if_exists => {}
                    None => return Err(unknown(name)),
                }
            }
            Ok(())
        });
        let catalog = update.await?;
        // An encoder of one's own is large: it goes from memory at once.
        let models = self.engine.models();
        models.load(drop.names.clone(), &catalog).await?;
        Ok(Outcome::done("DROP MODEL"))
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
        let quality = self.measured(model, rows).await?;
        let batch = quality_rows(&quality)?;
        Ok(rows_of(quality_schema(), batch, "EVALUATE MODEL"))
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

/// Notes that a model has lost its name, and with it the graph that it reads.
fn retire(catalog: &mut CatalogObject, model: NamedModel) {
    let now = Utc::now().timestamp_micros();
    for id in std::iter::once(model.id).chain(model.encoder) {
        catalog.retired_models.insert(id, now);
    }
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
    rescored: Option<u64>,
) -> Result<RecordBatch, DataFusionError> {
    let text = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
    let whole = |value: Option<i64>| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
    let share = |value: Option<f64>| Arc::new(Float64Array::from(vec![value])) as ArrayRef;
    let held_out = card.held_out.as_ref();
    // NULL where nothing was trained.
    let of_training = |value: usize| whole(held_out.map(|_| value as i64));
    Ok(RecordBatch::try_new(
        created_schema(),
        vec![
            text(&create.name),
            text(&create.options.function),
            whole(Some(card.labels.len() as i64)),
            of_training(card.rows),
            of_training(card.corrections),
            of_training(card.corrections_left_out),
            share(held_out.map(|quality| quality.accuracy)),
            share(held_out.map(|quality| quality.macro_f1)),
            whole(rescored.map(count)),
        ],
    )?)
}
