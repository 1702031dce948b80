//! `intent_detail(text [, model])`: the intent with its score, its alternatives and the model.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::NullBufferBuilder;
use datafusion::arrow::array::{ArrayRef, Float64Builder, ListArray, StringBuilder, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;

use super::model_function::ModelFunction;
use super::text::Texts;

use crate::model::distinct::Answers;
use crate::model::{IntentDetail, ModelError};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The intent of a text with what stands behind it: label and score as intent and intent_score give \
them, alternatives (label, score) from the most probable down, and the identity of the model; a text of one \
letter has none. NULL as in intent.";

static ALTERNATIVE_FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("label", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
    ])
});

static ALTERNATIVE: LazyLock<FieldRef> = LazyLock::new(|| {
    Arc::new(Field::new(
        "element",
        DataType::Struct(ALTERNATIVE_FIELDS.clone()),
        true,
    ))
});

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("label", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new(
            "alternatives",
            DataType::List(Arc::clone(&ALTERNATIVE)),
            true,
        ),
        Field::new("model", DataType::Utf8, true),
    ])
});

/// The function.
pub(super) fn function() -> ScalarUDF {
    ModelFunction {
        name: "intent_detail",
        model_of: "intent",
        returns: DataType::Struct(FIELDS.clone()),
        kernel: |models, texts| details(texts, |text| models.intent_detail(text)),
        own_kernel: |model, texts| details(texts, |text| model.detail(text)),
        description: DESCRIPTION,
        example: "SELECT intent_detail('I want my money back.');",
    }
    .function()
}

fn details(
    texts: &ArrayRef,
    detail: impl FnMut(&str) -> std::result::Result<Option<IntentDetail>, ModelError>,
) -> Result<ArrayRef> {
    let mut labels = StringBuilder::new();
    let mut scores = Float64Builder::with_capacity(texts.len());
    let mut alternative_counts = Vec::with_capacity(texts.len());
    let mut alternative_labels = StringBuilder::new();
    let mut alternative_scores = Float64Builder::new();
    let mut model_names = StringBuilder::new();
    let mut present = NullBufferBuilder::new(texts.len());
    let details = Answers::try_of(Texts::new(texts.as_ref())?.spoken(), detail)
        .map_err(|error| DataFusionError::External(Box::new(error)))?;
    for detail in details.rows() {
        let Some(detail) = detail.and_then(Option::as_ref) else {
            labels.append_null();
            scores.append_null();
            alternative_counts.push(0);
            model_names.append_null();
            present.append_null();
            continue;
        };
        labels.append_value(&detail.label);
        scores.append_value(detail.score);
        alternative_counts.push(detail.alternatives.len());
        for (label, score) in &detail.alternatives {
            alternative_labels.append_value(label);
            alternative_scores.append_value(*score);
        }
        model_names.append_value(&detail.model);
        present.append_non_null();
    }
    let alternatives = StructArray::try_new(
        ALTERNATIVE_FIELDS.clone(),
        vec![
            Arc::new(alternative_labels.finish()),
            Arc::new(alternative_scores.finish()),
        ],
        None,
    )?;
    let alternatives = ListArray::try_new(
        Arc::clone(&ALTERNATIVE),
        OffsetBuffer::from_lengths(alternative_counts),
        Arc::new(alternatives),
        None,
    )?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(labels.finish()),
        Arc::new(scores.finish()),
        Arc::new(alternatives),
        Arc::new(model_names.finish()),
    ];
    Ok(Arc::new(StructArray::try_new(
        FIELDS.clone(),
        columns,
        present.finish(),
    )?))
}
