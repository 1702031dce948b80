//! `effort_level(text)`, `effort_level(score)`: the effort in words.

use datafusion::logical_expr::ScalarUDF;

use super::level_function::LevelFunction;
use crate::model::{ScoreColumn, effort_level};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The effort of a turn in words: the level of effort_score(text), or of a score −5 to 5 that is given as a \
number, such as the result of conversation_effort: 'very_hard' up to −3, 'hard' up to −1, 'neutral' below 1, \
'easy' below 3, 'very_easy' from 3. NULL where there is no signal.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    LevelFunction::function(
        "effort_level",
        ScoreColumn::EffortScore,
        effort_level,
        DESCRIPTION,
        "SELECT effort_level('I have called three times and nobody helps.'), effort_level(-4.5);",
    )
}
