//! The planner's state: the template of the engine and what a session changes in it.

use std::sync::Arc;

use datafusion::common::config::Dialect;
use datafusion::execution::SessionState;
use datafusion::execution::config::SessionConfig;
use verbatim_udfs::model::{ActiveModels, Patience};

use super::variables::VariablesExtension;
use super::{Session, Variables};
use crate::error::Error;
use crate::lake::SnapshotPins;
use crate::plan::ScoreOptions;

/// The name of the only database.
pub(crate) const DATABASE: &str = "verbatim";

/// The schema of the built-in tables and views.
pub(crate) const BUILT_IN_SCHEMA: &str = "verbatim";

/// The schema of the user's own views.
pub(crate) const USER_SCHEMA: &str = "public";

/// The configuration that every session starts from: PostgreSQL's dialect and null order, UTC.
pub(crate) fn config() -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(DATABASE, USER_SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true);
    let options = config.options_mut();
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.sql_parser.map_string_types_to_utf8view = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.explain.format = datafusion::common::format::ExplainFormat::Indent;
    config
}

/// The template with a session's settings applied.
pub(super) fn session_state(
    template: &SessionState,
    variables: &Arc<Variables>,
) -> Result<SessionState, Error> {
    let mut state = template.clone();
    let (zone, path, stored) = {
        let settings = variables.settings();
        let stored = settings.get("verbatim.stored_scores")?;
        (
            settings.get("TimeZone")?,
            settings.get("search_path")?,
            stored,
        )
    };
    let options = state.config_mut().options_mut();
    options.execution.time_zone = Some(zone);
    options.catalog.default_schema = first_schema(&path).to_owned();
    if let Some(scores) = options.extensions.get_mut::<ScoreOptions>() {
        scores.enabled = stored == "on";
    }
    options
        .extensions
        .insert(VariablesExtension(Arc::clone(variables)));
    refresh_functions(&mut state)?;
    Ok(state)
}

/// Functions such as `now()` keep the time zone that they were made with; makes them anew.
fn refresh_functions(state: &mut SessionState) -> Result<(), Error> {
    use datafusion::execution::FunctionRegistry;
    let updated: Vec<_> = state
        .scalar_functions()
        .values()
        .filter_map(|function| function.inner().with_updated_config(state.config_options()))
        .collect();
    for function in updated {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}

/// The schema that unqualified names are looked up in first. `public` also answers for the
/// built-in schema, so that one name is enough.
fn first_schema(search_path: &str) -> &str {
    search_path
        .split(',')
        .map(|part| part.trim().trim_matches('"'))
        .find(|part| {
            [
                USER_SCHEMA,
                BUILT_IN_SCHEMA,
                "pg_catalog",
                "information_schema",
            ]
            .contains(part)
        })
        .unwrap_or(USER_SCHEMA)
}

impl Session {
    /// The state for one statement: the snapshots that it reads, which a transaction block shares,
    /// and the clock that `now()` reads.
    pub(super) fn state(&self) -> SessionState {
        // Settings change by SET and by functions such as set_config() alike.
        let changed = self.variables.settings().take_unapplied();
        if changed {
            match session_state(self.engine.template(), &self.variables) {
                Ok(state) => *self.base.lock() = state,
                Err(error) => tracing::error!(%error, "settings could not be applied"),
            }
        }
        let mut state = self.base.lock().clone();
        let pins = match &self.inner.lock().block {
            Some(block) => Arc::clone(&block.pins),
            None => Arc::new(SnapshotPins::default()),
        };
        let models = self.engine.models().loaded();
        let active = self.engine.models().last_active();
        if !models.is_empty() || !active.is_shipped() {
            let cancel = self.cancel.clone();
            let patience = Patience::new(move || cancel.is_over());
            state.config_mut().options_mut().extensions.insert(patience);
        }
        if !models.is_empty() {
            state.config_mut().options_mut().extensions.insert(models);
        }
        if !active.is_shipped() {
            let extensions = &mut state.config_mut().options_mut().extensions;
            // What computes and what decides whether a column is current must be of one set.
            extensions.insert(ActiveModels::new(active.set().clone()));
            if let Some(scores) = extensions.get_mut::<ScoreOptions>() {
                scores.models = Arc::clone(active.models());
            }
        }
        state.config_mut().set_extension(pins);
        state.mark_start_execution();
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_path_decides_the_schema() {
        assert_eq!(first_schema("\"$user\", public"), "public");
        assert_eq!(first_schema("verbatim, public"), "verbatim");
        assert_eq!(first_schema("nowhere"), "public");
    }
}
