//! `churn_risk(text)`: the risk that the author leaves, 0 to 1.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The risk that the author leaves, double 0 to 1, from what the text says about cancelling, competitors and \
lost trust: 1 − Π(1 − weight) over the cues in it, where each place counts once, with its best cue, a cue \
weighs less in a question, and a negated one nothing; three decimals. No signal is 0. It is a documented \
rule score: no public text corpus is labelled for churn, so no accuracy is claimed. NULL for a NULL or blank \
text, a text without letters, or a language no model covers. Of a longer text the first 64 KiB are read.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "churn_risk(text)",
        "SELECT churn_risk('I am cancelling and moving to a competitor.');",
    );
    TextFunction::score("churn_risk", ScoreColumn::ChurnRisk, documentation)
}
