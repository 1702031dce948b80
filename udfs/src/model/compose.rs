//! A set in which models of one's own answer in the place of shipped heads.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::format::hex;
use super::own::{Answer, OwnMemory};
use super::score::{Scores, Scratch, Wanted};
use super::set::{ModelSet, RULES, set_id};
use super::{ModelError, OwnModel, ScoreColumn};

/// Numbers of the topics of models of one's own begin here: above those of any shipped taxonomy.
pub const FIRST_OWN_TOPIC: i32 = 10_000;

/// Models of one's own that take the places of a set's heads.
#[derive(Debug, Clone, Default)]
pub struct OwnHeads {
    /// Answers `intent`, `intent_score` and `intent_detail`; `None`: the set's own head.
    pub intent: Option<Arc<OwnModel>>,
    /// Answers `topic`, with the number of its first topic; `None`: the set's own head.
    pub topic: Option<(Arc<OwnModel>, i32)>,
    /// Names of the topics of every such model whose numbers may be stored, by the number of the
    /// first, from [`FIRST_OWN_TOPIC`] on; the model that answers is among them.
    pub topic_names: BTreeMap<i32, Vec<String>>,
}

/// What a composed set has in the place of what its base has.
#[derive(Debug)]
pub(super) struct Composed {
    id: String,
    models: BTreeMap<&'static str, String>,
    heads: OwnHeads,
}

/// The memory of a scoring thread for the heads of a composed set. One for each: a memory of rare
/// words belongs to one model.
#[derive(Debug, Default)]
pub(super) struct OwnScratch {
    intent: OwnMemory,
    topic: OwnMemory,
}

impl ModelSet {
    /// The set with models of one's own in the place of some heads. Only the identities of these
    /// functions change; the other heads and all patterns are shared with this set.
    ///
    /// # Errors
    /// [`ModelError::Weights`] for a model of another function, and for topics whose numbers could
    /// be taken for those of this set.
    pub fn with(&self, heads: OwnHeads) -> Result<ModelSet, ModelError> {
        let mut models = self.inner.models().clone();
        let serves = |model: &OwnModel, function: &str| match model.function() == function {
            true => Ok(()),
            false => Err(ModelError::Weights(format!(
                "a model of {} was given for {function}",
                model.function()
            ))),
        };
        if let Some(model) = &heads.intent {
            serves(model, "intent")?;
            models.insert("intent", identity("intent", &[model.id()]));
        }
        if let Some((model, first)) = &heads.topic {
            serves(model, "topic")?;
            if *first < FIRST_OWN_TOPIC {
                return Err(ModelError::Weights(format!(
                    "topics of a model of one's own begin at {FIRST_OWN_TOPIC}, not at {first}"
                )));
            }
            models.insert(
                "topic",
                identity("topic", &[model.id(), &first.to_string()]),
            );
        }
        Ok(ModelSet {
            inner: Arc::clone(&self.inner),
            composed: Some(Arc::new(Composed {
                id: set_id(&models),
                models,
                heads,
            })),
        })
    }

    /// The identity of the set: 24 hexadecimal digits over the models of all functions.
    pub fn id(&self) -> &str {
        match &self.composed {
            Some(composed) => &composed.id,
            None => self.inner.id(),
        }
    }

    /// The model of each function: 16 hexadecimal digits over everything that its values depend on.
    pub fn models(&self) -> &BTreeMap<&'static str, String> {
        match &self.composed {
            Some(composed) => &composed.models,
            None => self.inner.models(),
        }
    }

    /// Whether two sets are one and the same object, which answers alike.
    pub(crate) fn is(&self, other: &ModelSet) -> bool {
        let composed = match (&self.composed, &other.composed) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        composed && Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The model of one's own that answers `intent`.
    pub(super) fn own_intent(&self) -> Option<&Arc<OwnModel>> {
        self.composed.as_ref()?.heads.intent.as_ref()
    }

    fn own_topic(&self) -> Option<&(Arc<OwnModel>, i32)> {
        self.composed.as_ref()?.heads.topic.as_ref()
    }

    /// The intents that the set knows, without `unclassified`.
    pub fn intent_labels(&self) -> &[String] {
        match self.own_intent() {
            Some(model) => model.labels(),
            None => self.inner.intents(),
        }
    }

    /// The name of a stored `topic_id`, of whatever model of the set or of [`OwnHeads::topic_names`];
    /// `None` for a number that none of them has given.
    pub fn topic_name(&self, topic_id: i64) -> Option<&str> {
        let shipped = usize::try_from(topic_id).ok();
        if let Some(name) = shipped.and_then(|id| self.inner.topics().get(id)) {
            return Some(name);
        }
        let id = i32::try_from(topic_id).ok()?;
        let names = &self.composed.as_ref()?.heads.topic_names;
        let (first, names) = names.range(..=id).next_back()?;
        let name = names.get(usize::try_from(id - first).ok()?)?;
        Some(name)
    }

    /// Whether a column has a value for every text with letters, also where the language of the
    /// text is one that the shipped heads do not cover: a model of one's own knows what its rows
    /// know.
    pub(super) fn covers_every_language(&self, column: ScoreColumn) -> bool {
        match column {
            ScoreColumn::DetectedLanguage => true,
            ScoreColumn::Intent | ScoreColumn::IntentScore => self.own_intent().is_some(),
            ScoreColumn::TopicId => self.own_topic().is_some(),
            _ => false,
        }
    }

    /// Scores a text; `None` for a text that says nothing to any model. It is read once for all models.
    /// Fails where an encoder of one's own does.
    pub(crate) fn score_text(
        &self,
        text: &str,
        wanted: Wanted,
        scratch: &mut Scratch,
    ) -> Result<Option<Scores>, ModelError> {
        let own_intent = self.own_intent().filter(|_| wanted.intent);
        let own_topic = self.own_topic().filter(|_| wanted.topic);
        let shipped = Wanted {
            intent: wanted.intent && own_intent.is_none(),
            topic: wanted.topic && own_topic.is_none(),
            ..wanted
        };
        if own_intent.is_none() && own_topic.is_none() {
            return Ok(self.inner.score_text(text, shipped, scratch));
        }
        let scored = match shipped.is_any() {
            true => self.inner.score_text(text, shipped, scratch),
            false => {
                scratch.text.read(text);
                None
            }
        };
        // A number alone has no score of the shipped models, and may have one of one's own.
        if !scratch.text.says_anything() {
            return Ok(None);
        }
        let mut scores = scored.unwrap_or_default();
        let words = &scratch.text;
        let own = &mut scratch.own;
        if let Some(model) = own_intent {
            let answer = model.answer_to(text, words, &mut own.intent)?;
            scores.intent = answer.label;
            scores.intent_score = answer.score;
        }
        if let Some((model, first)) = own_topic {
            let Answer { label, .. } = model.answer_to(text, words, &mut own.topic)?;
            scores.topic = Some(label.map_or(0, |label| first + i32::from(label)));
        }
        Ok(Some(scores))
    }
}

/// The identity of a function that a model of one's own answers: nothing else has a say in it.
fn identity(function: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in [&[RULES, "own", function], parts].concat() {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize()[..8])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use datafusion::arrow::array::{Array, AsArray, StringArray};
    use datafusion::arrow::datatypes::{Float64Type, Int32Type};

    use super::*;
    use crate::model::UNCLASSIFIED;
    use crate::train::{OwnOptions, train_own};

    fn own(name: &str, function: &str) -> Arc<OwnModel> {
        let rows = [
            ("a ripe apple", "fruit"),
            ("two ripe pears", "fruit"),
            ("eine reife Birne", "fruit"),
            ("a fast car", "machine"),
            ("fast trains", "machine"),
            ("ein schnelles Auto", "machine"),
        ];
        let rows = rows.map(|(text, label)| (Some(text.to_owned()), Some(label.to_owned())));
        let options = OwnOptions::new(name, function);
        let trained = train_own(rows.to_vec(), &options, &|| true);
        Arc::new(trained.unwrap().model)
    }

    #[test]
    fn a_model_of_ones_own_takes_the_place_of_its_head_only() {
        let (shipped, intent) = (ModelSet::shipped(), own("a", "intent"));
        let heads = |intent| OwnHeads {
            intent: Some(intent),
            ..OwnHeads::default()
        };
        let set = shipped.with(heads(Arc::clone(&intent))).unwrap();
        let changed = |one: &ModelSet, other: &ModelSet| -> Vec<&str> {
            let models = one.models().iter();
            let changed = models.filter(|(function, id)| other.models()[*function] != **id);
            changed.map(|(function, _)| *function).collect()
        };
        assert_eq!(changed(shipped, &set), ["intent"]);
        assert_ne!(set.id(), shipped.id());
        let again = shipped.with(heads(Arc::clone(&intent))).unwrap();
        assert_eq!(set.id(), again.id());
        let other = shipped.with(heads(own("b", "intent"))).unwrap();
        assert_eq!(changed(&set, &other), ["intent"]);

        // Also where the shipped heads have no say, as the language is none of theirs.
        let german = "Das ist ein schnelles Auto und ich habe es gestern gekauft";
        let texts = StringArray::from(vec![Some("ripe plums"), Some(german), Some("?"), None]);
        let scored = set.score(&texts, &ScoreColumn::ALL).unwrap();
        let before = shipped.score(&texts, &ScoreColumn::ALL).unwrap();
        for (column, (now, before)) in ScoreColumn::ALL.iter().zip(scored.iter().zip(&before)) {
            match column {
                ScoreColumn::Intent => {
                    let said: Vec<Option<&str>> = now.as_string::<i32>().iter().collect();
                    assert_eq!(said, [Some("fruit"), Some("machine"), None, None]);
                    assert!(before.is_null(1));
                }
                ScoreColumn::IntentScore => {
                    let own = intent.answer("ripe plums").unwrap().unwrap().score;
                    assert_eq!(now.as_primitive::<Float64Type>().value(0), own);
                }
                other => assert_eq!(now, before, "{}", other.name()),
            }
        }
        // Alone as well as beside the others.
        let alone = set.score(&texts, &[ScoreColumn::Intent]).unwrap();
        assert_eq!(&alone[0], &scored[2]);
        assert_eq!(
            set.intent_detail("ripe plums").unwrap().unwrap().model,
            intent.id()
        );
    }

    #[test]
    fn topics_of_ones_own_have_numbers_of_their_own() {
        let (shipped, topic) = (ModelSet::shipped(), own("a", "topic"));
        let heads = |first| OwnHeads {
            topic: Some((Arc::clone(&topic), first)),
            topic_names: [
                (FIRST_OWN_TOPIC, vec!["old".to_owned()]),
                (first, topic.labels().to_vec()),
            ]
            .into(),
            ..OwnHeads::default()
        };
        let set = shipped.with(heads(FIRST_OWN_TOPIC + 1)).unwrap();
        let texts = StringArray::from(vec!["fast buses"]);
        let ids = set
            .score(&texts, &[ScoreColumn::TopicId])
            .unwrap()
            .remove(0);
        let id = ids.as_primitive::<Int32Type>().value(0);
        assert_eq!(id, FIRST_OWN_TOPIC + 2);
        let names: Vec<Option<&str>> = [0, 1, 10_000, 10_001, 10_002, 10_003, -1]
            .map(|id| set.topic_name(id))
            .to_vec();
        let first = Some(shipped.topic_labels()[1].as_str());
        let (fruit, machine) = (Some("fruit"), Some("machine"));
        assert_eq!(
            names,
            [
                Some(UNCLASSIFIED),
                first,
                Some("old"),
                fruit,
                machine,
                None,
                None
            ]
        );
        assert!(shipped.with(heads(5)).is_err());
        let wrong = OwnHeads {
            intent: Some(Arc::clone(&topic)),
            ..OwnHeads::default()
        };
        assert!(shipped.with(wrong).is_err());
    }
}
