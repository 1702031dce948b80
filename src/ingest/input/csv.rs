//! Cuts CSV into records of bounded size.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::split::Fault;

const CHUNK: usize = 256 * 1024;

/// Reads CSV records one by one.
pub(crate) struct CsvSplitter<R> {
    source: R,
    reader: Reader,
    limit: usize,
    input: Vec<u8>,
    at: usize,
    ended: bool,
    output: Vec<u8>,
    ends: Vec<usize>,
    done: bool,
    /// Line ends that the reader has not seen.
    skipped: u64,
}

/// The fields of a record, without quotes.
pub(crate) struct CsvRecord<'a> {
    pub(crate) line: u64,
    bytes: &'a [u8],
    ends: &'a [usize],
}

impl<'a> CsvRecord<'a> {
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        let (bytes, ends) = (self.bytes, self.ends);
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(move |(from, to)| bytes.get(from..*to).unwrap_or_default())
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<R: Read> CsvSplitter<R> {
    /// A splitter that skips records of more than `limit` bytes.
    pub(crate) fn new(source: R, delimiter: u8, limit: usize) -> Self {
        CsvSplitter {
            source,
            reader: ReaderBuilder::new().delimiter(delimiter).build(),
            limit,
            input: Vec::new(),
            at: 0,
            ended: false,
            output: vec![0; 4096],
            ends: vec![0; 64],
            done: false,
            skipped: 0,
        }
    }

    /// The next record, `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Option<Result<CsvRecord<'_>, Fault>> {
        match self.scan() {
            Ok(Some((line, length, fields))) => Some(Ok(CsvRecord {
                line,
                bytes: self.output.get(..length).unwrap_or_default(),
                ends: self.ends.get(..fields).unwrap_or_default(),
            })),
            Ok(None) => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.input.resize(CHUNK, 0);
        self.at = 0;
        let read = loop {
            match self.source.read(&mut self.input) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.input.truncate(read);
        self.ended = read == 0;
        Ok(())
    }

    fn fill_if_used_up(&mut self) -> Result<(), Fault> {
        if self.at < self.input.len() || self.ended {
            return Ok(());
        }
        self.fill().map_err(|error| {
            self.done = true;
            Fault::Io(error)
        })
    }

    /// Passes blank lines and the second half of `\r\n`, so that a record's line is its own.
    fn skip_line_ends(&mut self) -> Result<(), Fault> {
        loop {
            self.fill_if_used_up()?;
            match self.input.get(self.at) {
                Some(b'\n') => self.skipped += 1,
                Some(b'\r') => {}
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn scan(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        if self.done {
            return Ok(None);
        }
        self.skip_line_ends()?;
        let line = self.reader.line() + self.skipped;
        let (mut length, mut fields, mut overlong) = (0, 0, false);
        loop {
            self.fill_if_used_up()?;
            let (result, read, written, ended) = self.reader.read_record(
                &self.input[self.at..],
                &mut self.output[length..],
                &mut self.ends[fields..],
            );
            self.at += read;
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.output.len() >= self.limit => {
                    // Read on without keeping anything.
                    overlong = true;
                    length = 0;
                    fields = 0;
                }
                ReadRecordResult::OutputFull => {
                    self.output
                        .resize((self.output.len() * 2).min(self.limit.max(1)), 0);
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record if overlong => return Err(Fault::TooLong { line }),
                ReadRecordResult::Record => return Ok(Some((line, length, fields))),
                ReadRecordResult::End => {
                    self.done = true;
                    return match overlong {
                        true => Err(Fault::TooLong { line }),
                        false => Ok(None),
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

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
    }

    #[test]
    fn an_overlong_record_is_skipped() {
        let text = format!("a,b\n{},1\nc,d\n", "x".repeat(100_000));
        assert_eq!(
            cut(text.as_bytes(), 8192),
            ["1: a|b", "2! too long", "3: c|d"]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_cut_without_a_panic(text in prop::collection::vec(any::<u8>(), 0..300),
            limit in 1usize..5000) {
            cut(&text, limit);
        }
    }
}
