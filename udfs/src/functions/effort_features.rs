//! `effort_features(text)`: the explainable parts of a turn.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The explainable parts of a turn, real[], each of which depends on the text alone; the argument of \
conversation_effort. A list and not a fixed-size one, because Delta tables have no fixed-size lists: \
the same type comes from the stored column and from the call. NULL for NULL or blank texts.";

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
