//! Splits a text into statements, by its tokens.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, sqlstate};

/// One statement of a text: its own text and its tokens, white space included.
pub(super) struct Chunk<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: Vec<TokenWithSpan>,
}

impl Chunk<'_> {
    /// The tokens that are not white space or comments.
    pub(super) fn significant(&self) -> impl Iterator<Item = &Token> {
        self.tokens
            .iter()
            .map(|token| &token.token)
            .filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF))
    }

    /// Whether the statement opens with these words.
    pub(super) fn opens_with(&self, words: &[&str]) -> bool {
        let mut tokens = self.significant();
        words.iter().all(|word| {
            matches!(tokens.next(), Some(Token::Word(found))
                if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
        })
    }
}

/// Splits at semicolons; chunks without a token are left out.
pub(super) fn split(sql: &str) -> Result<Vec<Chunk<'_>>, Error> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| {
            Error::statement(sqlstate::SYNTAX_ERROR, format!("syntax error: {error}"))
        })?;
    let offsets = Offsets::new(sql);
    let mut chunks = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        match token.token {
            Token::SemiColon => {
                push(&mut chunks, sql, &offsets, std::mem::take(&mut current));
            }
            Token::EOF => {}
            _ => current.push(token),
        }
    }
    push(&mut chunks, sql, &offsets, current);
    Ok(chunks)
}

fn push<'a>(
    chunks: &mut Vec<Chunk<'a>>,
    sql: &'a str,
    offsets: &Offsets<'a>,
    tokens: Vec<TokenWithSpan>,
) {
    let visible = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let (Some(first), Some(last)) = (
        tokens.iter().find(visible),
        tokens.iter().rev().find(visible),
    ) else {
        return;
    };
    let start = offsets.at(first.span.start);
    let end = offsets.at(last.span.end).max(start);
    let text = sql.get(start..end).unwrap_or(sql);
    chunks.push(Chunk { text, tokens });
}

/// Byte offsets of the tokenizer's positions, which count lines and characters.
struct Offsets<'a> {
    sql: &'a str,
    lines: Vec<usize>,
}

impl<'a> Offsets<'a> {
    fn new(sql: &'a str) -> Self {
        let starts = sql.match_indices('\n').map(|(at, _)| at + 1);
        Offsets {
            sql,
            lines: std::iter::once(0).chain(starts).collect(),
        }
    }

    fn at(&self, location: Location) -> usize {
        let line = (location.line as usize).saturating_sub(1);
        let Some(&start) = self.lines.get(line) else {
            return self.sql.len();
        };
        self.sql[start..]
            .char_indices()
            .nth((location.column as usize).saturating_sub(1))
            .map_or(self.sql.len(), |(at, _)| start + at)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).unwrap().iter().map(|chunk| chunk.text).collect()
    }

    #[test]
    fn splits_outside_of_strings_and_comments() {
        assert_eq!(
            texts("select ';' ; -- one; two\n select /* ; */ 2\n;;"),
            ["select ';'", "select /* ; */ 2"]
        );
        assert_eq!(
            texts("select $$a;b$$, 'ü;ß';select 'é'"),
            ["select $$a;b$$, 'ü;ß'", "select 'é'"]
        );
        assert!(texts(" -- nothing").is_empty());
    }
}
