//! SQL functions that read customer language, for any DataFusion session.
//!
//! [`register_all`] adds every function to a session; [`model`] holds the scorers behind them and
//! [`stored`] says which stored column of a lake answers which call.

pub mod model;
pub mod stored;
pub mod train;
