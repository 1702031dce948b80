//! `intent_score(text)`: how sure the intent is, 0 to 1.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The calibrated probability, 0 to 1, of the label that intent(text) considered best. Below the \
model's threshold intent gives 'unclassified' and the score still says how near it was. NULL as in \
intent.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "intent_score(text)",
        "SELECT intent_score('Where is my parcel?');",
    );
    TextFunction::score("intent_score", ScoreColumn::IntentScore, documentation)
}
