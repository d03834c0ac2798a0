//! Where any set of faces with people lies.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Where a set of faces with people lies, and its form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "form")]
pub enum PersonsSource {
    /// A folder with `train.rec`, or a `.rec` file.
    Records {
        /// Which.
        path: PathBuf,
    },
    /// An image list.
    List {
        /// The list.
        list: PathBuf,
        /// The folder that its paths are relative to.
        root: PathBuf,
    },
    /// A folder per person.
    Folders {
        /// The folder of these.
        path: PathBuf,
    },
    /// A set of image pairs; in a `.bin` or `.np`, which names nobody, every image is a person of its own.
    Pairs {
        /// A `.bin`, `.np` or `pairs.txt` file.
        data: PathBuf,
        /// The image folder that goes with `pairs.txt`.
        images: Option<PathBuf>,
    },
    /// A set of video pairs.
    Videos {
        /// The split list.
        splits: PathBuf,
        /// The folder of people, each with a folder a video.
        frames: PathBuf,
    },
}
