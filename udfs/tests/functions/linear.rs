//! Texts that somebody sends to be slow or to break things: every function answers, and in a time
//! that grows with the length of the text, not with its square.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::prelude::SessionContext;
use verbatim_udfs::scalar_functions;

use crate::support::{OF_ONE_TEXT, batch, call, rows, session, with_table};

/// What the texts repeat: each is a beginning that a reader has to look far for the end of.
const SHAPES: [&str; 39] = [
    "a",
    "a ",
    "A",
    "@",
    "a@",
    "a@b.",
    "1",
    "1 ",
    "1.1.",
    "1-",
    "4111 1111 1111 111",
    "+1 555 ",
    "(212) ",
    "555-",
    "(",
    ")",
    "((a ",
    "\"",
    ".",
    "!",
    "http://",
    "http://a",
    "www.",
    "::",
    "2001:db8:",
    "DE89 ",
    "GB82WEST",
    "my name is ",
    "12 Main ",
    "Main Street ",
    "not ",
    "cancel ",
    "but ",
    "delivery ",
    "delivery customer service ",
    "delivery, customer service and the ",
    "\u{301}",
    "👨\u{200d}👩\u{200d}👧",
    "\u{202e}ש",
];

/// Characters of which a long text is made.
const CHARACTERS: [char; 16] = [
    '\0',
    '\u{1}',
    '\n',
    '\u{a0}',
    '\u{ad}',
    '\u{301}',
    '\u{200d}',
    '\u{202e}',
    '\u{feff}',
    'ß',
    'İ',
    'ﷺ',
    '漢',
    '😡',
    '\u{1f3fd}',
    '\u{10ffff}',
];

/// Ten times the length takes ten times as long, and a margin for what else the machine does.
const MOST_TIMES: f64 = 12.0;
/// What another process may add.
const NOISE: Duration = Duration::from_millis(20);
/// The functions that read a text to its end; of the others' texts the first 64 KiB are read.
const WHOLE: [&str; 3] = ["pii_entities", "redact", "phrase_match"];
/// Tries of a measurement that another process may disturb.
const TRIES: usize = 6;

fn repeated(shape: &str, bytes: usize) -> String {
    shape.repeat(bytes / shape.len() + 1)
}

/// The time that this thread has worked, where the system tells it: on a busy machine a long call
/// waits more often than a short one.
fn worked(since: Instant) -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// How long a call on one text takes.
async fn time(session: &SessionContext, function: &str, table: &str) -> Duration {
    let sql = format!("SELECT {} FROM {table}", call(function, "text"));
    let since = Instant::now();
    let before = worked(since);
    let answer = rows(session, &sql).await.unwrap();
    assert_eq!(answer.num_rows(), 1);
    worked(since) - before
}

async fn is_linear(session: &SessionContext, function: &str, shape: &str) -> bool {
    let (mut short, mut long) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        short = short.min(time(session, function, "short").await);
        long = long.min(time(session, function, "long").await);
        if long <= short.mul_f64(MOST_TIMES) + NOISE {
            return true;
        }
    }
    println!("{function} on {shape:?}: {short:?}, then {long:?}");
    false
}

fn one_text(text: &str) -> RecordBatch {
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    batch(vec![("text", column)])
}

#[tokio::test]
async fn time_grows_with_the_length_alone() {
    let mut slow = Vec::new();
    for shape in SHAPES {
        for (is_whole, short, long) in [(true, 40_000, 400_000), (false, 6_000, 60_000)] {
            let session = session();
            for (table, bytes) in [("short", short), ("long", long)] {
                let text = one_text(&repeated(shape, bytes));
                session.register_batch(table, text).unwrap();
            }
            let is_meant = |function: &&str| WHOLE.contains(function) == is_whole;
            for function in OF_ONE_TEXT.into_iter().filter(is_meant) {
                if !is_linear(&session, function, shape).await {
                    slow.push((function, shape));
                }
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

#[tokio::test]
async fn a_megabyte_of_one_character_is_answered() {
    let texts = CHARACTERS.map(|character| repeated(&character.to_string(), 1_000_000));
    let session = session();
    let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    with_table(&session, vec![vec![batch(vec![("text", column)])]]);
    let calls = OF_ONE_TEXT.map(|function| call(function, "text"));
    let sql = format!("SELECT {} FROM t", calls.join(", "));
    let answers = rows(&session, &sql).await.unwrap();
    assert_eq!(answers.num_rows(), CHARACTERS.len());
}

#[test]
fn every_function_is_among_the_tested() {
    let mut tested = OF_ONE_TEXT.to_vec();
    // It takes a number.
    tested.push("topic_label");
    tested.sort_unstable();
    let functions = scalar_functions();
    let mut registered: Vec<&str> = functions.iter().map(|f| f.name()).collect();
    registered.sort_unstable();
    assert_eq!(tested, registered);
}
