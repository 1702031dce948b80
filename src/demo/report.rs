//! What the metrics say about each planted fact.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use futures::TryStreamExt;

use super::Planted;
use crate::error::{Error, sqlstate};
use crate::library;
use crate::session::{Outcome, Session};

/// One planted fact and what the metrics make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The metric that was asked.
    pub metric: &'static str,
    /// What is so.
    pub planted: String,
    /// What the metric says; `None` where it says nothing.
    pub found: Option<String>,
    /// Whether they agree.
    pub holds: bool,
}

/// The question of the library that looks for a fact, the metric it asks, its parameters, and the fact
/// in words.
type Planting<'a> = (
    &'static str,
    &'static str,
    &'a [(&'static str, &'a str)],
    String,
);

/// Asks the metrics of the demo lake for each planted fact.
///
/// # Errors
/// When a query fails.
pub async fn findings(session: &Session, planted: &Planted) -> Result<Vec<Finding>, Error> {
    let Planted {
        spike_day,
        spike_contacts,
        broken_release,
        broken_contacts,
        failing_bot,
        failing_scenario,
        star_agent,
        churned_vocal,
        churned_silent,
        stayed_vocal,
    } = planted;
    let facts: [Planting<'_>; 5] = [
        (
            "demo_billing_spike",
            "topic_frequency",
            &[("spike_day", spike_day)],
            format!("{spike_contacts} more conversations about double charges on {spike_day}"),
        ),
        (
            "demo_broken_release",
            "scored_conversations: unresolved or escalated, by release and intent",
            &[("broken_release", broken_release)],
            format!(
                "release {broken_release} breaks onboarding: {broken_contacts} more conversations \
                 about it, which go wrong more often"
            ),
        ),
        (
            "demo_failing_bot",
            "containment",
            &[
                ("failing_bot", failing_bot),
                ("failing_scenario", failing_scenario),
            ],
            format!("{failing_bot} fails when it is about a {failing_scenario}"),
        ),
        (
            "demo_agent",
            "agent_outcomes, agent_outcome_pattern",
            &[("star_agent", star_agent)],
            format!(
                "{star_agent} nearly always tells the next step and confirms, which helps whoever \
                 does it"
            ),
        ),
        (
            "demo_churn",
            "churn_risk_accuracy",
            &[],
            format!(
                "{churned_vocal} accounts say that they will leave and do, {churned_silent} leave \
                 without a word, {stayed_vocal} say so and stay"
            ),
        ),
    ];
    let mut findings = Vec::with_capacity(facts.len());
    for (query, metric, values, planted) in facts {
        let (found, holds) = ask(session, query, values).await?;
        findings.push(Finding {
            metric,
            planted,
            found,
            holds,
        });
    }
    Ok(findings)
}

/// Runs a question of the library whose one row is `found` and `holds`.
async fn ask(
    session: &Session,
    query: &str,
    values: &[(&str, &str)],
) -> Result<(Option<String>, bool), Error> {
    let failed = |message: String| Error::statement(sqlstate::INTERNAL_ERROR, message);
    let definition =
        library::query(query).ok_or_else(|| failed(format!("there is no question {query}")))?;
    let literals: Vec<(&str, String)> = values
        .iter()
        .map(|(name, value)| (*name, format!("'{}'", value.replace('\'', "''"))))
        .collect();
    let literals: Vec<(&str, &str)> = literals
        .iter()
        .map(|(name, literal)| (*name, literal.as_str()))
        .collect();
    let sql = definition
        .sql_with(&literals)
        .map_err(|error| failed(error.to_string()))?;
    let Outcome::Rows { stream, .. } = session.execute(&sql).await? else {
        return Err(failed(format!("{query} returns no rows")));
    };
    let batches: Vec<RecordBatch> = stream.try_collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
        return Ok((None, false));
    };
    let found = cast(batch.column(0), &DataType::Utf8).map_err(DataFusionError::from)?;
    let found = found.as_string::<i32>();
    let holds = batch
        .column(1)
        .as_boolean_opt()
        .is_some_and(|holds| holds.value(0));
    Ok((
        (!found.is_null(0)).then(|| found.value(0).to_owned()),
        holds,
    ))
}
