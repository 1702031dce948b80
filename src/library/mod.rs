//! The SQL that ships with the engine: helper views, metric views and named questions.
//!
//! The files of `sql/` are compiled in. A file is a bare query under an opening comment that defines
//! what it returns; the comment is the view's documentation. A header line
//! `-- parameter: window_days integer = 7` declares a parameter that the query names as
//! `$window_days`: the view of that name runs with the defaults, the table function of the same
//! name with what it is given. A header line `-- measure: rate = numerator / denominator` makes the
//! view a metric that `metric('name', by => 'channel')` groups.
//!
//! To add a metric: one file in `sql/metrics/`, one line in [`files`](self), one `.slt` test.

mod definition;
mod expand;
mod files;
mod metric;
mod schema;

use std::sync::LazyLock;

pub use definition::{Definition, LibraryError, Parameter};
pub use expand::expand;
pub use metric::Measure;
pub use schema::LibrarySchema;

static VIEWS: LazyLock<Vec<Definition>> = LazyLock::new(|| definition::read(files::VIEWS));
static QUERIES: LazyLock<Vec<Definition>> = LazyLock::new(|| definition::read(files::QUERIES));

/// The built-in views of schema `verbatim`, each after the views that it reads.
pub fn views() -> &'static [Definition] {
    &VIEWS
}

/// The built-in view called `name`.
pub fn view(name: &str) -> Option<&'static Definition> {
    VIEWS.iter().find(|view| view.name == name)
}

/// The named questions of `sql/library/`, by name.
pub fn queries() -> &'static [Definition] {
    &QUERIES
}

/// The named question `name`.
pub fn query(name: &str) -> Option<&'static Definition> {
    QUERIES.iter().find(|query| query.name == name)
}
