//! Cuts a stream of bytes into JSON records without ever holding more than one of them.
//!
//! A record is a line, a value of a sequence of values, or an element of an array that may be
//! gigabytes long. Only strings, brackets and commas are looked at here; whether a record is good
//! JSON is found out when it is read.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr3};

use super::seek::Seek;
use super::window::Window;

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
    /// The source could not be read on in the record that begins there.
    Io { line: u64, error: io::Error },
    /// The record is longer than the limit; it was skipped and the next one follows.
    TooLong { line: u64 },
    /// The file ends, or its structure breaks, inside the record.
    Unfinished { line: u64 },
    /// The quotes of a CSV record cannot be right; the next line follows.
    Quote { line: u64, problem: &'static str },
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
    window: Window<R>,
    limit: usize,
    layout: Layout,
    /// Line of the window's start, from 1.
    line: u64,
    stage: Stage,
    /// Indentation of the first element, by which a broken array is picked up again.
    indent: Option<Vec<u8>>,
    /// Records without an end so far.
    unfinished: usize,
}

/// A file with as many records without an end is broken throughout: from then on a line that looks
/// like the beginning of a record is one. Else each broken record would be looked for to the end of
/// the file.
const BROKEN_FILE: usize = 2;

/// Where in a value a walk over its bytes has come.
#[derive(Default)]
struct Walk {
    depth: usize,
    string: bool,
    escaped: bool,
    /// Whether a line break stood in a text.
    broken: bool,
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
            window: Window::new(source),
            limit,
            layout,
            line: 1,
            stage,
            indent: None,
            unfinished: 0,
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
                bytes: self.window.bytes.get(from..to).unwrap_or_default(),
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

    /// Gives up the bytes before `to` and counts their lines.
    fn pass(&mut self, to: usize) {
        let passed = &self.window.bytes[self.window.start..to];
        self.line += memchr_iter(b'\n', passed).count() as u64;
        self.window.pass(to);
    }

    fn next_line(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        if matches!(self.stage, Stage::Done) {
            return Ok(None);
        }
        let mut overlong = false;
        loop {
            if let Some(at) = memchr(b'\n', &self.window.bytes[self.window.scan..self.window.end]) {
                let (line, from, to) = (self.line, self.window.start, self.window.scan + at);
                self.line += 1;
                self.window.start = to + 1;
                self.window.scan = self.window.start;
                if overlong || to - from > self.limit {
                    return Err(Fault::TooLong { line });
                }
                if !is_blank(&self.window.bytes[from..to]) {
                    return Ok(Some((line, from, to)));
                }
                continue;
            }
            self.window.scan = self.window.end;
            if self.window.scan - self.window.start > self.limit {
                overlong = true;
                self.window.start = self.window.scan;
            }
            if !self.fill()? {
                let (line, from, to) = (self.line, self.window.start, self.window.end);
                self.window.start = to;
                self.window.scan = to;
                self.stage = Stage::Done;
                return match overlong {
                    true => Err(Fault::TooLong { line }),
                    false if is_blank(&self.window.bytes[from..to]) => Ok(None),
                    false => Ok(Some((line, from, to))),
                };
            }
        }
    }

    fn next_value(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        while let Stage::Seek(seek) = &mut self.stage {
            let (used, outcome) = seek.feed(&self.window.bytes[self.window.scan..self.window.end]);
            let to = self.window.scan + used;
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
            let rest = &self.window.bytes[self.window.start..self.window.end];
            // The line break before a record stays, so that its indentation can be seen.
            match rest.iter().position(|byte| !is_separator(*byte, array)) {
                Some(at) => {
                    let to = self.window.start + at;
                    let end = array && self.window.bytes[to] == b']';
                    self.pass(to);
                    if end {
                        self.stage = Stage::Done;
                    }
                    return Ok(!end);
                }
                None => {
                    let to = self.window.end;
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

    /// Cuts the record that begins at the window's start.
    fn scan_value(&mut self) -> Result<Option<(u64, usize, usize)>, Fault> {
        let line = self.line;
        let mut walk = Walk::default();
        let mut overlong = false;
        // The last byte that is no blank of what has been dropped of an overlong record.
        let mut dropped = None;
        loop {
            // A record that cannot be right, or one of a file with broken records, ends at the
            // latest where a line begins another: the rest of the file is not its own.
            let watch = overlong || walk.broken || self.unfinished >= BROKEN_FILE;
            let (stop, opens) = match watch {
                true => self.next_opening(self.window.scan, walk.broken, dropped),
                false => (self.window.end, false),
            };
            let broken = walk.broken;
            if let Some(end) = self.walk(&mut walk, stop) {
                let from = self.window.start;
                self.pass(end);
                let to = from + trimmed(&self.window.bytes[from..end]);
                return match overlong || to - from > self.limit {
                    true => Err(Fault::TooLong { line }),
                    false => Ok(Some((line, from, to))),
                };
            }
            if walk.broken && !broken {
                continue;
            }
            let fault = |overlong| match overlong {
                true => Fault::TooLong { line },
                false => Fault::Unfinished { line },
            };
            if opens {
                self.pass(stop);
                return Err(fault(overlong));
            }
            if !overlong && self.window.scan - self.window.start > self.limit {
                overlong = true;
                // It may have swallowed others.
                let (at, opens) = self.next_opening(self.window.start, walk.broken, None);
                if opens && at <= self.window.scan {
                    self.pass(at);
                    return Err(fault(true));
                }
            }
            if overlong {
                let held = &self.window.bytes[self.window.start..self.window.scan];
                dropped = trimmed(held).checked_sub(1).map(|at| held[at]).or(dropped);
                self.pass(self.window.scan);
            }
            if !self.fill()? && self.window.scan == self.window.end {
                let (to, opens) = match overlong || walk.broken {
                    true => (self.window.end, false),
                    false => self.next_opening(self.window.start, false, None),
                };
                self.unfinished += 1;
                self.pass(to);
                if !opens {
                    self.stage = Stage::Done;
                }
                return Err(fault(overlong));
            }
        }
    }

    /// Walks over a value up to `stop`; its end when it is there.
    fn walk(&mut self, walk: &mut Walk, stop: usize) -> Option<usize> {
        let array = matches!(self.layout, Layout::Array(_));
        let bytes = &self.window.bytes;
        let mut at = self.window.scan;
        while at < stop {
            if walk.escaped {
                walk.escaped = false;
                at += 1;
                continue;
            }
            if walk.string {
                let found = memchr3(b'"', b'\\', b'\n', &bytes[at..stop]);
                at = found.map_or(stop, |found| at + found);
                match bytes.get(at).filter(|_| found.is_some()) {
                    Some(b'"') => walk.string = false,
                    Some(b'\\') => walk.escaped = true,
                    Some(_) if !walk.broken => {
                        // No text goes on behind a bare line break.
                        walk.broken = true;
                        self.window.scan = at;
                        return None;
                    }
                    Some(_) => {}
                    None => break,
                }
                at += 1;
                continue;
            }
            match bytes[at] {
                b'"' => walk.string = true,
                b'{' | b'[' => walk.depth += 1,
                b'}' | b']' if walk.depth > 1 => walk.depth -= 1,
                b'}' | b']' if walk.depth == 1 => {
                    walk.depth = 0;
                    if !array {
                        return Some(at + 1);
                    }
                }
                b'}' | b']' | b',' if walk.depth == 0 => {
                    return Some(at.max(self.window.start + 1));
                }
                b'\n' if walk.depth == 0 && !array => return Some(at),
                _ => {}
            }
            at += 1;
        }
        self.window.scan = stop;
        None
    }

    /// The next line, from the line breaks at `from` on, that is indented like the first record and
    /// opens an object where a record can begin; with false, how far there is none.
    fn next_opening(&self, from: usize, broken: bool, dropped: Option<u8>) -> (usize, bool) {
        let indent = self.indent.as_deref().unwrap_or_default();
        let (bytes, end) = (&self.window.bytes, self.window.end);
        for found in memchr_iter(b'\n', &bytes[from..end]) {
            let at = from + found;
            let line = &bytes[at + 1..end];
            if line.len() <= indent.len() && !self.window.ended {
                return (at, false);
            }
            if !line.starts_with(indent) || line.get(indent.len()) != Some(&b'{') {
                continue;
            }
            let before = &bytes[self.window.start..at];
            let last = trimmed(before).checked_sub(1).map(|at| before[at]);
            // In an array such a line may be within a record: its member or its first element.
            let within = matches!(last.or(dropped), Some(b':' | b'['));
            if broken || !within || matches!(self.layout, Layout::Values) {
                return (at + 1, true);
            }
        }
        (end, false)
    }

    /// The blanks between the last line break and `start`.
    fn indentation(&self) -> &[u8] {
        let before = &self.window.bytes[..self.window.start];
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
