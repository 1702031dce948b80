//! The one question: may this principal run this plan?

use std::collections::BTreeSet;

use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::cte_worktable::CteWorkTable;
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, TableScan, WriteOp};

use super::{Principal, Privilege};
use crate::catalog::CatalogObject;
use crate::error::{Error, sqlstate};

/// Schemas that everybody may read: they describe the rest.
const OPEN_SCHEMAS: [&str; 2] = ["pg_catalog", "information_schema"];

/// Refuses a plan that reads or changes a table without the right to.
///
/// # Errors
/// SQLSTATE 42501, naming the first table and right that are missing; 28000 for a user that is no
/// longer there.
pub fn authorize(
    plan: &LogicalPlan,
    principal: &Principal,
    catalog: &CatalogObject,
) -> Result<(), Error> {
    if principal.is_superuser(catalog)? {
        return Ok(());
    }
    for (table, privilege) in needs(plan)? {
        check(principal, catalog, &table, privilege)?;
    }
    Ok(())
}

/// Refuses a right on one table of the lake.
///
/// # Errors
/// As [`authorize`].
pub fn authorize_table(
    table: &str,
    privilege: Privilege,
    principal: &Principal,
    catalog: &CatalogObject,
) -> Result<(), Error> {
    if principal.is_superuser(catalog)? {
        return Ok(());
    }
    check(principal, catalog, table, privilege)
}

/// Refuses making, replacing or dropping the view of that name.
///
/// # Errors
/// SQLSTATE 42501 for another user's view, or without the right `create`.
pub fn authorize_views(
    view: &str,
    principal: &Principal,
    catalog: &CatalogObject,
) -> Result<(), Error> {
    let existing = catalog.views.get(view);
    let owner = existing.map(|existing| existing.owner.as_deref());
    authorize_owner("view", view, owner, principal, catalog)
}

/// Refuses making, replacing, dropping or activating the model of that name.
///
/// # Errors
/// SQLSTATE 42501 for another user's model, or without the right `create`.
pub fn authorize_models(
    model: &str,
    principal: &Principal,
    catalog: &CatalogObject,
) -> Result<(), Error> {
    let existing = catalog.named_models.get(model);
    let owner = existing.map(|existing| existing.owner.as_deref());
    authorize_owner("model", model, owner, principal, catalog)
}

/// Refuses reading files of the server's machine, which the rights on tables say nothing about.
///
/// # Errors
/// SQLSTATE 42501 for whoever is no superuser.
pub fn authorize_server_files(principal: &Principal, catalog: &CatalogObject) -> Result<(), Error> {
    match principal.is_superuser(catalog)? {
        true => Ok(()),
        false => Err(Error::statement(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            "permission denied to read files of the server",
        )
        .with_hint("A superuser names the path; any user may use the model.")),
    }
}

/// `owner` is that of the object where it is there.
fn authorize_owner(
    kind: &str,
    object: &str,
    owner: Option<Option<&str>>,
    principal: &Principal,
    catalog: &CatalogObject,
) -> Result<(), Error> {
    if principal.is_superuser(catalog)? {
        return Ok(());
    }
    let Principal::User(name) = principal else {
        return Ok(());
    };
    match owner {
        Some(owner) if owner != Some(name) => Err(Error::statement(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("must be owner of {kind} {object}"),
        )),
        _ if Privilege::Create.is_granted(name, "public", catalog) => Ok(()),
        _ => Err(Error::statement(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            "permission denied for schema public",
        )),
    }
}

fn check(
    principal: &Principal,
    catalog: &CatalogObject,
    table: &str,
    privilege: Privilege,
) -> Result<(), Error> {
    let Principal::User(name) = principal else {
        return Ok(());
    };
    if privilege.is_granted(name, table, catalog) {
        return Ok(());
    }
    Err(Error::statement(
        sqlstate::INSUFFICIENT_PRIVILEGE,
        format!("permission denied for table {table}"),
    )
    .with_hint(format!(
        "A superuser grants it: verbatim user grant {name} {} {table}",
        privilege.name()
    )))
}

/// Every table that a plan touches, with what it does to it.
fn needs(plan: &LogicalPlan) -> Result<BTreeSet<(String, Privilege)>, Error> {
    let mut needs = BTreeSet::new();
    let mut refused = None;
    plan.apply_with_subqueries(|node| {
        match node {
            LogicalPlan::TableScan(scan) if !is_open(&scan.table_name) && !is_working(scan) => {
                needs.insert((scan.table_name.table().to_owned(), Privilege::Select));
            }
            LogicalPlan::Dml(dml) => {
                let privilege = match dml.op {
                    WriteOp::Insert(_) => Privilege::Insert,
                    WriteOp::Update => Privilege::Update,
                    _ => Privilege::Delete,
                };
                needs.insert((dml.table_name.table().to_owned(), privilege));
            }
            LogicalPlan::Ddl(ddl) => refused = Some(ddl_name(ddl)),
            LogicalPlan::Copy(_) => refused = Some("COPY to a file"),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    match refused {
        None => Ok(needs),
        Some(what) => Err(Error::statement(
            sqlstate::INSUFFICIENT_PRIVILEGE,
            format!("permission denied: {what}"),
        )),
    }
}

fn ddl_name(ddl: &DdlStatement) -> &'static str {
    match ddl {
        DdlStatement::CreateExternalTable(_) => "CREATE EXTERNAL TABLE",
        _ => "a definition statement",
    }
}

/// Whether the rows are those of a `WITH RECURSIVE` so far: what it reads is asked for by itself.
fn is_working(scan: &TableScan) -> bool {
    source_as_provider(&scan.source)
        .is_ok_and(|provider| provider.downcast_ref::<CteWorkTable>().is_some())
}

/// Whether a scanned relation is no table of the lake: a catalog, or rows that a function makes.
fn is_open(table: &TableReference) -> bool {
    match table.schema() {
        Some(schema) => OPEN_SCHEMAS.contains(&schema),
        None => table.table().ends_with("()"),
    }
}
