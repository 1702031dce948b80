//! Which SQLSTATE and which text a DataFusion or Arrow error becomes.

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use verbatim_udfs::FunctionError;
use verbatim_udfs::model::{ModelError, OnnxError};
use verbatim_udfs::phrase::PhraseError;
use verbatim_udfs::pii::PiiError;

use super::{Error, sqlstate};
use crate::enrich::EnrichError;

/// The SQLSTATE of a DataFusion error, looking through every wrapper.
pub(super) fn datafusion(error: &DataFusionError) -> &'static str {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            datafusion(inner)
        }
        DataFusionError::Shared(inner) => datafusion(inner),
        DataFusionError::Collection(errors) => {
            errors.first().map_or(sqlstate::INTERNAL_ERROR, datafusion)
        }
        DataFusionError::External(inner) => external(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => arrow(inner),
        DataFusionError::SQL(inner, _) => parser(inner),
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::NotImplemented(text) => not_implemented(text),
        DataFusionError::Plan(text) => plan(text),
        DataFusionError::Execution(text) => execution(text),
        DataFusionError::ResourcesExhausted(_) => sqlstate::OUT_OF_MEMORY,
        DataFusionError::Configuration(_) => sqlstate::INVALID_PARAMETER_VALUE,
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => sqlstate::IO_ERROR,
        _ => sqlstate::INTERNAL_ERROR,
    }
}

/// The text of a DataFusion error without the prefixes that speak of DataFusion's own parts.
pub(super) fn message(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => {
            message(inner)
        }
        DataFusionError::Shared(inner) => message(inner),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => message(first),
            None => error.to_string(),
        },
        DataFusionError::External(inner) => inner.to_string(),
        DataFusionError::ArrowError(inner, _) => match inner.as_ref() {
            ArrowError::DivideByZero => "division by zero".to_owned(),
            ArrowError::ExternalError(inner) => inner.to_string(),
            other => strip(&other.to_string()).to_owned(),
        },
        DataFusionError::SQL(inner, _) => match inner.as_ref() {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => {
                format!("syntax error: {text}")
            }
            ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
        },
        DataFusionError::Plan(text)
        | DataFusionError::Execution(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::ResourcesExhausted(text)
        | DataFusionError::Configuration(text) => backtrace_free(text).to_owned(),
        DataFusionError::SchemaError(inner, _) => inner.to_string(),
        other => backtrace_free(&other.to_string()).to_owned(),
    }
}

fn strip(text: &str) -> &str {
    const PREFIXES: [&str; 6] = [
        "Cast error: ",
        "Parser error: ",
        "Compute error: ",
        "Invalid argument error: ",
        "Arithmetic overflow: ",
        "Schema error: ",
    ];
    PREFIXES
        .iter()
        .find_map(|prefix| text.strip_prefix(prefix))
        .unwrap_or(text)
}

fn backtrace_free(text: &str) -> &str {
    let end = text.find(DataFusionError::BACK_TRACE_SEP);
    &text[..end.unwrap_or(text.len())]
}

fn external(error: &(dyn std::error::Error + Send + Sync + 'static)) -> &'static str {
    if let Some(own) = error.downcast_ref::<Error>() {
        return own.sqlstate();
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return datafusion(inner);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return arrow(inner);
    }
    if let Some(FunctionError::NoSuchModel { .. }) = error.downcast_ref() {
        return sqlstate::UNDEFINED_OBJECT;
    }
    if let Some(error) = error.downcast_ref::<ModelError>() {
        return model(error);
    }
    if let Some(EnrichError::Model(error)) = error.downcast_ref::<EnrichError>() {
        return model(error);
    }
    if error.is::<PiiError>() || error.is::<PhraseError>() {
        return sqlstate::INVALID_PARAMETER_VALUE;
    }
    sqlstate::INTERNAL_ERROR
}

/// The SQLSTATE of a model that cannot be used.
pub(super) fn model(error: &ModelError) -> &'static str {
    match error {
        ModelError::Onnx(OnnxError::NotBuilt) => sqlstate::FEATURE_NOT_SUPPORTED,
        ModelError::Onnx(OnnxError::Files(_)) => sqlstate::UNDEFINED_FILE,
        ModelError::Onnx(OnnxError::Runtime(_)) => sqlstate::SYSTEM_ERROR,
        ModelError::Onnx(OnnxError::Unfit(_)) => sqlstate::INVALID_PARAMETER_VALUE,
        ModelError::Onnx(OnnxError::Stopped) => sqlstate::QUERY_CANCELED,
        ModelError::Onnx(OnnxError::Run { .. }) => sqlstate::EXTERNAL_ROUTINE_EXCEPTION,
        ModelError::Weights(_) | ModelError::NotText(_) | ModelError::Arrow(_) => {
            sqlstate::INTERNAL_ERROR
        }
    }
}

fn arrow(error: &ArrowError) -> &'static str {
    match error {
        ArrowError::DivideByZero => sqlstate::DIVISION_BY_ZERO,
        ArrowError::ArithmeticOverflow(_) => sqlstate::NUMERIC_VALUE_OUT_OF_RANGE,
        ArrowError::CastError(text) | ArrowError::ParseError(text) => conversion(text),
        ArrowError::InvalidArgumentError(text) | ArrowError::ComputeError(text) => execution(text),
        ArrowError::NotYetImplemented(_) => sqlstate::FEATURE_NOT_SUPPORTED,
        ArrowError::MemoryError(_) => sqlstate::OUT_OF_MEMORY,
        ArrowError::SchemaError(_) => sqlstate::DATATYPE_MISMATCH,
        ArrowError::IoError(..) => sqlstate::IO_ERROR,
        ArrowError::CsvError(_) | ArrowError::JsonError(_) => sqlstate::INVALID_TEXT_REPRESENTATION,
        ArrowError::ExternalError(inner) => external(inner.as_ref()),
        _ => sqlstate::INTERNAL_ERROR,
    }
}

fn parser(error: &ParserError) -> &'static str {
    match error {
        ParserError::RecursionLimitExceeded => sqlstate::STATEMENT_TOO_COMPLEX,
        ParserError::TokenizerError(_) | ParserError::ParserError(_) => sqlstate::SYNTAX_ERROR,
    }
}

fn schema(error: &SchemaError) -> &'static str {
    match error {
        SchemaError::FieldNotFound { .. } => sqlstate::UNDEFINED_COLUMN,
        SchemaError::AmbiguousReference { .. } => sqlstate::AMBIGUOUS_COLUMN,
        SchemaError::DuplicateQualifiedField { .. } => sqlstate::DUPLICATE_ALIAS,
        SchemaError::DuplicateUnqualifiedField { .. } => sqlstate::DUPLICATE_COLUMN,
    }
}

/// What a failed conversion was: a value out of range, or a text that is no such value.
fn conversion(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.contains("can't cast value")
        || lower.contains("overflow")
        || lower.contains("too large")
    {
        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE
    } else if lower.contains("not supported") || lower.contains("unsupported") {
        sqlstate::DATATYPE_MISMATCH
    } else if lower.contains("parsing timestamp")
        || lower.contains("parsing date")
        || lower.contains("parsing time")
        || lower.contains("to value of date")
        || lower.contains("to value of time")
    {
        sqlstate::INVALID_DATETIME_FORMAT
    } else {
        sqlstate::INVALID_TEXT_REPRESENTATION
    }
}

fn execution(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        sqlstate::DIVISION_BY_ZERO
    } else if lower.contains("overflow") || lower.contains("out of range") {
        sqlstate::NUMERIC_VALUE_OUT_OF_RANGE
    } else if lower.contains("parsing timestamp") || lower.contains("parsing date") {
        sqlstate::INVALID_DATETIME_FORMAT
    } else if lower.contains("cannot parse")
        || lower.contains("error parsing")
        || lower.contains("failed to parse")
        || lower.contains("cannot cast string")
    {
        sqlstate::INVALID_TEXT_REPRESENTATION
    } else if lower.contains("failed to coerce") || lower.contains("coercion") {
        sqlstate::UNDEFINED_FUNCTION
    } else if lower.contains("placeholder") {
        sqlstate::UNDEFINED_PARAMETER
    } else if lower.contains("null value") || lower.contains("non-nullable") {
        sqlstate::NOT_NULL_VIOLATION
    } else {
        sqlstate::INVALID_PARAMETER_VALUE
    }
}

fn not_implemented(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    if lower.contains("unsupported sql type") {
        sqlstate::UNDEFINED_OBJECT
    } else {
        sqlstate::FEATURE_NOT_SUPPORTED
    }
}

/// Planning errors say in words what is missing; the words are DataFusion's, so each has a test.
fn plan(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    let has = |part: &str| lower.contains(part);
    if has("table") && has("not found") {
        sqlstate::UNDEFINED_TABLE
    } else if has("table function") && has("not found")
        || has("invalid function '")
        || has("does not support zero arguments")
        || has("failed to coerce arguments")
        || has("no function matches")
        || has("candidate functions")
        || has("there is no ") && has(" function named")
        || has("cannot coerce") && has("function")
        || has("expects") && has("arguments")
        || has("cannot infer common argument type")
        || has("cannot get result type")
        || has("could not coerce")
        || has("are not coercible")
        || has("no implicit conversion")
    {
        sqlstate::UNDEFINED_FUNCTION
    } else if has("failed to resolve schema") || has("schema") && has("not found") {
        sqlstate::INVALID_SCHEMA_NAME
    } else if has("must appear in the group by clause") || has("must be part of group by") {
        sqlstate::GROUPING_ERROR
    } else if has("no field named") || has("column") && has("not found") {
        sqlstate::UNDEFINED_COLUMN
    } else if has("require unique expression names") {
        sqlstate::DUPLICATE_COLUMN
    } else if has("placeholder") {
        sqlstate::UNDEFINED_PARAMETER
    } else if has("must be boolean type")
        || has("incompatible")
        || has("cannot automatically convert")
        || has("can not be cast")
        || has("cannot be cast")
        || has("unsupported cast")
        || has("cannot cast")
        || has("non-boolean")
        || has("type mismatch")
        || has("to be an integer")
    {
        sqlstate::DATATYPE_MISMATCH
    } else if has("different number of columns")
        || has("column count doesn't match")
        || has("must have the same number")
    {
        sqlstate::SYNTAX_ERROR
    } else if has("not supported") || has("unsupported") || has("not implemented") {
        sqlstate::FEATURE_NOT_SUPPORTED
    } else if has("divide by zero") {
        sqlstate::DIVISION_BY_ZERO
    } else if has("must be >= 0") || has("must be >=0") {
        sqlstate::INVALID_PARAMETER_VALUE
    } else {
        sqlstate::SYNTAX_ERROR
    }
}
