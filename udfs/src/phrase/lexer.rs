//! Cuts a phrase expression into tokens.

use super::error::{PhraseError, PhraseProblem};
use super::expression::{Phrase, Word};
use super::words;

/// The largest distance of NEAR, in words.
const LARGEST_DISTANCE: usize = 1000;

/// A part of a phrase expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `(`
    Open,
    /// `)`
    Close,
    /// AND
    And,
    /// OR
    Or,
    /// NOT
    Not,
    /// NEAR/n
    Near(usize),
    /// A word, or several in quotes.
    Phrase(Phrase),
}

/// The tokens of `input` with their positions, in characters from 1.
pub(super) fn tokens(input: &str) -> Result<Vec<(usize, Token)>, PhraseError> {
    let mut tokens = Vec::new();
    let mut characters = input.char_indices().enumerate().peekable();
    while let Some((index, (offset, character))) = characters.next() {
        let position = index + 1;
        let token = match character {
            _ if character.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            _ if is_quote(character) => {
                let inside = offset + character.len_utf8();
                let end = characters.find(|(_, (_, next))| is_quote(*next));
                let Some((_, (end, _))) = end else {
                    return Err(PhraseError {
                        position,
                        problem: PhraseProblem::UnclosedQuote,
                    });
                };
                Token::Phrase(phrase(&input[inside..end], position)?)
            }
            _ => {
                let mut end = offset + character.len_utf8();
                while let Some((_, (next, character))) =
                    characters.next_if(|(_, (_, next))| !ends_word(*next))
                {
                    end = next + character.len_utf8();
                }
                bare(&input[offset..end], position)?
            }
        };
        tokens.push((position, token));
    }
    Ok(tokens)
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„')
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '(' | ')') || is_quote(character)
}

/// An operator or a word without quotes.
fn bare(text: &str, position: usize) -> Result<Token, PhraseError> {
    if text.eq_ignore_ascii_case("and") {
        return Ok(Token::And);
    }
    if text.eq_ignore_ascii_case("or") {
        return Ok(Token::Or);
    }
    if text.eq_ignore_ascii_case("not") {
        return Ok(Token::Not);
    }
    let (name, distance) = text.split_once('/').unwrap_or((text, ""));
    if name.eq_ignore_ascii_case("near") {
        return match distance.parse() {
            Ok(distance) if (1..=LARGEST_DISTANCE).contains(&distance) => Ok(Token::Near(distance)),
            _ => Err(PhraseError {
                position,
                problem: PhraseProblem::NearDistance,
            }),
        };
    }
    phrase(text, position).map(Token::Phrase)
}

/// The words of `text`, which starts at `position`.
fn phrase(text: &str, position: usize) -> Result<Phrase, PhraseError> {
    let mut letters = String::new();
    let mut found = Vec::new();
    words::split(text, &mut letters, |start, end, behind| {
        found.push((start, end, behind))
    });
    let mut stars = 0;
    let words: Vec<Word> = found
        .into_iter()
        .map(|(start, end, behind)| {
            let rest = text[behind..].strip_prefix('*');
            let is_prefix = rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric));
            stars += usize::from(is_prefix);
            Word {
                letters: letters[start..end].to_owned(),
                is_prefix,
            }
        })
        .collect();
    if stars != text.matches('*').count() {
        return Err(PhraseError {
            position,
            problem: PhraseProblem::MisplacedStar,
        });
    }
    if words.is_empty() {
        let found = if text.trim().is_empty() {
            "the quote".to_owned()
        } else {
            text.to_owned()
        };
        return Err(PhraseError {
            position,
            problem: PhraseProblem::NoWords { found },
        });
    }
    Ok(Phrase { words })
}
