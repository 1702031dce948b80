//! The turns that an accumulator keeps, in columns.

use std::cmp::Ordering;
use std::mem::size_of;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowNativeTypeOp, AsArray, Int8Array, Int64Array, ListArray, PrimitiveArray,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Int8Type, Int64Type,
};
use datafusion::common::{Result, exec_err};

use super::measure::Role;

/// Stands for an unknown index or time; being the largest, it sorts behind the known ones.
const UNKNOWN: i64 = i64::MAX;

/// A turn apart from its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head {
    index: i64,
    sent_at: i64,
    role: Role,
    has_values: bool,
}

impl Head {
    pub(super) fn new(
        role: Role,
        index: Option<i64>,
        sent_at: Option<i64>,
        has_values: bool,
    ) -> Self {
        let (index, sent_at) = (index.unwrap_or(UNKNOWN), sent_at.unwrap_or(UNKNOWN));
        Head {
            index,
            sent_at,
            role,
            has_values,
        }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn index(&self) -> Option<i64> {
        (self.index != UNKNOWN).then_some(self.index)
    }

    /// Microseconds.
    pub(super) fn sent_at(&self) -> Option<i64> {
        (self.sent_at != UNKNOWN).then_some(self.sent_at)
    }
}

/// Turns with `width` values each, in the order in which they came.
#[derive(Debug)]
pub(super) struct Turns<T: ArrowPrimitiveType> {
    width: usize,
    heads: Vec<Head>,
    /// `width` numbers a turn, zeros where it has no values.
    values: Vec<T::Native>,
}

impl<T: ArrowPrimitiveType> Turns<T> {
    pub(super) fn new(width: usize) -> Self {
        Turns {
            width,
            heads: Vec::new(),
            values: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.heads.len()
    }

    /// Bytes allocated.
    pub(super) fn size(&self) -> usize {
        self.heads.capacity() * size_of::<Head>() + self.values.capacity() * size_of::<T::Native>()
    }

    /// Adds a turn; `values` are ignored where the head has none.
    pub(super) fn push(&mut self, head: Head, values: &[T::Native]) {
        self.heads.push(head);
        if head.has_values && values.len() == self.width {
            self.values.extend_from_slice(values);
        } else {
            self.values
                .resize(self.values.len() + self.width, T::Native::default());
        }
    }

    pub(super) fn head(&self, row: u32) -> &Head {
        &self.heads[row as usize]
    }

    /// The values of a turn; `None` where it has none.
    pub(super) fn values(&self, row: u32) -> Option<&[T::Native]> {
        let row = row as usize;
        self.heads[row]
            .has_values
            .then(|| &self.values[row * self.width..][..self.width])
    }

    /// The order of two turns in their conversation: index, time, and for the rest anything that
    /// does not depend on the order of rows.
    pub(super) fn compare(&self, a: u32, b: u32) -> Ordering {
        self.head(a).cmp(self.head(b)).then_with(|| {
            let pairs = self
                .values(a)
                .into_iter()
                .flatten()
                .zip(self.values(b).into_iter().flatten());
            let mut orders = pairs.map(|(a, b)| a.compare(*b));
            orders
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    }

    /// Drops the first `count` turns.
    pub(super) fn forget_first(&mut self, count: usize) {
        let count = count.min(self.len());
        self.heads.drain(..count);
        self.values.drain(..count * self.width);
    }

    /// Keeps the turns that `keep` says, in their order.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = 0;
        for row in 0..self.len() {
            if keep(row) {
                self.heads[kept] = self.heads[row];
                let from = row * self.width;
                self.values
                    .copy_within(from..from + self.width, kept * self.width);
                kept += 1;
            }
        }
        self.heads.truncate(kept);
        self.values.truncate(kept * self.width);
    }

    /// The partial state: lists of roles, indices, times and values, a row a group. `rows` are the
    /// turns of all groups, `counts` how many of them each group has.
    pub(super) fn state(&self, rows: &[u32], counts: &[usize]) -> Result<Vec<ArrayRef>> {
        let heads = || rows.iter().map(|row| self.head(*row));
        let roles: Int8Array = heads().map(|head| Some(head.role as i8)).collect();
        let indices: Int64Array = heads().map(Head::index).collect();
        let times: Int64Array = heads().map(Head::sent_at).collect();
        let mut values = Vec::with_capacity(rows.len() * self.width);
        let mut present = Vec::with_capacity(rows.len() * self.width);
        for row in rows {
            let from = *row as usize * self.width;
            values.extend_from_slice(&self.values[from..from + self.width]);
            present.resize(values.len(), self.head(*row).has_values);
        }
        let values = PrimitiveArray::<T>::new(values.into(), Some(NullBuffer::from(present)));
        let list = |element: ArrayRef, width: usize| -> Result<ArrayRef> {
            let offsets = OffsetBuffer::from_lengths(counts.iter().map(|count| count * width));
            let field = element_field(element.data_type().clone());
            Ok(Arc::new(ListArray::try_new(field, offsets, element, None)?))
        };
        Ok(vec![
            list(Arc::new(roles), 1)?,
            list(Arc::new(indices), 1)?,
            list(Arc::new(times), 1)?,
            list(Arc::new(values), self.width)?,
        ])
    }

    /// Adds the turns of a partial state; `group` is told the state's row of each of them.
    pub(super) fn merge(&mut self, state: &[ArrayRef], mut group: impl FnMut(usize)) -> Result<()> {
        let [roles, indices, times, values] = state else {
            return exec_err!("a partial state has {} columns, not 4", state.len());
        };
        for row in 0..roles.len() {
            let roles = roles.as_list::<i32>().value(row);
            let indices = indices.as_list::<i32>().value(row);
            let times = times.as_list::<i32>().value(row);
            let values = values.as_list::<i32>().value(row);
            let (roles, values) = (roles.as_primitive::<Int8Type>(), values.as_primitive::<T>());
            let indices = indices.as_primitive::<Int64Type>();
            let times = times.as_primitive::<Int64Type>();
            for turn in 0..roles.len() {
                let Some(role) = Role::of_number(roles.value(turn)) else {
                    return exec_err!("a partial state has the unknown role {}", roles.value(turn));
                };
                let at = |column: &Int64Array| column.is_valid(turn).then(|| column.value(turn));
                let from = turn * self.width;
                let has_values = self.width > 0 && values.is_valid(from);
                let head = Head::new(role, at(indices), at(times), has_values);
                self.push(head, &values.values()[from..from + self.width]);
                group(row);
            }
        }
        Ok(())
    }

    /// The columns of the partial state.
    pub(super) fn state_fields(name: &str) -> Vec<FieldRef> {
        let columns = [
            ("roles", DataType::Int8),
            ("indices", DataType::Int64),
            ("times", DataType::Int64),
            ("values", T::DATA_TYPE),
        ];
        let fields = columns.map(|(column, element)| {
            let list = DataType::List(element_field(element));
            Arc::new(Field::new(format!("{name}[{column}]"), list, true))
        });
        fields.into()
    }
}

fn element_field(element: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(element, true))
}
