//! What a path holds, told by its bytes: every command that takes "some data" begins here.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::face_labels::is_box_list;
use super::pairs::{self, PairList};
use super::verification::LARGEST_LIST;
use super::video::read_error_list;
use super::{
    DataError, RecordFile, TrainingImages, VerificationImages, VideoSet, file, record_set,
};
use crate::config::DataConfig;

/// A path's content, opened.
#[derive(Debug)]
pub(super) enum Recognised {
    /// A training set, whatever its form.
    Training(TrainingImages),
    /// Record files that are whole but no set of faces.
    Records {
        /// How many records there are.
        count: u64,
        /// Why they are no training set.
        problem: String,
    },
    /// A set of image pairs with its images.
    Pairs(VerificationImages),
    /// A list of image pairs whose images' folder is not known.
    PairList(PairList),
    /// A list of video pairs, with frames where their folder is known.
    Videos(VideoSet),
    /// Names of mislabelled videos.
    ErrorList(BTreeSet<String>),
    /// One image.
    Image(PathBuf),
    /// A `config.ini`.
    Config(DataConfig),
}

/// Opens whatever a path holds; `root` is the folder that a list's paths are relative to.
///
/// Without it, an image list's paths are relative to the list's own folder.
///
/// # Errors
/// When it can't be read, or is nothing that is known.
pub(super) fn recognise(path: &Path, root: Option<&Path>) -> Result<Recognised, DataError> {
    let metadata = std::fs::metadata(path).map_err(|error| DataError::read(path, error))?;
    if metadata.is_dir() {
        return if record_set::record_file(path).is_ok() {
            TrainingImages::open_records(path).map(Recognised::Training)
        } else {
            folders(path)
        };
    }
    let start = first_bytes(path)?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("idx") if path.with_extension("rec").exists() => {
            return recognise(&path.with_extension("rec"), root);
        }
        Some("ini") => {
            let config = DataConfig::load(path);
            return config
                .map(Recognised::Config)
                .map_err(|errors| DataError::Request(errors.to_string()));
        }
        _ => {}
    }
    match start.as_slice() {
        [] => Err(DataError::unsuitable(path, "is empty")),
        [0x0a, 0x23, 0xd7, 0xce, ..] => records(path),
        [0x80, 2..=5, ..] => VerificationImages::open(path, None).map(Recognised::Pairs),
        [0xff, 0xd8, ..]
        | [0x89, b'P', b'N', b'G', ..]
        | [b'B', b'M', ..]
        | [b'R', b'I', b'F', b'F', ..] => Ok(Recognised::Image(path.to_owned())),
        text if text.contains(&0) => Err(unknown(path)),
        _ => text(path, root),
    }
}

fn unknown(path: &Path) -> DataError {
    DataError::unsuitable(
        path,
        "is nothing that is known: a .rec or a folder with train.rec, a folder per identity, an image list, a .bin, a .np, pairs.txt, a YTF split list or error list, an image, or a config.ini",
    )
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut start = Vec::new();
    let (file, _) = file::open(path)?;
    file.take(4096)
        .read_to_end(&mut start)
        .map_err(|error| DataError::read(path, error))?;
    Ok(start)
}

/// A record file that may be no set of faces: then its records are counted.
fn records(path: &Path) -> Result<Recognised, DataError> {
    TrainingImages::open_records(path)
        .map(Recognised::Training)
        .or_else(|error| {
            Ok(Recognised::Records {
                count: RecordFile::open(path)?.scan()?.len() as u64,
                problem: error.to_string(),
            })
        })
}

fn folders(path: &Path) -> Result<Recognised, DataError> {
    match TrainingImages::open_folders(path) {
        Ok(set) => Ok(Recognised::Training(set)),
        Err(DataError::Unsuitable { path: place, .. }) if place == path => Err(unknown(path)),
        Err(error) => Err(error),
    }
}

/// Text is told by which of the readers takes it whole.
fn text(path: &Path, root: Option<&Path>) -> Result<Recognised, DataError> {
    if let Ok(set) = VideoSet::without_frames(path, None) {
        return match root {
            Some(root) => VideoSet::open(path, root, None).map(Recognised::Videos),
            None => Ok(Recognised::Videos(set)),
        };
    }
    // What is larger than any list of pairs may still be a list of images.
    let bytes = file::read(path, LARGEST_LIST, "a list of pairs").unwrap_or_default();
    if let Ok(list) = pairs::read_image_pairs(path, &bytes) {
        return match root {
            Some(root) => {
                VerificationImages::from_bytes(path, bytes, Some(root)).map(Recognised::Pairs)
            }
            None => Ok(Recognised::PairList(list)),
        };
    }
    let beside = path.parent().unwrap_or(Path::new("."));
    let error = match TrainingImages::open_list(path, root.unwrap_or(beside)) {
        Ok(set) => return Ok(Recognised::Training(set)),
        Err(error) => error,
    };
    match read_error_list(path, &bytes) {
        _ if first_line_fits(&error) => Err(error),
        Ok(names) if !names.is_empty() => Ok(Recognised::ErrorList(names)),
        _ => Err(unknown(path)),
    }
}

/// Whether a text is an image list up to a line further down, and so most likely one with a mistake.
fn first_line_fits(error: &DataError) -> bool {
    matches!(error, DataError::Malformed { place, .. } if place != "line 1")
}

/// The lists of boxes around faces that lie beside YouTube Faces' folders of whole frames.
pub(super) fn box_lists(folder: &Path) -> Vec<PathBuf> {
    let mut lists: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| is_box_list(&entry.file_name().to_string_lossy()))
        .map(|entry| entry.path())
        .collect();
    lists.sort();
    lists
}
