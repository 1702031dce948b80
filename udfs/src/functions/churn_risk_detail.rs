//! `churn_risk_detail(text)`: the churn risk with the words that gave it.

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
use crate::model::distinct::Answers;
use crate::model::{ModelSet, churn_risk_level};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The churn risk of a text with its evidence: level and score as churn_risk_level and churn_risk give them, \
the strongest cue, and where it stands (start, end: characters, from 0, end exclusive). Cue, start and end \
are NULL where nothing speaks of leaving; the whole is NULL as in churn_risk.";

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("level", DataType::Utf8, true),
        Field::new("score", DataType::Float64, true),
        Field::new("cue", DataType::Utf8, true),
        Field::new("start", DataType::Int32, true),
        Field::new("end", DataType::Int32, true),
    ])
});

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "churn_risk_detail(text)",
        "SELECT churn_risk_detail('I am cancelling and moving to a competitor.');",
    );
    TextFunction::of_models(
        "churn_risk_detail",
        DataType::Struct(FIELDS.clone()),
        details,
        documentation,
    )
}

fn details(models: &ModelSet, texts: &ArrayRef) -> Result<ArrayRef> {
    let mut levels = StringBuilder::new();
    let mut scores = Float64Builder::with_capacity(texts.len());
    let mut cues = StringBuilder::new();
    let mut starts = Int32Builder::with_capacity(texts.len());
    let mut ends = Int32Builder::with_capacity(texts.len());
    let mut present = NullBufferBuilder::new(texts.len());
    let details = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        models.churn_detail(text)
    });
    for detail in details.rows() {
        let detail = detail.and_then(Option::as_ref);
        present.append(detail.is_some());
        let score = detail.map(|detail| detail.score);
        levels.append_option(score.map(churn_risk_level));
        scores.append_option(score);
        let cue = detail.and_then(|detail| detail.cue.as_ref());
        starts.append_option(cue.and_then(|(_, start, _)| i32::try_from(*start).ok()));
        ends.append_option(cue.and_then(|(_, _, end)| i32::try_from(*end).ok()));
        cues.append_option(cue.map(|(words, _, _)| words));
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(levels.finish()),
        Arc::new(scores.finish()),
        Arc::new(cues.finish()),
        Arc::new(starts.finish()),
        Arc::new(ends.finish()),
    ];
    Ok(Arc::new(StructArray::try_new(
        FIELDS.clone(),
        columns,
        present.finish(),
    )?))
}
