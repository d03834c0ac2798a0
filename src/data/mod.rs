//! Bytes and labels: everything users have on disk, as batches of faces.
//!
//! From the disk up: [`recordio`] frames records and [`pickle`] reads Python's; a [`TrainingImages`] is one
//! training set (records, a list, or folders), a [`VerificationImages`] a set of image pairs and a
//! [`VideoSet`] one of video pairs; [`Combined`] joins training sets, [`Order`] says which image comes when,
//! and a [`Loader`] makes [`Batch`]es of it. Nothing here knows of runs or tensors.

mod augment;
mod batch;
mod check;
mod classes;
mod combine;
mod content;
mod error;
mod face;
mod face_labels;
mod file;
mod image;
mod inspect;
mod jpeg;
mod list;
mod listing;
mod loader;
mod new_folder;
mod order;
mod overlap;
mod pack;
mod pairs;
mod people;
mod permutation;
mod persons;
pub mod pickle;
mod random;
mod recognise;
mod record_set;
pub mod recordio;
pub mod synthetic;
mod training;
mod unaligned;
mod verification;
mod verification_bin;
mod video;

pub use batch::{Batch, BrokenImage, SetCount};
pub use check::{
    BrokenPicture, CheckReport, CheckedSet, Contradiction, Duplicates, HistogramBin, IdentityCount,
    IdentityCounts, Progress, SimilarPair, SizeCount, check,
};
pub use combine::{Combined, CombinedSet};
pub use error::DataError;
pub use face::{face_input, size_of};
pub use face_labels::{FaceBox, FaceBoxes, FaceLandmarks};
pub use image::{FACE, Image};
pub use inspect::{Inspection, PairCounts, SourceKind, inspect};
pub use list::{ImageList, ListDialect};
pub use listing::{Listing, write_list};
pub use loader::{BatchOrder, Loader, LoaderOptions};
pub use order::Order;
pub use overlap::{COLUMNS as OVERLAP_COLUMNS, Overlap, OverlapAction, OverlapClass, OverlapList};
pub use pack::{PackOptions, Packed, pack};
pub use people::PeopleOrder;
pub use permutation::Permutation;
pub use persons::{Person, Persons};
pub use random::{Purpose, random};
pub use record_set::{RecordLayout, RecordSet};
pub use recordio::{RecordFile, RecordIndex};
pub use training::{TrainingForm, TrainingImages};
pub use unaligned::{UnalignedItem, UnalignedKind, UnalignedSource, is_video_name};
pub use verification::{ImagePair, PairsDialect, VerificationImages};
pub use verification_bin::write_bin;
pub use video::{Video, VideoPair, VideoSet, frames_of, spread_evenly};
