//! Normalisation and tokens: the one reading of a text that every head shares.
//!
//! A [`TokenBuffer`] is filled per text and reused, so that reading a message allocates nothing.

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

/// One token of a normalised text.
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
    pub(crate) scripts: Scripts,
}

/// Words that a negation reaches over; beyond them or a clause boundary it ends.
const NEGATION_REACH: u32 = 4;
/// Longer texts are read up to here: memory and time stay bounded whatever is sent.
const MAX_BYTES: usize = 64 * 1024;
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

    /// Reads a text; what was read before is forgotten.
    pub(crate) fn read(&mut self, text: &str) {
        self.spelling.clear();
        self.tokens.clear();
        self.letters = 0;
        self.upper = 0;
        self.words = 0;
        self.scripts = Scripts::default();
        let text = clip(text);
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            at = self.token(text, at);
        }
        self.mark_negations();
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
        if let Some(end) = address_end(bytes, at) {
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
        for _ in 0..run.min(3) {
            self.spelling.push(byte);
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
        let boundary = boundary
            || kind == Kind::Word
                && matches!(spelling, b"but" | b"however" | b"although" | b"though");
        self.tokens.push(Token {
            hash: hash_bytes(spelling),
            start: start as u32,
            end: end as u32,
            source_start: at as u32,
            source_end: source_end as u32,
            kind,
            negated: false,
            boundary,
            ends_line: false,
        });
    }

    /// Marks the words that a negation reaches: "not really good at all" negates "good".
    fn mark_negations(&mut self) {
        let mut reach = 0u32;
        for index in 0..self.tokens.len() {
            let token = self.tokens[index];
            if token.boundary {
                reach = 0;
            }
            if token.kind == Kind::Word {
                let spelling = self.spelling(&token);
                if spelling == b"no" {
                    reach = self.reach_of_no(index);
                } else if is_negation(spelling) {
                    reach = NEGATION_REACH;
                } else {
                    self.tokens[index].negated = reach > 0;
                    reach = reach.saturating_sub(1);
                }
            }
            if token.ends_line {
                reach = 0;
            }
        }
    }

    /// How many words the "no" at `index` negates. It is a determiner ("no problem", "no real
    /// answer") or stands for a whole answer ("no i want to cancel"), which negates nothing.
    fn reach_of_no(&self, index: usize) -> u32 {
        // Nothing where a line ends before the word or something else stands there.
        let word_after = |at: usize| match self.tokens.get(at..) {
            Some([last, token, ..]) if !last.ends_line && token.kind == Kind::Word => {
                self.spelling(token)
            }
            _ => b"",
        };
        let next = word_after(index);
        match next {
            b"" => 0,
            _ if BEGINS_CLAUSE.contains(&next) => 0,
            b"longer" | b"one" | b"way" => NEGATION_REACH,
            _ if QUALIFIES.contains(&next) => 2,
            // "no cancel my plan": an object follows, so that this is a verb.
            _ if REQUESTS.contains(&next) && OBJECTS.contains(&word_after(index + 1)) => 0,
            _ => 1,
        }
    }
}

/// Words with which a clause of its own goes on after an answer "no".
const BEGINS_CLAUSE: [&[u8]; 44] = [
    b"i", b"i'm", b"im", b"i'll", b"i've", b"i'd", b"we", b"we're", b"we'll", b"we've", b"we'd",
    b"you", b"you're", b"he", b"she", b"it", b"it's", b"they", b"this", b"that", b"that's",
    b"there", b"these", b"the", b"a", b"an", b"my", b"our", b"your", b"please", b"just", b"and",
    b"so", b"because", b"can", b"could", b"what", b"how", b"why", b"where", b"when", b"is", b"are",
    b"do",
];
/// Words that stand between "no" and its noun.
const QUALIFIES: [&[u8]; 17] = [
    b"more",
    b"real",
    b"other",
    b"further",
    b"such",
    b"good",
    b"great",
    b"big",
    b"major",
    b"clear",
    b"proper",
    b"useful",
    b"actual",
    b"single",
    b"new",
    b"additional",
    b"particular",
];
/// Verbs of requests that are nouns as well.
const REQUESTS: [&[u8]; 18] = [
    b"cancel",
    b"stop",
    b"close",
    b"delete",
    b"end",
    b"give",
    b"send",
    b"tell",
    b"let",
    b"get",
    b"refund",
    b"return",
    b"call",
    b"connect",
    b"transfer",
    b"leave",
    b"change",
    b"help",
];
/// Words with which an object begins.
const OBJECTS: [&[u8]; 12] = [
    b"my", b"our", b"the", b"this", b"that", b"it", b"me", b"us", b"your", b"these", b"a", b"them",
];

/// Whether a normalised word turns what follows into its opposite.
pub(crate) fn is_negation(word: &[u8]) -> bool {
    if word.ends_with(b"n't") {
        return true;
    }
    matches!(
        word,
        b"not"
            | b"no"
            | b"never"
            | b"cannot"
            | b"cant"
            | b"dont"
            | b"wont"
            | b"didnt"
            | b"doesnt"
            | b"isnt"
            | b"wasnt"
            | b"arent"
            | b"couldnt"
            | b"shouldnt"
            | b"wouldnt"
            | b"havent"
            | b"hasnt"
            | b"hadnt"
            | b"aint"
            | b"without"
            | b"nothing"
            | b"neither"
            | b"nor"
            | b"hardly"
            | b"barely"
            | b"nobody"
            | b"none"
            | b"nowhere"
            | b"never've"
    )
}

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

const SPACE: u8 = 0;
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const MARK: u8 = 3;
const WIDE: u8 = 4;

const fn classes() -> [u8; 256] {
    let mut table = [MARK; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        table[byte] = if value >= 0x80 {
            WIDE
        } else if value.is_ascii_alphabetic() {
            LETTER
        } else if value.is_ascii_digit() {
            DIGIT
        } else if value <= b' ' || value == 0x7f {
            SPACE
        } else {
            MARK
        };
        byte += 1;
    }
    table
}

static CLASSES: [u8; 256] = classes();

fn class(byte: u8) -> u8 {
    CLASSES[byte as usize]
}

fn clip(text: &str) -> &str {
    &text[..floor_boundary(text, text.len().min(MAX_BYTES))]
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn next_is_letter(bytes: &[u8], at: usize) -> bool {
    bytes
        .get(at)
        .is_some_and(|b| matches!(class(*b), LETTER | WIDE))
}

fn is_break(byte: u8) -> bool {
    class(byte) == SPACE
        || matches!(
            byte,
            b',' | b';' | b'!' | b'?' | b')' | b'(' | b'"' | b'<' | b'>'
        )
}

fn is_combining(character: char) -> bool {
    matches!(character as u32, 0x300..=0x36f | 0x591..=0x5c7 | 0x610..=0x61a | 0x64b..=0x65f
        | 0x900..=0x903 | 0x93a..=0x94f | 0x955..=0x957 | 0x962..=0x963 | 0xe31..=0xe3a | 0xe47..=0xe4e)
}

/// The end of a web address that starts at `at`.
fn address_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let starts = |prefix: &[u8]| {
        rest.len() > prefix.len() && rest[..prefix.len()].eq_ignore_ascii_case(prefix)
    };
    if !(starts(b"http://") || starts(b"https://") || starts(b"www.")) {
        return None;
    }
    let length = rest
        .iter()
        .take_while(|b| b.is_ascii() && !is_break(**b))
        .count();
    // "www." alone has nothing to cut; neither has a scheme.
    Some(without_final_marks(bytes, at + 4, at + length))
}

/// The end of an address without the marks that belong to the sentence, not before `least`.
fn without_final_marks(bytes: &[u8], least: usize, mut end: usize) -> usize {
    while end > least && matches!(bytes[end - 1], b'.' | b':' | b'\'') {
        end -= 1;
    }
    end
}

/// The length of an emoticon at the start of `bytes`.
fn emoticon(bytes: &[u8]) -> Option<usize> {
    if !matches!(bytes.first()?, b':' | b';' | b'=' | b'<') {
        return None;
    }
    if bytes[0] == b'<' {
        return (bytes.get(1) == Some(&b'3')).then_some(2);
    }
    let nose = usize::from(matches!(bytes.get(1), Some(b'-' | b'\'')));
    let mouth = bytes.get(1 + nose)?;
    let closed = bytes
        .get(2 + nose)
        .is_none_or(|b| !b.is_ascii_alphanumeric());
    (matches!(mouth, b')' | b'(' | b'D' | b'P' | b'p' | b'/' | b'|') && closed).then_some(2 + nose)
}

/// A hash of bytes that is the same on every machine: trained weights are addressed by it.
#[inline]
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = mix(hash ^ u64::from_le_bytes(word));
    }
    hash
}

/// A bijective mixer (the finaliser of SplitMix64): every input bit reaches every output bit.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of a text, negated ones with a "!".
    fn read(text: &str) -> Vec<String> {
        let mut buffer = TokenBuffer::default();
        buffer.read(text);
        let spelt = buffer.tokens.iter().map(|token| {
            let word = String::from_utf8_lossy(buffer.spelling(token)).into_owned();
            format!("{}{word}", if token.negated { "!" } else { "" })
        });
        spelt.collect()
    }

    #[test]
    fn a_line_break_ends_a_negation_behind_the_word_before_it() {
        assert_eq!(
            read("this is not good\nthank you"),
            ["this", "is", "not", "!good", "thank", "you"]
        );
        assert_eq!(
            read("I did not\nthank you"),
            ["i", "did", "not", "thank", "you"]
        );
        assert_eq!(read("not\r\ngood"), ["not", "good"]);
    }

    #[test]
    fn no_negates_its_noun_only() {
        assert_eq!(read("no problem at all"), ["no", "!problem", "at", "all"]);
        assert_eq!(
            read("no more problems here"),
            ["no", "!more", "!problems", "here"]
        );
        assert_eq!(
            read("no i want to cancel"),
            ["no", "i", "want", "to", "cancel"]
        );
        assert_eq!(read("no cancel my plan"), ["no", "cancel", "my", "plan"]);
        assert_eq!(read("no\nproblem"), ["no", "problem"]);
        assert_eq!(read("no"), ["no"]);
    }

    #[test]
    fn addresses_leave_the_mark_that_ends_the_sentence() {
        assert_eq!(
            read("see https://example.org/a. ok"),
            ["see", "<url>", ".", "ok"]
        );
        assert_eq!(
            read("mail jo@example.org: now"),
            ["mail", "<email>", ":", "now"]
        );
        assert_eq!(read("www. ..."), ["<url>", "..."]);
    }
}
