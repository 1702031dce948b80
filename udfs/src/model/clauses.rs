//! Clauses: the parts of a text that have a sentiment of their own.

use std::ops::Range;

use super::text::{Kind, Token, TokenBuffer};
use super::word_class::TURNS;

/// The clauses of a text as ranges of tokens, in order and without gaps.
///
/// A clause ends with a sentence or a line, before a word that turns ("but", "however",
/// "although"), and before a comma that a conjunction follows.
pub(super) fn clauses(text: &TokenBuffer, clauses: &mut Vec<Range<usize>>) {
    clauses.clear();
    let mut start = 0;
    for (at, token) in text.tokens.iter().enumerate() {
        if at > start && begins_clause(text, at, token) {
            clauses.push(start..at);
            start = at;
        }
        if ends_sentence(text, token) {
            clauses.push(start..at + 1);
            start = at + 1;
        }
    }
    if start < text.tokens.len() {
        clauses.push(start..text.tokens.len());
    }
}

fn begins_clause(text: &TokenBuffer, at: usize, token: &Token) -> bool {
    let turns = |token: &Token| {
        token.class & TURNS != 0
            || matches!(
                text.spelling(token),
                b"yet" | b"whereas" | b"despite" | b"except"
            )
    };
    match token.kind {
        Kind::Word => turns(token),
        // The comma goes with the conjunction behind it: a word that turns would be cut off again.
        Kind::Mark if text.spelling(token) == b"," => text
            .tokens
            .get(at + 1)
            .is_some_and(|next| !turns(next) && joins(text, next)),
        _ => false,
    }
}

fn ends_sentence(text: &TokenBuffer, token: &Token) -> bool {
    let is_end = match token.kind {
        Kind::Mark => matches!(
            text.spelling(token).first(),
            Some(b'.' | b'!' | b'?' | b';')
        ),
        // The marks of other scripts are boundaries, as the comma among them is.
        Kind::Symbol => token.boundary,
        Kind::Word | Kind::Placeholder => false,
    };
    is_end || token.ends_line
}

/// Whether clauses or their parts are joined by this word.
fn joins(text: &TokenBuffer, token: &Token) -> bool {
    matches!(
        text.spelling(token),
        b"and" | b"or" | b"so" | b"while" | b"plus" | b"because" | b"then"
    )
}

/// Whether a clause may be parted here where its sides speak of different things.
pub(super) fn may_part(text: &TokenBuffer, token: &Token) -> bool {
    match token.kind {
        Kind::Word => joins(text, token),
        Kind::Mark => matches!(
            text.spelling(token),
            b"," | b":" | b"-" | b"--" | b"/" | b"&"
        ),
        Kind::Placeholder | Kind::Symbol => false,
    }
}

/// Whether a word says something beyond joining and pointing.
pub(super) fn has_content(text: &TokenBuffer, token: &Token) -> bool {
    match token.kind {
        Kind::Word => {
            !joins(text, token)
                && !matches!(
                    text.spelling(token),
                    b"the"
                        | b"a"
                        | b"an"
                        | b"my"
                        | b"our"
                        | b"your"
                        | b"their"
                        | b"its"
                        | b"this"
                        | b"that"
                        | b"both"
                        | b"also"
                        | b"of"
                        | b"with"
                        | b"for"
                        | b"in"
                        | b"i"
                        | b"we"
                )
        }
        Kind::Symbol => true,
        Kind::Placeholder | Kind::Mark => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(source: &str) -> Vec<&str> {
        let mut text = TokenBuffer::default();
        text.read(source);
        let mut ranges = Vec::new();
        clauses(&text, &mut ranges);
        let covered: usize = ranges.iter().map(ExactSizeIterator::len).sum();
        assert_eq!(covered, text.tokens.len(), "{source}");
        let cut = |range: Range<usize>| {
            let (first, last) = (&text.tokens[range.start], &text.tokens[range.end - 1]);
            &source[first.source_start as usize..last.source_end as usize]
        };
        ranges.into_iter().map(cut).collect()
    }

    #[test]
    fn clauses_end_with_sentences_and_before_words_that_turn() {
        assert_eq!(
            parts("Good food. Bad service! I paid, and left"),
            ["Good food.", "Bad service!", "I paid", ", and left"]
        );
        assert_eq!(
            parts("Good food but bad service"),
            ["Good food", "but bad service"]
        );
        assert_eq!(parts("one\ntwo"), ["one", "two"]);
        assert_eq!(parts("a, b and c"), ["a, b and c"]);
        assert_eq!(parts(""), Vec::<&str>::new());
        assert_eq!(parts("but"), ["but"]);
    }
}
