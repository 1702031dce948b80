//! Cuts CSV into records of bounded size.
//!
//! A quote that is missing must not melt rows or swallow the file: where the quotes of a record
//! cannot be right, the record is given up and the next line begins a new one.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2};

use super::split::Fault;
use super::window::Window;

/// Fields of a header: a file with more columns is none of records.
pub(crate) const MOST_COLUMNS: usize = 1 << 16;

/// Reads CSV records one by one.
pub(crate) struct CsvSplitter<R> {
    window: Window<R>,
    delimiter: u8,
    limit: usize,
    /// Line of the window's start, from 1.
    line: u64,
    stage: Stage,
    /// Fields of the record, without quotes, and where each ends. Of a record with too many only
    /// the first are kept.
    output: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    most: usize,
}

/// Where the splitter is between two records.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// At the first byte of the file.
    Start,
    /// Behind a record or a blank line; `true` after a carriage return.
    Between(bool),
    /// In a line that is given up.
    Skip,
    Done,
}

/// Where the splitter is in a record.
#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the first byte of a field.
    Field,
    Plain,
    Quoted,
    /// After a quote in a quoted field: its end, or the first half of a quote in the text.
    Quote,
}

/// The fields of a record, without quotes.
pub(crate) struct CsvRecord<'a> {
    pub(crate) line: u64,
    bytes: &'a [u8],
    ends: &'a [usize],
    fields: usize,
}

impl<'a> CsvRecord<'a> {
    /// The fields; the first ones where there are more than may be.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, ends) = (self.bytes, self.ends);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(move |(from, to)| bytes.get(from..*to).unwrap_or_default())
    }

    /// How many fields the record has, those that were not kept included.
    pub(crate) fn len(&self) -> usize {
        self.fields
    }
}

impl<R: Read> CsvSplitter<R> {
    /// A splitter that skips records of more than `limit` bytes.
    pub(crate) fn new(source: R, delimiter: u8, limit: usize) -> Self {
        CsvSplitter {
            window: Window::new(source),
            delimiter,
            limit,
            line: 1,
            stage: Stage::Start,
            output: Vec::new(),
            ends: Vec::new(),
            fields: 0,
            most: MOST_COLUMNS,
        }
    }

    /// Keeps no more than this many fields of a record from now on.
    pub(crate) fn keep_at_most(&mut self, fields: usize) {
        self.most = fields;
    }

    /// The next record, `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Option<Result<CsvRecord<'_>, Fault>> {
        match self.scan() {
            Ok(Some(line)) => Some(Ok(CsvRecord {
                line,
                bytes: &self.output,
                ends: &self.ends,
                fields: self.fields,
            })),
            Ok(None) => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    fn fill(&mut self) -> Result<bool, Fault> {
        self.window.fill().map_err(|error: io::Error| {
            self.stage = Stage::Done;
            let line = self.line;
            Fault::Io { line, error }
        })
    }

    /// Moves to the first byte of the next record; false at the end of the file. Blank lines and
    /// the second half of `\r\n` are passed, so that a record's line is its own.
    fn find_record(&mut self) -> Result<bool, Fault> {
        loop {
            let rest = self.window.rest();
            match (self.stage, rest.first()) {
                (Stage::Done, _) => return Ok(false),
                (Stage::Skip, _) => {
                    let end = memchr2(b'\n', b'\r', rest);
                    let return_there = end.is_some_and(|at| rest[at] == b'\r');
                    let used = end.map_or(rest.len(), |at| at + 1);
                    self.window.pass(self.window.start + used);
                    if end.is_some() {
                        self.line += 1;
                        self.stage = Stage::Between(return_there);
                        continue;
                    }
                }
                (Stage::Start, Some(_)) => {
                    let mark = b"\xEF\xBB\xBF";
                    let seen = rest.len().min(mark.len());
                    if rest.starts_with(mark) {
                        self.window.pass(self.window.start + mark.len());
                    } else if mark.starts_with(&rest[..seen]) && !self.window.ended {
                        self.fill()?;
                        continue;
                    }
                    self.stage = Stage::Between(false);
                    continue;
                }
                (Stage::Between(after), Some(byte @ (b'\n' | b'\r'))) => {
                    let half = after && *byte == b'\n';
                    self.stage = Stage::Between(*byte == b'\r');
                    self.line += u64::from(!half);
                    self.window.pass(self.window.start + 1);
                    continue;
                }
                (Stage::Between(_), Some(_)) => return Ok(true),
                (_, None) => {}
            }
            if !self.fill()? {
                self.stage = Stage::Done;
                return Ok(false);
            }
        }
    }

    /// Cuts a record and returns its line.
    fn scan(&mut self) -> Result<Option<u64>, Fault> {
        if !self.find_record()? {
            return Ok(None);
        }
        self.output.clear();
        self.ends.clear();
        self.fields = 0;
        let line = self.line;
        let mut state = State::Field;
        loop {
            match self.step(&mut state) {
                Ok(true) if self.window.scan - self.window.start > self.limit => {
                    self.give_up();
                    return Err(Fault::TooLong { line });
                }
                Ok(true) => {
                    self.finish();
                    return Ok(Some(line));
                }
                Ok(false) => {}
                Err(problem) => {
                    self.give_up();
                    return Err(Fault::Quote { line, problem });
                }
            }
            if self.window.scan - self.window.start > self.limit {
                self.give_up();
                return Err(Fault::TooLong { line });
            }
            if !self.fill()? {
                if state == State::Quoted {
                    self.give_up();
                    let problem = "a quote is opened and never closed";
                    return Err(Fault::Quote { line, problem });
                }
                self.end_field();
                self.finish();
                self.stage = Stage::Done;
                return Ok(Some(line));
            }
        }
    }

    /// Takes the bytes that are there; true at the line end that ends the record.
    fn step(&mut self, state: &mut State) -> Result<bool, &'static str> {
        while let Some(&byte) = self.window.ahead().first() {
            let ends_field = byte == self.delimiter;
            let ends_record = byte == b'\n' || byte == b'\r';
            match *state {
                State::Quoted => {
                    let ahead = self.window.ahead();
                    let run = memchr(b'"', ahead);
                    let text = &ahead[..run.unwrap_or(ahead.len())];
                    self.output.extend_from_slice(text);
                    self.window.scan += text.len() + usize::from(run.is_some());
                    if run.is_some() {
                        *state = State::Quote;
                    }
                    continue;
                }
                State::Field | State::Plain | State::Quote if ends_record => {
                    self.end_field();
                    return Ok(true);
                }
                State::Field | State::Plain | State::Quote if ends_field => {
                    self.end_field();
                    *state = State::Field;
                }
                State::Field if byte == b'"' => *state = State::Quoted,
                State::Quote if byte == b'"' => {
                    self.output.push(byte);
                    *state = State::Quoted;
                }
                State::Quote => return Err("a quote in a quoted field is not doubled"),
                State::Field | State::Plain if byte == b'"' => {
                    return Err("a quote stands in a field that is not quoted");
                }
                State::Field | State::Plain => {
                    let ahead = self.window.ahead();
                    let special = |byte: &u8| {
                        *byte == self.delimiter || matches!(*byte, b'\n' | b'\r' | b'"')
                    };
                    let run = ahead.iter().position(special).unwrap_or(ahead.len());
                    self.output.extend_from_slice(&ahead[..run]);
                    self.window.scan += run;
                    *state = State::Plain;
                    continue;
                }
            }
            self.window.scan += 1;
        }
        Ok(false)
    }

    fn end_field(&mut self) {
        self.fields += 1;
        if self.fields <= self.most {
            self.ends.push(self.output.len());
        }
    }

    /// Passes the record.
    fn finish(&mut self) {
        let Window { start, scan, .. } = self.window;
        let lines = memchr_iter(b'\n', &self.window.bytes[start..scan]).count();
        self.line += lines as u64;
        self.window.pass(scan);
        self.stage = Stage::Between(false);
    }

    /// Leaves a record that cannot be right: the next line begins another.
    fn give_up(&mut self) {
        self.window.pass(self.window.start);
        self.stage = Stage::Skip;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::{CsvSplitter, Fault};

    fn cut(text: &[u8], limit: usize) -> Vec<String> {
        let mut splitter = CsvSplitter::new(text, b',', limit);
        let mut out = Vec::new();
        while let Some(record) = splitter.next() {
            out.push(match record {
                Ok(record) => {
                    let fields = record.fields().map(|field| String::from_utf8_lossy(field));
                    format!("{}: {}", record.line, fields.collect::<Vec<_>>().join("|"))
                }
                Err(Fault::TooLong { line }) => format!("{line}! too long"),
                Err(Fault::Quote { line, problem }) => format!("{line}! {problem}"),
                Err(other) => panic!("{other:?}"),
            });
            assert!(out.len() <= text.len() + 1);
        }
        out
    }

    #[test]
    fn records_with_quotes_and_line_breaks() {
        let text = b"a,b\n\"x, \"\"y\"\"\nz\",2\r\n\n,\n";
        assert_eq!(cut(text, 1 << 20), ["1: a|b", "2: x, \"y\"\nz|2", "5: |"]);
        assert_eq!(cut(b"", 100), Vec::<String>::new());
        assert_eq!(
            cut(b"\xEF\xBB\xBF\"a\",b\r\r\n\rc", 100),
            ["1: a|b", "4: c"]
        );
    }

    #[test]
    fn an_overlong_record_is_skipped() {
        let text = format!("a,b\n{},1\nc,d\n", "x".repeat(100_000));
        assert_eq!(
            cut(text.as_bytes(), 8192),
            ["1: a|b", "2! too long", "3: c|d"]
        );
        // What an open quote has swallowed is read again.
        let text = format!("a,b\n\"x,1\n{}", "c,d\n".repeat(100_000));
        let found = cut(text.as_bytes(), 8192);
        assert_eq!(found.len(), 100_002);
        assert_eq!(found[1..3], ["2! too long", "3: c|d"]);
    }

    #[test]
    fn a_missing_quote_takes_no_more_than_its_line() {
        let open = "a quote is opened and never closed";
        let not_doubled = "a quote in a quoted field is not doubled";
        let bare = "a quote stands in a field that is not quoted";
        assert_eq!(
            cut(b"a,b\nc,\"d\ne,f\n", 100),
            ["1: a|b".into(), format!("2! {open}"), "3: e|f".into()]
        );
        assert_eq!(
            cut(b"a,\"b\nc,\"d\"\ne,f", 100),
            [
                format!("1! {not_doubled}"),
                "2: c|d".into(),
                "3: e|f".into()
            ]
        );
        assert_eq!(
            cut(b"a,5\" wide\nc,\"d\" \ne", 100),
            [
                format!("1! {bare}"),
                format!("2! {not_doubled}"),
                "3: e".into()
            ]
        );
        assert_eq!(cut(b"\"", 100), [format!("1! {open}")]);
    }

    #[test]
    fn many_missing_quotes_take_no_longer() {
        let begun = Instant::now();
        for line in ["a,\"b\n", "\"\",\"b\n", "a,\"\"\"b\n"] {
            let text = line.repeat(100_000);
            assert!(cut(text.as_bytes(), 64 << 20).len() >= 50_000);
        }
        assert!(begun.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn fields_beyond_the_most_are_counted_and_not_kept() {
        let text = ",".repeat(3_000_000);
        let mut splitter = CsvSplitter::new(text.as_bytes(), b',', 64 << 20);
        splitter.keep_at_most(3);
        let record = splitter.next().unwrap().unwrap();
        assert_eq!((record.len(), record.fields().count()), (3_000_001, 3));
        assert!(splitter.ends.capacity() < 100);
    }

    /// Hands out a few bytes at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl std::io::Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let taken = self.1.min(out.len()).min(self.0.len());
            out[..taken].copy_from_slice(&self.0[..taken]);
            self.0 = &self.0[taken..];
            Ok(taken)
        }
    }

    /// The line and the fields of a record, or what is wrong with it.
    type Summary = Result<(u64, Vec<Vec<u8>>), String>;

    fn summary<R: std::io::Read>(source: R) -> Vec<Summary> {
        let mut splitter = CsvSplitter::new(source, b',', 1000);
        let mut out = Vec::new();
        while let Some(record) = splitter.next() {
            out.push(match record {
                Ok(record) => Ok((record.line, record.fields().map(<[u8]>::to_vec).collect())),
                Err(fault) => Err(format!("{fault:?}")),
            });
        }
        out
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(text in prop::collection::vec(any::<u8>(), 0..300),
            limit in 1usize..5000) {
            cut(&text, limit);
        }

        /// However the bytes arrive, the records are the same.
        #[test]
        fn pieces_do_not_matter(text in "[a\",\\r\\n\u{feff}]{0,80}", size in 1usize..20) {
            let whole = summary(text.as_bytes());
            prop_assert_eq!(summary(Pieces(text.as_bytes(), size)), whole);
        }

        /// What a writer of CSV wrote comes out as it went in.
        #[test]
        fn what_was_written_is_read(rows in prop::collection::vec(
            prop::collection::vec("[a\",\\r\\n é]{0,8}", 2..5), 1..10)) {
            let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
            let lines = rows.iter().map(|row| row.iter().map(quoted).collect::<Vec<_>>().join(","));
            let bytes = lines.collect::<Vec<_>>().join("\r\n").into_bytes();
            let found: Vec<Vec<Vec<u8>>> = summary(bytes.as_slice())
                .into_iter().map(|record| record.unwrap().1).collect();
            let wanted: Vec<Vec<Vec<u8>>> = rows
                .iter().map(|row| row.iter().map(|field| field.as_bytes().to_vec()).collect())
                .collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
