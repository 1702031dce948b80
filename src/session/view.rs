//! CREATE VIEW and DROP VIEW: the lake's catalog keeps the query.

use std::collections::HashSet;

use super::plan::visible;
use super::{Outcome, Prepared, Session};
use crate::catalog::View;
use crate::error::{Error, sqlstate};
use crate::govern::{self, Principal};
use crate::library;
use crate::statement::{CreateView, DropView};

impl Session {
    /// Refuses a view name that the user may not take.
    pub(super) fn check_view(&self, name: &str) -> Result<(), Error> {
        let taken = self.engine.lake().table(name).is_ok() || library::view(name).is_some();
        if taken {
            return Err(Error::statement(
                sqlstate::DUPLICATE_TABLE,
                format!("\"{name}\" is a built-in table or view"),
            ));
        }
        govern::authorize_views(name, &self.principal, &self.engine.lake().catalog())
    }

    pub(super) async fn run_create_view(
        &self,
        view: &CreateView,
        prepared: &Prepared,
    ) -> Result<Outcome, Error> {
        self.check_write("CREATE VIEW")?;
        self.check_view(&view.name)?;
        let sql = named_columns(view, prepared)?;
        let owner = match &self.principal {
            Principal::Trusted | Principal::Local => None,
            Principal::User(name) => Some(name.clone()),
        };
        self.engine
            .lake()
            .update_catalog(|catalog| {
                if catalog.views.contains_key(&view.name) {
                    if view.if_not_exists {
                        return Ok(());
                    }
                    if !view.replace {
                        return Err(Error::statement(
                            sqlstate::DUPLICATE_TABLE,
                            format!("relation \"{}\" already exists", view.name),
                        ));
                    }
                }
                let stored = View {
                    sql: sql.clone(),
                    comment: None,
                    owner: owner.clone(),
                };
                catalog.views.insert(view.name.clone(), stored);
                Ok(())
            })
            .await?;
        Ok(Outcome::done("CREATE VIEW"))
    }

    pub(super) async fn run_drop_view(&self, view: &DropView) -> Result<Outcome, Error> {
        self.check_write("DROP VIEW")?;
        for name in &view.names {
            self.check_view(name)?;
        }
        self.engine
            .lake()
            .update_catalog(|catalog| {
                for name in &view.names {
                    if catalog.views.remove(name).is_none() && !view.if_exists {
                        return Err(Error::statement(
                            sqlstate::UNDEFINED_TABLE,
                            format!("view \"{name}\" does not exist"),
                        ));
                    }
                }
                Ok(())
            })
            .await?;
        Ok(Outcome::done("DROP VIEW"))
    }
}

/// The query with the column names of the view around it, if it gives any.
fn named_columns(view: &CreateView, prepared: &Prepared) -> Result<String, Error> {
    let fields = match prepared.plan() {
        Some(plan) => visible(plan.logical.schema().as_arrow()),
        None => {
            return Err(Error::statement(
                sqlstate::INTERNAL_ERROR,
                "the view was not planned",
            ));
        }
    };
    let mut names: Vec<&str> = fields
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    if view.columns.len() > names.len() {
        return Err(Error::statement(
            sqlstate::SYNTAX_ERROR,
            "CREATE VIEW specifies more column names than columns",
        ));
    }
    for (name, given) in names.iter_mut().zip(&view.columns) {
        *name = given;
    }
    let mut seen = HashSet::new();
    if let Some(name) = names.iter().find(|name| !seen.insert(**name)) {
        return Err(Error::statement(
            sqlstate::DUPLICATE_COLUMN,
            format!("column \"{name}\" specified more than once"),
        ));
    }
    if view.columns.is_empty() {
        return Ok(view.sql.clone());
    }
    let quoted = |name: &&str| format!("\"{}\"", name.replace('"', "\"\""));
    let list: Vec<String> = names.iter().map(quoted).collect();
    Ok(format!(
        "SELECT * FROM ({}) AS {} ({})",
        view.sql,
        quoted(&view.name.as_str()),
        list.join(", ")
    ))
}
