//! The parsed form of a phrase expression.

use std::fmt::{self, Display, Formatter};

/// A word to look for, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Word {
    /// Letters, digits and apostrophes between them.
    pub letters: String,
    /// Whether longer words that start so count too.
    pub is_prefix: bool,
}

/// Words that stand next to each other in this order; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Phrase {
    /// The words.
    pub words: Vec<Word>,
}

/// A phrase expression. Its `Display` form parses to the same expression.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expression {
    /// The text has the phrase.
    Phrase(Phrase),
    /// The text has one of `first`, near it one of the next phrases, and so on along the chain.
    Near {
        /// Where the chain starts: any of these phrases.
        first: Vec<Phrase>,
        /// The links: largest distance in words, and any of these phrases.
        links: Vec<(usize, Vec<Phrase>)>,
    },
    /// Not this.
    Not(Box<Expression>),
    /// All of these; at least two.
    And(Vec<Expression>),
    /// Any of these; at least two.
    Or(Vec<Expression>),
}

/// Words that are operators unless they are quoted.
pub(super) const OPERATORS: [&str; 4] = ["and", "or", "not", "near"];

impl Display for Word {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.letters)?;
        if self.is_prefix {
            f.write_str("*")
        } else {
            Ok(())
        }
    }
}

impl Display for Phrase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.words.as_slice() {
            [word] if word.is_prefix || !OPERATORS.contains(&word.letters.as_str()) => {
                write!(f, "{word}")
            }
            words => {
                f.write_str("\"")?;
                separated(f, words, " ", |word, f| write!(f, "{word}"))?;
                f.write_str("\"")
            }
        }
    }
}

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expression::Phrase(phrase) => write!(f, "{phrase}"),
            Expression::Near { first, links } => {
                alternatives(f, first)?;
                for (distance, phrases) in links {
                    write!(f, " NEAR/{distance} ")?;
                    alternatives(f, phrases)?;
                }
                Ok(())
            }
            Expression::Not(inner) => {
                f.write_str("NOT ")?;
                operand(inner, f)
            }
            Expression::And(all) => separated(f, all, " AND ", operand),
            Expression::Or(any) => separated(f, any, " OR ", operand),
        }
    }
}

fn operand(expression: &Expression, f: &mut Formatter<'_>) -> fmt::Result {
    match expression {
        Expression::And(_) | Expression::Or(_) => write!(f, "({expression})"),
        _ => write!(f, "{expression}"),
    }
}

fn alternatives(f: &mut Formatter<'_>, phrases: &[Phrase]) -> fmt::Result {
    match phrases {
        [phrase] => write!(f, "{phrase}"),
        phrases => {
            f.write_str("(")?;
            separated(f, phrases, " OR ", |phrase, f| write!(f, "{phrase}"))?;
            f.write_str(")")
        }
    }
}

fn separated<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    separator: &str,
    show: impl Fn(&T, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(separator)?;
        }
        show(item, f)?;
    }
    Ok(())
}
