//! What `config.json` tells of a model.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::OnnxError;

/// Tokens of a text that are read where nothing tells another number.
const TOKENS: usize = 512;
/// Fewer have no room for the tokens that a tokenizer adds.
const FEWEST_TOKENS: usize = 8;
/// Positions that the models of these types leave unused at their beginning.
const SHIFTED: [&str; 5] = ["roberta", "xlm-roberta", "camembert", "mpnet", "xmod"];
const SHIFT: usize = 2;

/// The part of `config.json` that is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    /// The name of each label, by its number as text.
    id2label: BTreeMap<String, String>,
    model_type: String,
    max_position_embeddings: Option<usize>,
    model_max_length: Option<usize>,
}

impl Config {
    pub(super) fn parse(bytes: Option<&[u8]>) -> Result<Config, OnnxError> {
        let Some(bytes) = bytes else {
            return Ok(Config::default());
        };
        serde_json::from_slice(bytes)
            .map_err(|error| OnnxError::Unfit(format!("config.json: {error}")))
    }

    /// Tokens of a text that are read.
    pub(super) fn tokens(&self) -> usize {
        let positions = self.max_position_embeddings.map(|positions| {
            let shift = match SHIFTED.contains(&self.model_type.as_str()) {
                true => SHIFT,
                false => 0,
            };
            positions.saturating_sub(shift)
        });
        let limits = [self.model_max_length, positions];
        let least = limits.into_iter().flatten().min();
        least.unwrap_or(TOKENS).max(FEWEST_TOKENS)
    }

    /// The labels of a classifier in the order of their numbers, which are 0, 1, 2, ….
    pub(super) fn labels(&self) -> Result<Vec<String>, OnnxError> {
        let labels: Option<Vec<String>> = (0..self.id2label.len())
            .map(|number| self.id2label.get(&number.to_string()).cloned())
            .collect();
        match labels {
            Some(labels) if labels.len() >= 2 => Ok(labels),
            _ => Err(OnnxError::Unfit(
                "a classifier needs a config.json whose id2label names its labels, \
                 {\"0\": \"refund\", \"1\": \"delivery\", …}"
                    .to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn config(json: &str) -> Config {
        Config::parse(Some(json.as_bytes())).unwrap()
    }

    #[test]
    fn labels_are_in_the_order_of_their_numbers() {
        let twelve: Vec<String> = (0..12).map(|n| format!("\"{n}\": \"l{n}\"")).collect();
        let twelve = config(&format!("{{\"id2label\": {{{}}}}}", twelve.join(", ")));
        assert_eq!(twelve.labels().unwrap()[10], "l10");
        for bad in ["{}", r#"{"id2label": {"0": "a", "2": "b"}}"#] {
            assert!(config(bad).labels().is_err(), "{bad}");
        }
        assert!(Config::parse(Some(b"[")).is_err());
    }

    #[test]
    fn the_tokens_are_those_that_have_positions() {
        assert_eq!(Config::default().tokens(), TOKENS);
        let bert = config(r#"{"max_position_embeddings": 256, "model_type": "bert"}"#);
        assert_eq!(bert.tokens(), 256);
        let roberta = r#"{"max_position_embeddings": 514, "model_type": "roberta"}"#;
        assert_eq!(config(roberta).tokens(), 512);
        assert_eq!(config(r#"{"model_max_length": 1}"#).tokens(), FEWEST_TOKENS);
    }
}
