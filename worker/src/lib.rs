//! facetui's worker: the process that owns the tensors of a run.

pub mod model;
