//! Reading a statement of the engine's own word by word.

use std::iter::Peekable;

use datafusion::sql::sqlparser::tokenizer::Token;

use super::split::Chunk;
use crate::error::{Error, sqlstate};

/// The words of a statement, one after the other.
pub(super) struct Words<'a>(Peekable<Box<dyn Iterator<Item = &'a Token> + 'a>>);

impl<'a> Words<'a> {
    pub(super) fn new(chunk: &'a Chunk<'_>) -> Words<'a> {
        let tokens: Box<dyn Iterator<Item = &'a Token> + 'a> = Box::new(chunk.significant());
        Words(tokens.peekable())
    }

    fn is(token: Option<&&Token>, wanted: &str) -> bool {
        matches!(token, Some(Token::Word(word))
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted))
    }

    pub(super) fn expect(&mut self, wanted: &str) -> Result<(), Error> {
        match Words::is(self.0.peek(), wanted) {
            true => {
                self.0.next();
                Ok(())
            }
            false => Err(self.wrong(&wanted.to_uppercase())),
        }
    }

    /// Takes some words where the first of them stands here.
    pub(super) fn take(&mut self, words: &[&str]) -> bool {
        let stands = words
            .first()
            .is_some_and(|first| Words::is(self.0.peek(), first));
        stands && words.iter().all(|word| self.expect(word).is_ok())
    }

    pub(super) fn token(&mut self, wanted: &Token) -> bool {
        self.0.next_if(|token| *token == wanted).is_some()
    }

    pub(super) fn name(&mut self) -> Result<String, Error> {
        match self.0.peek() {
            Some(Token::Word(word)) => {
                let name = match word.quote_style {
                    Some(_) => word.value.clone(),
                    None => word.value.to_lowercase(),
                };
                self.0.next();
                Ok(name)
            }
            _ => Err(self.wrong("a name")),
        }
    }

    /// `(name = value, …)`.
    pub(super) fn options(&mut self) -> Result<Vec<(String, String)>, Error> {
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

    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self.0.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("the end of the statement")),
        }
    }

    pub(super) fn wrong(&mut self, wanted: &str) -> Error {
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
