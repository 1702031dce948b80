//! `intent(text [, model])`: what the author wants.

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{coerced_text, over_texts};
use super::text_function::SECTION;
use super::{FunctionError, memo};
use crate::model::ScoreColumn;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
What the author wants: a label of the model's intents, 'unclassified' below the calibrated threshold \
(intent_score gives the probability, intent_detail the alternatives). NULL for a NULL or blank text, a \
text without letters, or a language no model covers. A second argument names a model of one's own.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = Documentation::builder(SECTION, DESCRIPTION, "intent(text)")
        .with_argument(
            "text",
            "The message: any string type. NULL and blank texts give NULL.",
        )
        .with_argument(
            "model",
            "Name of a model for the function intent; default: the active one.",
        )
        .with_alternative_syntax("intent(text, model)")
        .with_sql_example("SELECT intent('I want my money back.');")
        .build();
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::from(Intent {
        signature,
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Intent {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for Intent {
    fn name(&self) -> &str {
        "intent"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if !(1..=2).contains(&arguments.len()) {
            return plan_err!("intent takes a text and, if wanted, the name of a model");
        }
        let coerced = arguments
            .iter()
            .map(|argument| match coerced_text(argument) {
                Some(coerced) => Ok(coerced),
                None => plan_err!("intent takes texts, not {argument}"),
            });
        coerced.collect()
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [text] => over_texts(text, |texts| memo::score(texts, ScoreColumn::Intent)),
            [_, model] => with_model(model),
            _ => exec_err!("intent takes a text and, if wanted, the name of a model"),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The call with a named model. No model can be made yet, so that every name is unknown; a NULL
/// name gives NULL.
fn with_model(model: &ColumnarValue) -> Result<ColumnarValue> {
    let ColumnarValue::Scalar(name) = model else {
        return exec_err!("the model of intent(text, model) is a constant");
    };
    match name.try_as_str().flatten() {
        None => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
        Some(name) => Err(DataFusionError::External(Box::new(
            FunctionError::NoSuchModel {
                function: "intent",
                name: name.to_owned(),
            },
        ))),
    }
}
