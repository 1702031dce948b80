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

impl<'a> Chunk<'a> {
    /// The text behind the first such word that is in no bracket: AS stands before the query of a
    /// CREATE VIEW.
    pub(super) fn after_word(&self, wanted: &str) -> &'a str {
        let visible = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
        let mut depth = 0_usize;
        let mut tokens = self.tokens.iter().filter(visible).peekable();
        let Some(start) = tokens.peek().map(|token| token.span.start) else {
            return self.text;
        };
        for token in tokens {
            match &token.token {
                Token::LParen => depth += 1,
                Token::RParen => depth = depth.saturating_sub(1),
                Token::Word(word)
                    if depth == 0
                        && word.quote_style.is_none()
                        && word.value.eq_ignore_ascii_case(wanted) =>
                {
                    let mut position = Position {
                        rest: self.text.char_indices(),
                        line: start.line,
                        column: start.column,
                    };
                    let end = position.advance(token.span.end);
                    return self.text.get(end..).unwrap_or(self.text).trim();
                }
                _ => {}
            }
        }
        self.text
    }
}

/// Splits at semicolons; chunks without a token are left out.
pub(super) fn split(sql: &str) -> Result<Vec<Chunk<'_>>, Error> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| {
            Error::statement(sqlstate::SYNTAX_ERROR, format!("syntax error: {error}"))
        })?;
    let mut position = Position::new(sql);
    let mut chunks = Vec::new();
    let mut current = Vec::new();
    for token in tokens {
        match token.token {
            Token::SemiColon => {
                push(
                    &mut chunks,
                    sql,
                    &mut position,
                    std::mem::take(&mut current),
                );
            }
            Token::EOF => {}
            _ => current.push(token),
        }
    }
    push(&mut chunks, sql, &mut position, current);
    Ok(chunks)
}

fn push<'a>(
    chunks: &mut Vec<Chunk<'a>>,
    sql: &'a str,
    position: &mut Position<'a>,
    tokens: Vec<TokenWithSpan>,
) {
    let visible = |token: &&TokenWithSpan| !matches!(token.token, Token::Whitespace(_));
    let (Some(first), Some(last)) = (
        tokens.iter().find(visible),
        tokens.iter().rev().find(visible),
    ) else {
        return;
    };
    let start = position.advance(first.span.start);
    let end = position.advance(last.span.end).max(start);
    let text = sql.get(start..end).unwrap_or(sql);
    chunks.push(Chunk { text, tokens });
}

/// A place in a text, that only moves forward: the tokenizer counts lines and characters, and
/// looking for each from the start would take the square of the time.
struct Position<'a> {
    rest: std::str::CharIndices<'a>,
    line: u64,
    column: u64,
}

impl<'a> Position<'a> {
    fn new(sql: &'a str) -> Self {
        Position {
            rest: sql.char_indices(),
            line: 1,
            column: 1,
        }
    }

    /// The byte offset of a location that is not before the last one.
    fn advance(&mut self, to: Location) -> usize {
        while (self.line, self.column) < (to.line, to.column) {
            match self.rest.next() {
                Some((_, '\n')) => {
                    self.line += 1;
                    self.column = 1;
                }
                Some(_) => self.column += 1,
                None => break,
            }
        }
        self.rest.offset()
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

    #[test]
    fn the_query_of_a_view_is_found() {
        let sql = "select 1;\n create view \"as\" (a) /* as */ as\n  select 'é' as x -- end\n;";
        let chunks = split(sql).unwrap();
        assert_eq!(chunks[1].after_word("as"), "select 'é' as x");
    }

    #[test]
    fn many_statements_on_one_line_take_linear_time() {
        let sql = "SELECT 'é';".repeat(16_000);
        let started = std::time::Instant::now();
        let texts = texts(&sql);
        assert_eq!(texts.len(), 16_000);
        assert!(texts.iter().all(|text| *text == "SELECT 'é'"));
        assert!(started.elapsed() < std::time::Duration::from_secs(20));
    }
}
