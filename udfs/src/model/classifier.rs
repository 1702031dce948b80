//! A model of one's own whose answers are those of a classifier: nothing is trained.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::features::RECIPE;
use super::format::{Head, HeadHeader};
use super::set::NONE;
use super::{
    ModelError, OnnxError, OnnxGraph, OwnModel, TextEncoder, TrainingSource, UNCLASSIFIED,
};

/// The margin of "none of them" where no label stands for it: its probability is 0.
const NEVER: f32 = -1e9;
/// A step of weights that are all 0.
const STEP: f32 = 1e-9;

impl OwnModel {
    /// A model that answers as a classifier does: the most probable of its labels with the softmax
    /// of its logits. The label `unclassified`, if the classifier has it, stands for "none of the
    /// others". The second value is the model's weight file.
    ///
    /// # Errors
    /// [`OnnxError::Unfit`] for a graph that is no classifier, a name that two labels have, and an
    /// `unclassified` that none has.
    pub fn classifier(
        name: &str,
        function: &str,
        unclassified: Option<&str>,
        graph: Arc<OnnxGraph>,
    ) -> Result<(OwnModel, Vec<u8>), ModelError> {
        let none = place_of_none(graph.labels(), unclassified)?;
        let encoder = TextEncoder::Onnx(Arc::clone(&graph));
        let labels: Vec<String> = std::iter::once(NONE.to_owned())
            .chain(
                (0..)
                    .zip(graph.labels())
                    .filter(|(place, _)| Some(*place) != none)
                    .map(|(_, label)| label.clone()),
            )
            .collect();
        let classes = labels.len();
        let mut offsets = vec![0.0; classes];
        if none.is_none() {
            offsets[0] = NEVER;
        }
        // A head that hands each logit on to its label, and reads no word.
        let mut handed_on = vec![0.0; graph.width() * classes];
        let mut next = 1;
        for (place, weights) in handed_on.chunks_exact_mut(classes).enumerate() {
            let class = match Some(place) == none {
                true => 0,
                false => {
                    next += 1;
                    next - 1
                }
            };
            if let Some(weight) = weights.get_mut(class) {
                *weight = 1.0;
            }
        }
        let header = HeadHeader {
            task: function.to_owned(),
            recipe: RECIPE.to_owned(),
            labels,
            bits: 1,
            rows: Some(1),
            pairs: false,
            sentences: Some(encoder.sentences()),
            seed: 0,
            scale: vec![STEP; classes],
            bias: vec![0.0; classes],
            slope: 1.0,
            offsets,
            threshold: 0.0,
            thresholds: Vec::new(),
            trained_on: vec![TrainingSource {
                name: format!("the classifier of {name}"),
                licence: "the user's own".to_owned(),
                credit: String::new(),
                rows: 0,
            }],
            held_out: BTreeMap::new(),
        };
        let head = Head::of_parts(header, vec![0; classes], vec![0], handed_on)?;
        let bytes = head.encode()?;
        Ok((OwnModel::new(head, encoder)?, bytes))
    }
}

/// Which label stands for "none of the others".
fn place_of_none(
    labels: &[String],
    unclassified: Option<&str>,
) -> Result<Option<usize>, OnnxError> {
    let names = || labels.join(", ");
    if labels.len() < 2 {
        return Err(OnnxError::Unfit("the graph is no classifier".to_owned()));
    }
    for (place, label) in labels.iter().enumerate() {
        if label == NONE || labels[..place].contains(label) {
            return Err(OnnxError::Unfit(format!(
                "a label of id2label may not be {label}, nor be there twice: {}",
                names()
            )));
        }
    }
    let wanted = unclassified.unwrap_or(UNCLASSIFIED);
    let place = labels.iter().position(|label| label == wanted);
    match (place, unclassified) {
        (None, Some(wanted)) => Err(OnnxError::Unfit(format!(
            "the classifier has no label {wanted}; its labels are {}",
            names()
        ))),
        (place, _) => Ok(place),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_label_may_stand_for_none() {
        let labels = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let place = |names: &[&str], wanted| place_of_none(&labels(names), wanted);
        assert_eq!(place(&["a", "b"], None), Ok(None));
        assert_eq!(place(&["a", "unclassified"], None), Ok(Some(1)));
        assert_eq!(place(&["a", "b", "c"], Some("b")), Ok(Some(1)));
        for (names, wanted) in [
            (&["a", "b"][..], Some("c")),
            (&["a", "a"], None),
            (&["a", "-"], None),
            (&["a"], None),
        ] {
            assert!(place(names, wanted).is_err(), "{names:?}");
        }
    }
}
