//! From a path, an address or a pattern to a stream of records.

mod csv;
mod gzip;
mod open;
mod seek;
mod source;
mod split;
mod window;

pub(crate) use csv::{CsvRecord, CsvSplitter, MOST_COLUMNS};
pub(crate) use open::open;
pub(crate) use source::{Place, Source, expand};
pub(crate) use split::{Fault, Layout, Splitter};
