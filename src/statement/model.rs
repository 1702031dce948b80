//! CREATE, EVALUATE and DROP MODEL: models of one's own, trained from the rows of a query.
//!
//! ```text
//! CREATE [OR REPLACE] MODEL [IF NOT EXISTS] name OPTIONS (function = 'intent', …) AS SELECT text, label …
//! EVALUATE MODEL name ON SELECT text, label …
//! DROP MODEL [IF EXISTS] name, …
//! ```
//!
//! Making one needs SELECT on what the query reads and CREATE, as a view does; a model is dropped
//! and replaced by its owner.

use std::iter::Peekable;

use datafusion::sql::sqlparser::tokenizer::Token;

use super::split::Chunk;
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
                _ => {
                    return Err(Error::statement(
                        sqlstate::INVALID_PARAMETER_VALUE,
                        format!("there is no option {name}"),
                    )
                    .with_hint("There are function, unclassified, seed and cost."));
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

/// The words of a statement, one after the other.
struct Words<'a>(Peekable<Box<dyn Iterator<Item = &'a Token> + 'a>>);

impl<'a> Words<'a> {
    fn new(chunk: &'a Chunk<'_>) -> Words<'a> {
        let tokens: Box<dyn Iterator<Item = &'a Token> + 'a> = Box::new(chunk.significant());
        Words(tokens.peekable())
    }

    fn is(token: Option<&&Token>, wanted: &str) -> bool {
        matches!(token, Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Error> {
        match Words::is(self.0.peek(), wanted) {
            true => {
                self.0.next();
                Ok(())
            }
            false => Err(self.wrong(&wanted.to_uppercase())),
        }
    }

    /// Takes some words where the first of them stands here.
    fn take(&mut self, words: &[&str]) -> bool {
        let stands = words
            .first()
            .is_some_and(|first| Words::is(self.0.peek(), first));
        stands && words.iter().all(|word| self.expect(word).is_ok())
    }

    fn token(&mut self, wanted: &Token) -> bool {
        self.0.next_if(|token| *token == wanted).is_some()
    }

    fn name(&mut self) -> Result<String, Error> {
        match self.0.peek() {
            Some(Token::Word(word)) => {
                let name = match word.quote_style {
                    Some(_) => word.value.clone(),
                    None => word.value.to_lowercase(),
                };
                self.0.next();
                Ok(name)
            }
            _ => Err(self.wrong("the name of a model")),
        }
    }

    /// `(name = value, …)`.
    fn options(&mut self) -> Result<Vec<(String, String)>, Error> {
        let mut pairs = Vec::new();
        if !self.token(&Token::LParen) {
            return Err(self.wrong("(name = value, …)"));
        }
        loop {
            let name = self.name()?;
            if !self.token(&Token::Eq) {
                return Err(self.wrong("="));
            }
            let value = match self.0.next() {
                Some(Token::SingleQuotedString(text)) => text.clone(),
                Some(Token::Number(number, _)) => number.clone(),
                Some(Token::Word(word)) => word.value.clone(),
                _ => return Err(self.wrong("a value")),
            };
            pairs.push((name, value));
            if !self.token(&Token::Comma) {
                break;
            }
        }
        match self.token(&Token::RParen) {
            true => Ok(pairs),
            false => Err(self.wrong(")")),
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.0.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("the end of the statement")),
        }
    }

    fn wrong(&mut self, wanted: &str) -> Error {
        let found = match self.0.peek() {
            Some(token) => token.to_string(),
            None => "the end of the statement".to_owned(),
        };
        Error::statement(
            sqlstate::SYNTAX_ERROR,
            format!("syntax error: expected {wanted}, found {found}"),
        )
    }
}
