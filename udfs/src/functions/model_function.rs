//! The one implementation behind the functions of a text and, if wanted, the name of a model.

use std::hash::{Hash, Hasher};

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::FunctionError;
use super::text::{coerced_text, over_texts};
use super::text_function::SECTION;
use crate::model::{ActiveModels, ModelSet, OwnModel, OwnModels, Patience};

/// What makes such a function.
pub(super) struct ModelFunction {
    pub(super) name: &'static str,
    /// The function whose models the second argument names: `intent` for `intent_score` too.
    pub(super) model_of: &'static str,
    pub(super) returns: DataType,
    /// The answers of the active model for an array of any string type.
    pub(super) kernel: fn(&ModelSet, &ArrayRef) -> Result<ArrayRef>,
    /// The answers of a model of one's own.
    pub(super) own_kernel: fn(&OwnModel, &ArrayRef) -> Result<ArrayRef>,
    pub(super) description: &'static str,
    pub(super) example: &'static str,
}

impl ModelFunction {
    /// The function with its documentation.
    pub(super) fn function(self) -> ScalarUDF {
        let syntax = format!("{}(text)", self.name);
        let documentation = Documentation::builder(SECTION, self.description, syntax)
            .with_argument(
                "text",
                "The message: any string type. NULL and blank texts give NULL.",
            )
            .with_argument(
                "model",
                format!(
                    "Name of a model for the function {}; default: the active one.",
                    self.model_of
                ),
            )
            .with_alternative_syntax(format!("{}(text, model)", self.name))
            .with_sql_example(self.example)
            .build();
        ScalarUDF::from(Registered {
            function: self,
            signature: Signature::user_defined(Volatility::Immutable),
            documentation,
        })
    }

    /// The call with a named model, one of [`OwnModels`]; a NULL name gives NULL.
    fn with_model(
        &self,
        texts: &ColumnarValue,
        model: &ColumnarValue,
        options: &ConfigOptions,
    ) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(name) = model else {
            return exec_err!("the model of {}(text, model) is a constant", self.name);
        };
        let Some(name) = name.try_as_str().flatten() else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&self.returns)?));
        };
        let models = options.extensions.get::<OwnModels>();
        let model = models
            .and_then(|models| models.get(name))
            .filter(|model| model.function() == self.model_of);
        match model {
            Some(model) => over_texts(texts, |texts| (self.own_kernel)(model, texts)),
            None => Err(DataFusionError::External(Box::new(
                FunctionError::NoSuchModel {
                    function: self.model_of,
                    name: name.to_owned(),
                },
            ))),
        }
    }
}

struct Registered {
    function: ModelFunction,
    signature: Signature,
    documentation: Documentation,
}

impl std::fmt::Debug for Registered {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("ModelFunction")
            .field("name", &self.function.name)
            .finish_non_exhaustive()
    }
}

impl ScalarUDFImpl for Registered {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.function.returns.clone())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let name = self.function.name;
        if !(1..=2).contains(&arguments.len()) {
            return plan_err!("{name} takes a text and, if wanted, the name of a model");
        }
        let coerced = arguments
            .iter()
            .map(|argument| match coerced_text(argument) {
                Some(coerced) => Ok(coerced),
                None => plan_err!("{name} takes texts, not {argument}"),
            });
        coerced.collect()
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let options = &arguments.config_options;
        Patience::during(options, || match arguments.args.as_slice() {
            [text] => {
                let models = ActiveModels::of(options);
                over_texts(text, |texts| (self.function.kernel)(models, texts))
            }
            [text, model] => self.function.with_model(text, model, options),
            _ => exec_err!(
                "{} takes a text and, if wanted, the name of a model",
                self.function.name
            ),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

// A name stands for one function in this crate.
impl PartialEq for Registered {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}

impl Eq for Registered {}

impl Hash for Registered {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}
