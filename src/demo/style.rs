//! How a person types: what turns a phrase into a message that somebody could have sent.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::random::{chance, pick};

/// Habits of a writer.
#[derive(Debug, Clone)]
pub(super) struct Style {
    /// Writes without capitals.
    pub(super) lower_case: bool,
    /// Ends sentences with a full stop.
    pub(super) full_stops: bool,
    /// Slips per letter, 0..1.
    pub(super) slips: f64,
    /// Uses emoji now and then.
    pub(super) emoji: bool,
    /// Writes pls, thx, u.
    pub(super) shorthand: bool,
    /// Says hello, please and thank you.
    pub(super) polite: bool,
    /// Says as little as possible.
    pub(super) terse: bool,
    /// Shouts when annoyed.
    pub(super) loud: bool,
}

impl Style {
    /// A writer like any other.
    pub(super) fn any(random: &mut ChaCha8Rng) -> Style {
        let sloppy = chance(0.35, random);
        Style {
            lower_case: chance(if sloppy { 0.75 } else { 0.15 }, random),
            full_stops: !chance(if sloppy { 0.6 } else { 0.15 }, random),
            slips: if sloppy {
                random.random_range(0.004..0.02)
            } else {
                0.001
            },
            emoji: chance(0.2, random),
            shorthand: chance(if sloppy { 0.4 } else { 0.05 }, random),
            polite: chance(0.6, random),
            terse: chance(0.25, random),
            loud: chance(0.15, random),
        }
    }

    /// Somebody who writes for a living.
    pub(super) fn professional() -> Style {
        Style {
            lower_case: false,
            full_stops: true,
            slips: 0.0003,
            emoji: false,
            shorthand: false,
            polite: true,
            terse: false,
            loud: false,
        }
    }

    /// Sets `sentences` as this writer types them in `mood` (−2 angry … 2 glad).
    pub(super) fn write(&self, sentences: &[String], mood: i32, random: &mut ChaCha8Rng) -> String {
        let mut text = String::new();
        for sentence in sentences.iter().map(|sentence| sentence.trim()) {
            if sentence.is_empty() {
                continue;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            if self.lower_case {
                text.push_str(&sentence.to_lowercase());
            } else {
                push_capitalised(sentence, &mut text);
            }
            let ended = sentence.ends_with(['.', '?', '!', ',']);
            if !ended && self.full_stops {
                text.push(if mood >= 2 { '!' } else { '.' });
            } else if !ended && sentences.len() > 1 {
                text.push(',');
            }
        }
        if text.ends_with(',') {
            text.pop();
        }
        if self.shorthand {
            text = abbreviate(&text);
        }
        if self.loud && mood <= -2 && chance(0.3, random) {
            text = text.to_uppercase();
        }
        if mood <= -2 && chance(0.3, random) {
            text.truncate(text.trim_end_matches(['.', '!']).len());
            text.push_str(pick(&["!", "!!", "!!!", "?!"], random));
        }
        text = slip(&text, self.slips, random);
        if self.emoji && mood != 0 && chance(0.35, random) {
            let set: &[&str] = match mood {
                ..=-2 => &["😡", "🤬", "😤"],
                -1 => &["🙄", "😕", "😩", ":("],
                1 => &["🙂", "👍", ":)"],
                _ => &["😀", "🎉", "🙏", "❤️"],
            };
            text.push(' ');
            text.push_str(pick(set, random));
        }
        text
    }

    /// Sets `sentences` as speech recognition would: no capitals, no marks, fillers.
    pub(super) fn speak(&self, sentences: &[String], random: &mut ChaCha8Rng) -> String {
        let mut spoken = String::new();
        for word in sentences
            .iter()
            .flat_map(|sentence| sentence.split_whitespace())
        {
            if !spoken.is_empty() {
                spoken.push(' ');
            }
            if chance(0.03, random) {
                spoken.push_str(pick(&["um ", "uh ", "you know ", "like "], random));
            }
            let marks = ['.', ',', '?', '!', ';', ':', '"'];
            spoken.extend(
                word.trim_matches(marks)
                    .chars()
                    .flat_map(char::to_lowercase),
            );
        }
        spoken
    }
}

/// Writes a sentence with a capital at its begin and for "i".
fn push_capitalised(sentence: &str, text: &mut String) {
    for (at, word) in sentence.split(' ').enumerate() {
        if at > 0 {
            text.push(' ');
        }
        let is_self = word == "i" || word.starts_with("i'") || word == "i,";
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if at == 0 || is_self => {
                text.extend(first.to_uppercase());
                text.push_str(letters.as_str());
            }
            _ => text.push_str(word),
        }
    }
}

fn abbreviate(text: &str) -> String {
    const SHORT: [(&str, &str); 9] = [
        (" please", " pls"),
        ("thanks", "thx"),
        (" you ", " u "),
        (" your ", " ur "),
        (" are ", " r "),
        ("because", "cuz"),
        (" and ", " & "),
        (" tomorrow", " tmrw"),
        (" message", " msg"),
    ];
    SHORT.iter().fold(text.to_owned(), |text, (long, short)| {
        text.replace(long, short)
    })
}

/// Makes typing mistakes: swapped, dropped and doubled letters, forgotten apostrophes.
fn slip(text: &str, rate: f64, random: &mut ChaCha8Rng) -> String {
    if rate <= 0.0 {
        return text.to_owned();
    }
    let mut typed = String::with_capacity(text.len() + 4);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == '\'' && chance(rate * 25.0, random) {
            continue;
        }
        if !letter.is_ascii_alphabetic() || !chance(rate, random) {
            typed.push(letter);
            continue;
        }
        match (random.random_range(0..3), letters.peek().copied()) {
            (0, Some(next)) if next.is_ascii_alphabetic() => {
                letters.next();
                typed.push(next);
                typed.push(letter);
            }
            (1, _) => {}
            _ => {
                typed.push(letter);
                typed.push(letter);
            }
        }
    }
    typed
}
