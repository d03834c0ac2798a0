//! facetui's worker: the process that owns the tensors of a run.
//!
//! The tour: [`job`] does what a run directory asks, one file a kind of job; [`train`] makes steps and
//! checkpoints; [`embed`] turns images into embeddings and sets into figures; [`align`] turns pictures and videos
//! into aligned faces; [`model`] is networks, losses, the optimiser and the devices. Runs, data and figures are the library `facetui`.

pub mod align;
pub mod command_line;
pub mod embed;
pub mod job;
pub mod model;
pub mod train;

/// The allocator of the whole process, libtorch's included.
///
/// The C library gives the large blocks of feature maps back to the system and gets them anew, page by page, at every step.
/// jemalloc keeps them for the next step and packs them better: `./x bench training` shows speed and memory. That it keeps
/// them is said where it is built, in `.cargo/config.toml`.
#[cfg(feature = "libtorch")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
