//! VACUUM: upkeep of the lake now instead of in the background.
//!
//! ```text
//! VACUUM
//! ```

use super::split::Chunk;
use super::words::Words;
use crate::error::Error;

/// `VACUUM`. PostgreSQL's lists of options and tables are not read: upkeep is of the whole lake.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vacuum;

impl Vacuum {
    pub(super) fn opens(chunk: &Chunk<'_>) -> bool {
        chunk.opens_with(&["vacuum"])
    }

    pub(super) fn parse(chunk: &Chunk<'_>) -> Result<Self, Error> {
        let mut words = Words::new(chunk);
        words.expect("vacuum")?;
        words.end()?;
        Ok(Vacuum)
    }
}
