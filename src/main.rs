//! The command line of Verbatim.

fn main() {}
