//! The engine of one process: what all sessions share.

mod model_tables;
mod model_upkeep;
mod plan_size;
pub(crate) mod rescoring;
mod schemas;

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use chrono::{DateTime, Utc};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider,
};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionContext;
use datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use verbatim_udfs::model::ModelSet;

use model_upkeep::ModelUpkeep;
pub(crate) use plan_size::check_plan_size;
use rescoring::Rescorer;
pub(crate) use schemas::planning;
use schemas::{Planner, Public};

use crate::enrich::{OwnModelStore, remove_unneeded};
use crate::error::{Error, sqlstate};
use crate::govern::Principal;
use crate::ingest::{self, Ingest};
use crate::lake::{Lake, LakeOptions};
use crate::library::LibrarySchema;
use crate::plan::{self, ScoreOptions};
use crate::session::{self, Session, Settings, Variables};

/// How an engine is opened.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where the lake is: a path or a URL.
    pub lake: String,
    /// Whether to make a lake where there is none.
    pub create: bool,
    /// Bytes that running queries may hold together before they spill to disk; `None` for six
    /// tenths of the machine's memory.
    pub memory_limit: Option<usize>,
}

impl EngineOptions {
    /// Options for an existing lake.
    pub fn new(lake: impl Into<String>) -> Self {
        EngineOptions {
            lake: lake.into(),
            create: false,
            memory_limit: None,
        }
    }

    /// The same, making the lake where there is none.
    #[must_use]
    pub fn create(mut self) -> Self {
        self.create = true;
        self
    }
}

/// The lake, the functions and the memory that all sessions of a process share.
pub struct Engine {
    lake: Arc<Lake>,
    ingest: Arc<Ingest>,
    rescorer: Arc<Rescorer>,
    template: Arc<SessionState>,
    started: DateTime<Utc>,
    next_pid: AtomicI32,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}

/// Consumers named in the message when memory runs out.
const NAMED_CONSUMERS: std::num::NonZeroUsize = std::num::NonZeroUsize::MIN.saturating_add(4);

impl Engine {
    /// Opens a lake and makes ready what sessions share.
    ///
    /// # Errors
    /// Where the lake cannot be opened.
    pub async fn open(options: EngineOptions) -> Result<Arc<Engine>, Error> {
        let lake_options = LakeOptions {
            create: options.create,
            ..LakeOptions::default()
        };
        let lake = Lake::open(&options.lake, lake_options).await?;
        let ingest = Ingest::new(Arc::clone(&lake));
        let upkeep = ModelUpkeep::new(Arc::downgrade(&lake), lake.vacuum_interval());
        lake.on_commit(Arc::new(upkeep));
        let limit = options.memory_limit.unwrap_or_else(default_memory_limit);
        let pool = TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_CONSUMERS);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .build_arc()?;
        Ok(Arc::new(Engine {
            template: template(&lake, &ingest, runtime)?,
            rescorer: Rescorer::new(Arc::clone(&ingest)),
            lake,
            ingest,
            started: Utc::now(),
            next_pid: AtomicI32::new(1),
        }))
    }

    /// The lake.
    pub fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    /// The one way in for rows.
    pub fn ingest(&self) -> &Arc<Ingest> {
        &self.ingest
    }

    /// The models that users have trained, and which of them are active.
    pub(crate) fn models(&self) -> &Arc<OwnModelStore> {
        self.ingest.models()
    }

    /// Goes on with a rescore that another process has broken off, and begins what was asked for
    /// since, in the background. A server does so when it starts.
    pub fn rescore_in_background(&self) {
        self.rescorer.wake();
    }

    /// Upkeep now: few large files, a short log, and nothing left in the store that neither a
    /// version of a table nor the name of a model needs.
    ///
    /// # Errors
    /// The store's.
    pub async fn maintain(&self) -> Result<(), Error> {
        self.lake.maintain().await?;
        remove_unneeded(&self.lake).await?;
        Ok(())
    }

    /// What every session's planner starts from.
    pub(crate) fn template(&self) -> &SessionState {
        &self.template
    }

    /// A session for a user of this process; `None` for the trusted local superuser.
    ///
    /// # Errors
    /// SQLSTATE 28000 for a user that does not exist.
    pub fn session(self: &Arc<Self>, user: Option<&str>) -> Result<Session, Error> {
        let principal = match user {
            None => Principal::Trusted,
            Some(name) => Principal::User(name.to_owned()),
        };
        self.open_session(principal, session::DATABASE, [])
    }

    /// A session for a client that connects with a database and settings; no user for one of this
    /// machine that needs no password, which is shut out when the lake gets its first user.
    ///
    /// # Errors
    /// SQLSTATE 3D000 for a database other than `verbatim`, 28000 for an unknown user, 42704 and
    /// 22023 for settings.
    pub fn connect<'a>(
        self: &Arc<Self>,
        user: Option<&str>,
        database: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Session, Error> {
        let principal = match user {
            None => Principal::Local,
            Some(name) => Principal::User(name.to_owned()),
        };
        self.open_session(principal, database, settings)
    }

    fn open_session<'a>(
        self: &Arc<Self>,
        principal: Principal,
        database: &str,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Session, Error> {
        if database != session::DATABASE {
            return Err(Error::statement(
                sqlstate::INVALID_CATALOG_NAME,
                format!("database \"{database}\" does not exist"),
            )
            .with_hint("The database is called verbatim."));
        }
        // Refuses a user that does not exist.
        principal.is_superuser(&self.lake.catalog())?;
        let name = match &principal {
            Principal::User(name) => name.clone(),
            Principal::Trusted | Principal::Local => session::DATABASE.to_owned(),
        };
        let settings = Settings::start(settings, &name)?;
        let variables = Variables::new(
            name,
            database.to_owned(),
            settings,
            self.next_pid.fetch_add(1, Ordering::Relaxed),
            self.started,
        );
        Session::new(Arc::clone(self), principal, variables)
    }

    /// Bytes that running statements hold.
    pub fn memory_reserved(&self) -> usize {
        self.template.runtime_env().memory_pool.reserved()
    }

    /// Waits for what is under way and closes the lake.
    ///
    /// # Errors
    /// Where the last commits fail.
    pub async fn close(&self) -> Result<(), Error> {
        self.rescorer.close().await;
        Ok(self.lake.close().await?)
    }
}

/// The planner's state with catalogs and functions, without anything of a session.
fn template(
    lake: &Arc<Lake>,
    ingest: &Arc<Ingest>,
    runtime: Arc<RuntimeEnv>,
) -> Result<Arc<SessionState>, Error> {
    let scores = ScoreOptions::new(Arc::clone(lake), ModelSet::shipped());
    let config = session::config().with_option_extension(scores);
    let context = SessionContext::new_with_config_rt(config, runtime);
    let tables = MemorySchemaProvider::new();
    for table in lake.tables() {
        let name = table.name();
        let table = ingest::writable(table.provider(), name, Arc::clone(ingest));
        tables.register_table(name.to_owned(), table)?;
    }
    for (name, table) in model_tables::tables(lake, ingest.models())? {
        tables.register_table(name, table)?;
    }
    let built_in = LibrarySchema::new(Arc::new(tables));
    let planner = Arc::new(Planner::default());
    let public = Public::new(
        Arc::clone(lake),
        Arc::clone(&built_in),
        Arc::clone(&planner),
    );
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(session::BUILT_IN_SCHEMA, Arc::clone(&built_in) as _)?;
    catalog.register_schema(session::USER_SCHEMA, Arc::new(public))?;
    context.register_catalog(session::DATABASE, Arc::new(catalog));
    // The provider goes in by value: behind an Arc its role lookup calls itself without end.
    datafusion_pg_catalog::setup_pg_catalog(&context, session::DATABASE, EmptyContextProvider)
        .map_err(|error| Error::from(*error))?;
    session::pg_catalog::install(&context, lake)?;
    let mut state = plan::install(SessionStateBuilder::new_from_existing(context.state())).build();
    verbatim_udfs::register_all(&mut state)?;
    session::register_functions(&mut state)?;
    session::install_rounding(&mut state)?;
    session::pg_catalog::list_functions(&state)?;
    built_in.plan_with(&state)?;
    let state = Arc::new(session::install_cooperative(state));
    planner.set(&state);
    Ok(state)
}

/// Six tenths of the machine's or the container's memory; 4 GiB where neither is known.
fn default_memory_limit() -> usize {
    const UNKNOWN: usize = 4 << 30;
    let machine = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
            let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
            Some(kibibytes * 1024)
        });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| text.trim().parse::<usize>().ok());
    let total = match (machine, container) {
        (Some(machine), Some(container)) => machine.min(container),
        (Some(total), None) | (None, Some(total)) => total,
        (None, None) => UNKNOWN,
    };
    total / 10 * 6
}
