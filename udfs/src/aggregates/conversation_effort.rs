//! `conversation_effort(role, effort_features, sent_at, turn_index)`: how hard a conversation was
//! for the customer.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float32Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{AggregateUDF, Documentation};

use super::function::{ConversationFunction, Shape};
use super::measure::{Measure, Role, Values};
use super::turns::Turns;
use crate::functions::text_function::SECTION;
use crate::model::{
    CONVERSATION_EFFORT_PARTS, EFFORT_FEATURES, ScoreColumn, Turn, conversation_effort,
};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How hard a conversation was for the customer, double −5 (very hard) to 5 (very easy): an explainable \
score over the effort_features(text) of all turns, the other side's included (apologies, refusals), and \
the course of the conversation: 5 · tanh(s / 2), two decimals, where s = 0.7 − 0.05 customer turns beyond \
two − 0.15 replies that apologise or refuse − 0.3 if the last reply does − 0.1 questions − 0.2 negations \
− 0.5 failures − 0.5 repeats − 0.4 waiting − 0.6 struggle + 0.7 (ease + thanks / 2) + 0.5 sentiment + 0.5 \
last sentiment, counts as means a turn of the customer. A turn has the role customer, agent, bot or \
supervisor; rows of any other role are left out. Turns are ordered by turn_index, then sent_at, unknown \
ones last. NULL where no turn of the customer has features. DISTINCT is refused. As a window function \
each row costs the turns of its frame: use PARTITION BY.";

/// What SQL users read about the detail.
const DETAIL: &str = "\
How hard a conversation was for the customer, with the parts that made the score: score, −5 to 5, as \
conversation_effort gives it, then what each part added to s, four decimals. NULL as in \
conversation_effort.";

/// The aggregate that gives the score.
pub(super) fn function() -> AggregateUDF {
    let example = "SELECT conversation_id, conversation_effort(role, effort_features(text), \
                   sent_at, turn_index) FROM messages GROUP BY conversation_id;";
    aggregate("conversation_effort", Shape::Number, DESCRIPTION, example)
}

/// The aggregate that gives the score and its parts.
pub(super) fn detail() -> AggregateUDF {
    let example = "SELECT conversation_effort_detail(role, effort_features(text), sent_at, \
                   turn_index) FROM messages GROUP BY conversation_id;";
    aggregate("conversation_effort_detail", Shape::Detail, DETAIL, example)
}

fn aggregate(name: &'static str, shape: Shape, description: &str, example: &str) -> AggregateUDF {
    let syntax = format!("{name}(role, effort_features, sent_at, turn_index)");
    let documentation = Documentation::builder(SECTION, description, syntax)
        .with_argument("role", "Who spoke, as in messages.role.")
        .with_argument(
            "effort_features",
            "effort_features(text), a list of numbers.",
        )
        .with_argument("sent_at", "When the turn was sent, a timestamp.")
        .with_argument(
            "turn_index",
            "The number of the turn in the conversation, an integer.",
        )
        .with_sql_example(example)
        .build();
    let listed = ScoreColumn::EffortFeatures.data_type();
    ConversationFunction::<Effort>::function(name, shape, listed, documentation)
}

/// The effort of a conversation.
#[derive(Debug, Clone, Copy)]
struct Effort;

impl Measure for Effort {
    type Value = Float32Type;

    const ANSWER: &'static str = "score";

    fn width() -> usize {
        EFFORT_FEATURES.len()
    }

    fn coerced(argument: &DataType) -> Option<DataType> {
        match argument {
            DataType::List(element)
            | DataType::LargeList(element)
            | DataType::FixedSizeList(element, _)
                if element.data_type().is_numeric() || element.data_type().is_null() =>
            {
                Some(argument.clone())
            }
            DataType::Null => Some(ScoreColumn::EffortFeatures.data_type()),
            _ => None,
        }
    }

    fn values(argument: &ArrayRef) -> Result<Values<Float32Type>> {
        let lists = cast(argument, &ScoreColumn::EffortFeatures.data_type())?;
        let lists = lists.as_list::<i32>();
        let numbers = lists.values().as_primitive::<Float32Type>().clone();
        let mut starts = Vec::with_capacity(lists.len());
        for (row, bounds) in lists.value_offsets().windows(2).enumerate() {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            if !lists.is_valid(row) {
                starts.push(None);
            } else if end - start == Self::width() {
                // Features with holes say nothing.
                let is_whole = (start..end).all(|place| numbers.is_valid(place));
                starts.push(is_whole.then_some(start));
            } else {
                let (found, wanted) = (end - start, Self::width());
                return exec_err!("effort features have {wanted} parts, a row has {found}");
            }
        }
        Ok(Values { numbers, starts })
    }

    fn counts(_role: Role, _has_values: bool) -> bool {
        true
    }

    fn parts() -> Vec<&'static str> {
        let parts = CONVERSATION_EFFORT_PARTS.iter().copied();
        std::iter::once(Self::ANSWER).chain(parts).collect()
    }

    fn measure(turns: &Turns<Float32Type>, rows: &[u32]) -> Option<Vec<Option<f64>>> {
        let ordered = rows.iter().zip(0_i32..);
        let turns: Vec<Turn<'_>> = ordered
            .map(|(row, place)| Turn {
                role: turns.head(*row).role().name(),
                features: turns.values(*row),
                // The order is settled; it is handed on as the only one there is.
                sent_at_micros: None,
                turn_index: Some(place),
            })
            .collect();
        let effort = conversation_effort(&turns)?;
        let parts = effort.parts.iter().map(|part| Some(*part));
        Some(std::iter::once(Some(effort.score)).chain(parts).collect())
    }
}
