//! `sentiment_label(text)`: negative, neutral, positive or mixed.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The feeling of a text in a word: the most probable of 'negative', 'neutral' and 'positive' as \
sentiment weighs them, or 'mixed' where one clause is positive and another negative with a probability of 0.7 \
each (clauses of two words or more). No signal is 'neutral'; irony is not seen; NULL as in sentiment, which gives the number.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "sentiment_label(text)",
        "SELECT sentiment_label('Great app, terrible support.');",
    );
    TextFunction::score(
        "sentiment_label",
        ScoreColumn::SentimentLabel,
        documentation,
    )
}
