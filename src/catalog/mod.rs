//! The catalog object: users, grants, views, models and the active model set of a lake.
//!
//! One JSON document, small and versioned. Rows are in Delta tables, what governs them is here.

mod store;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use store::{CatalogStore, schema_version, set_schema_version};

/// Version of the lake's tables and of this document that the program writes and reads.
pub const SCHEMA_VERSION: u32 = 1;

/// What governs a lake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogObject {
    /// Version of the lake's schema, see [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// What users may do.
    pub grants: Vec<Grant>,
    /// Users' views by name.
    pub views: BTreeMap<String, View>,
    /// Models by id: the card, as it is shown to users.
    pub models: BTreeMap<String, serde_json::Value>,
    /// Models of one's own by the name that calls give.
    pub named_models: BTreeMap<String, NamedModel>,
    /// Model sets: for each set its models by function.
    pub model_sets: BTreeMap<String, BTreeMap<String, String>>,
    /// The set that scores new messages; empty until the engine has recorded one.
    pub active_set: String,
    /// Language of texts too short to tell, ISO 639-1.
    pub default_language: String,
}

impl Default for CatalogObject {
    fn default() -> Self {
        CatalogObject {
            schema_version: SCHEMA_VERSION,
            users: BTreeMap::new(),
            grants: Vec::new(),
            views: BTreeMap::new(),
            models: BTreeMap::new(),
            named_models: BTreeMap::new(),
            model_sets: BTreeMap::new(),
            active_set: String::new(),
            default_language: "en".into(),
        }
    }
}

/// A user of the lake.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    /// What the user's password is checked against; none: cannot log in.
    pub verifier: Option<ScramVerifier>,
    /// May do everything.
    pub superuser: bool,
    /// Settings with which the user's sessions begin.
    pub settings: BTreeMap<String, String>,
}

/// A SCRAM-SHA-256 verifier (RFC 5802, RFC 7677): proves a password without holding it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScramVerifier {
    /// Rounds of the key derivation.
    pub iterations: u32,
    /// The salt, base64.
    pub salt: String,
    /// The stored key, base64.
    pub stored_key: String,
    /// The server key, base64.
    pub server_key: String,
}

/// A right of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The user; `public` means everybody.
    pub user: String,
    /// `select`, `insert`, `execute`, …
    pub privilege: String,
    /// Kind of the object: `table`, `schema`, `function`, …
    pub kind: String,
    /// Name of the object; `*` means all of the kind.
    pub object: String,
}

/// What a model's name stands for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedModel {
    /// The model's content hash.
    pub id: String,
    /// The function that it serves.
    pub function: String,
    /// Who made it.
    pub owner: Option<String>,
}

/// A view of a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct View {
    /// The query.
    pub sql: String,
    /// What the view shows.
    pub comment: Option<String>,
    /// Who made it.
    pub owner: Option<String>,
}
