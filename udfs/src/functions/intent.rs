//! `intent(text [, model])`: what the author wants.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::memo;
use super::model_function::ModelFunction;
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
What the author wants: a label of the model's intents, 'unclassified' below the calibrated threshold \
(intent_score gives the probability, intent_detail the alternatives) and for a text of one letter. NULL for a NULL or blank text, a \
text without letters, or a language no model covers. A second argument names a model of one's own. The shipped model \
is linear, trained on public sets of requests and sentences of ours; weights/intent.md has its labels, threshold and \
figures. English; the text alone is read, not what went before.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    ModelFunction {
        name: "intent",
        model_of: "intent",
        returns: DataType::Utf8,
        kernel: |texts| memo::score(texts, ScoreColumn::Intent),
        own_kernel: |model, texts| model.label_column(texts),
        description: DESCRIPTION,
        example: "SELECT intent('I want my money back.');",
    }
    .function()
}
