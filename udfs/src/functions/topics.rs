//! `topics(text [, model])`: all that a text is about.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::ScalarUDF;

use super::model_function::ModelFunction;
use super::text::Texts;
use crate::model::distinct::Answers;
use crate::model::topics::Topics;
use crate::model::{ModelError, ModelSet, OwnModel};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
All that a text is about, text[]: the topic of the whole text first, as topic gives it, then those of its \
clauses that are others, in their order; each is as sure as topic has to be. Clauses of fewer than three \
words have no say. No sure topic gives an empty list, NULL is given as by topic. A second argument names a model of \
one's own. Always computed: the lake stores topic alone.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    ModelFunction {
        name: "topics",
        model_of: "topic",
        returns: DataType::List(Arc::new(element())),
        kernel: active,
        own_kernel: own,
        description: DESCRIPTION,
        example: "SELECT topics('The parcel is late. And you charged my card twice!');",
    }
    .function()
}

fn element() -> Field {
    Field::new("element", DataType::Utf8, true)
}

fn active(models: &ModelSet, texts: &ArrayRef) -> Result<ArrayRef> {
    let found = models.topics(Texts::new(texts.as_ref())?.spoken());
    let found = found.map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(lists(found, |topic| models.topic_label(Some(*topic))))
}

fn own(model: &OwnModel, texts: &ArrayRef) -> Result<ArrayRef> {
    let mut topics = Topics::default();
    let found = Answers::try_of(Texts::new(texts.as_ref())?.spoken(), |text| {
        topics.of(text, |text| {
            let answer = model.answer(text)?;
            Ok::<_, ModelError>(answer.map(|answer| answer.label))
        })
    });
    let found = found.map_err(|error| DataFusionError::External(Box::new(error)))?;
    Ok(lists(found, |label| &model.labels()[usize::from(*label)]))
}

fn lists<'a, T>(found: Answers<Option<Vec<T>>>, name: impl Fn(&T) -> &'a str) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element());
    for topics in found.rows() {
        let topics = topics.and_then(Option::as_ref);
        for topic in topics.into_iter().flatten() {
            lists.values().append_value(name(topic));
        }
        lists.append(topics.is_some());
    }
    Arc::new(lists.finish())
}
