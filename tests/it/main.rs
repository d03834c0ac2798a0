//! All integration tests of `facetui`: one binary, one module a room.

mod config;
mod eval;
mod run;
