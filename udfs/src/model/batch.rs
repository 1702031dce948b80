//! Scores of an Arrow array of texts.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float32Builder, Float64Builder, Int16Builder,
    Int32Builder, ListBuilder, StringBuilder,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field};

use super::distinct::Answers;
use super::pool::with_scratch;
use super::score::{RISKS, SENTIMENTS, Scores, Wanted};
use super::set::{ModelSet, UNCLASSIFIED};
use super::topics::Topics;
use super::{ModelError, ScoreColumn};

impl ModelSet {
    /// Scores an array of texts: one array for each column asked for, of the type
    /// [`ScoreColumn::data_type`] and of the length of `texts`.
    ///
    /// Takes `Utf8`, `LargeUtf8`, `Utf8View` and dictionaries of them. Equal texts are scored
    /// once. A NULL text, a text without letters and a text in a language that no model covers
    /// have NULL scores; its language is told all the same, and a model of one's own answers in any
    /// language.
    pub fn score(
        &self,
        texts: &dyn Array,
        columns: &[ScoreColumn],
    ) -> Result<Vec<ArrayRef>, ModelError> {
        match texts.data_type() {
            DataType::Utf8 => self.score_rows(texts.as_string::<i32>().iter(), columns),
            DataType::LargeUtf8 => self.score_rows(texts.as_string::<i64>().iter(), columns),
            DataType::Utf8View => self.score_rows(texts.as_string_view().iter(), columns),
            DataType::Dictionary(_, _) => {
                let dictionary = texts.as_any_dictionary();
                let values = self.score(dictionary.values().as_ref(), columns)?;
                values
                    .iter()
                    .map(|scores| take(scores, dictionary.keys(), None))
                    .collect::<Result<_, _>>()
                    .map_err(|error| ModelError::Arrow(error.to_string()))
            }
            DataType::Null => {
                let nothing = std::iter::repeat_n(None, texts.len());
                self.score_rows(nothing, columns)
            }
            other => Err(ModelError::NotText(other.to_string())),
        }
    }

    fn score_rows<'a>(
        &self,
        texts: impl ExactSizeIterator<Item = Option<&'a str>>,
        columns: &[ScoreColumn],
    ) -> Result<Vec<ArrayRef>, ModelError> {
        let wanted = Wanted::of(columns);
        let scored = with_scratch(|scratch| match self.composed {
            // Nothing can fail, and scores are not wrapped once more.
            None => Ok(Answers::of(texts, |text| {
                self.inner.score_text(text, wanted, scratch)
            })),
            Some(_) => Answers::try_of(texts, |text| self.score_text(text, wanted, scratch)),
        })?;
        let build = |column: &ScoreColumn| {
            let every_language = self.covers_every_language(*column);
            let rows = scored.rows().map(|scores| {
                let scores = scores.and_then(Option::as_ref);
                scores.filter(|scores| scores.covered || every_language)
            });
            self.build(*column, rows)
        };
        Ok(columns.iter().map(build).collect())
    }

    /// The numbers of all topics of each text, see [`Topics::of`].
    pub(crate) fn topics<'a>(
        &self,
        texts: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<Answers<Option<Vec<i32>>>, ModelError> {
        let wanted = Wanted::of(&[ScoreColumn::TopicId]);
        let every_language = self.covers_every_language(ScoreColumn::TopicId);
        let mut topics = Topics::default();
        with_scratch(|scratch| {
            Answers::try_of(texts, |text| {
                topics.of(text, |text| {
                    let scores = self.score_text(text, wanted, scratch)?;
                    let scores = scores.filter(|scores| scores.covered || every_language);
                    Ok(scores.map(|scores| scores.topic.filter(|topic| *topic != 0)))
                })
            })
        })
    }

    fn build<'a>(
        &'a self,
        column: ScoreColumn,
        rows: impl ExactSizeIterator<Item = Option<&'a Scores>>,
    ) -> ArrayRef {
        match column {
            ScoreColumn::Sentiment => floats(rows, |scores| Some(scores.sentiment)),
            ScoreColumn::IntentScore => floats(rows, |scores| Some(scores.intent_score)),
            ScoreColumn::EffortScore => floats(rows, |scores| scores.effort),
            ScoreColumn::ChurnRisk => floats(rows, |scores| Some(scores.churn)),
            ScoreColumn::SentimentLabel => strings(rows, |scores| {
                SENTIMENTS.get(scores.sentiment_label as usize).copied()
            }),
            ScoreColumn::Intent => {
                let labels = self.intent_labels();
                strings(rows, |scores| {
                    Some(
                        scores
                            .intent
                            .map_or(UNCLASSIFIED, |label| labels[label as usize].as_str()),
                    )
                })
            }
            ScoreColumn::TopicId => {
                let mut builder = Int32Builder::with_capacity(rows.len());
                rows.for_each(|scores| builder.append_option(scores.and_then(|s| s.topic)));
                Arc::new(builder.finish())
            }
            ScoreColumn::EffortFeatures => {
                let mut builder = ListBuilder::new(Float32Builder::new()).with_field(Field::new(
                    "element",
                    DataType::Float32,
                    true,
                ));
                for scores in rows {
                    if let Some(scores) = scores {
                        builder.values().append_slice(&scores.parts);
                    }
                    builder.append(scores.is_some());
                }
                Arc::new(builder.finish())
            }
            ScoreColumn::EscalationRequest => {
                let mut builder = BooleanBuilder::with_capacity(rows.len());
                rows.for_each(|s| builder.append_option(s.map(|s| s.escalation)));
                Arc::new(builder.finish())
            }
            ScoreColumn::RiskSignals => lists(rows, |scores| {
                let risks = RISKS.iter().enumerate();
                risks.filter_map(move |(risk, name)| {
                    (scores.risks & (1 << risk) != 0).then_some(*name)
                })
            }),
            ScoreColumn::Emotion => {
                let labels = self.emotion_labels();
                lists(rows, |scores| {
                    let places = scores.emotions.places();
                    places.filter_map(|place| labels.get(place).map(String::as_str))
                })
            }
            ScoreColumn::EmotionIntensity => {
                let mut builder = Int16Builder::with_capacity(rows.len());
                rows.for_each(|s| {
                    builder.append_option(s.and_then(|s| s.emotions.intensity()));
                });
                Arc::new(builder.finish())
            }
            ScoreColumn::DetectedLanguage => {
                strings(rows, |scores| self.inner.language_code(scores.language?))
            }
        }
    }
}

fn floats<'a>(
    rows: impl ExactSizeIterator<Item = Option<&'a Scores>>,
    value: impl Fn(&Scores) -> Option<f64>,
) -> ArrayRef {
    let mut builder = Float64Builder::with_capacity(rows.len());
    rows.for_each(|scores| builder.append_option(scores.and_then(&value)));
    Arc::new(builder.finish())
}

/// A list of texts a row.
fn lists<'a, 'b, I: Iterator<Item = &'a str>>(
    rows: impl ExactSizeIterator<Item = Option<&'b Scores>>,
    values: impl Fn(&'b Scores) -> I,
) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new()).with_field(Field::new(
        "element",
        DataType::Utf8,
        true,
    ));
    for scores in rows {
        if let Some(scores) = scores {
            values(scores).for_each(|value| builder.values().append_value(value));
        }
        builder.append(scores.is_some());
    }
    Arc::new(builder.finish())
}

fn strings<'a, 'b>(
    rows: impl ExactSizeIterator<Item = Option<&'b Scores>>,
    value: impl Fn(&Scores) -> Option<&'a str>,
) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(rows.len(), rows.len() * 12);
    rows.for_each(|scores| builder.append_option(scores.and_then(&value)));
    Arc::new(builder.finish())
}
