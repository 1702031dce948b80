//! A window over a stream: the record at hand and what was read with it.

use std::io::{self, Read};

/// How many bytes are asked of the source at once.
const CHUNK: usize = 256 * 1024;

/// Bytes of a source, from the beginning of a record to where reading has come.
pub(super) struct Window<R> {
    source: R,
    /// Room for bytes; those before `end` have been read.
    pub(super) bytes: Vec<u8>,
    pub(super) end: usize,
    /// Bytes before this one are done with.
    pub(super) start: usize,
    /// Bytes before this one have been looked at.
    pub(super) scan: usize,
    /// Whether the source has no more.
    pub(super) ended: bool,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R) -> Self {
        Window {
            source,
            bytes: Vec::new(),
            end: 0,
            start: 0,
            scan: 0,
            ended: false,
        }
    }

    /// Reads on; false at the end of the source. Moves what is still needed to the front.
    pub(super) fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.end == self.bytes.len() {
            match self.start {
                0 => self.bytes.resize((self.end * 2).max(CHUNK), 0),
                start => {
                    self.bytes.copy_within(start..self.end, 0);
                    self.end -= start;
                    self.scan -= start;
                    self.start = 0;
                }
            }
        }
        loop {
            match self.source.read(&mut self.bytes[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error);
                }
            }
        }
    }

    /// Gives up the bytes before `to`.
    pub(super) fn pass(&mut self, to: usize) {
        self.start = to;
        self.scan = to;
    }

    /// The bytes that have been read and are not done with.
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Those of them that have not been looked at.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.bytes[self.scan..self.end]
    }
}
