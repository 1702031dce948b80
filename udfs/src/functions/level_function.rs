//! The one implementation behind the functions that put a score into words.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::{Result, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::memo;
use super::text::{coerced_text, over_texts};
use super::text_function::SECTION;
use crate::model::{ActiveModels, ScoreColumn};

/// A function of a text, or of the score of one, that gives the name of the score's level.
#[derive(Debug)]
pub(crate) struct LevelFunction {
    name: &'static str,
    column: ScoreColumn,
    level: fn(f64) -> &'static str,
    signature: Signature,
    documentation: Documentation,
}

impl LevelFunction {
    /// The function `name` that names the levels of `column`.
    pub(crate) fn function(
        name: &'static str,
        column: ScoreColumn,
        level: fn(f64) -> &'static str,
        description: &str,
        example: &str,
    ) -> ScalarUDF {
        let documentation = Documentation::builder(SECTION, description, format!("{name}(text)"))
            .with_argument(
                "text",
                "The message, or its score as a number. NULL gives NULL.",
            )
            .with_alternative_syntax(format!("{name}(score)"))
            .with_sql_example(example)
            .build();
        let signature = Signature::user_defined(Volatility::Immutable);
        ScalarUDF::from(LevelFunction {
            name,
            column,
            level,
            signature,
            documentation,
        })
    }

    fn levels(&self, scores: &ArrayRef) -> ArrayRef {
        let scores = scores.as_primitive::<Float64Type>();
        let mut levels = StringBuilder::with_capacity(scores.len(), scores.len() * 8);
        for score in scores {
            // A NaN is no score.
            levels.append_option(score.filter(|score| !score.is_nan()).map(self.level));
        }
        Arc::new(levels.finish())
    }
}

impl ScalarUDFImpl for LevelFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [number] if number.is_numeric() => Ok(vec![DataType::Float64]),
            [text] if coerced_text(text).is_some() => Ok(coerced_text(text).into_iter().collect()),
            [other] => plan_err!("{} takes a text or a number, not {other}", self.name),
            _ => plan_err!("{} takes one argument, a text or a number", self.name),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [argument] = arguments.args.as_slice() else {
            return exec_err!("{} takes one argument", self.name);
        };
        if argument.data_type().is_numeric() {
            // Numbers are neither dictionaries nor worth a special case for constants.
            let is_constant = matches!(argument, ColumnarValue::Scalar(_));
            let scores = argument.to_array(if is_constant {
                1
            } else {
                arguments.number_rows
            })?;
            let levels = self.levels(&cast(&scores, &DataType::Float64)?);
            return Ok(ColumnarValue::Array(levels));
        }
        let models = ActiveModels::of(&arguments.config_options);
        over_texts(argument, |texts| {
            Ok(self.levels(&memo::score(models, texts, self.column)?))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

// A name stands for one function in this crate.
impl PartialEq for LevelFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for LevelFunction {}

impl Hash for LevelFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
