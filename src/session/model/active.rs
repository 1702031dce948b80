//! ALTER MODEL … SET ACTIVE: which model answers a function in the whole lake.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::DataFusionError;

use super::{count, unknown};
use crate::catalog::{CatalogObject, Rescoring};
use crate::engine::rescoring::{Runs, Status, note};
use crate::enrich::{activate, activate_default, ask_for_rescore, stale_rows};
use crate::error::{Error, sqlstate};
use crate::session::run::rows_of;
use crate::session::{Outcome, Session};
use crate::statement::AlterModel;

impl Session {
    /// Refuses an ALTER MODEL of a user who owns neither the model nor the one that it takes the
    /// place of.
    pub(in crate::session) fn check_alter_model(&self, alter: &AlterModel) -> Result<(), Error> {
        let catalog = self.engine.lake().catalog();
        let function = match alter {
            AlterModel::Own(name) => {
                self.check_model(name)?;
                catalog.named_models.get(name).map(|n| n.function.clone())
            }
            AlterModel::Default { function } => Some(function.clone()),
        };
        let active = function.and_then(|function| catalog.active_models.get(&function));
        // A name that no model has: then it is the right to make models that is asked for.
        self.check_model(active.map_or("default", String::as_str))
    }

    pub(in crate::session) async fn run_alter_model(
        &self,
        alter: &AlterModel,
    ) -> Result<Outcome, Error> {
        self.check_write("ALTER MODEL")?;
        let catalog = self.engine.lake().latest_catalog().await?;
        self.check_alter_model(alter)?;
        let (function, name) = match alter {
            AlterModel::Own(name) => {
                let named = catalog.named_models.get(name);
                let function = named.map(|named| named.function.clone());
                (function.ok_or_else(|| unknown(name))?, name.as_str())
            }
            AlterModel::Default { function } => (function.clone(), "default"),
        };
        let labels = match alter {
            AlterModel::Own(name) => self.labels_of(name, &catalog).await?,
            AlterModel::Default { .. } => Vec::new(),
        };
        let mut before = None;
        let update = self.engine.lake().update_catalog(|current| {
            before = current.rescoring.get(&function).cloned();
            match alter {
                AlterModel::Own(name) => {
                    if current.named_models.get(name) != catalog.named_models.get(name) {
                        return Err(replaced_meanwhile(name));
                    }
                    activate(current, &function, name, &labels);
                }
                AlterModel::Default { .. } => activate_default(current, &function),
            }
            Ok(())
        });
        let catalog = update.await?;
        self.engine.models().active(&catalog).await?;
        let (run, rows) = self.rescore_history(&function, before, &catalog).await?;
        let run = run.map(|run| run.run_id);
        let batch = RecordBatch::try_new(
            altered_schema(),
            vec![
                Arc::new(StringArray::from(vec![name])) as ArrayRef,
                Arc::new(StringArray::from(vec![function.as_str()])),
                Arc::new(Int64Array::from(vec![count(rows)])),
                Arc::new(StringArray::from(vec![run])),
            ],
        );
        let batch = batch.map_err(DataFusionError::from)?;
        Ok(rows_of(altered_schema(), batch, "ALTER MODEL"))
    }

    /// The labels of a model, in the order in which its topics are numbered.
    async fn labels_of(&self, name: &str, catalog: &CatalogObject) -> Result<Vec<String>, Error> {
        let models = self.engine.models();
        models.load([name.to_owned()], catalog).await?;
        let loaded = models.loaded();
        let model = loaded.get(name).ok_or_else(|| unknown(name))?;
        Ok(model.labels().to_vec())
    }

    /// Has history follow the active model of a function, in the background: the run that does so,
    /// if there is one, and the number of messages that it has to score. `before` is the run that
    /// was asked for until now.
    pub(super) async fn rescore_history(
        &self,
        function: &str,
        before: Option<Rescoring>,
        catalog: &CatalogObject,
    ) -> Result<(Option<Rescoring>, u64), Error> {
        let lake = self.engine.lake();
        let active = self.engine.models().active(catalog).await?;
        let rows = stale_rows(lake, active.set(), function).await?;
        let mut run = catalog.rescoring.get(function).cloned();
        if run.is_none() && rows > 0 {
            // Files that a writer added who had not heard of the change yet.
            let update = lake.update_catalog(|current| {
                if !current.rescoring.contains_key(function) {
                    ask_for_rescore(current, function);
                }
                Ok::<_, Error>(())
            });
            run = update.await?.rescoring.get(function).cloned();
        }
        if let Some(before) = before.filter(|before| run.as_ref() != Some(before)) {
            let ended = Runs::from([(function.to_owned(), before)]);
            let status = Status::Failed("another model was made active".to_owned());
            note(self.engine.ingest(), &ended, &status, 0).await?;
        }
        self.engine.rescore_in_background();
        Ok((run, rows))
    }
}

fn replaced_meanwhile(name: &str) -> Error {
    Error::statement(
        sqlstate::SERIALIZATION_FAILURE,
        format!("model \"{name}\" was replaced meanwhile"),
    )
    .with_hint("Run the statement again.")
}

/// What ALTER MODEL … SET ACTIVE returns: the model, its function, the messages whose stored
/// scores are from another model, and the run in `job_runs` that brings them up to date; NULL where
/// there is nothing to do.
pub(in crate::session) fn altered_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("model", DataType::Utf8, true),
        Field::new("function", DataType::Utf8, true),
        Field::new("rows_to_rescore", DataType::Int64, true),
        Field::new("run_id", DataType::Utf8, true),
    ]))
}
