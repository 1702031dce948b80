//! Which language a text is in, and whether the models cover it.
//!
//! Scripts decide most languages, and letters or words that only one of its languages has those of a
//! shared script; a head over words and character grams decides among those of the Latin script and,
//! where no letter tells, of the Cyrillic one. A short text is left undetermined rather than guessed.

use super::format::HeadHeader;
use super::softmax::Offsets;
use super::text::TokenBuffer;

/// What is known about the language of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Reliable: a script of one language, or an index of the head's labels.
    Script(&'static str),
    Label(usize),
    /// Latin letters, too few or too mixed to tell.
    Undetermined,
    /// A script that nothing here reads.
    Unsupported,
}

/// Letters that a text of Latin or Cyrillic script needs for a reliable answer.
const FEWEST_LETTERS: u32 = 14;
/// Words that it needs.
const FEWEST_WORDS: u32 = 3;
const CYRILLIC: [&str; 3] = ["ru", "uk", "bg"];
/// Letters of another script that a text needs: "5 µ" is not Greek. Signs that stand for syllables
/// or words count double.
const FEWEST_SCRIPT_LETTERS: u32 = 4;
/// Frequent words of languages in the Devanagari script.
const DEVANAGARI: [(&str, &[&str]); 3] = [
    (
        "hi",
        &[
            "है",
            "हैं",
            "में",
            "का",
            "की",
            "के",
            "को",
            "नहीं",
            "और",
            "मेरा",
            "मेरी",
            "हूँ",
            "था",
            "कब",
            "कैसे",
        ],
    ),
    (
        "mr",
        &[
            "आहे",
            "आहेत",
            "नाही",
            "आणि",
            "माझा",
            "माझी",
            "माझे",
            "मला",
            "कधी",
            "झाले",
        ],
    ),
    (
        "ne",
        &[
            "छ",
            "छैन",
            "छन्",
            "मेरो",
            "गर्न",
            "भयो",
            "हो",
            "हुन्छ",
            "कहिले",
            "कसरी",
        ],
    ),
];

/// The offsets of the head's labels for texts of a script: −∞ for labels that they cannot have.
#[derive(Debug)]
pub(crate) struct Candidates {
    latin: Offsets,
    cyrillic: Offsets,
}

impl Candidates {
    pub(crate) fn new(header: &HeadHeader) -> Candidates {
        let offsets = |of_cyrillic: bool| {
            let labels = header.labels.iter().zip(&header.offsets);
            let offset = |(label, offset): (&String, &f32)| match CYRILLIC.contains(&label.as_str())
                == of_cyrillic
            {
                true => *offset,
                false => f32::NEG_INFINITY,
            };
            Offsets::new(labels.map(offset))
        };
        Candidates {
            latin: offsets(false),
            cyrillic: offsets(true),
        }
    }
}

/// Decides from the scripts of a text and the margins from those of the head on.
#[inline(always)]
pub(crate) fn detect(
    text: &TokenBuffer,
    header: &HeadHeader,
    candidates: &Candidates,
    margins: &[f32],
) -> Language {
    let scripts = &text.scripts;
    if scripts.not_latin() > scripts.latin {
        return by_script(text, header, candidates, margins);
    }
    by_head(text, header, &candidates.latin, margins)
}

fn by_script(
    text: &TokenBuffer,
    header: &HeadHeader,
    candidates: &Candidates,
    margins: &[f32],
) -> Language {
    let scripts = &text.scripts;
    let main = [
        (
            scripts.han + scripts.kana,
            if scripts.kana > 0 { "ja" } else { "zh" },
        ),
        (scripts.hangul, "ko"),
        (scripts.thai, "th"),
        (scripts.greek, "el"),
        (scripts.hebrew, "he"),
        (scripts.arabic, "ar"),
        (scripts.devanagari, "hi"),
        (scripts.cyrillic, "ru"),
        (scripts.other, ""),
    ];
    let (letters, language) = main
        .into_iter()
        .max_by_key(|(letters, _)| *letters)
        .unwrap_or((0, ""));
    let weight = match language {
        "ja" | "zh" | "ko" | "th" => 2,
        _ => 1,
    };
    if letters * weight < FEWEST_SCRIPT_LETTERS {
        return Language::Unsupported;
    }
    match language {
        "" => Language::Unsupported,
        "ru" => cyrillic(text, header, &candidates.cyrillic, margins),
        "ar" => arabic(text),
        "hi" => devanagari(text),
        known => Language::Script(known),
    }
}

fn cyrillic(
    text: &TokenBuffer,
    header: &HeadHeader,
    offsets: &Offsets,
    margins: &[f32],
) -> Language {
    let scripts = &text.scripts;
    match (scripts.russian, scripts.ukrainian, scripts.other_cyrillic) {
        (_, 0, 0) if scripts.russian > 0 => Language::Script("ru"),
        (0, _, 0) if scripts.ukrainian > 0 => Language::Script("uk"),
        (0, 0, 0) => match by_head(text, header, offsets, margins) {
            Language::Undetermined => Language::Unsupported,
            known => known,
        },
        // Belarusian has letters of both, Serbian and Macedonian their own.
        _ => Language::Unsupported,
    }
}

fn arabic(text: &TokenBuffer) -> Language {
    let scripts = &text.scripts;
    match (scripts.urdu, scripts.persian, scripts.other_arabic) {
        (0, 0, 0) => Language::Script("ar"),
        (0, _, 0) => Language::Script("fa"),
        (_, _, 0) => Language::Script("ur"),
        _ => Language::Unsupported,
    }
}

/// The language whose frequent words a text has most of.
fn devanagari(text: &TokenBuffer) -> Language {
    let count = |words: &[&str]| {
        text.tokens
            .iter()
            .filter(|token| words.iter().any(|w| w.as_bytes() == text.spelling(token)))
            .count()
    };
    let counts = DEVANAGARI.map(|(code, words)| (count(words), code));
    // Of equal counts the first one is kept.
    match counts.into_iter().rev().max_by_key(|(count, _)| *count) {
        Some((1.., code)) => Language::Script(code),
        _ => Language::Unsupported,
    }
}

#[inline(always)]
fn by_head(
    text: &TokenBuffer,
    header: &HeadHeader,
    offsets: &Offsets,
    margins: &[f32],
) -> Language {
    if text.letters < FEWEST_LETTERS || text.words < FEWEST_WORDS {
        return Language::Undetermined;
    }
    let (best, most) = offsets.largest(header.slope, margins);
    // Of the best one's probability, 1 of `total`.
    let total = offsets.total_power(header.slope, margins, most);
    match 1.0 >= header.threshold * total {
        true => Language::Label(best),
        false => Language::Undetermined,
    }
}
