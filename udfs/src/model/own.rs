//! Models of one's own: a head with a table of its own, named by a call.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Builder, StringBuilder};
use datafusion::common::{DataFusionError, Result};

use super::bank::Bank;
use super::detail::IntentDetail;
use super::distinct::Answers;
use super::encoder::EncoderMemory;
use super::format::{Head, HeadHeader, Sentences};
use super::fourier::Fourier;
use super::remembered::Remembered;
use super::score::shown;
use super::set::{SHIPPED_VOCABULARY, UNCLASSIFIED, check_first_label, check_labels};
use super::softmax::{Placed, best_label, softmax};
use super::sums::Sums;
use super::text::TokenBuffer;
use super::{ModelError, TextEncoder};
use crate::functions::text::Texts;

/// A model that a user has trained: the labels of one function.
#[derive(Debug)]
pub struct OwnModel {
    id: String,
    head: Placed,
    bank: Bank,
    /// Weights of the encoder's vector; empty where the model does not read it.
    sentences: Vec<f32>,
    /// What the weights read in the vector's place.
    fourier: Option<Fourier>,
    encoder: TextEncoder,
    /// Where the encoder takes long.
    remembered: Option<Remembered>,
}

/// What a model says about one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answer {
    /// Index among [`OwnModel::labels`]; `None` below the threshold.
    pub(crate) label: Option<u16>,
    /// Calibrated probability of the best label, 0..1.
    pub(crate) score: f64,
}

/// The memory of a scoring thread for one model of one's own, beside the text.
#[derive(Debug, Default)]
pub(super) struct OwnMemory {
    sums: Sums,
    margins: Vec<f32>,
    encoder: EncoderMemory,
    vector: Vec<f32>,
    features: Vec<f32>,
}

/// The memory of a scoring thread for models that a call names.
#[derive(Debug, Default)]
struct Memory {
    text: TokenBuffer,
    own: OwnMemory,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// Alternatives that [`OwnModel::detail`] lists.
const ALTERNATIVES: usize = 3;

impl OwnModel {
    /// Reads the weight file of a model that has no encoder of its own.
    ///
    /// # Errors
    /// A damaged file, another recipe of features, labels without "none of them" in front.
    pub fn parse(bytes: &[u8]) -> std::result::Result<OwnModel, ModelError> {
        OwnModel::new(Head::decode(bytes)?, TextEncoder::Shipped)
    }

    /// A model of its head and of what makes the vectors that it reads; the words of the shipped
    /// vocabulary are computed once here.
    ///
    /// # Errors
    /// Labels without "none of them" in front, another encoder than the head was trained with.
    pub fn new(head: Head, encoder: TextEncoder) -> std::result::Result<OwnModel, ModelError> {
        check_labels(&head)?;
        check_first_label(&head)?;
        if let Some(read) = &head.header.sentences {
            let given = encoder.sentences();
            let fits = (&read.encoder, read.width, read.logits)
                == (&given.encoder, given.width, given.logits);
            if !fits {
                return Err(ModelError::Weights(format!(
                    "trained on vectors of the encoder {}, there is {}: train it again",
                    read.encoder, given.encoder
                )));
            }
        }
        Ok(OwnModel::of(head, encoder))
    }

    pub(crate) fn of(head: Head, encoder: TextEncoder) -> OwnModel {
        let bank = Bank::new(&[&head], 1, SHIPPED_VOCABULARY, None);
        OwnModel {
            id: head.id,
            fourier: head.header.sentences.as_ref().and_then(Sentences::features),
            head: Placed::new(head.header, 0..bank.margins()),
            bank,
            sentences: head.sentences,
            remembered: match encoder {
                TextEncoder::Shipped => None,
                TextEncoder::Onnx(_) => Some(Remembered::default()),
            },
            encoder,
        }
    }

    /// The identity: 16 hexadecimal digits over the whole file.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Labels, calibration, origin.
    pub fn header(&self) -> &HeadHeader {
        &self.head.header
    }

    /// The function that the model serves, such as `intent`.
    pub fn function(&self) -> &str {
        &self.head.header.task
    }

    /// The labels, without `unclassified`.
    pub fn labels(&self) -> &[String] {
        &self.head.header.labels[1..]
    }

    /// What the model says of a text; `None` for a text without letters and digits.
    pub(crate) fn answer(&self, text: &str) -> std::result::Result<Option<Answer>, ModelError> {
        self.read(text, |words, memory| self.answer_to(text, words, memory))
    }

    /// What the model says of a text that was read as `words` and says anything.
    pub(super) fn answer_to(
        &self,
        text: &str,
        words: &TokenBuffer,
        memory: &mut OwnMemory,
    ) -> std::result::Result<Answer, ModelError> {
        let mut work = || {
            self.add_up(text, words, memory)?;
            Ok(self.answer_by(&memory.margins))
        };
        match &self.remembered {
            Some(remembered) => remembered.answer(text, work),
            None => work(),
        }
    }

    /// The margins of a text: what its words add, and its vector.
    fn add_up(
        &self,
        text: &str,
        words: &TokenBuffer,
        memory: &mut OwnMemory,
    ) -> std::result::Result<(), ModelError> {
        let OwnMemory {
            sums,
            margins,
            encoder,
            vector,
            features,
        } = memory;
        self.bank.add_up(words, sums, margins);
        if self.sentences.is_empty() {
            return Ok(());
        }
        self.encoder.read(text, words, encoder, vector)?;
        let numbers = match &self.fourier {
            Some(fourier) => {
                fourier.read(vector, features);
                features
            }
            None => vector,
        };
        // Behind the classes there may be lanes that no one reads.
        add_products(
            numbers,
            &self.sentences,
            &mut margins[..self.bank.margins()],
        );
        Ok(())
    }

    fn answer_by(&self, margins: &[f32]) -> Answer {
        let (best, probability) = best_label(&self.head, margins);
        let header = &self.head.header;
        let is_said = match &header.sentences {
            // A classifier has learnt for itself when it is none of the labels.
            Some(read) if read.logits => {
                let logit = |class: usize| margins[class] * header.slope + header.offsets[class];
                logit(best + 1) >= logit(0)
            }
            _ => probability >= header.threshold,
        };
        Answer {
            label: is_said.then_some(best as u16),
            score: shown(probability),
        }
    }

    /// The label of an answer, `unclassified` where there is none.
    pub(crate) fn label(&self, answer: &Answer) -> &str {
        answer
            .label
            .map_or(UNCLASSIFIED, |label| &self.labels()[usize::from(label)])
    }

    /// Label, score and alternatives of a text; `None` for a text without letters and digits.
    ///
    /// # Errors
    /// [`ModelError::Onnx`] where an encoder of one's own fails.
    pub fn detail(&self, text: &str) -> std::result::Result<Option<IntentDetail>, ModelError> {
        self.read(text, |words, memory| {
            self.add_up(text, words, memory)?;
            let answer = self.answer_by(&memory.margins);
            let mut probabilities = vec![0.0; self.head.header.labels.len()];
            let margins = &memory.margins[self.head.lanes.clone()];
            softmax(&self.head, margins, &mut probabilities);
            let scores = probabilities[1..].iter().map(|p| shown(*p));
            let mut ranked: Vec<_> = self.labels().iter().cloned().zip(scores).collect();
            ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
            ranked.truncate(ALTERNATIVES);
            Ok(IntentDetail {
                label: self.label(&answer).to_owned(),
                score: answer.score,
                alternatives: ranked,
                model: self.id.clone(),
            })
        })
    }

    fn read<T>(
        &self,
        text: &str,
        work: impl FnOnce(&TokenBuffer, &mut OwnMemory) -> std::result::Result<T, ModelError>,
    ) -> std::result::Result<Option<T>, ModelError> {
        MEMORY.with_borrow_mut(|memory| {
            memory.text.read(text);
            if !memory.text.says_anything() {
                return Ok(None);
            }
            work(&memory.text, &mut memory.own).map(Some)
        })
    }

    /// The labels of an array of Utf8, LargeUtf8 or Utf8View.
    pub(crate) fn label_column(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let answers = self.answers(texts)?;
        let mut labels = StringBuilder::with_capacity(texts.len(), texts.len() * 16);
        for answer in answers.rows() {
            labels.append_option(answer.and_then(Option::as_ref).map(|a| self.label(a)));
        }
        Ok(Arc::new(labels.finish()))
    }

    /// The probabilities of the best labels of an array of Utf8, LargeUtf8 or Utf8View.
    pub(crate) fn score_column(&self, texts: &ArrayRef) -> Result<ArrayRef> {
        let answers = self.answers(texts)?;
        let mut scores = Float64Builder::with_capacity(texts.len());
        for answer in answers.rows() {
            scores.append_option(answer.and_then(Option::as_ref).map(|a| a.score));
        }
        Ok(Arc::new(scores.finish()))
    }

    fn answers(&self, texts: &ArrayRef) -> Result<Answers<Option<Answer>>> {
        let texts = Texts::new(texts.as_ref())?;
        let answers = Answers::try_of(texts.spoken(), |text| self.answer(text));
        answers.map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

/// Adds to every margin the numbers times its weights: a row of one weight a margin for each number.
fn add_products(numbers: &[f32], weights: &[f32], margins: &mut [f32]) {
    let width = margins.len();
    // Four rows at once: the margins are read and written a quarter as often.
    let (fours, rest) = numbers.as_chunks::<4>();
    let (of_fours, of_rest) = weights.split_at(fours.len() * 4 * width);
    for ([a, b, c, d], weights) in fours.iter().zip(of_fours.chunks_exact(4 * width)) {
        let (of_a, weights) = weights.split_at(width);
        let (of_b, weights) = weights.split_at(width);
        let (of_c, of_d) = weights.split_at(width);
        let rows = of_a.iter().zip(of_b).zip(of_c).zip(of_d);
        for (margin, (((of_a, of_b), of_c), of_d)) in margins.iter_mut().zip(rows) {
            *margin += a * of_a + b * of_b + c * of_c + d * of_d;
        }
    }
    for (number, weights) in rest.iter().zip(of_rest.chunks_exact(width)) {
        for (margin, weight) in margins.iter_mut().zip(weights) {
            *margin += number * weight;
        }
    }
}

/// The models of one's own that the calls of a session can name, by name.
///
/// An extension of the session's configuration: `config.options_mut().extensions.insert(models)`.
#[derive(Debug, Clone, Default)]
pub struct OwnModels(Arc<BTreeMap<String, Arc<OwnModel>>>);

impl OwnModels {
    /// Models by name.
    pub fn new(models: BTreeMap<String, Arc<OwnModel>>) -> OwnModels {
        OwnModels(Arc::new(models))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The model of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<OwnModel>> {
        self.0.get(name)
    }
}

mod extension {
    //! What makes [`OwnModels`] an extension of a configuration: it has no settings.

    use std::any::Any;

    use datafusion::common::config::{ConfigEntry, ConfigExtension, ExtensionOptions};
    use datafusion::common::{Result, config_err};

    use super::OwnModels;

    impl ConfigExtension for OwnModels {
        const PREFIX: &'static str = "own_models";
    }

    impl ExtensionOptions for OwnModels {
        fn as_any(&self) -> &dyn Any {
            self
        }

        fn as_any_mut(&mut self) -> &mut dyn Any {
            self
        }

        fn cloned(&self) -> Box<dyn ExtensionOptions> {
            Box::new(self.clone())
        }

        fn set(&mut self, key: &str, _value: &str) -> Result<()> {
            config_err!("own_models.{key} is no setting: models are made by CREATE MODEL")
        }

        fn entries(&self) -> Vec<ConfigEntry> {
            Vec::new()
        }
    }
}
