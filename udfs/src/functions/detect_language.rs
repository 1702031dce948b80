//! `detect_language(text)`: ISO 639-1 code of the language.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The language of a text as ISO 639-1 code ('en', 'de', …) where the text is long and clear enough to tell, \
else NULL: most short chat is NULL and is scored in the lake's default language. A linear model over words and letters, \
trained on declarations of human rights and lists of frequent words, names a language from a probability of 0.9; \
a script of one language decides by itself. Languages of one script are \
told apart by the letters and frequent words that only one of them has. NULL for a NULL or blank text and a \
text without letters.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "detect_language(text)",
        "SELECT detect_language('Wo bleibt meine Bestellung?');",
    );
    TextFunction::score(
        "detect_language",
        ScoreColumn::DetectedLanguage,
        documentation,
    )
}
