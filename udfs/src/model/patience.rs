//! Whether somebody still waits for the answers of a call.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use datafusion::common::config::{ConfigEntry, ConfigExtension, ConfigOptions, ExtensionOptions};
use datafusion::common::{Result, config_err};

/// Tells calls that take long, those of encoders of one's own, when their statement has ended.
///
/// An extension of the session's configuration:
/// `config.options_mut().extensions.insert(Patience::new(…))`. Without it they run to their end.
#[derive(Clone)]
pub struct Patience(Arc<dyn Fn() -> bool + Send + Sync>);

thread_local! {
    /// That of the call which this thread works on.
    static CURRENT: RefCell<Option<Patience>> = const { RefCell::new(None) };
}

impl Patience {
    /// `is_over` is asked before each text.
    pub fn new(is_over: impl Fn() -> bool + Send + Sync + 'static) -> Patience {
        Patience(Arc::new(is_over))
    }

    /// Works on a call with the patience of its configuration.
    pub(crate) fn during<T>(options: &ConfigOptions, work: impl FnOnce() -> T) -> T {
        let _before = Restored(CURRENT.replace(options.extensions.get::<Patience>().cloned()));
        work()
    }

    /// Whether nobody waits for the call that this thread works on.
    pub(crate) fn is_over() -> bool {
        CURRENT.with_borrow(|current| current.as_ref().is_some_and(|current| (current.0)()))
    }
}

/// Puts the patience of an outer call back, also where the inner one panics.
struct Restored(Option<Patience>);

impl Drop for Restored {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_tuple("Patience").finish_non_exhaustive()
    }
}

impl ConfigExtension for Patience {
    const PREFIX: &'static str = "patience";
}

impl ExtensionOptions for Patience {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }

    fn cloned(&self) -> Box<dyn ExtensionOptions> {
        Box::new(self.clone())
    }

    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        config_err!("patience.{key} is no setting: statement_timeout is one")
    }

    fn entries(&self) -> Vec<ConfigEntry> {
        Vec::new()
    }
}
