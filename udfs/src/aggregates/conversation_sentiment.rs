//! `conversation_sentiment(role, sentiment, sent_at, turn_index)`: how a customer felt, and where
//! that went.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{AggregateUDF, Documentation};

use super::function::{ConversationFunction, Shape};
use super::measure::{Measure, Role, Values};
use super::turns::Turns;
use crate::functions::text_function::SECTION;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How the customer felt in a conversation, double −1 to 1: the mean of sentiment(text) over the customer's \
turns (role = 'customer', sentiment not NULL). NULL without such a turn. As a window function each \
row costs the turns of its frame: use PARTITION BY.";

/// What SQL users read about the detail.
const DETAIL: &str = "\
How the customer felt in a conversation and where that went: start_score and end_score, the means of \
the first and the last third of the customer's turns (a third rounded down); overall, the mean of all; \
trend = (end_score − start_score) / 2, above 0 where it got better. All −1 to 1. Below 6 turns with a \
sentiment start_score, end_score and trend are NULL. Turns are ordered by turn_index, then sent_at, \
unknown ones last.";

/// Fewest turns of the customer that have a start and an end.
const FEWEST_FOR_TREND: usize = 6;

/// The aggregate that gives the mean.
pub(super) fn function() -> AggregateUDF {
    let example = "SELECT conversation_id, conversation_sentiment(role, sentiment(text), sent_at, \
                   turn_index) FROM messages GROUP BY conversation_id;";
    aggregate(
        "conversation_sentiment",
        Shape::Number,
        DESCRIPTION,
        example,
    )
}

/// The aggregate that gives all parts.
pub(super) fn detail() -> AggregateUDF {
    let example = "SELECT conversation_sentiment_detail(role, sentiment(text), sent_at, turn_index) \
                   FROM messages GROUP BY conversation_id;";
    aggregate(
        "conversation_sentiment_detail",
        Shape::Detail,
        DETAIL,
        example,
    )
}

fn aggregate(name: &'static str, shape: Shape, description: &str, example: &str) -> AggregateUDF {
    let syntax = format!("{name}(role, sentiment, sent_at, turn_index)");
    let documentation = Documentation::builder(SECTION, description, syntax)
        .with_argument("role", "Who spoke, as in messages.role.")
        .with_argument("sentiment", "sentiment(text), a number −1 to 1.")
        .with_argument("sent_at", "When the turn was sent, a timestamp.")
        .with_argument(
            "turn_index",
            "The number of the turn in the conversation, an integer.",
        )
        .with_sql_example(example)
        .build();
    ConversationFunction::<Sentiment>::function(name, shape, DataType::Float64, documentation)
}

/// Means of the customer's sentiment.
#[derive(Debug, Clone, Copy)]
struct Sentiment;

impl Measure for Sentiment {
    type Value = Float64Type;

    const ANSWER: &'static str = "overall";

    fn width() -> usize {
        1
    }

    fn coerced(argument: &DataType) -> Option<DataType> {
        (argument.is_numeric() || argument.is_null()).then_some(DataType::Float64)
    }

    fn values(argument: &ArrayRef) -> Result<Values<Float64Type>> {
        let numbers = cast(argument, &DataType::Float64)?
            .as_primitive::<Float64Type>()
            .clone();
        // A NaN is no sentiment.
        let has_value = |row: &usize| numbers.is_valid(*row) && !numbers.value(*row).is_nan();
        let starts = (0..numbers.len())
            .map(|row| has_value(&row).then_some(row))
            .collect();
        Ok(Values { numbers, starts })
    }

    fn counts(role: Role, has_values: bool) -> bool {
        role == Role::Customer && has_values
    }

    fn parts() -> Vec<&'static str> {
        vec!["start_score", "end_score", "overall", "trend"]
    }

    fn measure(turns: &Turns<Float64Type>, rows: &[u32]) -> Option<Vec<Option<f64>>> {
        let mean = |rows: &[u32]| {
            let sum: f64 = rows
                .iter()
                .filter_map(|row| turns.values(*row)?.first())
                .sum();
            (!rows.is_empty()).then(|| sum / rows.len() as f64)
        };
        let overall = mean(rows)?;
        if rows.len() < FEWEST_FOR_TREND {
            return Some(vec![None, None, Some(overall), None]);
        }
        let third = rows.len() / 3;
        let (start, end) = (mean(&rows[..third])?, mean(&rows[rows.len() - third..])?);
        Some(vec![
            Some(start),
            Some(end),
            Some(overall),
            Some((end - start) / 2.0),
        ])
    }
}
