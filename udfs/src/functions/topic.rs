//! `topic(text)`: what a text is about.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use super::{memo, topic_label};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
What a text is about: a label of the model's taxonomy, 'unclassified' where no topic is sure enough. \
The lake stores the number (messages.topic_id); topic_label gives its name. NULL for NULL or blank \
texts.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "topic(text)",
        "SELECT topic('You charged my card twice.');",
    );
    TextFunction::own("topic", DataType::Utf8, topics, documentation)
}

/// Goes through the number, so that a computed topic is what the stored number reads as.
fn topics(texts: &ArrayRef) -> Result<ArrayRef> {
    topic_label::labels(&memo::score(texts, ScoreColumn::TopicId)?)
}
