//! Who may do what: users, their passwords' verifiers, their rights.
//!
//! [`authorize`] is asked for every plan, at every entry point: a query, EXPLAIN, a cursor, a
//! prepared statement, COPY, a view's definition. It looks at the plan and not at the text, so
//! that no spelling goes around it; a view is inlined in the plan, so that its reader needs the
//! rights on the tables under it.

mod authorize;
mod grants;
mod scram;
mod users;

pub use authorize::{
    authorize, authorize_models, authorize_server_files, authorize_table, authorize_views,
};
pub use grants::{Privilege, grant, revoke};
pub use scram::verifier;
pub use users::{add_user, remove_user, set_password};

use crate::catalog::CatalogObject;
use crate::error::{Error, sqlstate};

/// In whose name a session acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// The process itself, such as the command line. May do everything.
    Trusted,
    /// A connection of this machine without a password. May do everything while the lake has no
    /// users, and nothing from then on.
    Local,
    /// A user of the lake's catalog.
    User(String),
}

impl Principal {
    /// Whether the principal may do everything, by the catalog as it is now.
    ///
    /// # Errors
    /// SQLSTATE 28000 for a user that is no longer there, and for a connection without a password
    /// once there are users.
    pub fn is_superuser(&self, catalog: &CatalogObject) -> Result<bool, Error> {
        match self {
            Principal::Trusted => Ok(true),
            Principal::Local if catalog.users.is_empty() => Ok(true),
            Principal::Local => Err(Error::statement(
                sqlstate::INVALID_AUTHORIZATION,
                "the lake has users now: this connection has no password",
            )
            .with_hint("Connect again as one of them.")),
            Principal::User(name) => match catalog.users.get(name) {
                Some(user) => Ok(user.superuser),
                None => Err(no_such_user(name)),
            },
        }
    }
}

fn no_such_user(name: &str) -> Error {
    Error::statement(
        sqlstate::INVALID_AUTHORIZATION,
        format!("user \"{name}\" does not exist"),
    )
}
