//! Catalogs can list the functions.

use datafusion::arrow::array::AsArray;
use verbatim_udfs::{aggregate_functions, scalar_functions};

use crate::support::{rows, session};

#[test]
fn every_function_is_documented() {
    let scalars = scalar_functions();
    let aggregates = aggregate_functions();
    let entries = scalars
        .iter()
        .map(|function| (function.name(), function.documentation()))
        .chain(
            aggregates
                .iter()
                .map(|function| (function.name(), function.documentation())),
        );
    let mut names = Vec::new();
    for (name, documentation) in entries {
        let documentation = documentation.unwrap_or_else(|| panic!("{name} has no documentation"));
        assert!(
            documentation.description.contains("NULL"),
            "{name} says nothing of NULL"
        );
        assert!(documentation.syntax_example.starts_with(name), "{name}");
        assert!(documentation.sql_example.is_some(), "{name} has no example");
        assert!(documentation.arguments.is_some(), "{name} has no arguments");
        names.push(name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), scalars.len() + aggregates.len());
    assert_eq!(names.len(), 32);
}

#[tokio::test]
async fn information_schema_lists_them() {
    let sql = "SELECT count(DISTINCT routine_name) FROM information_schema.routines
               WHERE routine_name IN ('sentiment', 'redact', 'conversation_effort')
                 AND description IS NOT NULL";
    let batch = rows(&session(), sql).await.unwrap();
    let count = batch
        .column(0)
        .as_primitive::<datafusion::arrow::datatypes::Int64Type>()
        .value(0);
    assert_eq!(count, 3);
    let listed = rows(&session(), "SHOW FUNCTIONS LIKE 'conversation_sentiment'")
        .await
        .unwrap();
    assert!(listed.num_rows() > 0);
}
