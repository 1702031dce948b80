//! Reads TOML tables key by key, so that each mistake is reported with its line and its key.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::ingest::IngestError;

pub(super) type Node<'a> = Spanned<DeValue<'a>>;

/// The file that is being read.
#[derive(Clone, Copy)]
pub(super) struct Document<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Document<'_> {
    pub(super) fn fault(
        &self,
        span: Range<usize>,
        key: impl Into<String>,
        message: impl Into<String>,
    ) -> IngestError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        IngestError::Mapping {
            file: self.file.to_string(),
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            key: key.into(),
            message: message.into(),
        }
    }
}

/// A table whose keys are taken one after the other; what is left over at the end is a mistake.
pub(super) struct Keys<'d, 'a> {
    pub(super) document: Document<'d>,
    /// Dotted name of the table in the file.
    pub(super) name: String,
    span: Range<usize>,
    table: &'d DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'d, 'a> Keys<'d, 'a> {
    pub(super) fn new(
        document: Document<'d>,
        name: String,
        span: Range<usize>,
        table: &'d DeTable<'a>,
    ) -> Self {
        Keys {
            document,
            name,
            span,
            table,
            known: Vec::new(),
        }
    }

    /// The table that `node` is.
    pub(super) fn of(
        document: Document<'d>,
        name: String,
        node: &'d Node<'a>,
    ) -> Result<Self, IngestError> {
        match node.get_ref() {
            DeValue::Table(table) => Ok(Keys::new(document, name, node.span(), table)),
            other => {
                let message = format!("wants a table, found {}", other.type_str());
                Err(document.fault(node.span(), name, message))
            }
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        match self.name.is_empty() {
            true => key.to_string(),
            false => format!("{}.{key}", self.name),
        }
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<&'d Node<'a>> {
        self.known.push(key);
        self.table.get(key)
    }

    /// A text; `None` where the key is absent.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, IngestError> {
        let Some(node) = self.take(key) else {
            return Ok(None);
        };
        scalar(node).map(Some).ok_or_else(|| {
            self.document
                .fault(node.span(), self.path(key), "wants text")
        })
    }

    /// A text or a list of texts.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, IngestError> {
        let Some(node) = self.take(key) else {
            return Ok(Vec::new());
        };
        let found = match node.get_ref() {
            DeValue::Array(items) => items.iter().map(scalar).collect(),
            _ => scalar(node).map(|text| vec![text]),
        };
        let message = "wants text or a list of texts";
        found.ok_or_else(|| self.document.fault(node.span(), self.path(key), message))
    }

    pub(super) fn truth(&mut self, key: &'static str) -> Result<Option<bool>, IngestError> {
        let Some(node) = self.take(key) else {
            return Ok(None);
        };
        match node.get_ref().as_bool() {
            Some(truth) => Ok(Some(truth)),
            None => Err(self.fault(key, "wants true or false")),
        }
    }

    /// Parses the text under `key`.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, IngestError> {
        match self.text(key)? {
            Some(text) => parse(&text)
                .map(Some)
                .map_err(|message| self.fault(key, message)),
            None => Ok(None),
        }
    }

    /// Every key that has not been taken, with its value: tables whose keys are free.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'d str, &'d Node<'a>)> {
        let known = self.known.clone();
        self.table.iter().filter_map(move |(key, value)| {
            let key: &'d str = key.get_ref();
            (!known.contains(&key)).then_some((key, value))
        })
    }

    /// A mistake at `key`.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) -> IngestError {
        let span = self
            .table
            .get(key)
            .map_or(self.span.clone(), |node| node.span());
        self.document.fault(span, self.path(key), message)
    }

    /// A mistake of the table as a whole.
    pub(super) fn own_fault(&self, message: impl Into<String>) -> IngestError {
        self.document
            .fault(self.span.clone(), self.name.clone(), message)
    }

    /// A mistake about a key that is not there.
    pub(super) fn own_fault_at(&self, key: &str, message: impl Into<String>) -> IngestError {
        self.document
            .fault(self.span.clone(), self.path(key), message)
    }

    /// Complains about the first key that nobody took.
    pub(super) fn done(self) -> Result<(), IngestError> {
        match self.others().next() {
            None => Ok(()),
            Some((key, node)) => {
                let message = format!("unknown key; known here: {}", self.known.join(", "));
                Err(self.document.fault(node.span(), self.path(key), message))
            }
        }
    }
}

/// The text of a string, number or truth value.
pub(super) fn scalar(node: &Node<'_>) -> Option<String> {
    match node.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_string()),
        DeValue::Float(number) => Some(number.as_str().to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
