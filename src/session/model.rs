//! CREATE, EVALUATE and DROP MODEL: training on the rows of a query, the lake keeps the model.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan};
use futures::TryStreamExt;
use verbatim_udfs::train::{OwnOptions, Quality, TrainError, Trained, measure, train_own};

use super::run::rows_of;
use super::{Outcome, Prepared, Session};
use crate::catalog::{CatalogObject, NamedModel};
use crate::error::{Error, sqlstate};
use crate::govern::{self, Principal};
use crate::ingest::{Rows, WriteMode};
use crate::statement::{CreateModel, DropModel, EvaluateModel, strip_suffix};

/// The functions whose second argument names a model.
const NAMING_FUNCTIONS: [&str; 4] = ["intent", "intent_score", "intent_detail", "topic"];

/// Rows that a query may give: they are held in memory, and a training reads a part of them only.
const MOST_LABELLED_ROWS: usize = 2_000_000;

/// Texts and labels, as a query gives them.
type LabelledRows = Vec<(Option<String>, Option<String>)>;

impl Session {
    /// Reads the models that a plan names.
    pub(super) async fn load_models(
        &self,
        plan: &LogicalPlan,
        catalog: &CatalogObject,
    ) -> Result<(), Error> {
        let names = named_models(plan)?;
        Ok(self.engine.own_models().load(names, catalog).await?)
    }

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
                true => Ok(Outcome::done("CREATE MODEL")),
                false => Err(already_there(&create.name)),
            };
        }
        let rows = self.labelled_rows(prepared).await?;
        let trained = self.train(create, rows).await?;
        self.keep_model(create, trained).await?;
        Ok(Outcome::done("CREATE MODEL"))
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

    async fn keep_model(&self, create: &CreateModel, trained: Trained) -> Result<(), Error> {
        let Trained {
            bytes,
            model,
            quality,
            rows,
            left_out,
            thinned,
        } = trained;
        self.engine.own_models().keep(&model, bytes).await?;
        let card = serde_json::json!({
            "query": create.sql,
            "rows_left_out": left_out,
            "rows_thinned": thinned,
            "threshold": model.header().threshold,
            "held_out": quality,
        });
        let owner = match &self.principal {
            Principal::Trusted | Principal::Local => None,
            Principal::User(name) => Some(name.clone()),
        };
        let row = ModelRow {
            id: model.id(),
            name: &create.name,
            function: &create.options.function,
            rows,
            quality: Some(&quality),
            card: Some(card.to_string()),
            is_deleted: false,
        };
        self.write_model_row(&row).await?;
        let named = NamedModel {
            id: model.id().to_owned(),
            function: create.options.function.clone(),
            owner,
        };
        let mut replaced = None;
        let update = self.engine.lake().update_catalog(|catalog| {
            if catalog.named_models.contains_key(&create.name) && !create.replace {
                return Err(already_there(&create.name));
            }
            replaced = catalog
                .named_models
                .insert(create.name.clone(), named.clone());
            Ok(())
        });
        update.await?;
        match replaced {
            Some(replaced) if replaced.id != named.id => {
                let row = ModelRow::gone(&create.name, &replaced);
                self.write_model_row(&row).await
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn run_drop_model(&self, drop: &DropModel) -> Result<Outcome, Error> {
        self.check_write("DROP MODEL")?;
        for name in &drop.names {
            self.check_model(name)?;
        }
        let mut dropped = Vec::new();
        let update = self.engine.lake().update_catalog(|catalog| {
            dropped.clear();
            for name in &drop.names {
                match catalog.named_models.remove(name) {
                    Some(named) => dropped.push((name.clone(), named)),
                    None if drop.if_exists => {}
                    None => return Err(unknown(name)),
                }
            }
            Ok(())
        });
        update.await?;
        for (name, named) in &dropped {
            self.write_model_row(&ModelRow::gone(name, named)).await?;
        }
        Ok(Outcome::done("DROP MODEL"))
    }

    pub(super) async fn run_evaluate_model(
        &self,
        evaluate: &EvaluateModel,
        prepared: &Prepared,
    ) -> Result<Outcome, Error> {
        let catalog = self.engine.lake().refresh_catalog().await?;
        let store = self.engine.own_models();
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

    /// The rows of a statement's query: its columns text and label, or its first two.
    async fn labelled_rows(&self, prepared: &Prepared) -> Result<LabelledRows, Error> {
        let (_, mut stream) = self.rows(prepared, Vec::new()).await?;
        let mut rows = Vec::new();
        while let Some(batch) = stream.try_next().await? {
            if rows.len() + batch.num_rows() > MOST_LABELLED_ROWS {
                return Err(Error::statement(
                    sqlstate::PROGRAM_LIMIT_EXCEEDED,
                    format!("the query gives more than {MOST_LABELLED_ROWS} rows"),
                )
                .with_hint("A part of them is enough: ORDER BY random() LIMIT 200000."));
            }
            let (texts, labels) = labelled_columns(&batch)?;
            let (texts, labels) = (texts.as_string::<i32>(), labels.as_string::<i32>());
            let owned = |value: Option<&str>| value.map(str::to_owned);
            rows.extend(texts.iter().zip(labels).map(|(t, l)| (owned(t), owned(l))));
        }
        Ok(rows)
    }

    async fn write_model_row(&self, row: &ModelRow<'_>) -> Result<(), Error> {
        let batch = row.batch().map_err(DataFusionError::from)?;
        let rows = Rows::of("models", batch);
        self.engine
            .ingest()
            .write(rows, WriteMode::Statement)
            .await?;
        Ok(())
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

/// The constants that stand where a call names a model.
fn named_models(plan: &LogicalPlan) -> Result<BTreeSet<String>, Error> {
    let mut names = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|expr| {
                if let Expr::ScalarFunction(call) = expr
                    && let [_, name] = call.args.as_slice()
                    && NAMING_FUNCTIONS.contains(&call.name())
                    && let Some(name) = constant(name)
                {
                    names.insert(name.to_owned());
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(names)
}

/// A text constant, also inside of the cast that a parameter's declared type leaves behind.
fn constant(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Cast(cast) => constant(&cast.expr),
        Expr::Alias(alias) => constant(&alias.expr),
        _ => None,
    }
}

fn labelled_columns(batch: &RecordBatch) -> Result<(ArrayRef, ArrayRef), Error> {
    let schema = batch.schema();
    let place = |name: &str| {
        let fields = schema.fields().iter();
        let mut names = fields.map(|field| strip_suffix(field.name()));
        names.position(|found| found == name)
    };
    let (text, label) = match (place("text"), place("label")) {
        (Some(text), Some(label)) => (text, label),
        _ if batch.num_columns() == 2 => (0, 1),
        _ => {
            return Err(Error::statement(
                sqlstate::DATATYPE_MISMATCH,
                "the query gives no columns text and label",
            )
            .with_hint("SELECT … AS text, … AS label FROM …"));
        }
    };
    let column = |at: usize| cast(batch.column(at), &DataType::Utf8).map_err(DataFusionError::from);
    Ok((column(text)?, column(label)?))
}

/// A row of the table `models`.
struct ModelRow<'a> {
    id: &'a str,
    name: &'a str,
    function: &'a str,
    rows: usize,
    quality: Option<&'a Quality>,
    card: Option<String>,
    is_deleted: bool,
}

impl<'a> ModelRow<'a> {
    /// The row of a model that is there no more.
    fn gone(name: &'a str, named: &'a NamedModel) -> ModelRow<'a> {
        ModelRow {
            id: &named.id,
            name,
            function: &named.function,
            rows: 0,
            quality: None,
            card: None,
            is_deleted: true,
        }
    }

    fn batch(&self) -> Result<RecordBatch, datafusion::arrow::error::ArrowError> {
        let text = |value: Option<&str>| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
        let number = |of: fn(&Quality) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from(vec![self.quality.map(of)]))
        };
        RecordBatch::try_from_iter_with_nullable([
            ("model_id", text(Some(self.id)), true),
            ("name", text(Some(self.name)), true),
            ("function", text(Some(self.function)), true),
            ("kind", text(Some("linear")), true),
            (
                "training_rows",
                Arc::new(Int64Array::from(vec![self.rows as i64])) as ArrayRef,
                true,
            ),
            ("accuracy", number(|quality| quality.accuracy), true),
            ("macro_f1", number(|quality| quality.macro_f1), true),
            ("card", text(self.card.as_deref()), true),
            (
                "is_deleted",
                Arc::new(BooleanArray::from(vec![self.is_deleted])) as ArrayRef,
                true,
            ),
        ])
    }
}

/// What EVALUATE MODEL returns: figures over all rows, then of each label, then what is taken for
/// what.
pub(super) fn quality_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("measure", DataType::Utf8, true),
        Field::new("label", DataType::Utf8, true),
        Field::new("predicted", DataType::Utf8, true),
        Field::new("value", DataType::Float64, true),
        Field::new("rows", DataType::Int64, true),
    ]))
}

/// Measure, label, predicted label, value, rows.
type Figure<'a> = (
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
    Option<f64>,
    usize,
);

fn quality_rows(quality: &Quality) -> Result<RecordBatch, DataFusionError> {
    let mut rows: Vec<Figure<'_>> = [
        ("accuracy", Some(quality.accuracy)),
        ("accuracy_margin", Some(quality.accuracy_margin)),
        ("macro_f1", Some(quality.macro_f1)),
        ("macro_recall", Some(quality.macro_recall)),
        ("weighted_f1", Some(quality.weighted_f1)),
        ("calibration_error", quality.calibration_error),
    ]
    .map(|(measure, value)| (measure, None, None, value, quality.rows))
    .to_vec();
    for label in &quality.labels {
        for (measure, value) in [
            ("precision", label.precision),
            ("recall", label.recall),
            ("f1", label.f1),
        ] {
            rows.push((measure, Some(&label.label), None, Some(value), label.rows));
        }
    }
    for (truth, said, count) in &quality.confusions {
        let of = quality.labels.iter().find(|label| label.label == *truth);
        let share = *count as f64 / of.map_or(1, |label| label.rows) as f64;
        rows.push(("confusion", Some(truth), Some(said), Some(share), *count));
    }
    let texts = |of: fn(&Figure<'_>) -> Option<String>| {
        Arc::new(rows.iter().map(of).collect::<StringArray>()) as ArrayRef
    };
    Ok(RecordBatch::try_new(
        quality_schema(),
        vec![
            texts(|row| Some(row.0.to_owned())),
            texts(|row| row.1.map(str::to_owned)),
            texts(|row| row.2.map(str::to_owned)),
            Arc::new(rows.iter().map(|row| row.3).collect::<Float64Array>()),
            Arc::new(
                rows.iter()
                    .map(|row| Some(row.4 as i64))
                    .collect::<Int64Array>(),
            ),
        ],
    )?)
}
