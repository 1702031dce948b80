//! `risk_signals(text)`: churn, distrust, escalation, legal, safety, vulnerability.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The risks a text speaks of, text[] of 'churn', 'distrust', 'escalation', 'legal', 'safety' and \
'vulnerability', in that order, each from a joined weight of its cues of 0.5, \
1 - Π(1 - weight); a cue weighs less in a question, a negated one nothing. Rules of ours: no public corpus is \
labelled for these risks. English; a risk in other words is missed. No signal is an empty list; \
NULL for a NULL or blank text, a text without letters, or a language no model covers.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "risk_signals(text)",
        "SELECT risk_signals('My lawyer will hear about this.');",
    );
    TextFunction::score("risk_signals", ScoreColumn::RiskSignals, documentation)
}
