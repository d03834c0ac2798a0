//! The integration tests of `facetui`, one module a room.

mod config;
