//! `phrase_match(text, expression)`: whether a text has the words one looks for.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, BooleanBuilder};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{Texts, over_texts, plain, text_argument};
use super::text_function::SECTION;
use crate::model::distinct::Answers;
use crate::phrase::{Expression, Matcher};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
Whether a text has the words of an expression: words, \"quoted phrases\", prefix*, AND, OR, NOT, \
parentheses, and NEAR/n (within n words, in any order). Words side by side are joined by AND. Whole \
words count, upper and lower case are the same, and so are the two ways to write an accent; operators are written in any case, quote a word to look \
for it as a word. Scripts without spaces between words match only as whole runs. NULL for a NULL or \
blank text and for a NULL expression; an expression that cannot be read is an error that names the \
position.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation =
        Documentation::builder(SECTION, DESCRIPTION, "phrase_match(text, expression)")
            .with_argument(
                "text",
                "The message: any string type. NULL and blank texts give NULL.",
            )
            .with_argument(
                "expression",
                "What to look for; read once where it is a constant.",
            )
            .with_sql_example(
                "SELECT phrase_match('Please cancel my account', 'cancel* NEAR/3 account');",
            )
            .build();
    let arguments = vec![text_argument(), text_argument()];
    let signature = Signature::coercible(arguments, Volatility::Immutable);
    ScalarUDF::from(PhraseMatch {
        signature,
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PhraseMatch {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for PhraseMatch {
    fn name(&self) -> &str {
        "phrase_match"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [text, ColumnarValue::Scalar(expression)] => {
                let Some(expression) = expression.try_as_str().flatten() else {
                    return Ok(ColumnarValue::Scalar(ScalarValue::Boolean(None)));
                };
                let mut matcher = matcher(expression)?;
                over_texts(text, |texts| constant_expression(texts, &mut matcher))
            }
            [text, ColumnarValue::Array(expressions)] => {
                let texts = plain(&text.to_array(arguments.number_rows)?)?;
                Ok(ColumnarValue::Array(row_expressions(
                    &texts,
                    &plain(expressions)?,
                )?))
            }
            _ => exec_err!("phrase_match takes a text and an expression"),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

fn matcher(expression: &str) -> Result<Matcher> {
    Expression::parse(expression)
        .map(Matcher::new)
        .map_err(|error| DataFusionError::External(Box::new(error)))
}

fn constant_expression(texts: &ArrayRef, matcher: &mut Matcher) -> Result<ArrayRef> {
    let found = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        matcher.is_match(text)
    });
    let found: BooleanArray = found.rows().map(Option::<&bool>::copied).collect();
    Ok(Arc::new(found))
}

/// An expression a row: neighbours with the same expression share its parse.
fn row_expressions(texts: &ArrayRef, expressions: &ArrayRef) -> Result<ArrayRef> {
    let texts = Texts::new(texts.as_ref())?.spoken();
    let expressions = Texts::new(expressions.as_ref())?;
    let mut last: Option<(&str, Matcher)> = None;
    let mut found = BooleanBuilder::with_capacity(expressions.len());
    for (row, text) in texts.enumerate() {
        let (Some(text), Some(expression)) = (text, expressions.get(row)) else {
            found.append_null();
            continue;
        };
        let mut current = match last.take() {
            Some(current) if current.0 == expression => current,
            _ => (expression, matcher(expression)?),
        };
        found.append_value(current.1.is_match(text));
        last = Some(current);
    }
    Ok(Arc::new(found.finish()))
}
