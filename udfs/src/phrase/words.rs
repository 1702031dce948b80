//! What a word is, the same for expressions and for texts.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// Splits `text` into words: runs of letters, digits and combining marks, apostrophes between them
/// included ("don't" is one word), in lower case and composed: "é" is one letter, however it was
/// written.
///
/// Appends the letters to `letters` and, for each word, its byte range in `letters` and the byte
/// offset in `text` behind it.
pub(super) fn split(text: &str, letters: &mut String, mut word: impl FnMut(usize, usize, usize)) {
    let mut start = letters.len();
    let mut characters = text.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        if is_word_character(character) {
            if character.is_ascii() {
                letters.push(character.to_ascii_lowercase());
            } else {
                letters.extend(character.to_lowercase());
            }
        } else if letters.len() > start {
            let joins = matches!(character, '\'' | '’')
                && characters
                    .peek()
                    .is_some_and(|(_, next)| is_word_character(*next));
            if joins {
                letters.push('\'');
            } else {
                compose(letters, start);
                word(start, letters.len(), offset);
                start = letters.len();
            }
        }
    }
    if letters.len() > start {
        compose(letters, start);
        word(start, letters.len(), text.len());
    }
}

/// Brings the letters from `start` on into the form that Unicode calls NFC.
fn compose(letters: &mut String, start: usize) {
    let written = &letters[start..];
    if written.is_ascii() || is_nfc_quick(written.chars()) == IsNormalized::Yes {
        return;
    }
    let composed: String = written.nfc().collect();
    letters.truncate(start);
    letters.push_str(&composed);
}

fn is_word_character(character: char) -> bool {
    // Combining accents belong to the letter before them.
    character.is_alphanumeric() || matches!(character, '\u{300}'..='\u{36f}')
}
