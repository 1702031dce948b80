//! Which models answer calls without a model's name: a choice for the whole lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::Utc;
use verbatim_udfs::model::{FIRST_OWN_TOPIC, ModelError, ModelSet, OwnHeads, OwnModel};

use super::{EnrichError, ModelMap, model_map};
use crate::catalog::{CatalogObject, Rescoring, TopicNumbers};

/// The set of models that a process scores with.
#[derive(Debug)]
pub struct ActiveSet {
    set: ModelSet,
    models: Arc<ModelMap>,
    /// What the set was put together from.
    parts: Parts,
}

/// What decides about a set: two catalogs with the same parts have the same set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parts {
    /// Content hash of the model of one's own, by function.
    pub(super) own: BTreeMap<String, String>,
    /// Topics are numbered once: how many models have numbers tells which.
    numbered: usize,
}

impl Parts {
    pub(super) fn of(catalog: &CatalogObject) -> Parts {
        let id = |(function, name): (&String, &String)| {
            let named = catalog.named_models.get(name)?;
            Some((function.clone(), named.id.clone()))
        };
        Parts {
            own: catalog.active_models.iter().filter_map(id).collect(),
            numbered: catalog.topic_numbers.len(),
        }
    }
}

impl ActiveSet {
    /// The program's own models.
    pub(super) fn shipped() -> ActiveSet {
        ActiveSet {
            set: ModelSet::shipped().clone(),
            models: Arc::new(model_map(ModelSet::shipped())),
            parts: Parts::default(),
        }
    }

    /// The program's own models with `own` in the place of some, by function.
    ///
    /// # Errors
    /// [`EnrichError::Model`] for a model that cannot stand in its place.
    pub(super) fn compose(
        parts: Parts,
        own: &BTreeMap<String, Arc<OwnModel>>,
        catalog: &CatalogObject,
    ) -> Result<ActiveSet, EnrichError> {
        let topic = match own.get("topic") {
            None => None,
            Some(model) => {
                let numbers = catalog.topic_numbers.get(model.id()).ok_or_else(|| {
                    ModelError::Weights(format!("the topics of {} have no numbers", model.id()))
                })?;
                Some((Arc::clone(model), numbers.first))
            }
        };
        let names = catalog.topic_numbers.values();
        let set = ModelSet::shipped().with(OwnHeads {
            intent: own.get("intent").cloned(),
            topic,
            topic_names: names.map(|n| (n.first, n.names.clone())).collect(),
        })?;
        Ok(ActiveSet {
            models: Arc::new(model_map(&set)),
            set,
            parts,
        })
    }

    /// The models.
    pub fn set(&self) -> &ModelSet {
        &self.set
    }

    /// Whether they are the program's own and the lake has no others.
    pub fn is_shipped(&self) -> bool {
        self.parts == Parts::default()
    }

    /// Their identities, by function.
    pub fn models(&self) -> &Arc<ModelMap> {
        &self.models
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }
}

/// Has a model of one's own answer its function from now on, and asks for history to be rescored.
/// `labels` are the model's, which get numbers where they are topics. Nothing changes where the
/// model answers already.
pub fn activate(catalog: &mut CatalogObject, function: &str, name: &str, labels: &[String]) {
    let id = match catalog.named_models.get(name) {
        Some(named) => named.id.clone(),
        None => return,
    };
    let active = Parts::of(catalog).own.get(function).cloned();
    catalog
        .active_models
        .insert(function.to_owned(), name.to_owned());
    if function == "topic" {
        number_topics(catalog, &id, labels);
    }
    if active.as_ref() != Some(&id) {
        ask_for_rescore(catalog, function);
    }
}

/// Asks for history to be rescored where the content of an active model has changed. `labels` are
/// those of the new content.
pub fn follow(catalog: &mut CatalogObject, function: &str, name: &str, labels: &[String]) {
    if catalog.active_models.get(function).map(String::as_str) != Some(name) {
        return;
    }
    if function == "topic"
        && let Some(id) = catalog.named_models.get(name).map(|named| named.id.clone())
    {
        number_topics(catalog, &id, labels);
    }
    ask_for_rescore(catalog, function);
}

/// Has the program's own model answer a function again, and asks for history to be rescored.
/// Nothing changes where it does already.
pub fn activate_default(catalog: &mut CatalogObject, function: &str) {
    if catalog.active_models.remove(function).is_some() {
        ask_for_rescore(catalog, function);
    }
}

/// Asks for the stored scores of a function to be brought to the model that answers it.
pub fn ask_for_rescore(catalog: &mut CatalogObject, function: &str) {
    let rescoring = Rescoring {
        run_id: uuid::Uuid::new_v4().to_string(),
        started_at: Utc::now().timestamp_micros(),
    };
    catalog.rescoring.insert(function.to_owned(), rescoring);
}

/// Gives the topics of a model numbers that no other model's topics have.
fn number_topics(catalog: &mut CatalogObject, id: &str, labels: &[String]) {
    if catalog.topic_numbers.contains_key(id) {
        return;
    }
    let ends = catalog
        .topic_numbers
        .values()
        .map(|numbers| numbers.first + numbers.names.len() as i32);
    let numbers = TopicNumbers {
        first: ends.max().unwrap_or(FIRST_OWN_TOPIC),
        names: labels.to_vec(),
    };
    catalog.topic_numbers.insert(id.to_owned(), numbers);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::NamedModel;

    fn catalog(models: &[(&str, &str)]) -> CatalogObject {
        let mut catalog = CatalogObject::default();
        for (name, id) in models {
            let named = NamedModel {
                id: (*id).to_owned(),
                ..NamedModel::default()
            };
            catalog.named_models.insert((*name).to_owned(), named);
        }
        catalog
    }

    #[test]
    fn topics_of_two_models_never_share_a_number() {
        let mut catalog = catalog(&[("a", "1"), ("b", "2")]);
        let labels = ["x".to_owned(), "y".to_owned()];
        activate(&mut catalog, "topic", "a", &labels);
        activate(&mut catalog, "topic", "b", &labels);
        activate(&mut catalog, "topic", "a", &labels);
        assert_eq!(catalog.topic_numbers["1"].first, FIRST_OWN_TOPIC);
        assert_eq!(catalog.topic_numbers["2"].first, FIRST_OWN_TOPIC + 2);
        assert_eq!(catalog.topic_numbers.len(), 2);
    }

    #[test]
    fn only_a_change_asks_for_a_rescore() {
        let mut catalog = catalog(&[("a", "1")]);
        activate_default(&mut catalog, "intent");
        assert!(catalog.rescoring.is_empty());
        activate(&mut catalog, "intent", "a", &[]);
        let first = catalog.rescoring["intent"].clone();
        activate(&mut catalog, "intent", "a", &[]);
        assert_eq!(catalog.rescoring["intent"], first);
        // The name stands for another content now.
        catalog.named_models.get_mut("a").unwrap().id = "2".to_owned();
        follow(&mut catalog, "intent", "a", &[]);
        assert_ne!(catalog.rescoring["intent"], first);
        activate_default(&mut catalog, "intent");
        assert!(catalog.active_models.is_empty());
    }
}
