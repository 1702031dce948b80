//! The beginning of a file, by which its form is told.

use std::io::{self, Cursor, Read};

use serde::de::IgnoredAny;
use serde_json::Value;

use super::Format;
use crate::ingest::input::{Layout, Splitter};

/// Bytes that are looked at at the most: more than the first record of most files.
const HEAD: usize = 4 << 20;
/// Bytes that are asked for at once.
const CHUNK: usize = 64 << 10;

pub(super) type Source = Box<dyn Read + Send>;

/// The beginning of a file.
pub(super) struct Head {
    pub(super) bytes: Vec<u8>,
    /// Whether the name says that a record is a line.
    pub(super) lines: bool,
}

impl Head {
    /// Reads as much as tells the form, which is no more than a first record where a pipe gives
    /// no more. The reader returned gives it again, and where the source could not be read on it
    /// says so behind what is good.
    pub(super) fn read(mut source: Source, name: &str, format: &Format) -> (Head, Source) {
        let mut head = Head {
            bytes: Vec::new(),
            lines: is_lines(name),
        };
        let (mut looked_at, mut failure) = (0, None);
        while head.bytes.len() < HEAD {
            let end = head.bytes.len();
            head.bytes.resize(end + CHUNK, 0);
            let read = source.read(&mut head.bytes[end..]);
            head.bytes.truncate(end + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            // Looking at it again and again would cost more than reading it.
            let pause = matches!(head.bytes.last(), Some(b'\n' | b'}' | b']'));
            if pause || head.bytes.len() >= 2 * looked_at {
                looked_at = head.bytes.len();
                if head.tells(format) {
                    break;
                }
            }
        }
        let begin = Cursor::new(head.bytes.clone());
        let whole: Source = match failure {
            Some(error) => Box::new(Read::chain(begin, Failed(Some(error)))),
            None => Box::new(Read::chain(begin, source)),
        };
        (head, whole)
    }

    /// Whether what was read is enough for [`Head::format`] and [`Head::layout`].
    fn tells(&self, format: &Format) -> bool {
        match format {
            _ if self.is_blank() => false,
            Format::Lines | Format::Csv | Format::Parquet | Format::Mapping(_) => true,
            Format::Json => self.known_layout().is_some(),
            Format::Auto if self.bytes.len() < 4 => false,
            Format::Auto => match self.first_byte() {
                _ if self.is_parquet() => true,
                Some(b'{' | b'[') => {
                    self.known_layout().is_some() && self.objects().next().is_some()
                }
                _ => !self.lines && self.text().contains(&b'\n'),
            },
        }
    }

    /// Whether the file holds nothing but blanks, as far as was read.
    pub(super) fn is_blank(&self) -> bool {
        self.text().iter().all(u8::is_ascii_whitespace)
    }

    pub(super) fn is_parquet(&self) -> bool {
        self.bytes.starts_with(b"PAR1")
    }

    pub(super) fn text(&self) -> &[u8] {
        let mark = b"\xEF\xBB\xBF";
        self.bytes.strip_prefix(mark).unwrap_or(&self.bytes)
    }

    pub(super) fn first_byte(&self) -> Option<u8> {
        self.text()
            .iter()
            .copied()
            .find(|byte| !byte.is_ascii_whitespace())
    }

    /// Where the records of a JSON file without a mapping are.
    pub(super) fn layout(&self) -> Layout {
        self.known_layout().unwrap_or_else(|| {
            // The file ends in its first two lines.
            match self.several_lines(true) {
                Some(true) => Layout::Values,
                _ => Layout::Lines,
            }
        })
    }

    /// The layout as far as whole lines tell it.
    fn known_layout(&self) -> Option<Layout> {
        if self.lines {
            return Some(Layout::Lines);
        }
        match self.first_byte()? {
            b'[' => Some(Layout::Array(Vec::new())),
            b'{' => self.several_lines(false).map(|several| match several {
                true => Layout::Values,
                false => Layout::Lines,
            }),
            _ => Some(Layout::Lines),
        }
    }

    /// Whether a record goes over several lines: its first line opens what it does not close, and
    /// the next one is no record of its own, which would mean that the first is only broken.
    /// `None` where lines that tell it are missing.
    fn several_lines(&self, at_end: bool) -> Option<bool> {
        let lines = self.text().split_inclusive(|byte| *byte == b'\n');
        let mut lines = lines.filter(|line| !line.trim_ascii().is_empty());
        let mut whole = || lines.next().filter(|line| at_end || line.ends_with(b"\n"));
        match serde_json::from_slice::<IgnoredAny>(whole()?.trim_ascii()) {
            Err(error) if error.is_eof() => {}
            _ => return Some(false),
        }
        let second = whole()?.trim_ascii();
        let object =
            second.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(second).is_ok();
        Some(!object)
    }

    /// The objects among the records.
    pub(super) fn objects(&self) -> impl Iterator<Item = Value> {
        let mut splitter = Splitter::new(Cursor::new(&self.bytes), self.layout(), HEAD);
        std::iter::from_fn(move || {
            loop {
                // A record may be broken; a later one tells as well.
                let Ok(record) = splitter.next()? else {
                    continue;
                };
                let bytes = record.bytes;
                let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
                if let Ok(value @ Value::Object(_)) = serde_json::from_slice(bytes) {
                    return Some(value);
                }
            }
        })
    }
}

/// Whether files of this name hold a JSON value a line, whatever their first line says.
fn is_lines(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let endings = [".gz", ".gzip", ".zst", ".zstd"];
    let name = endings
        .iter()
        .find_map(|ending| name.strip_suffix(ending))
        .unwrap_or(&name);
    name.ends_with(".jsonl") || name.ends_with(".ndjson")
}

/// Says once why a source could not be read on.
struct Failed(Option<io::Error>);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use std::io::Read;

    use super::{Format, Head, is_lines};
    use crate::ingest::input::Layout;

    /// A pipe that gives one text and would then have the reader wait for ever.
    struct Waits(Option<&'static str>);

    impl Read for Waits {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let text = self.0.take().expect("more is read than is needed");
            out[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }

    #[test]
    fn a_first_read_is_enough_where_it_tells_the_form() {
        for text in [
            "{\"conversation_id\": 1}\n",
            "[{\"conversation_id\": 1},\n",
            "conversation_id,text\n",
            "{\n \"conversation_id\": 1\n}\n",
        ] {
            let (head, _) = Head::read(Box::new(Waits(Some(text))), "-", &Format::Auto);
            assert_eq!(head.bytes.len(), text.len());
        }
        let (head, _) = Head::read(Box::new(Waits(Some("{"))), "-", &Format::Lines);
        assert_eq!(head.layout(), Layout::Lines);
    }

    #[test]
    fn a_first_line_that_is_cut_off_does_not_change_the_layout() {
        let layout = |text: &'static str, name: &str| {
            Head::read(Box::new(text.as_bytes()), name, &Format::Auto)
                .0
                .layout()
        };
        assert_eq!(
            layout("{\"a\": \"b\n{\"a\": 1}\n{\"a\": 2}", "-"),
            Layout::Lines
        );
        assert_eq!(layout("{\"a\": \"b\n\n{\"a\": 1}", "-"), Layout::Lines);
        assert_eq!(layout("{\n\"a\": 1\n}", "-"), Layout::Values);
        assert_eq!(layout("{\n\"a\": 1\n}", "x.jsonl"), Layout::Lines);
        assert_eq!(layout("{\"a\": 1}", "-"), Layout::Lines);
        assert_eq!(layout("[", "-"), Layout::Array(Vec::new()));
    }

    #[test]
    fn names_of_files_of_lines() {
        assert!(is_lines("a/b.jsonl") && is_lines("B.NDJSON") && is_lines("s3://x/b.jsonl.gz"));
        assert!(!is_lines("a.json") && !is_lines("jsonl") && !is_lines("a.jsonl.csv"));
    }
}
