//! What can be wrong with a phrase expression, and where.

/// A phrase expression that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("phrase expression, character {position}: {problem}")]
pub struct PhraseError {
    /// Where, counted in characters from 1.
    pub position: usize,
    /// What is wrong.
    pub problem: PhraseProblem,
}

/// What is wrong with a phrase expression, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhraseProblem {
    /// There is nothing to look for.
    #[error("the expression is empty; name a word or a \"quoted phrase\"")]
    Empty,
    /// A quote that nothing closes.
    #[error("this quote is never closed")]
    UnclosedQuote,
    /// A parenthesis that nothing closes.
    #[error("this parenthesis is never closed")]
    UnclosedParenthesis,
    /// A closing parenthesis without an opening one.
    #[error("this parenthesis closes nothing")]
    UnopenedParenthesis,
    /// An operator that lacks what it works on.
    #[error("a word, a \"quoted phrase\" or a parenthesis is missing here{}", after(.operator))]
    MissingOperand {
        /// The operator before the gap, if any.
        operator: Option<String>,
    },
    /// A word of signs only.
    #[error("{found} has no letters or digits to look for")]
    NoWords {
        /// The signs.
        found: String,
    },
    /// A star that does not end a word.
    #[error("a * stands at the end of a word, as in refund*")]
    MisplacedStar,
    /// NEAR without a number, or with one out of range.
    #[error("NEAR needs a distance in words from 1 to 1000, as in NEAR/5")]
    NearDistance,
    /// NEAR next to something that has no place in the text.
    #[error("NEAR joins words, phrases, or parentheses of these with OR")]
    NearOperand,
    /// More parentheses and NOTs inside each other than we follow.
    #[error("more than {limit} levels of parentheses and NOT")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A longer expression than we read.
    #[error("the expression is longer than {limit} characters")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

fn after(operator: &Option<String>) -> String {
    operator
        .as_ref()
        .map_or_else(String::new, |operator| format!(", after {operator}"))
}
