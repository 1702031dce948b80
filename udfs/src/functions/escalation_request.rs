//! `escalation_request(text)`: asks for a human or a manager, or threatens to escalate.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
True where the author asks for a human or a manager or threatens to escalate (a complaint to a regulator, a \
lawyer, social media). No signal is false; NULL for a NULL or blank text, a text without letters, or a \
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
