//! `emotion_intensity(text)`: how strong the strongest emotion is told.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How strong the strongest emotion of a text is told, smallint 1 (hardly) to 5 (very): the probability of that \
emotion, plus 0.18 for each of at most three signs (mostly capitals, an exclamation mark, a stretched word \
such as soooo, a strengthening word such as very), minus 0.25 for a weakening one (a bit, slightly, not very), \
in bands with the limits 0.4, 0.6, 0.85, 1.1. A rule of ours, not fitted to ratings. NULL where emotion has \
none, and where it is NULL.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "emotion_intensity(text)",
        "SELECT emotion_intensity('I am VERY angry!!!');",
    );
    TextFunction::score(
        "emotion_intensity",
        ScoreColumn::EmotionIntensity,
        documentation,
    )
}
