//! `effort_score(text)`: how hard the turn was for its author, −5 to 5.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How hard or easy the author's turn sounds, double −5 (very hard) to 5 (very easy), the convention \
of XM Discover: negative is hard, and a turn is never exactly 0. NULL for no signal, which keeps such \
turns out of means, and for NULL or blank texts. For a whole conversation use conversation_effort.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "effort_score(text)",
        "SELECT effort_score('I have called three times and nobody helps.');",
    );
    TextFunction::score("effort_score", ScoreColumn::EffortScore, documentation)
}
