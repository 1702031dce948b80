//! A graph with its tokenizer, ready to read texts.

use std::borrow::Cow;
use std::path::Path;

use memchr::memmem;
use ort::session::{Session, SessionInputValue};
use ort::value::{Outlet, TensorElementType, TensorRef};
use tokenizers::{Tokenizer, TruncationParams};

use super::config::Config;
use super::pooling::{mean, normalise};
use super::sessions::Sessions;
use super::{OnnxError, OnnxFiles, OnnxKind, runtime};

/// The text that a graph is tried with.
const SAMPLE: &str = "Where is my parcel?";
/// The output of an encoder that is read where the graph has it; else it is the first.
const SENTENCE: &str = "sentence_embedding";
/// The output of a classifier.
const LOGITS: &str = "logits";
/// How a tensor's weights outside of the graph begin: the key `location` of an entry.
const EXTERNAL: &[u8] = b"\x0a\x08location";

/// An ONNX graph that is ready to read texts: an encoder or a classifier of one's own.
#[derive(Debug)]
pub struct OnnxGraph {
    id: String,
    kind: OnnxKind,
    tokenizer: Tokenizer,
    inputs: Vec<Input>,
    output: String,
    labels: Vec<String>,
    width: usize,
    sessions: Sessions,
}

/// What a graph is given of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Input {
    Ids,
    Mask,
    Types,
}

impl Input {
    const ALL: [Input; 3] = [Input::Ids, Input::Mask, Input::Types];

    fn name(self) -> &'static str {
        match self {
            Input::Ids => "input_ids",
            Input::Mask => "attention_mask",
            Input::Types => "token_type_ids",
        }
    }
}

impl OnnxGraph {
    /// Whether graphs can be run.
    ///
    /// # Errors
    /// [`OnnxError::Runtime`] where ONNX Runtime is not there.
    pub fn check_runtime() -> Result<(), OnnxError> {
        runtime::environment().map(drop)
    }

    /// Reads a graph from where the user has it, a folder or a file, and tries it with a text.
    ///
    /// # Errors
    /// [`OnnxError::Files`] for what is missing, else as [`OnnxGraph::load`].
    pub fn open(path: &Path, kind: OnnxKind) -> Result<(OnnxGraph, OnnxFiles), OnnxError> {
        let files = OnnxFiles::read(path)?;
        let graph = OnnxGraph::load(files.clone(), kind)?;
        Ok((graph, files))
    }

    /// Makes a graph of its files, and tries it with a text.
    ///
    /// # Errors
    /// [`OnnxError::Runtime`] where ONNX Runtime is not there, [`OnnxError::Unfit`] for a graph, a
    /// tokenizer or a configuration that is not what is expected.
    pub fn load(files: OnnxFiles, kind: OnnxKind) -> Result<OnnxGraph, OnnxError> {
        let id = files.id();
        let config = Config::parse(files.config.as_deref())?;
        let tokenizer = tokenizer(&files.tokenizer, &config)?;
        let labels = match kind {
            OnnxKind::Encoder => Vec::new(),
            OnnxKind::Classifier => config.labels()?,
        };
        if memmem::find(&files.graph, EXTERNAL).is_some() {
            return Err(OnnxError::Unfit(
                "the graph keeps its weights in other files: export it with its weights inside"
                    .to_owned(),
            ));
        }
        let sessions = Sessions::new(files.graph)?;
        let (inputs, output) =
            sessions.with(|session| Ok((inputs(session)?, output(session, kind)?)))?;
        let mut graph = OnnxGraph {
            id,
            kind,
            tokenizer,
            inputs,
            output,
            labels,
            width: 0,
            sessions,
        };
        graph.width = graph.sample()?;
        Ok(graph)
    }

    /// The identity, over all files.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it makes of a text.
    pub fn kind(&self) -> OnnxKind {
        self.kind
    }

    /// Numbers that a text gives.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The labels of a classifier, in the order of its numbers.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The numbers of a text: the vector of length 1 of an encoder, the logits of a classifier. All 0
    /// for a text without tokens.
    ///
    /// Texts are run one by one: a quantised graph rounds by the largest number of all that it is
    /// given, so in company a text would have other numbers.
    pub(crate) fn read(&self, text: &str, vector: &mut Vec<f32>) -> Result<(), OnnxError> {
        vector.clear();
        self.run(text, vector)?;
        if vector.is_empty() {
            vector.resize(self.width, 0.0);
        }
        match vector.len() == self.width {
            true => Ok(()),
            false => Err(self.failed(format!(
                "a text gives {} numbers, not {}",
                vector.len(),
                self.width
            ))),
        }
    }

    /// Tries the graph; the numbers that a text gives.
    fn sample(&self) -> Result<usize, OnnxError> {
        let mut vector = Vec::new();
        self.run(SAMPLE, &mut vector)
            .map_err(|error| OnnxError::Unfit(format!("trying the graph with a text: {error}")))?;
        let width = vector.len();
        if width == 0 {
            return Err(OnnxError::Unfit(
                "the tokenizer finds no token in a text of words".to_owned(),
            ));
        }
        if self.kind == OnnxKind::Classifier && width != self.labels.len() {
            return Err(OnnxError::Unfit(format!(
                "{LOGITS} has {width} numbers, and id2label of config.json names {} labels",
                self.labels.len()
            )));
        }
        Ok(width)
    }

    /// Runs a text; `vector` stays empty where it has no token.
    fn run(&self, text: &str, vector: &mut Vec<f32>) -> Result<(), OnnxError> {
        let tokens = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|error| self.failed(format!("the tokenizer: {error}")))?;
        if tokens.is_empty() {
            return Ok(());
        }
        let wide = |numbers: &[u32]| numbers.iter().copied().map(i64::from).collect::<Vec<_>>();
        let mask = wide(tokens.get_attention_mask());
        let given: Vec<Cow<'_, [i64]>> = self
            .inputs
            .iter()
            .map(|input| match input {
                Input::Ids => Cow::Owned(wide(tokens.get_ids())),
                Input::Mask => Cow::Borrowed(mask.as_slice()),
                Input::Types => Cow::Owned(wide(tokens.get_type_ids())),
            })
            .collect();
        self.sessions.with(|session| {
            let run_error = |error: ort::Error| self.failed(error.to_string());
            let mut inputs: Vec<(&str, SessionInputValue<'_>)> = Vec::with_capacity(given.len());
            for (input, numbers) in self.inputs.iter().zip(&given) {
                let tensor = TensorRef::from_array_view(([1, numbers.len()], &**numbers));
                inputs.push((input.name(), tensor.map_err(run_error)?.into()));
            }
            let outputs = session.run(inputs).map_err(run_error)?;
            let output = outputs.get(&self.output);
            let output = output.ok_or_else(|| self.failed(format!("no {}", self.output)))?;
            let (shape, numbers) = output.try_extract_tensor::<f32>().map_err(run_error)?;
            self.reduce(shape, numbers, &mask, vector)
        })
    }

    /// From the output of a graph to the numbers of a text.
    fn reduce(
        &self,
        shape: &[i64],
        numbers: &[f32],
        mask: &[i64],
        vector: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let tokens = mask.len() as i64;
        match (self.kind, shape) {
            (_, [1, width]) if *width > 0 => vector.extend_from_slice(numbers),
            (OnnxKind::Encoder, [1, found, width]) if *found == tokens && *width > 0 => {
                mean(numbers, mask, *width as usize, vector);
            }
            (kind, shape) => {
                let expected = match kind {
                    OnnxKind::Encoder => "[1, tokens, width] or [1, width]",
                    OnnxKind::Classifier => "[1, labels]",
                };
                return Err(self.failed(format!(
                    "{} has the shape {shape:?} for a text of {tokens} tokens, {expected} is \
                     expected",
                    self.output
                )));
            }
        }
        if vector.iter().any(|value| !value.is_finite()) {
            return Err(self.failed(format!("{} has numbers that are not finite", self.output)));
        }
        if self.kind == OnnxKind::Encoder {
            normalise(vector);
        }
        Ok(())
    }

    fn failed(&self, reason: String) -> OnnxError {
        OnnxError::Run {
            graph: self.id.clone(),
            reason,
        }
    }
}

/// The tokenizer of a file: with the truncation that it has, or that of the configuration, and
/// without padding, which a text that is run alone does not need.
fn tokenizer(bytes: &[u8], config: &Config) -> Result<Tokenizer, OnnxError> {
    let unfit = |error| OnnxError::Unfit(format!("tokenizer.json: {error}"));
    let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(unfit)?;
    tokenizer.with_padding(None);
    if tokenizer.get_truncation().is_none() {
        let truncation = TruncationParams {
            max_length: config.tokens(),
            ..TruncationParams::default()
        };
        tokenizer.with_truncation(Some(truncation)).map_err(unfit)?;
    }
    Ok(tokenizer)
}

/// The inputs that the graph wants, of those that a text can give.
fn inputs(session: &Session) -> Result<Vec<Input>, OnnxError> {
    let expected = Input::ALL.map(Input::name).join(", ");
    let mut inputs = Vec::new();
    for found in session.inputs() {
        let known = Input::ALL.iter().find(|input| input.name() == found.name());
        let known = known.ok_or_else(|| {
            OnnxError::Unfit(format!(
                "the graph wants an input {}; a text can give {expected}",
                found.name()
            ))
        })?;
        check_type(found, TensorElementType::Int64)?;
        inputs.push(*known);
    }
    match inputs.contains(&Input::Ids) {
        true => Ok(inputs),
        false => Err(OnnxError::Unfit(format!(
            "the graph has no input {}; its inputs are {}",
            Input::Ids.name(),
            names(session.inputs())
        ))),
    }
}

/// The output that is read.
fn output(session: &Session, kind: OnnxKind) -> Result<String, OnnxError> {
    let outputs = session.outputs();
    let named = |name: &str| outputs.iter().find(|output| output.name() == name);
    let found = match kind {
        OnnxKind::Encoder => named(SENTENCE).or(outputs.first()),
        OnnxKind::Classifier => named(LOGITS),
    };
    let found = found.ok_or_else(|| {
        OnnxError::Unfit(format!(
            "the graph has no output {LOGITS}; its outputs are {}. An encoder is trained upon: \
             CREATE MODEL … AS SELECT text, label …",
            names(outputs)
        ))
    })?;
    check_type(found, TensorElementType::Float32)?;
    Ok(found.name().to_owned())
}

fn check_type(found: &Outlet, expected: TensorElementType) -> Result<(), OnnxError> {
    match found.dtype().tensor_type() {
        Some(element) if element == expected => Ok(()),
        _ => Err(OnnxError::Unfit(format!(
            "{} of the graph is {}, a tensor of {expected} is expected",
            found.name(),
            found.dtype()
        ))),
    }
}

fn names(outlets: &[Outlet]) -> String {
    let names: Vec<&str> = outlets.iter().map(Outlet::name).collect();
    names.join(", ")
}
