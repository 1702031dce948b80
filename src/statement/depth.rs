//! Bounds the depth of a statement before anything recurses over it.
//!
//! `1+1+1+…`, `a AND b AND …` and `… UNION …` parse into trees as deep as they are long, without
//! a bracket. Long lists (`IN (…)`, `VALUES`) are flat and may be of any length.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::error::{Error, sqlstate};

/// Operators in one expression (between commas, clauses and brackets).
const MAXIMUM_OPERATORS: usize = 2_000;

/// Brackets in brackets.
const MAXIMUM_NESTING: usize = 200;

/// SELECTs combined by UNION, INTERSECT and EXCEPT, and relations joined, in one statement.
const MAXIMUM_RELATIONS: usize = 500;

fn too_complex(what: &str) -> Error {
    Error::statement(
        sqlstate::STATEMENT_TOO_COMPLEX,
        format!("statement too complex: {what}"),
    )
}

/// Refuses a statement that would make a tree deeper than the stack is sure to hold.
///
/// # Errors
/// SQLSTATE 54001.
pub(super) fn check<'a>(tokens: impl Iterator<Item = &'a Token>) -> Result<(), Error> {
    // Operators seen since the last break, for each open bracket.
    let mut open: Vec<usize> = vec![0];
    let mut relations = 0;
    for token in tokens {
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                // Counted itself too: `f(f(f(` and `[1][1][1]` are as deep as they are long.
                count(&mut open)?;
                open.push(0);
                if open.len() > MAXIMUM_NESTING {
                    return Err(too_complex("brackets are nested too deeply"));
                }
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if open.len() > 1 {
                    open.pop();
                }
            }
            Token::Comma => reset(&mut open),
            Token::Word(word) if word.quote_style.is_none() => match word.keyword {
                Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN => {
                    relations += 1;
                    if relations > MAXIMUM_RELATIONS {
                        return Err(too_complex("too many set operations and joins"));
                    }
                    reset(&mut open);
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::GROUP
                | Keyword::HAVING
                | Keyword::ORDER
                | Keyword::WINDOW
                | Keyword::LIMIT
                | Keyword::ON
                | Keyword::WHEN
                | Keyword::THEN => reset(&mut open),
                Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::CASE
                | Keyword::OPERATOR => count(&mut open)?,
                _ => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Word(_)
            | Token::Period
            | Token::EOF => {}
            // Everything else is an operator or stands where one could.
            _ => count(&mut open)?,
        }
    }
    Ok(())
}

fn reset(open: &mut [usize]) {
    if let Some(last) = open.last_mut() {
        *last = 0;
    }
}

fn count(open: &mut [usize]) -> Result<(), Error> {
    if let Some(last) = open.last_mut() {
        *last += 1;
        if *last > MAXIMUM_OPERATORS {
            return Err(too_complex("an expression has too many operators"));
        }
    }
    Ok(())
}
