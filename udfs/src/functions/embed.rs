//! `embed(text)`: a text as a vector.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float32Builder, ListBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::Result;
use datafusion::logical_expr::ScalarUDF;

use super::text::Texts;
use super::text_function::{TextFunction, text_documentation};
use crate::model::Encoder;
use crate::model::distinct::Answers;
use crate::model::sentence::vector;

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The meaning of a text as a vector, real[] of 256 numbers of length 1: the nearer two texts, the larger \
the sum of the products of their vectors (their cosine, see similarity). Vectors of one release are \
comparable, those of two may not be. English; the first 256 words are read. The encoder is a student of \
all-MiniLM-L6-v2 that ships with the program. NULL for a NULL or blank text and for one without letters.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "embed(text)",
        "SELECT embed('Where is my parcel?');",
    );
    TextFunction::own(
        "embed",
        DataType::List(Arc::new(element())),
        embed,
        documentation,
    )
}

fn element() -> Field {
    Field::new("element", DataType::Float32, true)
}

fn embed(texts: &ArrayRef) -> Result<ArrayRef> {
    let texts = Texts::new(texts.as_ref())?;
    let numbers = Float32Builder::with_capacity(texts.len() * Encoder::shipped().dimensions());
    let mut vectors = ListBuilder::with_capacity(numbers, texts.len()).with_field(element());
    for answer in Answers::of(texts.spoken(), vector).rows() {
        let vector = answer.and_then(Option::as_ref);
        vectors
            .values()
            .append_slice(vector.map_or(&[], Vec::as_slice));
        vectors.append(vector.is_some());
    }
    Ok(Arc::new(vectors.finish()))
}
