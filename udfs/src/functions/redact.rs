//! `redact(text [, entities [, mode]])`: a text without its personal data.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{Texts, coerced_text, is_list_of_text, over_texts};
use super::text_function::SECTION;
use crate::model::distinct::Answers;
use crate::pii::{EntityKinds, PiiError, RedactionMode, redact};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
A text with its personal data replaced. entities limits the types (see pii_entities; NULL: all of \
them). mode is 'entity' for [EMAIL], 'numbered' for [EMAIL_1], the same number for the same value in \
the text, 'hash' for letters that are the same for the same value everywhere (a pseudonym, not \
anonymous), or 'remove'. What pii_entities does not find stays. NULL for NULL or blank \
texts and for a mode that is NULL.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = Documentation::builder(SECTION, DESCRIPTION, "redact(text)")
        .with_argument(
            "text",
            "The message: any string type. NULL and blank texts give NULL.",
        )
        .with_argument("entities", "A constant text[] of types, default all.")
        .with_argument("mode", "A constant, default 'entity'.")
        .with_alternative_syntax("redact(text, entities)")
        .with_alternative_syntax("redact(text, entities, mode)")
        .with_sql_example("SELECT redact('Write to jo@example.org', ARRAY['EMAIL'], 'numbered');")
        .with_related_udf("pii_entities")
        .build();
    let signature = Signature::user_defined(Volatility::Immutable);
    ScalarUDF::from(Redact {
        signature,
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Redact {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for Redact {
    fn name(&self) -> &str {
        "redact"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        if !(1..=3).contains(&arguments.len()) {
            return plan_err!("redact takes a text, the types of entities and a mode");
        }
        let coerced = arguments.iter().enumerate().map(|(index, argument)| {
            if index == 1 && is_list_of_text(argument) {
                return Ok(argument.clone());
            }
            match coerced_text(argument) {
                Some(_) if index == 1 && !argument.is_null() => {
                    plan_err!("the entities of redact are a list, as in ARRAY['EMAIL']")
                }
                Some(_) if index == 1 => Ok(DataType::Null),
                Some(coerced) => Ok(coerced),
                None => plan_err!("redact(text, entities text[], mode) got {argument}"),
            }
        });
        coerced.collect()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (text, rest) = match arguments.args.split_first() {
            Some((text, rest)) if rest.len() <= 2 => (text, rest),
            _ => return exec_err!("redact takes one to three arguments"),
        };
        let kinds = rest.first().map_or(Ok(Some(EntityKinds::ALL)), kinds)?;
        let mode = rest.get(1).map_or(Ok(Some(RedactionMode::Entity)), mode)?;
        match (kinds, mode) {
            (Some(kinds), Some(mode)) => over_texts(text, |texts| redacted(texts, kinds, mode)),
            _ => Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None))),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn redacted(texts: &ArrayRef, kinds: EntityKinds, mode: RedactionMode) -> Result<ArrayRef> {
    let mut answers = StringBuilder::with_capacity(texts.len(), 0);
    let mut bytes = 0_usize;
    let redacted = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        redact(text, kinds, mode)
    });
    for answer in redacted.rows() {
        bytes += answer.as_ref().map_or(0, |answer| answer.len());
        if i32::try_from(bytes).is_err() {
            return exec_err!("the texts of one batch are longer than 2 GB");
        }
        answers.append_option(answer);
    }
    Ok(Arc::new(answers.finish()))
}

/// The types of entities to replace: all for NULL.
fn kinds(argument: &ColumnarValue) -> Result<Option<EntityKinds>> {
    let ColumnarValue::Scalar(argument) = argument else {
        return exec_err!("the entities of redact are a constant");
    };
    if argument.is_null() {
        return Ok(Some(EntityKinds::ALL));
    }
    let list = argument.to_array()?;
    let names = match list.data_type() {
        DataType::List(_) => list.as_list::<i32>().value(0),
        DataType::LargeList(_) => list.as_list::<i64>().value(0),
        DataType::FixedSizeList(..) => list.as_fixed_size_list().value(0),
        other => return exec_err!("the entities of redact are a list of text, not {other}"),
    };
    let mut kinds = EntityKinds::NONE;
    if names.data_type().is_null() {
        return Ok(Some(kinds));
    }
    let names = Texts::new(names.as_ref())?;
    for name in (0..names.len()).filter_map(|row| names.get(row)) {
        kinds = kinds.with(name.parse().map_err(external)?);
    }
    Ok(Some(kinds))
}

/// The mode; `None` for NULL.
fn mode(argument: &ColumnarValue) -> Result<Option<RedactionMode>> {
    let ColumnarValue::Scalar(argument) = argument else {
        return exec_err!("the mode of redact is a constant");
    };
    match argument.try_as_str().flatten() {
        None => Ok(None),
        Some(name) => Ok(Some(name.parse().map_err(external)?)),
    }
}

fn external(error: PiiError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
