//! `topic(text [, model])`: what a text is about.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

use super::model_function::ModelFunction;
use super::{memo, topic_label};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
What a text is about: a label of the model's taxonomy, 'unclassified' where no topic is sure enough. \
The lake stores the number (messages.topic_id); topic_label gives its name. A second argument names \
a model of one's own. The shipped model is linear, trained on public sets of requests and sentences of ours; \
weights/topic.md has its labels, threshold and figures. English; one topic a text. NULL for a NULL or blank text, a text without letters, or a language no model covers.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    ModelFunction {
        name: "topic",
        model_of: "topic",
        returns: DataType::Utf8,
        kernel: topics,
        own_kernel: |model, texts| model.label_column(texts),
        description: DESCRIPTION,
        example: "SELECT topic('You charged my card twice.');",
    }
    .function()
}

/// Goes through the number, so that a computed topic is what the stored number reads as.
fn topics(texts: &ArrayRef) -> Result<ArrayRef> {
    topic_label::labels(&memo::score(texts, ScoreColumn::TopicId)?)
}
