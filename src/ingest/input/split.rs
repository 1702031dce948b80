//! Cuts a stream of bytes into JSON records without ever holding more than one of them.
//!
//! A record is a line, a value of a sequence of values, or an element of an array that may be
//! gigabytes long. Only strings, brackets and commas are looked at here; whether a record is good
//! JSON is found out when it is read.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2};

use super::seek::Seek;

/// How many bytes are asked of the source at once.
const CHUNK: usize = 256 * 1024;

/// Where the records of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One record a line.
    Lines,
    /// Values one after the other, on as many lines as they like.
    Values,
    /// Elements of the array found under these keys; no keys: the file is the array.
    Array(Vec<String>),
}

/// Why a record, or the rest of a file, could not be cut out. `line` is where it begins.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The source could not be read.
    Io(io::Error),
    /// The record is longer than the limit; it was skipped and the next one follows.
    TooLong { line: u64 },
    /// The file ends, or its structure breaks, inside the record.
    Unfinished { line: u64 },
    /// The array of records is not where the layout says it is.
    NoArray { line: u64, message: String },
}

/// One record: the line at which it begins and its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    pub(crate) line: u64,
    pub(crate) bytes: &'a [u8],
}

/// Cuts the bytes of `R` into records.
pub(crate) struct Splitter<R> {
    source: R,
    limit: usize,
    layout: Layout,
    /// Room for bytes; those before `end` have been read.
    buffer: Vec<u8>,
    end: usize,
    /// Bytes before this one are done with.
    start: usize,
    /// Bytes before this one have been looked at.
    scan: usize,
    /// Line of `start`, from 1.
    line: u64,
    ended: bool,
    stage: Stage,
    /// Indentation of the first element, by which a broken array is picked up again.
    indent: Option<Vec<u8>>,
}

enum Stage {
    Seek(Seek),
    Records,
    Done,
}

impl<R: Read> Splitter<R> {
    /// A splitter that skips records of more than `limit` bytes.
    pub(crate) fn new(source: R, layout: Layout, limit: usize) -> Self {
        let stage = match &layout {
            Layout::Array(keys) => Stage::Seek(Seek::new(keys.clone())),
            Layout::Lines | Layout::Values => Stage::Records,
        };
        Splitter {
            source,
            limit,
            layout,
            buffer: Vec::new(),
            end: 0,
            start: 0,
            scan: 0,
            line: 1,
            ended: false,
            stage,
            indent: None,
        }
    }

    /// The next record, `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Option<Result<Record<'_>, Fault>> {
        let found = match self.layout {
            Layout::Lines => self.next_line(),
            Layout::Values | Layout::Array(_) => self.next_value(),
        };
        match found {
            Ok(Some((line, from, to))) => Some(Ok(Record {
                line,
                bytes: self.buffer.get(from..to).unwrap_or_default(),
            })),
            Ok(None) => None,
            Err(fault) => Some(Err(fault)),
        }
    }

    /// Reads on; false at the end of the source. Moves what is still needed to the front.
    fn fill(&mut self) -> Result<bool, Fault> {
        if self.ended {
            return Ok(false);
        }
        if self.end == self.buffer.len() {
            match self.start {
                0 => self.buffer.resize((self.end * 2).max(CHUNK), 0),
                start => {
                    self.buffer.copy_within(start.., 0);
                    self.end -= start;
                    self.scan -= start;
                    self.start = 0;
                }
            }
        }
        let read = loop {
            match self.source.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.end += *read.as_ref().unwrap_or(&0);
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(error) => {
                self.ended = true;
                self.stage = Stage::Done;
                return Err(Fault::Io(error));
            }
        }
        Ok(!self.ended)
    }

    /// Gives up the bytes before `to` and counts their lines.
    fn pass(&mut self, to: usize) {
        self.line += memchr_iter(b'\n', &self.buffer[self.start..to]).count() as u64;
        self.start = to;
        self.scan = to;
    }

    fn next_line(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        if matches!(self.stage, Stage::Done) {
            return Ok(None);
        }
        let mut overlong = false;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.scan..self.end]) {
                let (line, from, to) = (self.line, self.start, self.scan + at);
                self.line += 1;
                self.start = to + 1;
                self.scan = self.start;
                if overlong || to - from > self.limit {
                    return Err(Fault::TooLong { line });
                }
                if !is_blank(&self.buffer[from..to]) {
                    return Ok(Some((line, from, to)));
                }
                continue;
            }
            self.scan = self.end;
            if self.scan - self.start > self.limit {
                overlong = true;
                self.start = self.scan;
            }
            if !self.fill()? {
                let (line, from, to) = (self.line, self.start, self.end);
                self.start = to;
                self.scan = to;
                self.stage = Stage::Done;
                return match overlong {
                    true => Err(Fault::TooLong { line }),
                    false if is_blank(&self.buffer[from..to]) => Ok(None),
                    false => Ok(Some((line, from, to))),
                };
            }
        }
    }

    fn next_value(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        while let Stage::Seek(seek) = &mut self.stage {
            let (used, outcome) = seek.feed(&self.buffer[self.scan..self.end]);
            let to = self.scan + used;
            self.pass(to);
            match outcome {
                Ok(true) => self.stage = Stage::Records,
                Ok(false) => {
                    if !self.fill()? {
                        let seek = std::mem::replace(&mut self.stage, Stage::Done);
                        return match seek {
                            Stage::Seek(seek) if !seek.is_blank() => Err(Fault::NoArray {
                                line: self.line,
                                message: seek.missing(),
                            }),
                            _ => Ok(None),
                        };
                    }
                }
                Err(message) => {
                    self.stage = Stage::Done;
                    return Err(Fault::NoArray {
                        line: self.line,
                        message,
                    });
                }
            }
        }
        if matches!(self.stage, Stage::Done) || !self.skip_separators()? {
            return Ok(None);
        }
        if self.indent.is_none() {
            self.indent = Some(self.indentation().to_vec());
        }
        self.scan_value()
    }

    /// Moves to the first byte of the next record; false when there is none.
    fn skip_separators(&mut self) -> Result<bool, Fault> {
        let array = matches!(self.layout, Layout::Array(_));
        loop {
            let rest = &self.buffer[self.start..self.end];
            // The line break before a record stays, so that its indentation can be seen.
            match rest.iter().position(|byte| !is_separator(*byte, array)) {
                Some(at) => {
                    let to = self.start + at;
                    let end = array && self.buffer[to] == b']';
                    self.pass(to);
                    if end {
                        self.stage = Stage::Done;
                    }
                    return Ok(!end);
                }
                None => {
                    let to = self.end;
                    self.pass(to);
                    if !self.fill()? {
                        self.stage = Stage::Done;
                        return match array {
                            true => Err(Fault::Unfinished { line: self.line }),
                            false => Ok(false),
                        };
                    }
                }
            }
        }
    }

    fn scan_value(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        let array = matches!(self.layout, Layout::Array(_));
        let line = self.line;
        let (mut depth, mut string, mut escaped, mut overlong) = (0usize, false, false, false);
        loop {
            let mut at = self.scan;
            let mut end = None;
            while at < self.end {
                if escaped {
                    escaped = false;
                    at += 1;
                } else if string {
                    match memchr2(b'"', b'\\', &self.buffer[at..self.end]) {
                        None => at = self.end,
                        Some(found) => {
                            at += found + 1;
                            escaped = self.buffer[at - 1] == b'\\';
                            string = escaped;
                        }
                    }
                } else {
                    let byte = self.buffer[at];
                    match byte {
                        b'"' => string = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' if depth > 1 => depth -= 1,
                        b'}' | b']' if depth == 1 => {
                            depth = 0;
                            if !array {
                                end = Some(at + 1);
                            }
                        }
                        b'}' | b']' | b',' if depth == 0 => end = Some(at.max(self.start + 1)),
                        b'\n' if depth == 0 && !array => end = Some(at),
                        _ => {}
                    }
                    if end.is_some() {
                        break;
                    }
                    at += 1;
                }
            }
            if let Some(end) = end {
                let from = self.start;
                self.pass(end);
                let to = from + trimmed(&self.buffer[from..end]);
                return match overlong || to - from > self.limit {
                    true => Err(Fault::TooLong { line }),
                    false => Ok(Some((line, from, to))),
                };
            }
            self.scan = self.end;
            if self.scan - self.start > self.limit {
                overlong = true;
                let to = self.scan;
                self.pass(to);
            }
            if !self.fill()? {
                let to = self.resume();
                self.pass(to);
                return match overlong {
                    true => Err(Fault::TooLong { line }),
                    false => Err(Fault::Unfinished { line }),
                };
            }
        }
    }

    /// Where to go on after a record without an end: at the next line that is indented like the
    /// first record and opens an object after a comma. The end of the file if there is none.
    fn resume(&mut self) -> usize {
        let indent = self.indent.clone().unwrap_or_default();
        let mut at = self.start;
        while let Some(found) = memchr(b'\n', &self.buffer[at..self.end]) {
            let line = &self.buffer[at + found + 1..self.end];
            let opens = line.starts_with(&indent) && line.get(indent.len()) == Some(&b'{');
            let before = &self.buffer[self.start..at + found];
            let comma = before[..trimmed(before)].last() == Some(&b',');
            if opens && (comma || matches!(self.layout, Layout::Values)) {
                return at + found + 1;
            }
            at += found + 1;
        }
        self.stage = Stage::Done;
        self.end
    }

    /// The blanks between the last line break and `start`.
    fn indentation(&self) -> &[u8] {
        let before = &self.buffer[..self.start];
        let blanks = before
            .iter()
            .rev()
            .take_while(|byte| **byte == b' ' || **byte == b'\t');
        &before[before.len() - blanks.count()..]
    }
}

fn is_separator(byte: u8, array: bool) -> bool {
    byte.is_ascii_whitespace() || (array && byte == b',')
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

/// Length without trailing blanks.
fn trimmed(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .rposition(|byte| !byte.is_ascii_whitespace())
        .map_or(0, |at| at + 1)
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
