//! Cuts a record into its values.

/// A record's values, one after the other in one buffer that is used again for every record.
#[derive(Debug, Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// Where each value ends, and whether it is NULL.
    ends: Vec<(usize, bool)>,
}

impl Fields {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The values; `None` is NULL.
    pub(super) fn iter(&self) -> impl Iterator<Item = Option<&[u8]>> {
        self.ends.iter().enumerate().map(|(nth, (end, null))| {
            let start = match nth {
                0 => 0,
                nth => self.ends[nth - 1].0,
            };
            (!null).then(|| &self.bytes[start..*end])
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    fn finish(&mut self, null: bool) {
        self.ends.push((self.bytes.len(), null));
    }

    /// Reads a record of the text format: a backslash escapes.
    pub(super) fn read_text(&mut self, record: &[u8], delimiter: u8, null: &[u8]) {
        self.clear();
        let mut start = 0;
        let mut at = 0;
        loop {
            // A delimiter behind a backslash belongs to the value.
            while at < record.len() && record[at] != delimiter {
                at += if record[at] == b'\\' { 2 } else { 1 };
            }
            let end = at.min(record.len());
            let raw = &record[start..end];
            if raw == null {
                self.finish(true);
            } else {
                unescape(raw, &mut self.bytes);
                self.finish(false);
            }
            if end == record.len() {
                return;
            }
            at = end + 1;
            start = at;
        }
    }

    /// Reads a record of the CSV format: quotes may stand anywhere in a value, and one that has
    /// none and reads as `null` is NULL.
    pub(super) fn read_csv(
        &mut self,
        record: &[u8],
        delimiter: u8,
        null: &[u8],
        quote: u8,
        escape: u8,
    ) {
        self.clear();
        let mut start = 0;
        let (mut in_quotes, mut quoted) = (false, false);
        let mut at = 0;
        while at < record.len() {
            let byte = record[at];
            let next = record.get(at + 1).copied();
            if in_quotes {
                if byte == escape && next.is_some_and(|next| next == quote || next == escape) {
                    self.bytes.extend(next);
                    at += 1;
                } else if byte == quote {
                    in_quotes = false;
                } else {
                    self.bytes.push(byte);
                }
            } else if byte == quote {
                (in_quotes, quoted) = (true, true);
            } else if byte == delimiter {
                self.finish(!quoted && self.bytes[start..] == *null);
                (start, quoted) = (self.bytes.len(), false);
            } else {
                self.bytes.push(byte);
            }
            at += 1;
        }
        self.finish(!quoted && self.bytes[start..] == *null);
    }
}

/// Resolves the escapes of the text format.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((letter, tail)) = rest.split_first() else {
            out.push(b'\\');
            return;
        };
        rest = tail;
        match letter {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'0'..=b'7' => {
                let mut value = u32::from(letter - b'0');
                while let [digit @ b'0'..=b'7', tail @ ..] = rest
                    && value < 32
                {
                    value = value * 8 + u32::from(digit - b'0');
                    rest = tail;
                }
                out.push(value as u8);
            }
            b'x' => {
                let mut value = None;
                for _ in 0..2 {
                    let digit = rest.first().and_then(|byte| (*byte as char).to_digit(16));
                    let Some(digit) = digit else { break };
                    value = Some(value.unwrap_or(0) * 16 + digit);
                    rest = &rest[1..];
                }
                out.push(value.map_or(b'x', |value| value as u8));
            }
            other => out.push(*other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(fields: &Fields) -> Vec<String> {
        fields
            .iter()
            .map(|value| match value {
                Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                None => "NULL".to_owned(),
            })
            .collect()
    }

    #[test]
    fn text_values_are_unescaped_after_null_is_told() {
        let mut fields = Fields::default();
        fields.read_text(b"a\\tb\t\\N\t\t\\\\N\tx\\\ty", b'\t', b"\\N");
        assert_eq!(shown(&fields), ["a\tb", "NULL", "", "\\N", "x\ty"]);
        fields.read_text(b"\\101\\x42\\q", b'\t', b"\\N");
        assert_eq!(shown(&fields), ["ABq"]);
        fields.read_text(b"", b'\t', b"\\N");
        assert_eq!(shown(&fields), [""]);
    }

    #[test]
    fn quotes_tell_the_empty_text_from_null() {
        let mut fields = Fields::default();
        fields.read_csv(b"a,,\"\",\"b,\"\"c\"\"\",d\"e\"f", b',', b"", b'"', b'"');
        assert_eq!(shown(&fields), ["a", "NULL", "", "b,\"c\"", "def"]);
        fields.read_csv(b"'it\\'s';NA;'NA'", b';', b"NA", b'\'', b'\\');
        assert_eq!(shown(&fields), ["it's", "NULL", "NA"]);
    }
}
