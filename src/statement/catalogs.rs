//! Which statements are about the catalogs alone.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, TableFactor, Visit, Visitor};
use datafusion::sql::sqlparser::parser::ParserError;

use super::{fold, fold_name};

/// Whether statements read nothing but catalogs: no table and no view of conversations. A text that
/// does not parse may be a spelling that only clients' catalog queries use.
pub(super) fn are_all_that_is_read(parsed: &Result<Vec<Statement>, ParserError>) -> bool {
    let Ok(statements) = parsed else {
        return true;
    };
    Visit::visit(statements, &mut OtherTables::default()).is_continue()
}

/// Stops at the first relation that is no catalog.
#[derive(Default)]
struct OtherTables {
    /// The names that WITH gives.
    named: HashSet<String>,
}

impl OtherTables {
    fn is_catalog(&self, name: &ObjectName) -> bool {
        match fold_name(name).as_slice() {
            [name] => name.starts_with("pg_") || self.named.contains(name),
            [.., schema, _] => schema == "pg_catalog" || schema == "information_schema",
            [] => true,
        }
    }
}

impl Visitor for OtherTables {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.named
            .extend(tables.map(|table| fold(&table.alias.name)));
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table {
                name, args: None, ..
            } if !self.is_catalog(name) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn only_catalogs(sql: &str) -> bool {
        are_all_that_is_read(&Parser::parse_sql(&PostgreSqlDialect {}, sql))
    }

    #[test]
    fn a_table_of_conversations_is_seen_anywhere() {
        assert!(only_catalogs(
            "WITH w AS (SELECT * FROM pg_class) SELECT * FROM w, pg_catalog.pg_namespace, \
             generate_series(1, 3), information_schema.tables"
        ));
        assert!(only_catalogs("SELECT pg_get_viewdef(1)"));
        assert!(!only_catalogs("SELECT pg_typeof(text) FROM messages"));
        assert!(!only_catalogs(
            "SELECT relname, (SELECT count(*) FROM messages) FROM pg_class"
        ));
    }
}
