//! Rights: what may be done to which table.

use crate::catalog::{CatalogObject, Grant};
use crate::error::{Error, sqlstate};

/// Something that may be done to a table; `Create` concerns views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Privilege {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
    /// Make views.
    Create,
}

/// The name that stands for every table.
const ALL_TABLES: &str = "*";

/// The grantee that stands for every user.
const EVERYBODY: &str = "public";

impl Privilege {
    /// Every privilege.
    pub const ALL: [Privilege; 5] = [
        Privilege::Select,
        Privilege::Insert,
        Privilege::Update,
        Privilege::Delete,
        Privilege::Create,
    ];

    /// The privilege's name in the catalog and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Privilege::Select => "select",
            Privilege::Insert => "insert",
            Privilege::Update => "update",
            Privilege::Delete => "delete",
            Privilege::Create => "create",
        }
    }

    /// Whether a user has the privilege on a table, or (for `Create`) on a schema.
    pub fn is_granted(self, user: &str, object: &str, catalog: &CatalogObject) -> bool {
        let kind = self.kind();
        catalog.grants.iter().any(|grant| {
            (grant.user == user || grant.user == EVERYBODY)
                && grant.privilege == self.name()
                && grant.kind == kind
                && (grant.object == object || grant.object == ALL_TABLES)
        })
    }

    fn kind(self) -> &'static str {
        match self {
            Privilege::Create => "schema",
            _ => "table",
        }
    }
}

/// Gives a user a privilege on a table; `*` for all tables. Giving it twice changes nothing.
///
/// # Errors
/// SQLSTATE 42704 for an unknown user, 42P01 for an unknown table.
pub fn grant(
    catalog: &mut CatalogObject,
    user: &str,
    privilege: Privilege,
    object: &str,
    tables: &[String],
) -> Result<(), Error> {
    if user != EVERYBODY && !catalog.users.contains_key(user) {
        return Err(Error::statement(
            sqlstate::UNDEFINED_OBJECT,
            format!("user \"{user}\" does not exist"),
        ));
    }
    let known = match privilege {
        Privilege::Create => object == EVERYBODY || object == ALL_TABLES,
        _ => object == ALL_TABLES || tables.iter().any(|table| table == object),
    };
    if !known {
        return Err(Error::statement(
            sqlstate::UNDEFINED_TABLE,
            format!("table \"{object}\" does not exist"),
        )
        .with_hint("Rights are on the lake's tables: views are read with the rights on these."));
    }
    let grant = entry(user, privilege, object);
    if !catalog.grants.contains(&grant) {
        catalog.grants.push(grant);
    }
    Ok(())
}

/// Takes a privilege away again; whether the user had it.
pub fn revoke(catalog: &mut CatalogObject, user: &str, privilege: Privilege, object: &str) -> bool {
    let grant = entry(user, privilege, object);
    let before = catalog.grants.len();
    catalog.grants.retain(|existing| *existing != grant);
    catalog.grants.len() < before
}

fn entry(user: &str, privilege: Privilege, object: &str) -> Grant {
    Grant {
        user: user.to_owned(),
        privilege: privilege.name().to_owned(),
        kind: privilege.kind().to_owned(),
        object: object.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::catalog::User;

    #[test]
    fn rights_are_per_user_and_table() {
        let mut catalog = CatalogObject::default();
        catalog.users.insert("ann".to_owned(), User::default());
        let tables = ["messages".to_owned()];
        grant(&mut catalog, "ann", Privilege::Select, "messages", &tables).unwrap();
        assert!(Privilege::Select.is_granted("ann", "messages", &catalog));
        assert!(!Privilege::Insert.is_granted("ann", "messages", &catalog));
        assert!(!Privilege::Select.is_granted("ben", "messages", &catalog));
        assert!(revoke(&mut catalog, "ann", Privilege::Select, "messages"));
        assert!(!Privilege::Select.is_granted("ann", "messages", &catalog));
        grant(&mut catalog, "public", Privilege::Select, "*", &tables).unwrap();
        assert!(Privilege::Select.is_granted("ben", "events", &catalog));
        let unknown = grant(&mut catalog, "eve", Privilege::Select, "*", &tables);
        assert_eq!(unknown.unwrap_err().sqlstate(), "42704");
        let unknown = grant(&mut catalog, "ann", Privilege::Select, "nope", &tables);
        assert_eq!(unknown.unwrap_err().sqlstate(), "42P01");
    }
}
