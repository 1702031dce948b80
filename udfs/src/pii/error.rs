//! What can be wrong with a call of `redact`.

use super::kind::EntityKind;

/// A kind of entity or a mode that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PiiError {
    /// Not the name of a kind.
    #[error("no entity type \"{name}\"; known are {}", known_kinds())]
    UnknownKind {
        /// The name that was given.
        name: String,
    },
    /// Not the name of a mode.
    #[error("no redaction mode \"{name}\"; known are entity, numbered, hash and remove")]
    UnknownMode {
        /// The name that was given.
        name: String,
    },
}

fn known_kinds() -> String {
    EntityKind::ALL.map(EntityKind::name).join(", ")
}
