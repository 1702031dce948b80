//! `sentiment_aspects(text, aspects)`: the sentiment of a text about named things.

use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::NullBufferBuilder;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, ListArray, StringBuilder, StructArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::text::{Texts, coerced_text, is_list_of_text, over_texts, plain};
use super::text_function::SECTION;
use crate::model::distinct::Answers;
use crate::model::{AspectSentiments, Aspects, ModelSet};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
How a text feels about named things: a list of (name, sentiment, score). 'overall' comes first, with \
sentiment_label and sentiment of the whole text; then each aspect in the order given. An aspect is found by its \
words, in any inflection (delivery: deliveries, delivered), a phrase by its words side by side. Its sentiment is \
that of the clauses that speak of it, scored by the model of sentiment, averaged by length, of the first 16 \
places that name it: 'negative', \
'neutral', 'positive', or 'mixed' where its clauses disagree; score is -1 to 1. Clauses end with sentences, lines, \
before but, however, although and the like, before a comma with a conjunction, and between two aspects where a \
comma or a conjunction parts them. An aspect that the text does not name is 'unknown' with a NULL score; \
synonyms and pronouns are not followed. NULL for NULL aspects and as in sentiment.";

const USE: &str = "sentiment_aspects takes a text and a list of aspects, as in ARRAY['price']";

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    Fields::from(vec![
        Field::new("name", DataType::Utf8, true),
        Field::new("sentiment", DataType::Utf8, true),
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

/// The name of the first row of each answer.
const OVERALL: &str = "overall";
/// The sentiment of an aspect that a text does not speak of.
const UNKNOWN: &str = "unknown";

/// The function.
pub(super) fn function() -> ScalarUDF {
    let documentation =
        Documentation::builder(SECTION, DESCRIPTION, "sentiment_aspects(text, aspects)")
            .with_argument(
                "text",
                "The message: any string type. NULL and blank texts give NULL.",
            )
            .with_argument(
                "aspects",
                "text[] of words or phrases; read once where it is a constant. NULL elements are left out.",
            )
            .with_sql_example(
                "SELECT sentiment_aspects('Fast delivery but rude support', ARRAY['delivery', 'support', 'price']);",
            )
            .with_related_udf("sentiment")
            .build();
    ScalarUDF::from(SentimentAspects {
        signature: Signature::user_defined(Volatility::Immutable),
        documentation,
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SentimentAspects {
    signature: Signature,
    documentation: Documentation,
}

impl ScalarUDFImpl for SentimentAspects {
    fn name(&self) -> &str {
        "sentiment_aspects"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::List(Arc::clone(&ELEMENT)))
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [text, aspects] = arguments else {
            return plan_err!("{USE}");
        };
        let Some(text) = coerced_text(text) else {
            return plan_err!("{USE}, not {text}");
        };
        match aspects {
            DataType::Null => Ok(vec![text, DataType::Null]),
            list if is_list_of_text(list) => Ok(vec![text, list.clone()]),
            other => plan_err!("{USE}, not {other}"),
        }
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [text, ColumnarValue::Scalar(aspects)] => {
                if aspects.is_null() {
                    let nothing = DataType::List(Arc::clone(&ELEMENT));
                    return Ok(ColumnarValue::Scalar(ScalarValue::try_from(&nothing)?));
                }
                let names = row_of(&aspects.to_array()?, 0)?;
                let aspects = read(&names)?;
                over_texts(text, |texts| constant_aspects(texts, &aspects))
            }
            [text, ColumnarValue::Array(aspects)] => {
                let texts = plain(&text.to_array(arguments.number_rows)?)?;
                Ok(ColumnarValue::Array(row_aspects(&texts, aspects)?))
            }
            _ => exec_err!("{USE}"),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}

/// The list of one row.
fn row_of(lists: &ArrayRef, row: usize) -> Result<ArrayRef> {
    match lists.data_type() {
        DataType::List(_) => Ok(lists.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Ok(lists.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Ok(lists.as_fixed_size_list().value(row)),
        other => exec_err!("{USE}, not {other}"),
    }
}

/// The aspects of a list; the whole text needs no naming.
fn read(names: &ArrayRef) -> Result<Aspects> {
    if names.data_type().is_null() {
        return Ok(Aspects::default());
    }
    let plain_names = plain(names)?;
    let names = Texts::new(plain_names.as_ref())?;
    let given = (0..names.len()).filter_map(|row| names.get(row));
    Ok(Aspects::new(given.filter(|name| *name != OVERALL)))
}

fn constant_aspects(texts: &ArrayRef, aspects: &Aspects) -> Result<ArrayRef> {
    let models = ModelSet::shipped();
    let answers = Answers::of(Texts::new(texts.as_ref())?.spoken(), |text| {
        models.sentiment_aspects(text, aspects)
    });
    let mut lists = Lists::with_room(texts.len());
    for answer in answers.rows() {
        match answer.and_then(Option::as_ref) {
            Some(answer) => lists.append(aspects, answer),
            None => lists.append_null(),
        }
    }
    lists.finish()
}

/// Aspects of their own for each row: neighbours with the same list share its reading.
fn row_aspects(texts: &ArrayRef, aspects: &ArrayRef) -> Result<ArrayRef> {
    let models = ModelSet::shipped();
    let mut lists = Lists::with_room(texts.len());
    let mut last: Option<(ArrayRef, Aspects)> = None;
    for (row, text) in Texts::new(texts.as_ref())?.spoken().enumerate() {
        let Some(text) = text.filter(|_| aspects.is_valid(row)) else {
            lists.append_null();
            continue;
        };
        let names = row_of(aspects, row)?;
        let current = match last.take() {
            Some(current) if current.0.as_ref() == names.as_ref() => current,
            _ => {
                let aspects = read(&names)?;
                (names, aspects)
            }
        };
        match models.sentiment_aspects(text, &current.1) {
            Some(answer) => lists.append(&current.1, &answer),
            None => lists.append_null(),
        }
        last = Some(current);
    }
    lists.finish()
}

/// The answers as they are built.
struct Lists {
    counts: Vec<usize>,
    present: NullBufferBuilder,
    names: StringBuilder,
    sentiments: StringBuilder,
    scores: Float64Builder,
}

impl Lists {
    fn with_room(rows: usize) -> Lists {
        Lists {
            counts: Vec::with_capacity(rows),
            present: NullBufferBuilder::new(rows),
            names: StringBuilder::new(),
            sentiments: StringBuilder::new(),
            scores: Float64Builder::new(),
        }
    }

    fn append(&mut self, aspects: &Aspects, answer: &AspectSentiments) {
        self.present.append_non_null();
        self.counts.push(1 + answer.aspects.len());
        self.names.append_value(OVERALL);
        self.sentiments.append_value(answer.overall.0);
        self.scores.append_value(answer.overall.1);
        for (name, sentiment) in aspects.names().iter().zip(&answer.aspects) {
            self.names.append_value(name);
            self.sentiments
                .append_value(sentiment.map_or(UNKNOWN, |(label, _)| label));
            self.scores.append_option(sentiment.map(|(_, score)| score));
        }
    }

    fn append_null(&mut self) {
        self.present.append_null();
        self.counts.push(0);
    }

    fn finish(mut self) -> Result<ArrayRef> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.names.finish()),
            Arc::new(self.sentiments.finish()),
            Arc::new(self.scores.finish()),
        ];
        let values = StructArray::try_new(FIELDS.clone(), columns, None)?;
        Ok(Arc::new(ListArray::try_new(
            Arc::clone(&ELEMENT),
            OffsetBuffer::from_lengths(self.counts),
            Arc::new(values),
            self.present.finish(),
        )?))
    }
}
