//! The users of the lake, as authentication needs them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scram::Verifier;
use crate::Error;
use crate::catalog::{CatalogObject, ScramVerifier};
use crate::engine::Engine;

/// The users as the catalog object has them.
pub(super) struct Users(Arc<CatalogObject>);

impl Users {
    /// Reads them, so that a user of another process's making can log in soon after.
    pub(super) async fn read(engine: &Engine) -> Result<Users, Error> {
        Ok(Users(engine.lake().refresh_catalog().await?))
    }

    /// Whether anybody can log in at all.
    pub(super) fn is_empty(&self) -> bool {
        self.0.users.is_empty()
    }

    /// What the user's password is checked against; `None` for a user who does not exist, has no
    /// password, or whose entry cannot be read.
    pub(super) fn verifier(&self, user: &str) -> Option<Verifier> {
        let stored: &ScramVerifier = self.0.users.get(user)?.verifier.as_ref()?;
        let bytes = |text: &str| STANDARD.decode(text).ok();
        Some(Verifier {
            salt: bytes(&stored.salt)?,
            iterations: stored.iterations,
            stored_key: bytes(&stored.stored_key)?,
            server_key: bytes(&stored.server_key)?,
        })
    }
}
