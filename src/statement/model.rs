//! CREATE, ALTER, EVALUATE and DROP MODEL: models of one's own, trained from the rows of a query.
//!
//! ```text
//! CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name OPTIONS (function = 'intent', …) AS SELECT text, label …
//! ALTER MODEL name SET ACTIVE
//! ALTER MODEL DEFAULT FOR function SET ACTIVE
//! EVALUATE MODEL name ON SELECT text, label …
//! DROP MODEL [IF EXISTS] name, …
//! ```
//!
//! Making one needs SELECT on what the query reads and CREATE, as a view does; a model is dropped,
//! replaced and made active by its owner.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::split::Chunk;
use super::words::Words;
use super::{Query, parse::single_query};
use crate::error::{Error, sqlstate};

/// `CREATE MODEL`.
#[derive(Debug, Clone)]
pub(crate) struct CreateModel {
    pub(crate) name: String,
    pub(crate) replace: bool,
    pub(crate) if_not_exists: bool,
    pub(crate) options: ModelOptions,
    /// Texts and labels.
    pub(crate) query: Query,
    /// The text of the query, which the model's card tells.
    pub(crate) sql: String,
}

/// What stands in `OPTIONS (…)`.
#[derive(Debug, Clone)]
pub(crate) struct ModelOptions {
    /// The function that the model serves: `intent` or `topic`.
    pub(crate) function: String,
    /// The label of rows that no label fits.
    pub(crate) unclassified: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) cost: Option<f32>,
    /// Whether human corrections are trained on, too; `None`: where the user may read them.
    pub(crate) corrections: Option<bool>,
}

/// `ALTER MODEL … SET ACTIVE`.
#[derive(Debug, Clone)]
pub(crate) enum AlterModel {
    /// A model of one's own answers its function.
    Own(String),
    /// The program's own model answers a function.
    Default { function: String },
}

/// `EVALUATE MODEL`.
#[derive(Debug, Clone)]
pub(crate) struct EvaluateModel {
    pub(crate) name: String,
    /// Texts and labels.
    pub(crate) query: Query,
}

/// `DROP MODEL`.
#[derive(Debug, Clone)]
pub(crate) struct DropModel {
    pub(crate) names: Vec<String>,
    pub(crate) if_exists: bool,
}

/// The functions that a model of one's own can serve.
const FUNCTIONS: [&str; 2] = ["intent", "topic"];

/// The name that stands for the program's own models.
const DEFAULT: &str = "default";

impl CreateModel {
    /// Whether a statement is one, by its first words.
    pub(super) fn opens(chunk: &Chunk<'_>) -> bool {
        chunk.opens_with(&["create", "model"])
            || chunk.opens_with(&["create", "or", "replace", "model"])
    }

    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, Error> {
        let mut words = Words::new(chunk);
        words.expect("create")?;
        let replace = words.take(&["or", "replace"]);
        words.expect("model")?;
        let if_not_exists = words.take(&["if", "not", "exists"]);
        let name = words.name()?;
        if name == DEFAULT {
            return Err(Error::statement(
                sqlstate::SYNTAX_ERROR,
                "default is the name of the program's own models",
            ));
        }
        words.expect("options")?;
        let options = ModelOptions::from_pairs(words.options()?)?;
        words.expect("as")?;
        let sql = chunk.after_word("as").to_owned();
        Ok(CreateModel {
            name,
            replace,
            if_not_exists,
            options,
            query: Query::from_ast(single_query(&sql)?)?,
            sql,
        })
    }
}

impl ModelOptions {
    fn from_pairs(pairs: Vec<(String, String)>) -> Result<Self, Error> {
        let mut options = ModelOptions {
            function: String::new(),
            unclassified: None,
            seed: None,
            cost: None,
            corrections: None,
        };
        for (name, value) in pairs {
            let wrong = |takes: &str| {
                Error::statement(
                    sqlstate::INVALID_PARAMETER_VALUE,
                    format!("option {name} takes {takes}, not '{value}'"),
                )
            };
            match name.as_str() {
                "function" if FUNCTIONS.contains(&value.as_str()) => options.function = value,
                "function" => return Err(wrong("'intent' or 'topic'")),
                "unclassified" => options.unclassified = Some(value),
                "seed" => {
                    let seed = value.parse().map_err(|_| wrong("a whole number"))?;
                    options.seed = Some(seed);
                }
                "cost" => {
                    let cost = value
                        .parse()
                        .ok()
                        .filter(|cost| (0.001..=1000.0).contains(cost));
                    options.cost = Some(cost.ok_or_else(|| wrong("a number from 0.001 to 1000"))?);
                }
                "corrections" => {
                    let value = match value.to_lowercase().as_str() {
                        "true" | "on" => true,
                        "false" | "off" => false,
                        _ => return Err(wrong("true or false")),
                    };
                    options.corrections = Some(value);
                }
                _ => {
                    return Err(Error::statement(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        format!("there is no option {name}"),
                    )
                    .with_hint("There are function, unclassified, seed, cost and corrections."));
                }
            }
        }
        match options.function.is_empty() {
            false => Ok(options),
            true => Err(Error::statement(
                sqlstate::INVALID_PARAMETER_VALUE,
                "a model needs the option function",
            )
            .with_hint("OPTIONS (function = 'intent')")),
        }
    }
}

impl AlterModel {
    pub(super) fn opens(chunk: &Chunk<'_>) -> bool {
        chunk.opens_with(&["alter", "model"])
    }

    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, Error> {
        let mut words = Words::new(chunk);
        words.expect("alter")?;
        words.expect("model")?;
        let name = words.name()?;
        let alter = match name == DEFAULT {
            false => AlterModel::Own(name),
            true => {
                words.expect("for")?;
                let function = words.name()?;
                if !FUNCTIONS.contains(&function.as_str()) {
                    return Err(Error::statement(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        format!("{function} has no models of one's own"),
                    )
                    .with_hint("Only intent and topic can be answered by another model."));
                }
                AlterModel::Default { function }
            }
        };
        words.expect("set")?;
        words.expect("active")?;
        words.end()?;
        Ok(alter)
    }
}

impl EvaluateModel {
    pub(super) fn opens(chunk: &Chunk<'_>) -> bool {
        chunk.opens_with(&["evaluate", "model"])
    }

    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, Error> {
        let mut words = Words::new(chunk);
        words.expect("evaluate")?;
        words.expect("model")?;
        let name = words.name()?;
        words.expect("on")?;
        Ok(EvaluateModel {
            name,
            query: Query::from_ast(single_query(chunk.after_word("on"))?)?,
        })
    }
}

impl DropModel {
    pub(super) fn opens(chunk: &Chunk<'_>) -> bool {
        chunk.opens_with(&["drop", "model"])
    }

    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, Error> {
        let mut words = Words::new(chunk);
        words.expect("drop")?;
        words.expect("model")?;
        let if_exists = words.take(&["if", "exists"]);
        let mut names = vec![words.name()?];
        while words.token(&Token::Comma) {
            names.push(words.name()?);
        }
        words.end()?;
        Ok(DropModel { names, if_exists })
    }
}
