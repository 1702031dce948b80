//! What a word is, the same for expressions and for texts.

/// Splits `text` into words: runs of letters, digits and combining marks, apostrophes between them
/// included ("don't" is one word), in lower case.
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
                word(start, letters.len(), offset);
                start = letters.len();
            }
        }
    }
    if letters.len() > start {
        word(start, letters.len(), text.len());
    }
}

fn is_word_character(character: char) -> bool {
    // Combining accents belong to the letter before them.
    character.is_alphanumeric() || matches!(character, '\u{300}'..='\u{36f}')
}
