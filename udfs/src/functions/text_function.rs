//! The one implementation behind every function of a single text.

use std::hash::{Hash, Hasher};

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

use super::memo;
use super::text::{over_texts, text_signature};
use crate::model::{ActiveModels, ModelSet, ScoreColumn};

/// The section of the documentation that lists our functions.
pub(crate) const SECTION: DocSection = DocSection {
    include: true,
    label: "Customer Language Functions",
    description: Some("What a message of a customer conversation says."),
};

/// Where the values of a function come from.
#[derive(Debug, Clone, Copy)]
enum Kernel {
    /// A head of the shared scoring pass.
    Score(ScoreColumn),
    /// A function of its own over an array of any string type.
    Own(fn(&ArrayRef) -> Result<ArrayRef>),
    /// The same with the models of the session.
    Models(fn(&ModelSet, &ArrayRef) -> Result<ArrayRef>),
}

/// A scalar function of one text.
#[derive(Debug)]
pub(crate) struct TextFunction {
    name: &'static str,
    returns: DataType,
    kernel: Kernel,
    signature: Signature,
    documentation: Documentation,
}

impl TextFunction {
    /// The function `name` that answers with a score column.
    pub(crate) fn score(
        name: &'static str,
        column: ScoreColumn,
        documentation: Documentation,
    ) -> ScalarUDF {
        Self::with_kernel(
            name,
            column.data_type(),
            Kernel::Score(column),
            documentation,
        )
    }

    /// The function `name` with a kernel of its own.
    pub(crate) fn own(
        name: &'static str,
        returns: DataType,
        kernel: fn(&ArrayRef) -> Result<ArrayRef>,
        documentation: Documentation,
    ) -> ScalarUDF {
        Self::with_kernel(name, returns, Kernel::Own(kernel), documentation)
    }

    /// The function `name` with a kernel of its own that reads the session's models.
    pub(crate) fn of_models(
        name: &'static str,
        returns: DataType,
        kernel: fn(&ModelSet, &ArrayRef) -> Result<ArrayRef>,
        documentation: Documentation,
    ) -> ScalarUDF {
        Self::with_kernel(name, returns, Kernel::Models(kernel), documentation)
    }

    fn with_kernel(
        name: &'static str,
        returns: DataType,
        kernel: Kernel,
        documentation: Documentation,
    ) -> ScalarUDF {
        let signature = text_signature();
        ScalarUDF::from(TextFunction {
            name,
            returns,
            kernel,
            signature,
            documentation,
        })
    }
}

impl ScalarUDFImpl for TextFunction {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text] = arguments.args.as_slice() else {
            return exec_err!("{} takes one text", self.name);
        };
        let models = ActiveModels::of(&arguments.config_options);
        over_texts(text, |texts| match self.kernel {
            Kernel::Score(column) => memo::score(models, texts, column),
            Kernel::Own(kernel) => kernel(texts),
            Kernel::Models(kernel) => kernel(models, texts),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

// A name stands for one function in this crate.
impl PartialEq for TextFunction {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for TextFunction {}

impl Hash for TextFunction {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// Documentation of a function of one text.
pub(crate) fn text_documentation(description: &str, syntax: &str, example: &str) -> Documentation {
    Documentation::builder(SECTION, description, syntax)
        .with_argument(
            "text",
            "The message: any string type. NULL and blank texts give NULL.",
        )
        .with_sql_example(example)
        .build()
}
