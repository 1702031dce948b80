//! From a path, an address or a pattern to a stream of records.

mod open;
mod seek;
mod source;
mod split;

pub(crate) use open::{Counted, open};
pub(crate) use source::{Source, expand};
pub(crate) use split::{Fault, Layout, Splitter};
