//! The arguments `(role, values, sent_at, turn_index)` of an aggregate over turns.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, plan_err};

use super::measure::{Measure, Role, Values};
use super::turns::{Head, Turns};
use crate::functions::text::{Texts, coerced_text};

/// The types to which the arguments of a call of `name` are coerced.
pub(super) fn coerced<M: Measure>(name: &str, arguments: &[DataType]) -> Result<Vec<DataType>> {
    let [role, values, sent_at, index] = arguments else {
        return plan_err!("{name} takes four arguments, not {}", arguments.len());
    };
    let Some(role) = coerced_text(role) else {
        return plan_err!("the role of {name} is a text, not {role}");
    };
    let Some(values) = M::coerced(values) else {
        return plan_err!("the second argument of {name} cannot be {values}");
    };
    let sent_at = match sent_at {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => sent_at.clone(),
        DataType::Null => DataType::Timestamp(TimeUnit::Microsecond, None),
        other => return plan_err!("the time of {name} is a timestamp, not {other}"),
    };
    let index = match index {
        index if index.is_integer() => index.clone(),
        DataType::Null => DataType::Int64,
        other => return plan_err!("the turn index of {name} is an integer, not {other}"),
    };
    Ok(vec![role, values, sent_at, index])
}

/// A batch of arguments.
pub(super) struct Batch<T: ArrowPrimitiveType> {
    roles: Vec<Option<Role>>,
    values: Values<T>,
    times: TimestampMicrosecondArray,
    indices: Int64Array,
    width: usize,
}

impl<T: ArrowPrimitiveType> Batch<T> {
    pub(super) fn new<M: Measure<Value = T>>(arguments: &[ArrayRef]) -> Result<Self> {
        let [role, values, sent_at, index] = arguments else {
            return exec_err!("expected four arguments, got {}", arguments.len());
        };
        let times = match sent_at.data_type() {
            DataType::Timestamp(_, zone) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            _ => DataType::Timestamp(TimeUnit::Microsecond, None),
        };
        Ok(Batch {
            roles: roles(role)?,
            values: M::values(values)?,
            times: cast(sent_at, &times)?
                .as_primitive::<TimestampMicrosecondType>()
                .clone(),
            indices: cast(index, &DataType::Int64)?
                .as_primitive::<Int64Type>()
                .clone(),
            width: M::width(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.roles.len()
    }

    /// The turn of a row, where it counts.
    pub(super) fn turn<M: Measure<Value = T>>(&self, row: usize) -> Option<(Head, &[T::Native])> {
        let role = self.roles[row]?;
        let start = self.values.starts[row];
        if !M::counts(role, start.is_some()) {
            return None;
        }
        let index = self.indices.is_valid(row).then(|| self.indices.value(row));
        let sent_at = self.times.is_valid(row).then(|| self.times.value(row));
        let numbers = start.map_or(&[][..], |start| {
            &self.values.numbers.values()[start..][..self.width]
        });
        Some((Head::new(role, index, sent_at, start.is_some()), numbers))
    }

    /// Adds a row's turn to `turns`, where it counts.
    pub(super) fn push<M: Measure<Value = T>>(&self, row: usize, turns: &mut Turns<T>) -> bool {
        let turn = self.turn::<M>(row);
        if let Some((head, values)) = turn {
            turns.push(head, values);
        }
        turn.is_some()
    }
}

fn roles(array: &ArrayRef) -> Result<Vec<Option<Role>>> {
    if let Some(dictionary) = array.as_any_dictionary_opt() {
        return roles(&cast(array, dictionary.values().data_type())?);
    }
    let names = Texts::new(array.as_ref())?;
    Ok((0..names.len())
        .map(|row| Role::of(names.get(row)?))
        .collect())
}
