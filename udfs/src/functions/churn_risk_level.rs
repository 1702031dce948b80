//! `churn_risk_level(text)`, `churn_risk_level(score)`: the churn risk in words.

use datafusion::logical_expr::ScalarUDF;

use super::level_function::LevelFunction;
use crate::model::{ScoreColumn, churn_risk_level};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The churn risk in words: the level of churn_risk(text), or of a risk 0 to 1 that is given as a number: 'low' \
below 0.35, 'medium' below 0.65, 'high' from 0.65. No signal is 'low'; NULL as in churn_risk.";

/// The function.
pub(super) fn function() -> ScalarUDF {
    LevelFunction::function(
        "churn_risk_level",
        ScoreColumn::ChurnRisk,
        churn_risk_level,
        DESCRIPTION,
        "SELECT churn_risk_level('I am cancelling and moving to a competitor.');",
    )
}
