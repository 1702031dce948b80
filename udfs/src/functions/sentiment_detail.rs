//! `sentiment_detail(text)`: the sentiment with the clause that shows it.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::NullBufferBuilder;
use datafusion::arrow::array::{
    ArrayRef, Float64Builder, Int32Builder, StringBuilder, StructArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

use super::text::Texts;
use super::text_function::{TextFunction, text_documentation};
use crate::model::ModelSet;
use crate::model::distinct::Answers;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The sentiment of a text with its evidence: label and score (-1 to 1) as sentiment_label and sentiment give \
them, the clause with the strongest feeling of the label's side, where it stands (start, end: characters, from \
0, end exclusive), and the identity of the model. Evidence, start and end are NULL where the label is \
'neutral'; the whole is NULL as in sentiment.";

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("label", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new("evidence", DataType::Utf8, true),
        Field::new("start", DataType::Int32, true),
        Field::new("end", DataType::Int32, true),
        Field::new("model", DataType::Utf8, true),
    ])
});

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "sentiment_detail(text)",
        "SELECT sentiment_detail('The app is fine. Your support is terrible!');",
    );
    TextFunction::own(
        "sentiment_detail",
        DataType::Struct(FIELDS.clone()),
        details,
        documentation,
    )
}

fn details(texts: &ArrayRef) -> Result<ArrayRef> {
    let models = ModelSet::shipped();
    let mut labels = StringBuilder::new();
    let mut scores = Float64Builder::with_capacity(texts.len());
    let mut evidence = StringBuilder::new();
    let mut starts = Int32Builder::with_capacity(texts.len());
    let mut ends = Int32Builder::with_capacity(texts.len());
    let mut names = StringBuilder::new();
    let mut present = NullBufferBuilder::new(texts.len());
    let details = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        models.sentiment_detail(text)
    });
    for detail in details.rows() {
        let detail = detail.and_then(Option::as_ref);
        present.append(detail.is_some());
        labels.append_option(detail.map(|detail| detail.label));
        scores.append_option(detail.map(|detail| detail.score));
        let clause = detail.and_then(|detail| detail.evidence.as_ref());
        evidence.append_option(clause.map(|(words, _, _)| words));
        starts.append_option(clause.and_then(|(_, start, _)| i32::try_from(*start).ok()));
        ends.append_option(clause.and_then(|(_, _, end)| i32::try_from(*end).ok()));
        names.append_option(detail.map(|detail| &detail.model));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(labels.finish()),
        Arc::new(scores.finish()),
        Arc::new(evidence.finish()),
        Arc::new(starts.finish()),
        Arc::new(ends.finish()),
        Arc::new(names.finish()),
    ];
    Ok(Arc::new(StructArray::try_new(
        FIELDS.clone(),
        columns,
        present.finish(),
    )?))
}
