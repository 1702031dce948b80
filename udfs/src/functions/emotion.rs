//! `emotion(text)`: the emotions of a text, the most probable first.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The emotions a text tells, text[], at most four, the most probable first: 'anger', 'frustration', \
'disappointment', 'sadness', 'worry', 'disgust', 'confusion', 'surprise', 'gratitude', 'joy', 'admiration'. \
Each is a decision of its own: the calibrated probability of a linear model, 1 / (1 + e^-margin), from a \
threshold of its own, trained on comments on the web (GoEmotions) and sentences of customers. No signal is \
an empty list; NULL for a NULL or blank text, a text without letters, or a language no model covers. \
English; gratitude, joy and admiration are found well, disappointment and frustration often missed or taken \
for each other; irony is not seen. Of a longer text the first 64 KiB are read.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "emotion(text)",
        "SELECT emotion('I am so frustrated, the app crashed again!');",
    );
    TextFunction::score("emotion", ScoreColumn::Emotion, documentation)
}
