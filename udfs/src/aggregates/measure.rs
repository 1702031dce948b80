//! What an aggregate over turns computes.

use std::fmt::Debug;

use datafusion::arrow::array::{ArrayRef, PrimitiveArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion::common::Result;

use super::turns::Turns;
pub(super) use crate::model::Role;

/// The values that a batch of turns brings: `width` numbers a row.
pub(super) struct Values<T: ArrowPrimitiveType> {
    /// The numbers of all rows.
    pub(super) numbers: PrimitiveArray<T>,
    /// Where the numbers of a row start; `None` for a row without values.
    pub(super) starts: Vec<Option<usize>>,
}

/// A number for each conversation, worked out from values of its turns.
pub(super) trait Measure: Debug + Copy + Send + Sync + 'static {
    /// Type of the values of a turn.
    type Value: ArrowPrimitiveType + Debug;

    /// How many values a turn has.
    fn width() -> usize;

    /// The type to which the argument with the values is coerced; `None` where it does not fit.
    fn coerced(argument: &DataType) -> Option<DataType>;

    /// The values of a batch; the argument has a type that [`Measure::coerced`] gave.
    fn values(argument: &ArrayRef) -> Result<Values<Self::Value>>;

    /// Whether a turn counts.
    fn counts(role: Role, has_values: bool) -> bool;

    /// Names of the parts of the detail, in order.
    fn parts() -> Vec<&'static str>;

    /// The part that the function without `_detail` returns.
    const ANSWER: &'static str;

    /// The parts for turns in the order of `rows`; `None` where there is nothing to say.
    fn measure(turns: &Turns<Self::Value>, rows: &[u32]) -> Option<Vec<Option<f64>>>;
}
