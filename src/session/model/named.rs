//! The models that a plan needs, read before it runs.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::catalog::CatalogObject;
use crate::error::Error;
use crate::session::Session;

/// The functions whose second argument names a model; without it the active one answers.
const NAMING_FUNCTIONS: [&str; 5] = ["intent", "intent_score", "intent_detail", "topic", "topics"];

/// The function that reads the names of the active model's topics.
const TOPIC_LABEL: &str = "topic_label";

/// Which models a plan needs.
#[derive(Debug, Default)]
struct Needed {
    /// Those that calls name.
    names: BTreeSet<String>,
    /// The active ones.
    active: bool,
}

impl Session {
    /// Reads the models that a plan names, and the active ones where it calls functions that they
    /// answer: a weight file that cannot be read disturbs no other statement.
    pub(in crate::session) async fn load_models(
        &self,
        plan: &LogicalPlan,
        catalog: &CatalogObject,
    ) -> Result<(), Error> {
        let needed = Needed::by(plan)?;
        let models = self.engine.models();
        if needed.active {
            models.active(catalog).await?;
        }
        Ok(models.load(needed.names, catalog).await?)
    }
}

impl Needed {
    fn by(plan: &LogicalPlan) -> Result<Needed, Error> {
        let mut needed = Needed::default();
        plan.apply_with_subqueries(|node| {
            node.apply_expressions(|expr| {
                expr.apply(|expr| {
                    needed.take(expr);
                    Ok(TreeNodeRecursion::Continue)
                })
            })
        })?;
        Ok(needed)
    }

    fn take(&mut self, expr: &Expr) {
        let Expr::ScalarFunction(call) = expr else {
            return;
        };
        let names_models = NAMING_FUNCTIONS.contains(&call.name());
        match call.args.as_slice() {
            [_, name] if names_models => self.names.extend(constant(name).map(str::to_owned)),
            _ => self.active |= names_models || call.name() == TOPIC_LABEL,
        }
    }
}

/// A text constant, also inside of the cast that a parameter's declared type leaves behind.
fn constant(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten(),
        Expr::Cast(cast) => constant(&cast.expr),
        Expr::Alias(alias) => constant(&alias.expr),
        _ => None,
    }
}
