//! Personal data in a text: where it is, and texts without it.
//!
//! [`find`] gives the entities of a text, [`redact`] replaces them. Each kind has a detector in
//! [`detect`]: a pattern that is linear in the text, then what the pattern cannot say (checksums,
//! number plans, cues around). Kinds with a checksum are sure; phone numbers, addresses and names
//! are rules for the common forms and miss the others: they lower the risk, they do not remove it.

mod detect;
mod entity;
mod error;
mod kind;
mod redact;

pub use detect::find;
pub use entity::{Entity, character_ranges};
pub use error::PiiError;
pub use kind::{EntityKind, EntityKinds};
pub use redact::{RedactionMode, redact};
