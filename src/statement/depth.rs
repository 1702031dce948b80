//! Bounds the depth of a statement before anything recurses over it.
//!
//! `1+1+1+…`, `a AND b AND …` and `… UNION …` parse into trees as deep as they are long, without
//! a bracket. Long lists (`IN (…)`, `VALUES`) are flat and may be of any length.
//!
//! The depth is counted over the tokens: each bracket and each CASE is a level, which is as deep as
//! the operators of one of its expressions and the deepest level inside of that expression.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::error::{Error, sqlstate};

/// Operators on top of each other in one expression, those in its brackets included.
const MAXIMUM_DEPTH: usize = 500;

/// Brackets in brackets.
const MAXIMUM_NESTING: usize = 200;

/// SELECTs combined by UNION, INTERSECT and EXCEPT, and relations joined, in one statement.
const MAXIMUM_RELATIONS: usize = 200;

/// Levels that a NOT counts for.
const NOT_LEVELS: usize = 4;

/// Queries that WITH names, in one statement: each may read the one before it.
const MAXIMUM_WITH_QUERIES: usize = 100;

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
    let mut depth = Depth::new();
    for token in tokens {
        depth.read(token)?;
    }
    Ok(())
}

/// What opened a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opener {
    Bracket,
    Case,
}

/// A list of clauses that names relations or queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clause {
    /// After WITH, before the query that it belongs to.
    With,
    /// After FROM: a comma joins.
    From,
    Other,
}

#[derive(Debug)]
struct Level {
    opener: Opener,
    clause: Clause,
    /// Operators of the current expression.
    operators: usize,
    /// Depth of the deepest level inside the current expression.
    child: usize,
    /// Depth of the deepest expression before it.
    deepest: usize,
}

impl Level {
    fn new(opener: Opener) -> Self {
        Level {
            opener,
            clause: Clause::Other,
            operators: 0,
            child: 0,
            deepest: 0,
        }
    }

    fn depth(&self) -> usize {
        self.deepest.max(self.operators + self.child)
    }

    /// An expression ends here, and another may start.
    fn break_off(&mut self) {
        self.deepest = self.depth();
        self.operators = 0;
        self.child = 0;
    }
}

/// What the token before the current one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// An operator: a word after it is an operand, whatever it spells.
    Operator,
    Period,
    /// A place where `*` stands for all columns.
    Opening,
    /// `AS` of a WITH query, or `MATERIALIZED` behind it.
    As,
    /// `IS DISTINCT`, whose FROM opens no clause.
    Distinct,
    Operand,
}

struct Depth {
    /// Never empty: the first level is the statement's own.
    levels: Vec<Level>,
    before: Before,
    relations: usize,
    with_queries: usize,
}

impl Depth {
    fn new() -> Self {
        Depth {
            levels: vec![Level::new(Opener::Bracket)],
            before: Before::Opening,
            relations: 0,
            with_queries: 0,
        }
    }

    fn read(&mut self, token: &Token) -> Result<(), Error> {
        self.before = match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                // `x[1][1]` is as deep as it is long, without a bracket in another.
                if matches!(token, Token::LBracket) {
                    self.operator()?;
                }
                if self.before == Before::As {
                    self.with_query()?;
                }
                self.open(Opener::Bracket)?;
                Before::Opening
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                while self.top() == Opener::Case {
                    self.close()?;
                }
                self.close()?;
                Before::Operand
            }
            Token::Comma => {
                self.break_off();
                if self.clause() == Clause::From {
                    self.relation()?;
                }
                Before::Opening
            }
            Token::Word(word) if word.quote_style.is_none() => self.word(word.keyword)?,
            Token::Period => Before::Period,
            // All columns, not a product.
            Token::Mul if matches!(self.before, Before::Opening | Before::Period) => {
                Before::Operand
            }
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::DollarQuotedString(_)
            | Token::Placeholder(_)
            | Token::Word(_)
            | Token::EOF => Before::Operand,
            // Everything else is an operator or stands where one could.
            _ => {
                self.operator()?;
                Before::Operator
            }
        };
        Ok(())
    }

    fn word(&mut self, keyword: Keyword) -> Result<Before, Error> {
        if self.before == Before::Period {
            return Ok(Before::Operand);
        }
        // Behind an operator only words that take operands themselves are more than a name.
        let operand = self.before == Before::Operator;
        Ok(match keyword {
            Keyword::CASE => {
                self.open(Opener::Case)?;
                Before::Opening
            }
            Keyword::END if self.top() == Opener::Case => {
                self.close()?;
                Before::Operand
            }
            Keyword::NOT if self.before == Before::As => Before::As,
            // A level of the parser too, not only of the plan, and `NOT NOT …` is planned with larger frames.
            Keyword::NOT => {
                for _ in 0..NOT_LEVELS {
                    self.operator()?;
                }
                Before::Operator
            }
            Keyword::AND
            | Keyword::OR
            | Keyword::IS
            | Keyword::IN
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::SIMILAR
            | Keyword::BETWEEN
            | Keyword::COLLATE
            | Keyword::AT
            | Keyword::OPERATOR
            | Keyword::NOTNULL => {
                self.operator()?;
                Before::Operator
            }
            Keyword::DISTINCT => match operand {
                true => Before::Distinct,
                false => Before::Opening,
            },
            Keyword::FROM if self.before == Before::Distinct => {
                self.operator()?;
                Before::Operator
            }
            // Counted also where they may be names, since `*` is not always a product.
            Keyword::UNION | Keyword::INTERSECT | Keyword::EXCEPT | Keyword::JOIN => {
                self.relation()?;
                if operand {
                    return Ok(Before::Operand);
                }
                match keyword {
                    Keyword::JOIN => self.break_off(),
                    _ => self.enter(Clause::Other),
                }
                Before::Opening
            }
            Keyword::FROM if operand => {
                if let Some(level) = self.levels.last_mut() {
                    level.clause = Clause::From;
                }
                Before::Opening
            }
            _ if operand => Before::Operand,
            Keyword::FROM => {
                self.enter(Clause::From);
                Before::Opening
            }
            // In FROM it is WITH ORDINALITY.
            Keyword::WITH if self.clause() != Clause::From => {
                self.enter(Clause::With);
                Before::Opening
            }
            Keyword::AS if self.clause() == Clause::With => Before::As,
            Keyword::MATERIALIZED if self.before == Before::As => Before::As,
            Keyword::SELECT
            | Keyword::WHERE
            | Keyword::GROUP
            | Keyword::HAVING
            | Keyword::ORDER
            | Keyword::WINDOW
            | Keyword::LIMIT
            | Keyword::INSERT
            | Keyword::UPDATE
            | Keyword::DELETE
            | Keyword::VALUES => {
                self.enter(Clause::Other);
                Before::Opening
            }
            Keyword::ON | Keyword::WHEN | Keyword::THEN | Keyword::ELSE => {
                self.break_off();
                Before::Opening
            }
            Keyword::ALL => Before::Opening,
            _ => Before::Operand,
        })
    }

    fn top(&self) -> Opener {
        self.levels
            .last()
            .map_or(Opener::Bracket, |level| level.opener)
    }

    fn clause(&self) -> Clause {
        self.levels
            .last()
            .map_or(Clause::Other, |level| level.clause)
    }

    fn break_off(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.break_off();
        }
    }

    fn enter(&mut self, clause: Clause) {
        if let Some(level) = self.levels.last_mut() {
            level.break_off();
            level.clause = clause;
        }
    }

    fn open(&mut self, opener: Opener) -> Result<(), Error> {
        self.levels.push(Level::new(opener));
        match self.levels.len() > MAXIMUM_NESTING {
            true => Err(too_complex("brackets are nested too deeply")),
            false => Ok(()),
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        if self.levels.len() > 1
            && let Some(closed) = self.levels.pop()
            && let Some(parent) = self.levels.last_mut()
        {
            parent.child = parent.child.max(closed.depth() + 1);
        }
        self.check()
    }

    fn operator(&mut self) -> Result<(), Error> {
        if let Some(level) = self.levels.last_mut() {
            level.operators += 1;
        }
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        match self
            .levels
            .last()
            .is_some_and(|level| level.depth() > MAXIMUM_DEPTH)
        {
            true => Err(too_complex("an expression has too many operators")),
            false => Ok(()),
        }
    }

    fn relation(&mut self) -> Result<(), Error> {
        self.relations += 1;
        match self.relations > MAXIMUM_RELATIONS {
            true => Err(too_complex("too many set operations and joins")),
            false => Ok(()),
        }
    }

    fn with_query(&mut self) -> Result<(), Error> {
        self.with_queries += 1;
        match self.with_queries > MAXIMUM_WITH_QUERIES {
            true => Err(too_complex("too many queries in WITH")),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::statement::split::split;

    fn passes(sql: &str) -> bool {
        check(split(sql).unwrap()[0].significant()).is_ok()
    }

    fn times(count: usize, part: &str, between: &str) -> String {
        vec![part; count].join(between)
    }

    #[test]
    fn chains_are_as_deep_as_they_are_long() {
        for between in [" + ", " || ", " AND ", " + t.on + ", " + on + "] {
            assert!(!passes(&format!("SELECT {}", times(2_000, "a", between))));
        }
        assert!(!passes(&format!("SELECT {} a", times(1_999, "NOT", " "))));
        assert!(!passes(&format!("SELECT a{}", times(2_000, "[1]", ""))));
        assert!(!passes(&format!(
            "SELECT {}",
            times(5_000, "CASE WHEN true THEN 1 END", " + ")
        )));
        assert!(passes(&format!("SELECT {}", times(490, "1", " + "))));
        assert!(passes(&format!("SELECT {}", times(490, "f(a)", " + "))));
    }

    #[test]
    fn brackets_add_to_what_is_around_them() {
        let mut sql = "1".to_owned();
        for _ in 0..10 {
            sql = format!("({sql} + {})", times(100, "1", " + "));
        }
        assert!(!passes(&format!("SELECT {sql}")));
        // The ELSE of one CASE after another.
        let nested = format!("SELECT {} 1", times(300, "CASE WHEN a THEN 1 ELSE", " "));
        assert!(!passes(&nested));
    }

    #[test]
    fn relations_and_with_queries_are_counted() {
        let with = |count: usize| {
            let queries: Vec<String> = (0..count)
                .map(|nth| format!("w{nth} AS (SELECT 1)"))
                .collect();
            format!("WITH {} SELECT 1", queries.join(", "))
        };
        assert!(passes(&with(90)));
        assert!(!passes(&with(2_000)));
        assert!(!passes(
            &with(2_000).replace("AS (", "AS NOT MATERIALIZED (")
        ));
        assert!(!passes(&times(300, "SELECT 1", " UNION ALL ")));
        assert!(!passes(&format!("SELECT * FROM {}", times(300, "t", ", "))));
        assert!(!passes(&format!(
            "SELECT t.* FROM {}",
            times(300, "t", " CROSS JOIN ")
        )));
    }

    #[test]
    fn lists_may_be_long() {
        assert!(passes(&format!(
            "SELECT a IN ({})",
            times(20_000, "1", ",")
        )));
        assert!(passes(&format!("VALUES {}", times(10_000, "(1, -2)", ","))));
        assert!(passes(&format!(
            "SELECT {} FROM t",
            times(1_000, "a + 1", ", ")
        )));
        assert!(passes(&format!(
            "SELECT CASE {} END",
            times(1_000, "WHEN a = 1 THEN 2", " ")
        )));
    }
}
