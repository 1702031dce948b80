//! `escalation_request(text)`: asks for a human or a manager, or threatens to escalate.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
True where the author asks for a human or a manager or threatens to escalate (a complaint to a regulator, a \
lawyer, social media). It is so from a joined weight of its \
cues of 0.6, 1 - Π(1 - weight); a cue weighs less in a question, a negated one nothing. A rule score of ours: no \
public corpus is labelled for it. English; a wish in other words is missed. No signal is false; NULL for a NULL or blank text, a text without letters, or a \
language no model covers.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "escalation_request(text)",
        "SELECT escalation_request('Let me talk to a real person!');",
    );
    TextFunction::score(
        "escalation_request",
        ScoreColumn::EscalationRequest,
        documentation,
    )
}
