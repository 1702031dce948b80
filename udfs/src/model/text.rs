//! Normalisation and tokens: the one reading of a text that every head shares.
//!
//! A [`TokenBuffer`] is filled per text and reused, so that reading a message allocates nothing.

use super::bytes::{
    DIGIT, LETTER, MARK, SEED, SPACE, WIDE, address_end, class, clip, emoticon, floor_boundary,
    hash_bytes, is_break, is_combining, mix, next_is_letter, short_word, without_final_marks,
};
use super::word_class::{NEGATES, NO, TURNS, WordClass, word_class, word_class_of};

/// What a token is. Everything but a word is a placeholder with one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A run of letters, digits and inner apostrophes, lower-cased.
    Word,
    /// Number, amount, identifier, address, `@user`: one placeholder each.
    Placeholder,
    /// A run of one punctuation mark (at most three are kept), or an emoticon.
    Mark,
    /// A symbol outside ASCII, mostly an emoji.
    Symbol,
}

/// One token of a normalised text; half a cache line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    /// Hash of the normalised spelling; equal spellings have equal hashes on every machine.
    pub(crate) hash: u64,
    /// Range of the normalised spelling in [`TokenBuffer::spelling`].
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Byte range in the source text.
    pub(crate) source_start: u32,
    pub(crate) source_end: u32,
    pub(crate) kind: Kind,
    /// What the word is; nothing for other kinds.
    pub(crate) class: WordClass,
    /// Stands within the reach of a negating word.
    pub(crate) negated: bool,
    /// Ends a clause before it: `.`, `,`, `;`, `!`, `?`, or the word `but` and its like.
    pub(crate) boundary: bool,
    /// Ends a clause and a sentence behind it: the last token of a line.
    pub(crate) ends_line: bool,
}

/// Letters of a text by script.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scripts {
    pub(crate) latin: u32,
    pub(crate) cyrillic: u32,
    pub(crate) greek: u32,
    pub(crate) arabic: u32,
    pub(crate) hebrew: u32,
    pub(crate) devanagari: u32,
    pub(crate) thai: u32,
    pub(crate) han: u32,
    pub(crate) kana: u32,
    pub(crate) hangul: u32,
    pub(crate) other: u32,
    /// Letters of Persian (and Urdu) that Arabic has not, of Urdu alone, and of the other languages
    /// of that script.
    pub(crate) persian: u32,
    pub(crate) urdu: u32,
    pub(crate) other_arabic: u32,
    /// Letters of Ukrainian that Russian has not, the other way round, and of other Cyrillic ones.
    pub(crate) ukrainian: u32,
    pub(crate) russian: u32,
    pub(crate) other_cyrillic: u32,
}

/// The tokens of one text and what was counted on the way.
#[derive(Debug, Default)]
pub(crate) struct TokenBuffer {
    spelling: Vec<u8>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) letters: u32,
    pub(crate) upper: u32,
    pub(crate) words: u32,
    /// Runs of question marks.
    pub(crate) questions: u32,
    /// Exclamation marks, of a run at most three.
    pub(crate) exclamations: u32,
    /// What any of its words is.
    pub(crate) classes: WordClass,
    pub(crate) scripts: Scripts,
}

/// A 1 in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;
/// A longer run of marks keeps its first ones only.
const MAX_MARKS: usize = 3;
/// A longer word keeps its first bytes only.
const MAX_WORD: usize = 48;

impl TokenBuffer {
    /// The normalised spelling of a token.
    pub(crate) fn spelling(&self, token: &Token) -> &[u8] {
        &self.spelling[token.start as usize..token.end as usize]
    }

    /// Whether the text has no letter at all: such a text has no score.
    pub(crate) fn is_blank(&self) -> bool {
        self.letters == 0
    }

    /// Whether the text has a letter, a number or an address: "4711" is an answer to a question.
    pub(crate) fn says_anything(&self) -> bool {
        self.letters > 0 || self.tokens.iter().any(|t| t.kind == Kind::Placeholder)
    }

    /// Reads a text; what was read before is forgotten.
    pub(crate) fn read(&mut self, text: &str) {
        self.spelling.clear();
        self.tokens.clear();
        self.letters = 0;
        self.upper = 0;
        self.words = 0;
        self.questions = 0;
        self.exclamations = 0;
        self.classes = 0;
        self.scripts = Scripts::default();
        let text = clip(text);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at = match self.plain_word(bytes, at) {
                // Most often a blank follows, which says nothing.
                Some(end) => end + usize::from(bytes.get(end) == Some(&b' ')),
                None => self.token(text, at),
            };
        }
        if self.classes & (NEGATES | NO) != 0 {
            self.mark_negations();
        }
    }

    /// Reads the token at `at` and returns where the next one may start.
    fn token(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        let byte = bytes[at];
        match class(byte) {
            SPACE => {
                if matches!(byte, b'\n' | b'\r')
                    && let Some(last) = self.tokens.last_mut()
                {
                    last.ends_line = true;
                }
                at + 1
            }
            LETTER => self.word(text, at),
            DIGIT => self.number(text, at),
            MARK => self.mark(bytes, at),
            _ => {
                let Some(character) = text[at..].chars().next() else {
                    return bytes.len();
                };
                if character.is_alphanumeric() {
                    self.word(text, at)
                } else {
                    let end = at + character.len_utf8();
                    // Variation selectors, joiners, skin tones and wide spaces say nothing.
                    let silent = character.is_whitespace()
                        || character.is_control()
                        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
                            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}');
                    if silent {
                        return end;
                    }
                    let start = self.spelling.len();
                    let boundary = matches!(character, '…' | '。' | '！' | '？' | '，');
                    self.spelling.extend_from_slice(&bytes[at..end]);
                    self.push(Kind::Symbol, start, at, end, boundary);
                    end
                }
            }
        }
    }

    fn word(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        if matches!(bytes[at] | 0x20, b'h' | b'w')
            && let Some(end) = address_end(bytes, at)
        {
            self.letters += 1;
            self.scripts.latin += 1;
            self.placeholder(b"<url>", at, end);
            return end;
        }
        let start = self.spelling.len();
        let mut end = at;
        let mut digits = 0;
        while end < bytes.len() {
            let byte = bytes[end];
            match class(byte) {
                LETTER => {
                    let lower = byte | 0x20;
                    self.letters += 1;
                    self.upper += u32::from(byte != lower);
                    self.scripts.latin += 1;
                    self.letter(start, lower);
                    end += 1;
                }
                DIGIT => {
                    digits += 1;
                    self.letter(start, b'0');
                    end += 1;
                }
                MARK if byte == b'\'' && next_is_letter(bytes, end + 1) => {
                    self.letter(start, b'\'');
                    end += 1;
                }
                MARK if byte == b'@' && next_is_letter(bytes, end + 1) => {
                    self.spelling.truncate(start);
                    let least = end + 1;
                    end += bytes[end..].iter().take_while(|b| !is_break(**b)).count();
                    end = without_final_marks(bytes, least, floor_boundary(text, end));
                    self.placeholder(b"<email>", at, end);
                    return end;
                }
                WIDE => {
                    let Some(character) = text[end..].chars().next() else {
                        break;
                    };
                    let length = character.len_utf8();
                    if matches!(character, '\u{2019}' | '\u{02bc}') {
                        if !next_is_letter(bytes, end + length) {
                            break;
                        }
                        self.letter(start, b'\'');
                    } else if character.is_alphabetic() || is_combining(character) {
                        self.wide_letter(start, character);
                    } else {
                        break;
                    }
                    end += length;
                }
                _ => break,
            }
        }
        if end == at {
            // A numeral of another script: not a letter, not an ASCII digit.
            end = at + text[at..].chars().next().map_or(1, char::len_utf8);
            self.placeholder(b"<num>", at, end);
            return end;
        }
        if digits >= 3 {
            self.spelling.truncate(start);
            self.placeholder(b"<id>", at, end);
            return end;
        }
        self.words += 1;
        self.push(Kind::Word, start, at, end, false);
        end
    }

    /// Reads a word of fewer than sixteen ASCII letters and nothing else at once, as most words are;
    /// returns its end. `None`: it is not one, or is left to the slow way.
    #[inline(always)]
    fn plain_word(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        let first = eight_at(bytes, at);
        let mut length = leading_letters(first);
        let mut second = 0;
        if length == 8 {
            second = eight_at(bytes, at + 8);
            length += leading_letters(second);
        }
        let end = at + length;
        let next = bytes
            .get(end)
            .map_or(PLAIN_END, |byte| WORD_ENDS[usize::from(*byte)]);
        // "http://…" and "www.…" begin with a plain word.
        let is_address = next == MAY_BE_ADDRESS && address_end(bytes, at).is_some();
        if length == 0 || length == 16 || next == GOES_ON || is_address {
            return None;
        }
        let mask = |length: usize| u64::MAX >> (64 - 8 * length);
        let (mut lower, mut behind) = (first | (EACH * 0x20), 0);
        let mut upper = !first & (EACH * 0x20);
        let mut hash = SEED ^ length as u64;
        if length <= 8 {
            lower &= mask(length);
            upper &= mask(length);
            hash = mix(hash ^ lower);
        } else {
            let of_second = mask(length - 8);
            behind = (second | (EACH * 0x20)) & of_second;
            upper = (upper >> 5) + ((!second & (EACH * 0x20) & of_second) >> 4);
            hash = mix(mix(hash ^ lower) ^ behind);
        }
        // "sooo" is left to the slow way.
        let repeats = has_three(lower)
            || (length > 8 && (has_three(behind) || has_three((lower >> 48) | (behind << 16))));
        if repeats {
            return None;
        }
        self.letters += length as u32;
        self.scripts.latin += length as u32;
        self.upper += upper.count_ones();
        self.words += 1;
        let start = self.spelling.len();
        let spelling = u128::from(lower) | (u128::from(behind) << 64);
        self.spelling.extend_from_slice(&spelling.to_le_bytes());
        self.spelling.truncate(start + length);
        let class = word_class(hash);
        self.add(Kind::Word, hash, class, start, at..end, false);
        Some(end)
    }

    fn letter(&mut self, start: usize, byte: u8) {
        let written = &self.spelling[start..];
        // "sooooo" and "soo" are one word.
        let repeated = written.len() >= 2 && written[written.len() - 2..] == [byte, byte];
        if written.len() < MAX_WORD && (!repeated || byte == b'0') {
            self.spelling.push(byte);
        }
    }

    fn wide_letter(&mut self, start: usize, character: char) {
        self.letters += 1;
        self.upper += u32::from(character.is_uppercase());
        self.scripts.count(character);
        if self.spelling.len() - start >= MAX_WORD {
            return;
        }
        let mut utf8 = [0; 4];
        for lower in character.to_lowercase() {
            self.spelling
                .extend_from_slice(lower.encode_utf8(&mut utf8).as_bytes());
        }
    }

    fn number(&mut self, text: &str, at: usize) -> usize {
        let bytes = text.as_bytes();
        let mut end = at;
        while end < bytes.len() {
            let byte = bytes[end];
            let inner = matches!(byte, b'.' | b',' | b':' | b'/' | b'-')
                && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if byte.is_ascii_digit() || inner {
                end += 1;
            } else {
                break;
            }
        }
        // "2nd", "3rd", "24h", "4g" are words; "12AB99" an identifier: both are read as a word.
        if end < bytes.len() && class(bytes[end]) == LETTER && end - at <= 8 {
            return self.word(text, at);
        }
        let money = bytes.get(end) == Some(&b'%');
        let money_before =
            at > 0 && bytes[at - 1] == b'$' || text[..at].ends_with(['€', '£', '¥', '₹']);
        if money_before {
            self.placeholder(b"<money>", at, end);
        } else if money {
            self.placeholder(b"<percent>", at, end);
        } else {
            self.placeholder(b"<num>", at, end);
        }
        end
    }

    fn mark(&mut self, bytes: &[u8], at: usize) -> usize {
        let byte = bytes[at];
        if byte == b'@' && next_is_letter(bytes, at + 1) {
            let length = bytes[at + 1..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
                .count();
            self.placeholder(b"<user>", at, at + 1 + length);
            return at + 1 + length;
        }
        let start = self.spelling.len();
        if let Some(length) = emoticon(&bytes[at..]) {
            self.spelling.extend_from_slice(&bytes[at..at + length]);
            self.push(Kind::Mark, start, at, at + length, false);
            return at + length;
        }
        let run = bytes[at..].iter().take_while(|b| **b == byte).count();
        let kept = run.min(MAX_MARKS);
        self.spelling.extend_from_slice(&[byte; MAX_MARKS][..kept]);
        match byte {
            b'?' => self.questions += 1,
            b'!' => self.exclamations += kept as u32,
            _ => {}
        }
        let boundary = matches!(byte, b'.' | b',' | b';' | b'!' | b'?' | b':' | b'(' | b')');
        self.push(Kind::Mark, start, at, at + run, boundary);
        at + run
    }

    fn placeholder(&mut self, name: &[u8], at: usize, end: usize) {
        let start = self.spelling.len();
        self.spelling.extend_from_slice(name);
        self.push(Kind::Placeholder, start, at, end, false);
    }

    fn push(&mut self, kind: Kind, start: usize, at: usize, source_end: usize, boundary: bool) {
        let end = self.spelling.len();
        let spelling = &self.spelling[start..end];
        let hash = hash_bytes(spelling);
        let class = match kind {
            Kind::Word => word_class_of(hash, spelling),
            _ => 0,
        };
        self.add(kind, hash, class, start, at..source_end, boundary);
    }

    /// Adds a token whose spelling begins at `start` and ends what was spelt.
    #[inline(always)]
    fn add(
        &mut self,
        kind: Kind,
        hash: u64,
        class: WordClass,
        start: usize,
        source: std::ops::Range<usize>,
        boundary: bool,
    ) {
        self.classes |= class;
        self.tokens.push(Token {
            hash,
            class,
            start: start as u32,
            end: self.spelling.len() as u32,
            source_start: source.start as u32,
            source_end: source.end as u32,
            kind,
            negated: false,
            boundary: boundary || class & TURNS != 0,
            ends_line: false,
        });
    }
}

/// Eight bytes from `at` on as a number, the first one lowest; 0 beyond the end.
#[inline(always)]
fn eight_at(bytes: &[u8], at: usize) -> u64 {
    let rest = bytes.get(at..).unwrap_or_default();
    match rest.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => short_word(rest),
    }
}

/// How many of eight bytes are ASCII letters, up to the first one that is not.
#[inline(always)]
fn leading_letters(eight: u64) -> usize {
    let lower = eight | (EACH * 0x20);
    // The sign bit of each byte that is no letter: without it a byte stays below 0x80, and adding
    // to it never reaches the next one.
    let plain = lower & (EACH * 0x7f);
    let above = plain + EACH * (0x80 - u64::from(b'z' + 1));
    let below = ((EACH * 0x80) | plain) - EACH * u64::from(b'a');
    let others = (eight | above | !below) & (EACH * 0x80);
    others.trailing_zeros() as usize / 8
}

/// Whether a letter stands three times in a row among eight bytes, of which the last may be 0.
#[inline(always)]
fn has_three(letters: u64) -> bool {
    // The bits in which a byte differs from either of the two behind it; 0 in a letter's place.
    let changes = letters ^ (letters >> 8);
    let unlike = changes | (changes >> 8);
    let is_letter = letters << 1 & (EACH * 0x80);
    !((unlike & (EACH * 0x7f)) + EACH * 0x7f) & is_letter & (u64::MAX >> 16) != 0
}

/// What a byte behind a word says of it: it ends there.
const PLAIN_END: u8 = 0;
/// Digits, apostrophes, addresses and letters beyond ASCII go on with the word.
const GOES_ON: u8 = 1;
/// A `:` or `.`, as in an address.
const MAY_BE_ADDRESS: u8 = 2;

static WORD_ENDS: [u8; 256] = {
    let mut ends = [PLAIN_END; 256];
    let mut byte = 0;
    while byte < 256 {
        let of_byte = byte as u8;
        ends[byte] = match of_byte {
            b'0'..=b'9' | b'\'' | b'@' | 0x80.. => GOES_ON,
            b':' | b'.' => MAY_BE_ADDRESS,
            _ => PLAIN_END,
        };
        byte += 1;
    }
    ends
};

impl Scripts {
    fn count(&mut self, character: char) {
        let counter = match character as u32 {
            0x41..=0x24f | 0x1e00..=0x1eff => &mut self.latin,
            0x370..=0x3ff | 0x1f00..=0x1fff => &mut self.greek,
            0x400..=0x52f => &mut self.cyrillic,
            0x590..=0x5ff => &mut self.hebrew,
            0x600..=0x6ff | 0x750..=0x77f | 0xfb50..=0xfdff | 0xfe70..=0xfeff => &mut self.arabic,
            0x900..=0x97f => &mut self.devanagari,
            0xe00..=0xe7f => &mut self.thai,
            0x3040..=0x30ff | 0x31f0..=0x31ff => &mut self.kana,
            0x1100..=0x11ff | 0xac00..=0xd7af | 0x3130..=0x318f => &mut self.hangul,
            0x3400..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_ffff => &mut self.han,
            _ => &mut self.other,
        };
        *counter += 1;
        match character {
            'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی' => self.persian += 1,
            'ٹ' | 'ڈ' | 'ڑ' | 'ے' | 'ں' | 'ہ' | 'ھ' => self.urdu += 1,
            'ښ' | 'ځ' | 'څ' | 'ړ' | 'ډ' | 'ټ' | 'ێ' | 'ۆ' | 'ڕ' | 'ڵ' => {
                self.other_arabic += 1;
            }
            'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ' => self.ukrainian += 1,
            'ы' | 'э' | 'ё' | 'Ы' | 'Э' | 'Ё' => self.russian += 1,
            'ў' | 'Ў' | 'ј' | 'љ' | 'њ' | 'џ' | 'ђ' | 'ћ' | 'ѓ' | 'ќ' => {
                self.other_cyrillic += 1;
            }
            _ => {}
        }
    }

    /// Letters of every script but Latin.
    pub(crate) fn not_latin(&self) -> u32 {
        self.cyrillic
            + self.greek
            + self.arabic
            + self.hebrew
            + self.devanagari
            + self.thai
            + self.han
            + self.kana
            + self.hangul
            + self.other
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The words of a text, negated ones with a "!".
    pub(in crate::model) fn spelt(text: &str) -> Vec<String> {
        let mut buffer = TokenBuffer::default();
        buffer.read(text);
        let spelt = buffer.tokens.iter().map(|token| {
            let word = String::from_utf8_lossy(buffer.spelling(token)).into_owned();
            format!("{}{word}", if token.negated { "!" } else { "" })
        });
        spelt.collect()
    }

    #[test]
    fn addresses_leave_the_mark_that_ends_the_sentence() {
        assert_eq!(
            spelt("see https://example.org/a. ok"),
            ["see", "<url>", ".", "ok"]
        );
        assert_eq!(
            spelt("mail jo@example.org: now"),
            ["mail", "<email>", ":", "now"]
        );
        assert_eq!(spelt("www. ..."), ["<url>", "..."]);
    }
}
