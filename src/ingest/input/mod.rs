//! From a path, an address or a pattern to a stream of records.

mod csv;
mod open;
mod seek;
mod source;
mod split;

pub(crate) use csv::{CsvRecord, CsvSplitter};
pub(crate) use open::open;
pub(crate) use source::{Place, Source, expand};
pub(crate) use split::{Fault, Layout, Splitter};
