//! The SQL side of the aggregates over turns.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, StructArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, Signature,
    TypeSignature, Volatility,
};

use super::arguments;
use super::grouped::Grouped;
use super::measure::Measure;
use super::single::Single;
use super::turns::Turns;

/// What an aggregate returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One number, the measure's answer.
    Number,
    /// All parts, as a struct.
    Detail,
}

impl Shape {
    fn data_type<M: Measure>(self) -> DataType {
        match self {
            Shape::Number => DataType::Float64,
            Shape::Detail => DataType::Struct(fields::<M>()),
        }
    }

    /// The answers as an array: the parts of each conversation, `None` for NULL.
    pub(super) fn array<M: Measure>(
        self,
        answers: &[Option<Vec<Option<f64>>>],
    ) -> Result<ArrayRef> {
        let column = |part: usize| -> Float64Array {
            answers
                .iter()
                .map(|parts| parts.as_ref()?.get(part).copied().flatten())
                .collect()
        };
        let names = M::parts();
        match self {
            Shape::Number => {
                let answer = names
                    .iter()
                    .position(|name| *name == M::ANSWER)
                    .unwrap_or_default();
                Ok(Arc::new(column(answer)))
            }
            Shape::Detail => {
                let columns = (0..names.len()).map(|part| Arc::new(column(part)) as ArrayRef);
                let present: NullBuffer = answers.iter().map(Option::is_some).collect();
                let columns = columns.collect();
                Ok(Arc::new(StructArray::try_new(
                    fields::<M>(),
                    columns,
                    Some(present),
                )?))
            }
        }
    }
}

fn fields<M: Measure>() -> Fields {
    M::parts()
        .into_iter()
        .map(|name| Field::new(name, DataType::Float64, true))
        .collect()
}

/// An aggregate over the turns of a conversation.
#[derive(Debug)]
pub(super) struct ConversationFunction<M> {
    name: &'static str,
    shape: Shape,
    signature: Signature,
    documentation: Documentation,
    measure: PhantomData<M>,
}

impl<M: Measure> ConversationFunction<M> {
    /// The aggregate `name`; `example_type` is how the second argument is listed.
    pub(super) fn function(
        name: &'static str,
        shape: Shape,
        example_type: DataType,
        documentation: Documentation,
    ) -> AggregateUDF {
        let listed = vec![
            DataType::Utf8,
            example_type,
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Int32,
        ];
        // The types of a call are resolved here; the exact ones are what catalogs list.
        let types = vec![TypeSignature::UserDefined, TypeSignature::Exact(listed)];
        let signature = Signature::one_of(types, Volatility::Immutable);
        let measure = PhantomData::<M>;
        AggregateUDF::from(ConversationFunction {
            name,
            shape,
            signature,
            documentation,
            measure,
        })
    }
}

impl<M: Measure> AggregateUDFImpl for ConversationFunction<M> {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.shape.data_type::<M>())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        arguments::coerced::<M>(self.name, arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        refuse_distinct(self.name, arguments.is_distinct)?;
        Ok(Box::new(Single::<M>::new(self.shape)))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        refuse_distinct(self.name, arguments.is_distinct)?;
        Ok(Turns::<M::Value>::state_fields(arguments.name))
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        !arguments.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        _arguments: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Grouped::<M>::new(self.shape)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// Two equal turns are two turns: without one of them the conversation is another one.
fn refuse_distinct(name: &str, is_distinct: bool) -> Result<()> {
    if is_distinct {
        return plan_err!("{name} counts every turn, it has no DISTINCT");
    }
    Ok(())
}

// A name stands for one function in this crate.
impl<M> PartialEq for ConversationFunction<M> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<M> Eq for ConversationFunction<M> {}

impl<M> Hash for ConversationFunction<M> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
