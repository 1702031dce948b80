//! `pii_entities(text)`: the personal data of a text.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::NullBufferBuilder;
use datafusion::arrow::array::{
    ArrayRef, Float64Builder, Int32Builder, ListArray, StringBuilder, StructArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::ScalarUDF;

use super::text::Texts;
use super::text_function::{TextFunction, text_documentation};
use crate::model::distinct::Answers;
use crate::pii::{EntityKinds, character_ranges, find};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The personal data of a text: a list of (type, start, end, score) in text order, nothing overlapping. \
Types: EMAIL, PHONE, CARD (Luhn), IBAN (modulo 97), SSN, NATIONAL_ID (United Kingdom, Spain, Italy, \
France, Brazil, Canada), IP, URL, ADDRESS, PERSON. start and end count characters from 0, end \
exclusive; score is how sure the find is, 0 to 1. Names are found only where the text announces one, \
addresses in common English, German and French forms. None gives an empty list; NULL for NULL or blank \
texts.";

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("type", DataType::Utf8, true),
        Field::new("start", DataType::Int32, true),
        Field::new("end", DataType::Int32, true),
        Field::new("score", DataType::Float64, true),
    ])
});

static ELEMENT: LazyLock<FieldRef> = LazyLock::new(|| {
    Arc::new(Field::new(
        "element",
        DataType::Struct(FIELDS.clone()),
        true,
    ))
});

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation = text_documentation(
        DESCRIPTION,
        "pii_entities(text)",
        "SELECT pii_entities('Write to jo@example.org');",
    );
    let returns = DataType::List(Arc::clone(&ELEMENT));
    TextFunction::own("pii_entities", returns, entities, documentation)
}

fn entities(texts: &ArrayRef) -> Result<ArrayRef> {
    let mut counts = Vec::with_capacity(texts.len());
    let mut present = NullBufferBuilder::new(texts.len());
    let mut kinds = StringBuilder::new();
    let mut starts = Int32Builder::new();
    let mut ends = Int32Builder::new();
    let mut scores = Float64Builder::new();
    let finds = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        let found = find(text, EntityKinds::ALL);
        let ranges = character_ranges(text, &found);
        found.into_iter().zip(ranges).collect::<Vec<_>>()
    });
    for found in finds.rows() {
        present.append(found.is_some());
        counts.push(found.map_or(0, Vec::len));
        for (entity, range) in found.into_iter().flatten() {
            kinds.append_value(entity.kind.name());
            starts.append_value(offset(range.start)?);
            ends.append_value(offset(range.end)?);
            scores.append_value(entity.score);
        }
    }
    let columns: Vec<ArrayRef> = vec![
        Arc::new(kinds.finish()),
        Arc::new(starts.finish()),
        Arc::new(ends.finish()),
        Arc::new(scores.finish()),
    ];
    let found = StructArray::try_new(FIELDS.clone(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(
        Arc::clone(&ELEMENT),
        OffsetBuffer::from_lengths(counts),
        Arc::new(found),
        present.finish(),
    )?))
}

fn offset(characters: usize) -> Result<i32> {
    i32::try_from(characters).map_err(|_| exec_datafusion_err!("the text is longer than 2 GB"))
}
