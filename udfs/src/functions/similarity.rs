//! `similarity(a, b)`: how near two texts are in meaning.

use std::sync::Arc;

use datafusion::arrow::array::Float64Array;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{Texts, coerced_text};
use super::text_function::SECTION;
use crate::model::distinct::Answers;
use crate::model::sentence::{cosine, vector};
use crate::model::shown;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How near two texts are in meaning, double −1 to 1, four decimals: the cosine of their vectors, see embed. \
1 for the same text, above 0.6 for the same wish in other words as a rule, near 0 for texts that have \
nothing to do with each other. NULL where either text is NULL, blank or without letters.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = Documentation::builder(SECTION, DESCRIPTION, "similarity(a, b)")
        .with_argument("a", "A text.")
        .with_argument("b", "Another text.")
        .with_sql_example(
            "SELECT similarity('Where is my parcel?', 'The package has not come yet');",
        )
        .with_related_udf("embed")
        .build();
    ScalarUDF::from(Similarity {
        signature: Signature::user_defined(Volatility::Immutable),
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Similarity {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for Similarity {
    fn name(&self) -> &str {
        "similarity"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if arguments.len() != 2 || !arguments.iter().all(|text| coerced_text(text).is_some()) {
            return plan_err!("similarity takes two texts");
        }
        Ok(vec![DataType::Utf8View; 2])
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = arguments.args.as_slice() else {
            return exec_err!("similarity takes two texts");
        };
        let (first, second) = (Side::new(left)?, Side::new(right)?);
        let both = |row: usize| first.row(row).zip(second.row(row));
        let near = |row: usize| both(row).map(|(left, right)| shown(cosine(left, right)));
        if first.constant && second.constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::Float64(near(0))));
        }
        let answers: Float64Array = (0..arguments.number_rows).map(near).collect();
        Ok(ColumnarValue::Array(Arc::new(answers)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The vectors of one argument; a constant is read once for all rows of the other one.
struct Side {
    constant: bool,
    vectors: Answers<Option<Vec<f32>>>,
}

impl Side {
    fn new(argument: &ColumnarValue) -> Result<Side> {
        let (constant, texts) = match argument {
            ColumnarValue::Scalar(text) => (true, text.to_array_of_size(1)?),
            ColumnarValue::Array(texts) => (false, Arc::clone(texts)),
        };
        let texts = Texts::new(texts.as_ref())?;
        Ok(Side {
            constant,
            vectors: Answers::of(texts.spoken(), vector),
        })
    }

    fn row(&self, row: usize) -> Option<&[f32]> {
        let row = if self.constant { 0 } else { row };
        self.vectors.row(row)?.as_deref()
    }
}
