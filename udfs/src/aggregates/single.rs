//! The accumulator of one conversation: no GROUP BY, or a window.

use std::mem::size_of_val;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::Accumulator;

use super::arguments::Batch;
use super::function::Shape;
use super::measure::Measure;
use super::turns::Turns;

/// Keeps the turns of a conversation in the order in which they came.
#[derive(Debug)]
pub(super) struct Single<M: Measure> {
    shape: Shape,
    turns: Turns<M::Value>,
    /// Numbers of the turns, sorted when a value is asked for.
    order: Vec<u32>,
}

impl<M: Measure> Single<M> {
    pub(super) fn new(shape: Shape) -> Self {
        Single {
            shape,
            turns: Turns::new(M::width()),
            order: Vec::new(),
        }
    }

    fn rows(&mut self) -> &[u32] {
        self.order.clear();
        self.order.extend(0..self.turns.len() as u32);
        let turns = &self.turns;
        // Rows of a window mostly come in order.
        if !self
            .order
            .is_sorted_by(|a, b| turns.compare(*a, *b).is_le())
        {
            self.order.sort_unstable_by(|a, b| turns.compare(*a, *b));
        }
        &self.order
    }
}

impl<M: Measure> Accumulator for Single<M> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = Batch::new::<M>(values)?;
        for row in 0..batch.len() {
            batch.push::<M>(row, &mut self.turns);
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.rows();
        let parts = M::measure(&self.turns, &self.order);
        let answer = self.shape.array::<M>(&[parts])?;
        ScalarValue::try_from_array(&answer, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.turns.size() + self.order.capacity() * size_of::<u32>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let count = self.rows().len();
        let lists = self.turns.state(&self.order, &[count])?;
        let scalars = lists
            .iter()
            .map(|list| ScalarValue::try_from_array(list, 0));
        scalars.collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.turns.merge(states, |_| ())
    }

    /// Windows lose rows in the order in which they got them.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let batch = Batch::new::<M>(values)?;
        let leaving = (0..batch.len())
            .filter(|row| batch.turn::<M>(*row).is_some())
            .count();
        self.turns.forget_first(leaving);
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }
}
