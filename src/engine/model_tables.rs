//! `models` and `model_confusions`: tables whose rows are made when they are read.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::{MemTable, TableType};
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;
use verbatim_udfs::model::ModelSet;

use crate::catalog::{CatalogObject, NamedModel};
use crate::enrich::{ModelCard, OwnModelStore};
use crate::error::Error;
use crate::lake::{self, Lake, LakeError};

/// Name of the program's own models, in `models` and in ALTER MODEL.
const DEFAULT: &str = "default";

/// A table with its name.
type NamedTable = (String, Arc<dyn TableProvider>);

/// The tables about models.
pub(super) fn tables(
    lake: &Arc<Lake>,
    models: &Arc<OwnModelStore>,
) -> Result<Vec<NamedTable>, Error> {
    let make = |definition: &Arc<lake::TableSchema>| {
        let content = match definition.name.as_str() {
            "models" => Content::Models,
            "model_confusions" => Content::Confusions,
            other => return Err(LakeError::NoSuchTable(other.to_owned()).into()),
        };
        let table = ModelTable {
            content,
            schema: Arc::clone(&definition.columns),
            lake: Arc::clone(lake),
            models: Arc::clone(models),
        };
        Ok((definition.name.clone(), Arc::new(table) as _))
    };
    lake::system_tables()?.iter().map(make).collect()
}

#[derive(Debug, Clone, Copy)]
enum Content {
    Models,
    Confusions,
}

/// A table about the models of a lake.
#[derive(Debug)]
struct ModelTable {
    content: Content,
    schema: SchemaRef,
    lake: Arc<Lake>,
    models: Arc<OwnModelStore>,
}

#[async_trait]
impl TableProvider for ModelTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let catalog = self.lake.refresh_catalog().await.map_err(Error::from)?;
        let mut own = Vec::with_capacity(catalog.named_models.len());
        for (name, named) in &catalog.named_models {
            let card = self.models.card(&named.id).await.map_err(Error::from)?;
            own.push((name.as_str(), named, card));
        }
        let columns = match self.content {
            Content::Models => models(&own, &catalog),
            Content::Confusions => confusions(&own),
        };
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        let rows = MemTable::try_new(Arc::clone(&self.schema), vec![vec![batch]])?;
        rows.scan(state, projection, filters, limit).await
    }
}

/// A model of one's own with its card, if that is there.
type Own<'a> = (&'a str, &'a NamedModel, Option<Arc<ModelCard>>);

/// A row of `models`.
struct Row<'a> {
    name: &'a str,
    function: &'a str,
    is_active: bool,
    labels: Option<Vec<String>>,
    training_rows: Option<i64>,
    accuracy: Option<f64>,
    macro_f1: Option<f64>,
    trained_at: Option<i64>,
    owner: Option<&'a str>,
    kind: &'static str,
    model_id: &'a str,
    card: Option<String>,
}

fn models(own: &[Own<'_>], catalog: &CatalogObject) -> Vec<ArrayRef> {
    let shipped = ModelSet::shipped().models();
    let rows: Vec<Row<'_>> = own
        .iter()
        .map(|own| own_row(own, catalog))
        .chain(shipped.iter().map(|(f, id)| shipped_row(f, id, catalog)))
        .collect();
    let texts = |of: fn(&Row<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<StringArray>())
    };
    let numbers = |of: fn(&Row<'_>) -> Option<f64>| -> ArrayRef {
        Arc::new(rows.iter().map(of).collect::<Float64Array>())
    };
    let mut labels = ListBuilder::new(StringBuilder::new()).with_field(Arc::new(Field::new(
        "element",
        DataType::Utf8,
        true,
    )));
    for row in &rows {
        for label in row.labels.iter().flatten() {
            labels.values().append_value(label);
        }
        labels.append(row.labels.is_some());
    }
    let trained_at = rows.iter().map(|row| row.trained_at);
    let trained_at = trained_at.collect::<TimestampMicrosecondArray>();
    vec![
        texts(|row| Some(row.name.to_owned())),
        texts(|row| Some(row.function.to_owned())),
        Arc::new(BooleanArray::from_iter(
            rows.iter().map(|row| Some(row.is_active)),
        )),
        Arc::new(labels.finish()),
        Arc::new(
            rows.iter()
                .map(|row| row.training_rows)
                .collect::<Int64Array>(),
        ),
        numbers(|row| row.accuracy),
        numbers(|row| row.macro_f1),
        Arc::new(trained_at.with_timezone("UTC")),
        texts(|row| row.owner.map(str::to_owned)),
        texts(|row| Some(row.kind.to_owned())),
        texts(|row| Some(row.model_id.to_owned())),
        texts(|row| row.card.clone()),
    ]
}

fn own_row<'a>((name, named, card): &'a Own<'_>, catalog: &CatalogObject) -> Row<'a> {
    let active = catalog.active_models.get(&named.function);
    let held_out = card.as_ref().and_then(|card| card.held_out.as_ref());
    Row {
        name,
        function: &named.function,
        is_active: active.map(String::as_str) == Some(name),
        labels: card.as_ref().map(|card| card.labels.clone()),
        training_rows: held_out.and(card.as_ref().map(|card| card.rows as i64)),
        accuracy: held_out.map(|quality| quality.accuracy),
        macro_f1: held_out.map(|quality| quality.macro_f1),
        trained_at: named.trained_at,
        owner: named.owner.as_deref(),
        kind: match named.encoder.is_some() {
            true => "onnx",
            false => "linear",
        },
        model_id: &named.id,
        card: card
            .as_ref()
            .and_then(|card| serde_json::to_string(&**card).ok()),
    }
}

fn shipped_row<'a>(function: &'a str, id: &'a str, catalog: &CatalogObject) -> Row<'a> {
    let headers = ModelSet::shipped().headers();
    let header = headers.iter().find(|header| header.task == function);
    let labels = header.map(|header| {
        let labels = header.labels.iter();
        // A head's "none of them" is answered as `unclassified`.
        labels.filter(|label| *label != "-").cloned().collect()
    });
    let rows = header.map(|header| header.trained_on.iter().map(|s| s.rows as i64).sum());
    let card = header.map(|header| serde_json::json!({ "trained_on": header.trained_on }));
    Row {
        name: DEFAULT,
        function,
        is_active: !catalog.active_models.contains_key(function),
        labels,
        training_rows: rows,
        accuracy: None,
        macro_f1: None,
        trained_at: None,
        owner: None,
        kind: if header.is_some() {
            "linear"
        } else {
            "patterns"
        },
        model_id: id,
        card: card.map(|card| card.to_string()),
    }
}

fn confusions(own: &[Own<'_>]) -> Vec<ArrayRef> {
    let rows: Vec<(&str, &str, &str, i64)> = own
        .iter()
        .filter_map(|(name, _, card)| Some((*name, card.as_ref()?)))
        .flat_map(|(name, card)| {
            let held_out = card.held_out.iter();
            let confusions = held_out.flat_map(|quality| &quality.confusions);
            confusions.map(move |(label, predicted, count)| {
                (name, label.as_str(), predicted.as_str(), *count as i64)
            })
        })
        .collect();
    let texts = |values: Vec<&str>| -> ArrayRef { Arc::new(StringArray::from(values)) };
    vec![
        texts(rows.iter().map(|row| row.0).collect()),
        texts(rows.iter().map(|row| row.1).collect()),
        texts(rows.iter().map(|row| row.2).collect()),
        Arc::new(rows.iter().map(|row| Some(row.3)).collect::<Int64Array>()),
    ]
}
