//! CREATE, ALTER, EVALUATE and DROP MODEL: models of one's own, trained from the rows of a query.
//!
//! ```text
//! CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name OPTIONS (function = 'intent', …) AS SELECT text, label …
//! CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name OPTIONS (function = 'intent', backend = 'onnx', path = '…')
//! ALTER MODEL name SET ACTIVE
//! ALTER MODEL DEFAULT FOR function SET ACTIVE
//! EVALUATE MODEL name ON SELECT text, label …
//! DROP MODEL [IF EXISTS] name, …
//! ```
//!
//! Making one needs SELECT on what the query reads and CREATE, as a view does; a model is dropped,
//! replaced and made active by its owner.

use std::path::PathBuf;

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
    /// What it is trained on; `None`: it is a classifier that needs no training.
    pub(crate) rows: Option<TrainingQuery>,
}

/// The query whose rows a model is trained on.
#[derive(Debug, Clone)]
pub(crate) struct TrainingQuery {
    /// Texts and labels.
    pub(crate) query: Query,
    /// Its text, which the model's card tells.
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
    /// Where the files of an ONNX graph of one's own are; `None`: the program's own encoder is read.
    pub(crate) onnx: Option<PathBuf>,
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
        let rows = match options.onnx.is_some() && words.end().is_ok() {
            true => {
                options.check_untrained()?;
                None
            }
            false => {
                words.expect("as")?;
                let sql = chunk.after_word("as").to_owned();
                let query = Query::from_ast(single_query(&sql)?)?;
                Some(TrainingQuery { query, sql })
            }
        };
        Ok(CreateModel {
            name,
            replace,
            if_not_exists,
            options,
            rows,
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
            onnx: None,
        };
        let (mut is_onnx, mut path) = (false, None);
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
                "backend" => match value.as_str() {
                    "default" => is_onnx = false,
                    "onnx" => is_onnx = true,
                    _ => return Err(wrong("'default' or 'onnx'")),
                },
                "path" if value.is_empty() => return Err(wrong("a folder or a file")),
                "path" => path = Some(PathBuf::from(value)),
                _ => {
                    return Err(Error::statement(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        format!("there is no option {name}"),
                    )
                    .with_hint(
                        "There are function, unclassified, seed, cost, corrections, backend and \
                         path.",
                    ));
                }
            }
        }
        let wrong = |message: &str| {
            let error = Error::statement(sqlstate::INVALID_PARAMETER_VALUE, message);
            Err(error.with_hint("OPTIONS (…, backend = 'onnx', path = '/models/minilm')"))
        };
        match (is_onnx, &path) {
            (true, None) => return wrong("the backend onnx needs the option path"),
            (false, Some(_)) => return wrong("the option path belongs to the backend onnx"),
            _ => options.onnx = path,
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

    /// Refuses options of a training where there is none.
    fn check_untrained(&self) -> Result<(), Error> {
        let given = [
            ("seed", self.seed.is_some()),
            ("cost", self.cost.is_some()),
            ("corrections", self.corrections.is_some()),
        ];
        match given.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::statement(
                sqlstate::INVALID_PARAMETER_VALUE,
                format!("option {name} is for a training, and a classifier has none"),
            )
            .with_hint("An encoder is trained upon: … AS SELECT text, label FROM …")),
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
