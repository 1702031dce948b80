//! `intent_score(text [, model])`: how sure the intent is, 0 to 1.

use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;

use super::memo;
use super::model_function::ModelFunction;
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The calibrated probability, double 0 to 1, four decimals, of the label that intent(text) considered best: a \
softmax over the model's margins, fitted on rows that it was not trained on. Below the \
model's threshold intent gives 'unclassified' and the score still says how near it was. 0 for a text \
of one letter. NULL as in intent.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    ModelFunction {
        name: "intent_score",
        model_of: "intent",
        returns: DataType::Float64,
        kernel: |texts| memo::score(texts, ScoreColumn::IntentScore),
        own_kernel: |model, texts| model.score_column(texts),
        description: DESCRIPTION,
        example: "SELECT intent_score('Where is my parcel?');",
    }
    .function()
}
