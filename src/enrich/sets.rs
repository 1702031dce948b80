//! Model sets: which model made the scores of a function, and whether that is the one wanted.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use verbatim_udfs::model::ModelSet;

use super::EnrichError;
use crate::lake::Lake;

/// The model of each function, by content hash.
pub type ModelMap = BTreeMap<String, String>;

/// The sets that a lake's files were written with, by set id.
pub type ModelSets = BTreeMap<String, ModelMap>;

/// The models of a loaded set.
pub fn model_map(models: &ModelSet) -> ModelMap {
    let named = models.models().iter();
    named
        .map(|(function, model)| (function.to_string(), model.clone()))
        .collect()
}

/// Bytes of a set's id: `scored_by` fits into the statistics of every file.
const ID_BYTES: usize = 12;

/// The id of a set that is put together from several: a hash of what it names.
pub(super) fn mixed_set_id(models: &ModelMap) -> String {
    let mut hash = Sha256::new();
    for (function, model) in models {
        hash.update(function.as_bytes());
        hash.update([0]);
        hash.update(model.as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    digest
        .iter()
        .take(ID_BYTES)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The functions whose scores in a file are not from the models that are wanted. `written_with` is
/// what the file's set names; a set that the lake does not know leaves nothing current.
pub fn stale_functions<'a>(written_with: Option<&ModelMap>, wanted: &'a ModelMap) -> Vec<&'a str> {
    let stale = |function: &&String| {
        written_with.and_then(|set| set.get(*function)) != wanted.get(*function)
    };
    wanted.keys().filter(stale).map(String::as_str).collect()
}

/// Makes the lake know a model set, so that files written with it are current for sessions that
/// use the same models; the first set that a lake knows is its active one. Does nothing where the
/// set is known.
///
/// # Errors
/// When the lake's catalog cannot be written.
pub async fn record_set(lake: &Lake, models: &ModelSet) -> Result<(), EnrichError> {
    record(lake, models.id(), &model_map(models)).await
}

pub(super) async fn record(lake: &Lake, id: &str, set: &ModelMap) -> Result<(), EnrichError> {
    if lake.catalog().model_sets.get(id) == Some(set) {
        return Ok(());
    }
    lake.update_catalog(|catalog| {
        catalog.model_sets.insert(id.to_string(), set.clone());
        if catalog.active_set.is_empty() {
            catalog.active_set = id.to_string();
        }
        Ok::<_, EnrichError>(())
    })
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set(models: &[(&str, &str)]) -> ModelMap {
        models
            .iter()
            .map(|(f, m)| (f.to_string(), m.to_string()))
            .collect()
    }

    #[test]
    fn retraining_one_function_leaves_the_others_current() {
        let old = set(&[("intent", "i1"), ("sentiment", "s1")]);
        let new = set(&[("intent", "i2"), ("sentiment", "s1")]);
        assert_eq!(stale_functions(Some(&old), &new), ["intent"]);
        assert!(stale_functions(Some(&new), &new).is_empty());
        assert_eq!(stale_functions(None, &new), ["intent", "sentiment"]);
    }

    #[test]
    fn a_mixed_set_is_named_by_what_it_holds() {
        let one = set(&[("intent", "i1"), ("sentiment", "s1")]);
        let other = set(&[("intent", "i2"), ("sentiment", "s1")]);
        assert_eq!(mixed_set_id(&one), mixed_set_id(&one.clone()));
        assert_ne!(mixed_set_id(&one), mixed_set_id(&other));
        assert_eq!(mixed_set_id(&one).len(), 2 * ID_BYTES);
    }
}
