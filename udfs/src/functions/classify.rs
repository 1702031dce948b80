//! `classify(text, labels)` and `classify_multi(text, labels)`: labels without a training.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{Texts, coerced_text, constant_texts, is_list_of_text, over_texts};
use super::text_function::SECTION;
use crate::model::UNCLASSIFIED;
use crate::model::distinct::Answers;
use crate::model::sentence::{LabelSet, with_vector};

/// What SQL users read about the functions.
const ONE: &str = "\
The label that is nearest to a text in meaning, of a list that no model was trained on. A label is told by \
its words, better by a description behind a colon: 'refund: wants the money back'; the answer is the part \
before the colon. 'unclassified' where no label is near (a cosine below 0.25, see similarity) and for an \
empty list. NULL for a NULL or blank text and a NULL list. With ten rows a label or more, CREATE MODEL is \
far more often right.";
const MANY: &str = "\
All labels that are near to a text in meaning, text[] in the order of the list; what a label may be is told \
at classify. None gives an empty list; NULL for a NULL or blank text and a NULL list.";

/// The function that gives one label.
pub(super) fn one() -> ScalarUDF {
    let example = "SELECT classify('I want my money back', ARRAY['refund', 'delivery', 'praise']);";
    function("classify", ONE, DataType::Utf8, example)
}

/// The function that gives all labels that fit.
pub(super) fn many() -> ScalarUDF {
    let example = "SELECT classify_multi('The parcel is late, I want my money back', ARRAY['refund', 'delivery']);";
    function(
        "classify_multi",
        MANY,
        DataType::List(Arc::new(element())),
        example,
    )
}

fn element() -> Field {
    Field::new("element", DataType::Utf8, true)
}

fn function(name: &'static str, description: &str, returns: DataType, example: &str) -> ScalarUDF {
    let documentation =
        Documentation::builder(SECTION, description, format!("{name}(text, labels)"))
            .with_argument(
                "text",
                "The message: any string type. NULL and blank texts give NULL.",
            )
            .with_argument(
                "labels",
                "A constant text[], 'label' or 'label: description'.",
            )
            .with_sql_example(example)
            .with_related_udf("similarity")
            .build();
    ScalarUDF::from(Classify {
        name,
        returns,
        signature: Signature::user_defined(Volatility::Immutable),
        documentation,
    })
}

#[derive(Debug)]
struct Classify {
    name: &'static str,
    returns: DataType,
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for Classify {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let coerced = match arguments {
            [text, labels] if labels.is_null() || is_list_of_text(labels) => {
                coerced_text(text).map(|text| vec![text, labels.clone()])
            }
            _ => None,
        };
        match coerced {
            Some(coerced) => Ok(coerced),
            None => plan_err!(
                "{0} takes a text and a list of labels, as in {0}(text, ARRAY['refund', 'delivery'])",
                self.name
            ),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [text, labels] = arguments.args.as_slice() else {
            return exec_err!("{} takes a text and a list of labels", self.name);
        };
        let ColumnarValue::Scalar(labels) = labels else {
            return exec_err!("the labels of {} are a constant", self.name);
        };
        if labels.is_null() {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&self.returns)?));
        }
        let labels = constant_texts(labels)?;
        let labels = LabelSet::new(labels.iter().map(String::as_str));
        match self.returns {
            DataType::Utf8 => over_texts(text, |texts| nearest(&labels, texts)),
            _ => over_texts(text, |texts| near(&labels, texts)),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn nearest(labels: &LabelSet, texts: &ArrayRef) -> Result<ArrayRef> {
    let found = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        with_vector(text, |vector| {
            labels.nearest(vector).unwrap_or(UNCLASSIFIED)
        })
    });
    let mut answers = StringBuilder::with_capacity(texts.len(), texts.len() * 16);
    for answer in found.rows() {
        answers.append_option(answer.copied().flatten());
    }
    Ok(Arc::new(answers.finish()))
}

fn near(labels: &LabelSet, texts: &ArrayRef) -> Result<ArrayRef> {
    let found = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        with_vector(text, |vector| labels.near(vector).collect::<Vec<_>>())
    });
    let mut answers = ListBuilder::new(StringBuilder::new()).with_field(element());
    for answer in found.rows() {
        let answer = answer.and_then(Option::as_ref);
        for label in answer.into_iter().flatten() {
            answers.values().append_value(label);
        }
        answers.append(answer.is_some());
    }
    Ok(Arc::new(answers.finish()))
}

// A name stands for one function in this crate.
impl PartialEq for Classify {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Classify {}

impl Hash for Classify {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}
