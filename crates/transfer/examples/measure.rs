//! Measures publishing and fetching.
fn main() {}
