//! Phrase expressions: quotes, AND, OR, NOT, parentheses, `prefix*`, NEAR/n.
//!
//! [`Expression::parse`] reads one, [`Matcher`] tests texts against it. Matching is by whole words
//! and without regard to case: `refund` finds "Refund!" but not "refunded", `refund*` finds both.
//!
//! ```text
//! expression := conjunction (OR conjunction)*
//! conjunction := operand (AND? operand)*            words side by side are joined by AND
//! operand := NOT operand | proximity
//! proximity := primary (NEAR/n primary)*            within n words of each other, in any order
//! primary := word | prefix* | "several words" | ( expression )
//! ```

mod error;
mod expression;
mod lexer;
mod matcher;
mod parser;
mod words;

pub use error::{PhraseError, PhraseProblem};
pub use expression::{Expression, Phrase, Word};
pub use matcher::Matcher;
