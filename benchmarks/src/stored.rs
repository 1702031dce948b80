//! A call that reads its stored column, against the column itself and against computing.

use crate::BenchmarkError;
use crate::lake::Data;
use crate::report::{Figure, Report};

/// Highest ratio of a call to its column.
const TARGET: f64 = 1.1;

/// Pairs of a query with calls and the same with columns.
const QUERIES: [(&str, &str, &str); 4] = [
    (
        "avg",
        "SELECT avg(sentiment(text)) FROM messages",
        "SELECT avg(sentiment) FROM messages",
    ),
    (
        "group",
        "SELECT intent(text), count(*), avg(sentiment(text)) FROM messages GROUP BY 1",
        "SELECT intent, count(*), avg(sentiment) FROM messages GROUP BY 1",
    ),
    (
        "filter",
        "SELECT count(*) FROM messages WHERE churn_risk(text) > 0.5 AND role = 'customer'",
        "SELECT count(*) FROM messages WHERE churn_risk > 0.5 AND role = 'customer'",
    ),
    (
        "view",
        "SELECT channel, avg(sentiment(text)) FROM customer_messages GROUP BY 1",
        "SELECT channel, avg(sentiment) FROM customer_messages GROUP BY 1",
    ),
];

/// Measures the pairs, and what computing the first one costs.
pub(crate) fn run(data: &Data, report: &mut Report) -> Result<(), BenchmarkError> {
    for (name, call, column) in QUERIES {
        let (call, column) = (data.time(call)?, data.time(column)?);
        let peer = Some(("column", column));
        report.add(Figure::time(
            format!("stored/{name}"),
            call,
            peer,
            Some(TARGET),
        ));
    }
    let (_, call, column) = QUERIES[0];
    let column = data.time(column)?;
    data.query("SET verbatim.stored_scores = off")?;
    let computed = data.time(call)?;
    data.query("SET verbatim.stored_scores = on")?;
    report.add(Figure::time(
        "stored/avg computed",
        computed,
        Some(("column", column)),
        None,
    ));
    Ok(())
}
