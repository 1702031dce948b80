//! The users of the lake, as authentication needs them.

use super::scram::Verifier;
use crate::Error;
use crate::engine::Engine;

/// The users as the catalog object has them.
pub(super) struct Users;

impl Users {
    pub(super) async fn read(_engine: &Engine) -> Result<Users, Error> {
        Ok(Users)
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn verifier(&self, _user: &str) -> Option<Verifier> {
        None
    }
}
