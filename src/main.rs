//! The `facetui` program.

fn main() {}
