//! The text argument of a call: any string encoding, a constant or a dictionary, without a copy.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, LargeStringArray, StringArray, StringViewArray,
};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::types::logical_string;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    Coercion, ColumnarValue, EncodingPreservation, Signature, TypeSignatureClass, Volatility,
};

/// The strings of an array of any string type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Texts<'a> {
    /// 32-bit offsets.
    Utf8(&'a StringArray),
    /// 64-bit offsets.
    LargeUtf8(&'a LargeStringArray),
    /// Views.
    Utf8View(&'a StringViewArray),
}

impl<'a> Texts<'a> {
    /// The strings of `array`; an error for any other type.
    pub(crate) fn new(array: &'a dyn Array) -> Result<Self> {
        match array.data_type() {
            DataType::Utf8 => Ok(Texts::Utf8(array.as_string())),
            DataType::LargeUtf8 => Ok(Texts::LargeUtf8(array.as_string())),
            DataType::Utf8View => Ok(Texts::Utf8View(array.as_string_view())),
            other => exec_err!("expected text, found {other}"),
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        match self {
            Texts::Utf8(array) => array.len(),
            Texts::LargeUtf8(array) => array.len(),
            Texts::Utf8View(array) => array.len(),
        }
    }

    /// The text of a row; `None` for NULL.
    pub(crate) fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Texts::Utf8(array) => array.is_valid(row).then(|| array.value(row)),
            Texts::LargeUtf8(array) => array.is_valid(row).then(|| array.value(row)),
            Texts::Utf8View(array) => array.is_valid(row).then(|| array.value(row)),
        }
    }

    /// The texts in row order; `None` for NULL and for blank texts, which every function answers
    /// with NULL.
    pub(crate) fn spoken(self) -> impl Iterator<Item = Option<&'a str>> {
        (0..self.len()).map(move |row| self.get(row).filter(|text| !is_blank(text)))
    }
}

/// Whether a text says nothing: empty or white space only.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}

/// An argument that takes any string type as it is, dictionaries included.
pub(crate) fn text_argument() -> Coercion {
    Coercion::new_exact(TypeSignatureClass::Native(logical_string()))
        .with_encoding_preservation(EncodingPreservation::dictionary())
}

/// The signature `(text)`.
pub(crate) fn text_signature() -> Signature {
    Signature::coercible(vec![text_argument()], Volatility::Immutable)
}

/// What a text argument is coerced to in a function that resolves its argument types itself:
/// strings and dictionaries of strings stay as they are, an untyped NULL becomes text.
pub(crate) fn coerced_text(argument: &DataType) -> Option<DataType> {
    match argument {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(argument.clone()),
        DataType::Null => Some(DataType::Utf8),
        DataType::Dictionary(_, values) if coerced_text(values).is_some() => Some(argument.clone()),
        _ => None,
    }
}

/// A dictionary as the array it stands for.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.as_any_dictionary_opt() {
        Some(dictionary) => Ok(cast(array, dictionary.values().data_type())?),
        None => Ok(Arc::clone(array)),
    }
}

/// Whether an argument is a list of texts, a column or a constant.
pub(crate) fn is_list_of_text(argument: &DataType) -> bool {
    match argument {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _) => {
            // ARRAY[] is a list of NULLs.
            element.data_type().is_null() || coerced_text(element.data_type()).is_some()
        }
        _ => false,
    }
}

/// The texts of a constant list that is not NULL, without its NULLs.
pub(crate) fn constant_texts(list: &ScalarValue) -> Result<Vec<String>> {
    let list = list.to_array()?;
    let texts = match list.data_type() {
        DataType::List(_) => list.as_list::<i32>().value(0),
        DataType::LargeList(_) => list.as_list::<i64>().value(0),
        DataType::FixedSizeList(..) => list.as_fixed_size_list().value(0),
        other => return exec_err!("expected a list of text, found {other}"),
    };
    if texts.data_type().is_null() {
        return Ok(Vec::new());
    }
    let texts = Texts::new(texts.as_ref())?;
    let present = (0..texts.len()).filter_map(|row| texts.get(row));
    Ok(present.map(str::to_owned).collect())
}

/// Applies `kernel` to a text argument: once for a constant, once per value of a dictionary.
///
/// `kernel` gets an array of Utf8, LargeUtf8 or Utf8View and returns one value a row.
pub(crate) fn over_texts(
    argument: &ColumnarValue,
    mut kernel: impl FnMut(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ColumnarValue> {
    match argument {
        ColumnarValue::Scalar(ScalarValue::Dictionary(_, value)) => {
            over_texts(&ColumnarValue::Scalar(value.as_ref().clone()), kernel)
        }
        ColumnarValue::Scalar(value) => {
            let answer = kernel(&value.to_array_of_size(1)?)?;
            Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &answer, 0,
            )?))
        }
        ColumnarValue::Array(array) => Ok(ColumnarValue::Array(over_array(array, &mut kernel)?)),
    }
}

fn over_array(
    array: &ArrayRef,
    kernel: &mut dyn FnMut(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let Some(dictionary) = array.as_any_dictionary_opt() else {
        return kernel(array);
    };
    // A dictionary can be shared by many small batches: with more values than rows it is cheaper
    // to look at the rows.
    if dictionary.values().len() > array.len() {
        let rows = take(dictionary.values(), dictionary.keys(), None)?;
        return over_array(&rows, kernel);
    }
    let answers = over_array(dictionary.values(), kernel)?;
    Ok(take(&answers, dictionary.keys(), None)?)
}
