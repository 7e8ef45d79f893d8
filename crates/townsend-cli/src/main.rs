//! The `townsend` command.
fn main() {}
