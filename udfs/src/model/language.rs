//! Which language a text is in, and whether the models cover it.
//!
//! Scripts decide most languages; a head over words and character grams decides among those of
//! the Latin and Cyrillic scripts. A short text is left undetermined rather than guessed.

use super::format::HeadHeader;
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

/// Decides from the scripts of a text and the head's margins.
pub(crate) fn detect(text: &TokenBuffer, header: &HeadHeader, margins: &[f32]) -> Language {
    let scripts = &text.scripts;
    if scripts.not_latin() > scripts.latin {
        return by_script(text, header, margins);
    }
    by_head(text, header, margins, |label| !CYRILLIC.contains(&label))
}

fn by_script(text: &TokenBuffer, header: &HeadHeader, margins: &[f32]) -> Language {
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
    let (_, language) = main
        .into_iter()
        .max_by_key(|(letters, _)| *letters)
        .unwrap_or((0, ""));
    match language {
        "" => Language::Unsupported,
        "ru" => match by_head(text, header, margins, |label| CYRILLIC.contains(&label)) {
            Language::Undetermined => Language::Unsupported,
            known => known,
        },
        known => Language::Script(known),
    }
}

fn by_head(
    text: &TokenBuffer,
    header: &HeadHeader,
    margins: &[f32],
    candidate: impl Fn(&str) -> bool,
) -> Language {
    if text.letters < FEWEST_LETTERS || text.words < FEWEST_WORDS {
        return Language::Undetermined;
    }
    let logit = |index: usize| margins[index] * header.slope + header.offsets[index];
    let candidates = || (0..margins.len()).filter(|index| candidate(&header.labels[*index]));
    let Some(best) = candidates().max_by(|a, b| logit(*a).total_cmp(&logit(*b))) else {
        return Language::Undetermined;
    };
    // The best one is reliable where the others together have little left: e^-x is counted only
    // down to what could matter.
    let others: f32 = candidates()
        .filter(|index| *index != best)
        .map(|index| logit(index) - logit(best))
        .filter(|behind| *behind > -12.0)
        .map(f32::exp)
        .sum();
    if 1.0 >= header.threshold * (1.0 + others) {
        Language::Label(best)
    } else {
        Language::Undetermined
    }
}
