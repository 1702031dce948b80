//! Stored scores: the same call gives the same value, read or computed.

pub(crate) mod fixture;
mod generator;
mod plans;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use fixture::Mixed;
use generator::query;

/// Random plans over files of mixed model sets: the rule changes no value and no column name.
#[test]
fn the_rule_changes_no_answer() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lake = runtime.block_on(Mixed::lake());
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(96);
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&query(), |sql| {
        let (on, off) = runtime.block_on(async { (lake.on(&sql).await, lake.off(&sql).await) });
        prop_assert_eq!(&on.columns, &off.columns, "columns of {}", sql);
        prop_assert_eq!(&on.rows, &off.rows, "rows of {}", sql);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
