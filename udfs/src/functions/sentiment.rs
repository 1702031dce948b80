//! `sentiment(text)`: polarity times intensity, −1 to 1.

use datafusion::logical_expr::ScalarUDF;

use super::text_function::{TextFunction, text_documentation};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How a text feels, double −1 (very negative) to 1 (very positive), four decimals: P(positive) − P(negative) \
of a linear model, which is polarity, (P(positive) − P(negative)) / (P(positive) + P(negative)), times \
intensity, 1 − P(neutral). No signal is near 0; NULL for a NULL or blank text, a text without letters, or a \
language no model covers. Trained on \
tweets, requests of customers and sentences of ours (weights/sentiment.md has the figures). English. It reads one message alone: irony and what went before are not seen. Where but, however, although or though turns the text, the \
probabilities of the whole count 0.4, those of the part before the last such word 0.2, of the part behind 0.4. Of a longer \
text the first 64 KiB are read.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "sentiment(text)",
        "SELECT sentiment('The refund came quickly, thank you!');",
    );
    TextFunction::score("sentiment", ScoreColumn::Sentiment, documentation)
}
