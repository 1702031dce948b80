//! Cuts the bytes of a COPY into records: lines, with what a newline within a value is kept as.

use bytes::BytesMut;

use crate::wire::report::Report;

/// The longest record, in bytes.
const MAX_RECORD: usize = 256 << 20;

/// What hides a newline from ending a record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hiding {
    /// A backslash before it.
    Backslash,
    /// Quotes around it.
    Quotes { quote: u8, escape: u8 },
}

/// Bytes that arrive in any portions, and the records in them.
pub(super) struct Records {
    hiding: Hiding,
    buffer: BytesMut,
    /// How far the buffer has been looked through.
    scanned: usize,
    in_quotes: bool,
    /// The byte at `scanned` is taken literally.
    escaped: bool,
}

impl Records {
    /// No bytes yet.
    pub(super) fn new(hiding: Hiding) -> Records {
        Records {
            hiding,
            buffer: BytesMut::new(),
            scanned: 0,
            in_quotes: false,
            escaped: false,
        }
    }

    /// Adds bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Report> {
        if self.buffer.len() + bytes.len() > MAX_RECORD {
            let message = format!("a record of COPY may have at most {MAX_RECORD} bytes");
            return Err(Report::error("54000", message));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole record without its line end.
    pub(super) fn next(&mut self) -> Option<BytesMut> {
        while let Some(byte) = self.buffer.get(self.scanned).copied() {
            self.scanned += 1;
            if std::mem::take(&mut self.escaped) {
                continue;
            }
            match self.hiding {
                Hiding::Backslash => self.escaped = byte == b'\\',
                Hiding::Quotes { quote, escape } => {
                    if self.in_quotes && byte == escape && escape != quote {
                        self.escaped = true;
                    } else if byte == quote {
                        self.in_quotes = !self.in_quotes;
                    }
                }
            }
            if byte == b'\n' && !self.in_quotes {
                let mut record = self.buffer.split_to(self.scanned);
                self.scanned = 0;
                record.truncate(record.len() - 1);
                if record.last() == Some(&b'\r') {
                    record.truncate(record.len() - 1);
                }
                return Some(record);
            }
        }
        None
    }

    /// What follows the last line end, when no more bytes come.
    pub(super) fn rest(&mut self) -> Option<BytesMut> {
        let rest = self.buffer.split();
        self.scanned = 0;
        (!rest.is_empty()).then_some(rest)
    }

    /// Whether the last record ends within quotes.
    pub(super) fn in_quotes(&self) -> bool {
        self.in_quotes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The records of `text` when it arrives byte by byte.
    fn records(hiding: Hiding, text: &str) -> Vec<String> {
        let mut records = Records::new(hiding);
        let mut found = Vec::new();
        for byte in text.bytes() {
            records.put(&[byte]).unwrap();
            found.extend(records.next());
        }
        found.extend(records.rest());
        found
            .iter()
            .map(|record| String::from_utf8_lossy(record).into_owned())
            .collect()
    }

    #[test]
    fn a_hidden_newline_ends_no_record() {
        assert_eq!(
            records(Hiding::Backslash, "a\\\nb\r\nc\\\\\nd"),
            ["a\\\nb", "c\\\\", "d"]
        );
        let quotes = Hiding::Quotes {
            quote: b'"',
            escape: b'"',
        };
        assert_eq!(records(quotes, "\"a\n\"\"b\"\nc\n"), ["\"a\n\"\"b\"", "c"]);
        let backslash = Hiding::Quotes {
            quote: b'"',
            escape: b'\\',
        };
        assert_eq!(records(backslash, "\"a\\\"\n\"\nb"), ["\"a\\\"\n\"", "b"]);
    }
}
