//! ONNX graphs of a few hundred bytes, written field by field: each word has a row of numbers.

use std::path::Path;

/// The words that the tokenizer knows; any other one is the first. The last one has no row: a graph
/// fails on it.
const WORDS: [&str; 7] = [
    "[UNK]", "parcel", "late", "password", "login", "hello", "zebra",
];
/// A row for each word: what speaks for a delivery, a login, a greeting.
const TABLE: [[f32; 3]; 6] = [
    [0.0, 0.0, 0.0],
    [4.0, 0.0, 0.0],
    [3.0, 0.0, 0.0],
    [0.0, 4.0, 0.0],
    [0.0, 3.0, 0.0],
    [0.0, 0.0, 5.0],
];

/// What a graph is like.
#[derive(Debug, Clone, Copy)]
pub struct Graph {
    /// The name of its input.
    pub input: &'static str,
    /// The name of its output.
    pub output: &'static str,
    /// Whether the rows of the words are averaged; else there is one for each word.
    pub is_mean: bool,
    /// Whether its weights are said to be in another file.
    pub is_external: bool,
}

/// A classifier as it should be.
pub const CLASSIFIER: Graph = Graph {
    input: "input_ids",
    output: "logits",
    is_mean: true,
    is_external: false,
};

/// An encoder that gives a row for each token.
pub const ENCODER: Graph = Graph {
    output: "last_hidden_state",
    is_mean: false,
    ..CLASSIFIER
};

/// Writes a graph with its tokenizer and, for a classifier, its labels.
pub fn write(folder: &Path, graph: Graph, labels: Option<&[&str]>) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("model.onnx"), model(graph)).unwrap();
    let words = WORDS.iter().enumerate();
    let vocabulary: Vec<String> = words
        .map(|(id, word)| format!("\"{word}\": {id}"))
        .collect();
    let tokenizer = format!(
        "{{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": [], \
         \"normalizer\": {{\"type\": \"Lowercase\"}}, \"pre_tokenizer\": {{\"type\": \"Whitespace\"}}, \
         \"post_processor\": null, \"decoder\": null, \"model\": {{\"type\": \"WordLevel\", \
         \"vocab\": {{{}}}, \"unk_token\": \"[UNK]\"}}}}",
        vocabulary.join(", ")
    );
    std::fs::write(folder.join("tokenizer.json"), tokenizer).unwrap();
    if let Some(labels) = labels {
        let labels = labels.iter().enumerate();
        let named: Vec<String> = labels.map(|(id, l)| format!("\"{id}\": \"{l}\"")).collect();
        let config = format!("{{\"id2label\": {{{}}}}}", named.join(", "));
        std::fs::write(folder.join("config.json"), config).unwrap();
    }
}

/// `ModelProto`: Gather of the table by the tokens, then their mean.
fn model(graph: Graph) -> Vec<u8> {
    let gathered = match graph.is_mean {
        true => "rows",
        false => graph.output,
    };
    let gather = [
        text(1, "table"),
        text(1, graph.input),
        text(2, gathered),
        text(4, "Gather"),
    ];
    let mut parts = vec![message(1, &gather.concat())];
    if graph.is_mean {
        let axes = [text(1, "axes"), number(8, 1), number(20, 7)].concat();
        let keep = [text(1, "keepdims"), number(3, 0), number(20, 2)].concat();
        let mean = [
            text(1, "rows"),
            text(2, graph.output),
            text(4, "ReduceMean"),
            message(5, &axes),
            message(5, &keep),
        ];
        parts.push(message(1, &mean.concat()));
    }
    let rows: Vec<u8> = TABLE
        .iter()
        .flatten()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let mut table = vec![
        number(1, TABLE.len() as u64),
        number(1, 3),
        number(2, 1),
        text(8, "table"),
        message(9, &rows),
    ];
    if graph.is_external {
        let place = [text(1, "location"), text(2, "weights.bin")].concat();
        table.extend([message(13, &place), number(14, 1)]);
    }
    parts.extend([
        text(2, "tiny"),
        message(5, &table.concat()),
        message(11, &value(graph.input, 7, &["1", "tokens"])),
        message(
            12,
            &match graph.is_mean {
                true => value(graph.output, 1, &["1", "3"]),
                false => value(graph.output, 1, &["1", "tokens", "3"]),
            },
        ),
    ]);
    let opset = [text(1, ""), number(2, 13)].concat();
    [
        number(1, 8),
        message(7, &parts.concat()),
        message(8, &opset),
    ]
    .concat()
}

/// `ValueInfoProto` of a tensor; dimensions are numbers or names.
fn value(name: &str, element: u64, dimensions: &[&str]) -> Vec<u8> {
    let dimension = |dimension: &&str| match dimension.parse() {
        Ok(size) => message(1, &number(1, size)),
        Err(_) => message(1, &text(2, dimension)),
    };
    let shape: Vec<u8> = dimensions.iter().flat_map(dimension).collect();
    let tensor = [number(1, element), message(2, &shape)].concat();
    [text(1, name), message(2, &message(1, &tensor))].concat()
}

fn text(field: u64, content: &str) -> Vec<u8> {
    message(field, content.as_bytes())
}

fn message(field: u64, content: &[u8]) -> Vec<u8> {
    let key = varint(field << 3 | 2);
    [&key, &varint(content.len() as u64), content].concat()
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}
