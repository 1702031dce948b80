//! Users of a lake: made, changed and removed in its catalog.

use super::scram::verifier;
use crate::catalog::{CatalogObject, User};
use crate::error::{Error, sqlstate};

/// Names that mean something else where a user is named.
const RESERVED: [&str; 3] = ["public", "none", "verbatim"];

/// Adds a user; one without a password cannot log in.
///
/// # Errors
/// SQLSTATE 42710 where the user is there already, 22023 for a name that cannot be one.
pub fn add_user(
    catalog: &mut CatalogObject,
    name: &str,
    password: Option<&str>,
    superuser: bool,
) -> Result<(), Error> {
    if name.is_empty() || RESERVED.contains(&name) || name.contains(char::is_control) {
        return Err(Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            format!("\"{name}\" cannot be the name of a user"),
        ));
    }
    if catalog.users.contains_key(name) {
        return Err(Error::statement(
            sqlstate::DUPLICATE_OBJECT,
            format!("user \"{name}\" already exists"),
        ));
    }
    let user = User {
        verifier: password
            .map(checked)
            .transpose()?
            .map(verifier)
            .transpose()?,
        superuser,
        ..User::default()
    };
    catalog.users.insert(name.to_owned(), user);
    Ok(())
}

/// Gives a user a new password.
///
/// # Errors
/// SQLSTATE 42704 for an unknown user, 22023 for an empty password.
pub fn set_password(catalog: &mut CatalogObject, name: &str, password: &str) -> Result<(), Error> {
    let verifier = verifier(checked(password)?)?;
    match catalog.users.get_mut(name) {
        Some(user) => {
            user.verifier = Some(verifier);
            Ok(())
        }
        None => Err(unknown(name)),
    }
}

/// Removes a user with all rights; views that it made stay.
///
/// # Errors
/// SQLSTATE 42704 for an unknown user.
pub fn remove_user(catalog: &mut CatalogObject, name: &str) -> Result<(), Error> {
    if catalog.users.remove(name).is_none() {
        return Err(unknown(name));
    }
    catalog.grants.retain(|grant| grant.user != name);
    Ok(())
}

fn unknown(name: &str) -> Error {
    Error::statement(
        sqlstate::UNDEFINED_OBJECT,
        format!("user \"{name}\" does not exist"),
    )
}

fn checked(password: &str) -> Result<&str, Error> {
    if password.is_empty() {
        return Err(Error::statement(
            sqlstate::INVALID_PARAMETER_VALUE,
            "the password is empty",
        ));
    }
    Ok(password)
}
