//! `effort_score(text)`: how hard the turn was for its author, −5 to 5.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How hard or easy the author's turn sounds, double −5 (very hard) to 5 (very easy), the convention of XM \
Discover: negative is hard, and a turn is never exactly 0. It is 5 · tanh(s / 2), two decimals, where s = \
0.9 − 0.2 length − 0.1 questions − 0.1 exclamations − 0.8 capitals − 0.2 negations − 0.6 failures − 0.6 \
repeats − 0.6 waiting − 0.8 struggle + 1.0 ease + 0.7 thanks + 1.5 sentiment over the parts that \
effort_features lists. NULL for no signal (fewer than three words and no cue), which keeps such turns out of \
means, for a NULL or blank text, a text without letters, or a language no model covers. For a whole \
conversation use conversation_effort. Of a longer text the first 64 KiB are read.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "effort_score(text)",
        "SELECT effort_score('I have called three times and nobody helps.');",
    );
    TextFunction::score("effort_score", ScoreColumn::EffortScore, documentation)
}
