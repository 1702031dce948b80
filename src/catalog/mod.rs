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
    /// Models of one's own by the name that calls give.
    pub named_models: BTreeMap<String, NamedModel>,
    /// When models lost their last name, in microseconds since 1970, by content hash: their weight
    /// files stay for a while for those who still read them.
    pub retired_models: BTreeMap<String, i64>,
    /// Names of the models of one's own that answer calls without a name, by function; the
    /// program's own model answers the functions that are not here.
    pub active_models: BTreeMap<String, String>,
    /// Functions whose stored scores are being brought to another model.
    pub rescoring: BTreeMap<String, Rescoring>,
    /// Numbers of the topics of the models of one's own that have been active, by the model's
    /// content hash. They stay when the model goes: stored numbers keep their names.
    pub topic_numbers: BTreeMap<String, TopicNumbers>,
    /// Model sets: for each set its models by function.
    pub model_sets: BTreeMap<String, BTreeMap<String, String>>,
    /// The set that all messages were last scored with; empty until the engine has recorded one.
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
            named_models: BTreeMap::new(),
            retired_models: BTreeMap::new(),
            active_models: BTreeMap::new(),
            rescoring: BTreeMap::new(),
            topic_numbers: BTreeMap::new(),
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
    /// When it was trained, in microseconds since 1970.
    pub trained_at: Option<i64>,
    /// The content hash of the ONNX graph that it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<String>,
}

/// A rescore that is under way, or was broken off and is to go on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rescoring {
    /// The run in the table `job_runs`.
    pub run_id: String,
    /// When it was asked for, in microseconds since 1970.
    pub started_at: i64,
}

/// The numbers under which the topics of a model are stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TopicNumbers {
    /// The number of the first topic; the others follow.
    pub first: i32,
    /// The names of the topics.
    pub names: Vec<String>,
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
