//! `churn_risk_level(text)`, `churn_risk_level(score)`: the churn risk in words.

use datafusion::logical_expr::ScalarUDF;

use super::level_function::LevelFunction;
use crate::model::{ScoreColumn, churn_risk_level};

/// What SQL users read about the function.
const DESCRIPTION: &str = "\
The churn risk in words, 'low', 'medium' or 'high': the level of churn_risk(text), or of a risk 0 to 1 \
that is given as a number. No signal is 'low'; NULL for NULL or blank texts.";

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
