//! `effort_features(text)`: the explainable parts of a turn.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The explainable parts of a turn, real[], each of which depends on the text alone; the argument of \
conversation_effort. Thirteen numbers in this order: length (ln(1 + words)), questions, exclamations, \
capitals (share of upper-case letters), negations, failures, repeats, waiting, struggle, ease, thanks, \
apologies (each a count of marks, words or cues, at most 5), sentiment (−1 to 1). A list and not a fixed- \
size one, because Delta tables have no fixed-size lists: the same type comes from the stored column and from \
the call. NULL for a NULL or blank text, a text without letters, or a language no model covers.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "effort_features(text)",
        "SELECT effort_features('I have called three times and nobody helps.');",
    );
    TextFunction::score(
        "effort_features",
        ScoreColumn::EffortFeatures,
        documentation,
    )
}
