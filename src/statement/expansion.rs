//! Bounds how often the relations of a statement are read once its WITH queries are written out.
//!
//! A WITH query that reads another twice, which reads another twice, doubles with each: twenty
//! short lines stand for a million relations, and planning them cannot be interrupted.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{ObjectName, Query, Statement, Visit, Visitor};

use super::fold;
use crate::error::{Error, sqlstate};

/// Relations that a statement may read, those of WITH queries as often as these are read.
const MAXIMUM_RELATIONS: usize = 2_000;

/// Refuses a statement whose WITH queries multiply.
///
/// # Errors
/// SQLSTATE 54001.
pub(super) fn check(statement: &Statement) -> Result<(), Error> {
    match Visit::visit(statement, &mut Reads::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(Error::statement(
            sqlstate::STATEMENT_TOO_COMPLEX,
            format!(
                "statement too complex: its WITH queries stand for more than {MAXIMUM_RELATIONS} relations"
            ),
        )),
    }
}

/// The queries around the place that is visited, outermost first.
#[derive(Default)]
struct Reads(Vec<Level>);

/// One query.
#[derive(Default)]
struct Level {
    /// The names of its WITH queries that were not visited yet, which come first.
    pending: VecDeque<String>,
    /// The relations that each visited WITH query reads.
    named: HashMap<String, usize>,
    /// The relations that the query itself reads.
    count: usize,
}

impl Reads {
    fn add(&mut self, count: usize) -> ControlFlow<()> {
        let Some(level) = self.0.last_mut() else {
            return ControlFlow::Continue(());
        };
        level.count += count;
        match level.count > MAXIMUM_RELATIONS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}

impl Visitor for Reads {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let tables = query.with.iter().flat_map(|with| &with.cte_tables);
        self.0.push(Level {
            pending: tables.map(|table| fold(&table.alias.name)).collect(),
            ..Level::default()
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        let count = self.0.pop().map_or(0, |level| level.count);
        if let Some(outer) = self.0.last_mut()
            && let Some(name) = outer.pending.pop_front()
        {
            outer.named.insert(name, count);
            return ControlFlow::Continue(());
        }
        self.add(count)
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        let named = match name.0.as_slice() {
            [only] => only.as_ident().map(fold).and_then(|name| {
                let mut levels = self.0.iter().rev();
                levels.find_map(|level| level.named.get(&name).copied())
            }),
            _ => None,
        };
        self.add(named.unwrap_or(1).max(1))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    use super::*;

    fn checked(sql: &str) -> Result<(), Error> {
        check(&Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap()[0])
    }

    #[test]
    fn doubling_is_refused_and_a_chain_is_not() {
        let chain = |levels: usize, reads: &str| {
            let mut sql = "WITH w0 AS (SELECT 1 AS a)".to_owned();
            for level in 1..levels {
                let read = reads.replace('#', &(level - 1).to_string());
                sql += &format!(", w{level} AS (SELECT * FROM {read})");
            }
            sql + &format!(" SELECT * FROM w{}", levels - 1)
        };
        checked(&chain(90, "w#")).unwrap();
        checked(&chain(10, "w# AS a, w# AS b")).unwrap();
        let error = checked(&chain(13, "w# AS a, w# AS b")).unwrap_err();
        assert_eq!(error.sqlstate(), "54001");
    }

    #[test]
    fn nested_names_are_those_of_their_query() {
        let mut sql = "SELECT 1 AS a".to_owned();
        for _ in 0..13 {
            sql = format!("WITH w AS ({sql}) SELECT * FROM w AS a, w AS b");
        }
        assert_eq!(checked(&sql).unwrap_err().sqlstate(), "54001");
        let union = vec!["SELECT * FROM w"; 150].join(" UNION ALL ");
        checked(&format!("WITH w AS (SELECT 1) {union}")).unwrap();
    }
}
