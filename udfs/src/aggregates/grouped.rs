//! The accumulator of many conversations: GROUP BY.

use std::mem::size_of;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::arguments::Batch;
use super::function::Shape;
use super::measure::Measure;
use super::turns::Turns;

/// Keeps the turns of all groups in the order in which they came, each with its group.
#[derive(Debug)]
pub(super) struct Grouped<M: Measure> {
    shape: Shape,
    turns: Turns<M::Value>,
    /// The group of each turn.
    groups: Vec<u32>,
    group_count: usize,
}

impl<M: Measure> Grouped<M> {
    pub(super) fn new(shape: Shape) -> Self {
        Grouped {
            shape,
            turns: Turns::new(M::width()),
            groups: Vec::new(),
            group_count: 0,
        }
    }

    fn emitted(&self, emit_to: &EmitTo) -> usize {
        match emit_to {
            EmitTo::All => self.group_count,
            EmitTo::First(count) => *count,
        }
    }

    /// The turns of the first `count` groups, group after group and in order within each, and how
    /// many each group has.
    fn ordered(&self, count: usize) -> (Vec<u32>, Vec<usize>) {
        let mut counts = vec![0; count];
        for group in &self.groups {
            if let Some(turns) = counts.get_mut(*group as usize) {
                *turns += 1;
            }
        }
        let mut next = 0;
        let mut places: Vec<usize> = Vec::with_capacity(count);
        for turns in &counts {
            places.push(next);
            next += turns;
        }
        let mut rows = vec![0; next];
        for (row, group) in self.groups.iter().enumerate() {
            if let Some(place) = places.get_mut(*group as usize) {
                rows[*place] = row as u32;
                *place += 1;
            }
        }
        let mut rest = rows.as_mut_slice();
        for turns in &counts {
            let (group, others) = rest.split_at_mut(*turns);
            group.sort_unstable_by(|a, b| self.turns.compare(*a, *b));
            rest = others;
        }
        (rows, counts)
    }

    fn forget(&mut self, count: usize) {
        if count >= self.group_count {
            self.turns = Turns::new(M::width());
            self.groups = Vec::new();
            self.group_count = 0;
            return;
        }
        let groups = &self.groups;
        self.turns.retain(|row| groups[row] as usize >= count);
        self.groups.retain(|group| *group as usize >= count);
        for group in &mut self.groups {
            *group -= count as u32;
        }
        self.group_count -= count;
    }
}

impl<M: Measure> GroupsAccumulator for Grouped<M> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        let batch = Batch::new::<M>(values)?;
        for (row, group) in group_indices.iter().enumerate() {
            if passes(filter, row) && batch.push::<M>(row, &mut self.turns) {
                self.groups.push(number(*group)?);
            }
        }
        number(self.turns.len()).map(|_| ())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let count = self.emitted(&emit_to);
        let (rows, counts) = self.ordered(count);
        let mut rest = rows.as_slice();
        let mut answers = Vec::with_capacity(count);
        for turns in counts {
            let (group, others) = rest.split_at(turns);
            answers.push(M::measure(&self.turns, group));
            rest = others;
        }
        self.forget(count);
        self.shape.array::<M>(&answers)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let count = self.emitted(&emit_to);
        let (rows, counts) = self.ordered(count);
        let state = self.turns.state(&rows, &counts)?;
        self.forget(count);
        Ok(state)
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.group_count = total_num_groups;
        let groups = &mut self.groups;
        // Turns are numbered with 32 bits, and there are no more groups than that.
        self.turns
            .merge(values, |row| groups.push(group_indices[row] as u32))?;
        number(self.turns.len().max(total_num_groups)).map(|_| ())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let batch = Batch::new::<M>(values)?;
        let mut turns = Turns::new(M::width());
        let counts: Vec<usize> = (0..batch.len())
            .map(|row| usize::from(passes(filter, row) && batch.push::<M>(row, &mut turns)))
            .collect();
        let rows: Vec<u32> = (0..number(turns.len())?).collect();
        turns.state(&rows, &counts)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.turns.size() + self.groups.capacity() * size_of::<u32>()
    }
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

fn number(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| exec_datafusion_err!("more than 4 billion turns at once"))
}
