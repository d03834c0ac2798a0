//! What a file or folder is, and what is in it.

use std::path::Path;

use serde::Serialize;

use super::video::frames_in;
use super::{
    DataError, Image, PairsDialect, RecordFile, RecordLayout, TrainingForm, TrainingImages,
    VerificationImages, VideoSet, pairs, record_set,
};

/// What a path holds, as `facetui data inspect PATH --json` prints it; what does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Inspection {
    /// The kind of source.
    pub kind: SourceKind,
    /// The form it has among its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Number of images (of different ones, in a set of pairs).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
    /// Number of people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identities: Option<u64>,
    /// Number of pairs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PairCounts>,
    /// Number of folds that the file itself names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folds: Option<u64>,
    /// Number of videos.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub videos: Option<u64>,
    /// Width and height of the first image, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<[u32; 2]>,
    /// Fewest and most images of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_per_identity: Option<[u64; 2]>,
    /// What a user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Pairs by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PairCounts {
    /// Of the same person.
    pub positive: u64,
    /// Of different people.
    pub negative: u64,
}

/// The kinds of sources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// MXNet RecordIO.
    Recordio,
    /// A text list of images with labels.
    ImageList,
    /// A folder per identity.
    Folders,
    /// InsightFace's `.bin` pairs.
    Bin,
    /// `.np` pairs of pixels.
    Np,
    /// A text list of image pairs.
    PairList,
    /// YouTube Faces' split list.
    SplitList,
    /// A list of mislabelled videos.
    ErrorList,
    /// One image.
    #[default]
    Image,
    /// A `config.ini`, whose sources have paths of their own.
    Config,
}

/// Finds out what a path holds.
///
/// # Errors
/// When it can't be read, or is nothing that is known.
pub fn inspect(path: &Path) -> Result<Inspection, DataError> {
    let metadata = std::fs::metadata(path).map_err(|error| DataError::read(path, error))?;
    if metadata.is_dir() {
        return if record_set::record_file(path).is_ok() {
            training(&TrainingImages::open_records(path)?)
        } else {
            folders(path)
        };
    }
    let start = first_bytes(path)?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("idx") if path.with_extension("rec").exists() => {
            return inspect(&path.with_extension("rec"));
        }
        Some("ini") => return config(path),
        _ => {}
    }
    match start.as_slice() {
        [] => Err(DataError::unsuitable(path, "is empty")),
        [0x0a, 0x23, 0xd7, 0xce, ..] => records(path),
        [0x80, 2..=5, ..] => verification(path),
        [0xff, 0xd8, ..]
        | [0x89, b'P', b'N', b'G', ..]
        | [b'B', b'M', ..]
        | [b'R', b'I', b'F', b'F', ..] => image(path),
        text if text.contains(&0) => Err(unknown(path)),
        _ => text(path),
    }
}

fn unknown(path: &Path) -> DataError {
    DataError::unsuitable(
        path,
        "is nothing that is known: a .rec or a folder with train.rec, a folder per identity, an image list, a .bin, a .np, pairs.txt, a YTF split list or error list, an image, or a config.ini",
    )
}

fn first_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    use std::io::Read;
    let mut start = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| DataError::read(path, error))?;
    file.take(4096)
        .read_to_end(&mut start)
        .map_err(|error| DataError::read(path, error))?;
    Ok(start)
}

fn training(set: &TrainingImages) -> Result<Inspection, DataError> {
    let (kind, dialect) = match set.form() {
        TrainingForm::Records(RecordLayout::Insightface) => (SourceKind::Recordio, "insightface"),
        TrainingForm::Records(RecordLayout::Plain) => (SourceKind::Recordio, "plain"),
        TrainingForm::Files(super::ListDialect::Folders) => (SourceKind::Folders, "images"),
        TrainingForm::Files(_) => (SourceKind::ImageList, ""),
    };
    let mut notes = Vec::new();
    if set.index_rebuilt() {
        notes.push("there was no .idx; it was rebuilt from the .rec".to_owned());
    }
    let image_size = match set.read(0) {
        Ok(image) => Some([image.width, image.height]),
        Err(error) => {
            notes.push(error.to_string());
            None
        }
    };
    let sizes = (0..set.classes()).map(|class| set.images_of_class(class).len() as u64);
    let dialect = match set.form() {
        TrainingForm::Files(
            form @ (super::ListDialect::PathCommaLabel
            | super::ListDialect::PathSpaceLabel
            | super::ListDialect::LabelCommaPath
            | super::ListDialect::LabelSpacePath),
        ) => word(form)?,
        _ => dialect.to_owned(),
    };
    Ok(Inspection {
        kind,
        dialect: Some(dialect),
        images: Some(set.len() as u64),
        identities: Some(u64::from(set.classes())),
        image_size,
        images_per_identity: sizes
            .clone()
            .min()
            .zip(sizes.max())
            .map(|(fewest, most)| [fewest, most]),
        notes,
        ..Inspection::default()
    })
}

/// How JSON names a value without fields.
fn word(value: impl Serialize) -> Result<String, DataError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(DataError::Request("a dialect has no name".to_owned())),
    }
}

/// A record file that may be no set of faces: then its records are counted.
fn records(path: &Path) -> Result<Inspection, DataError> {
    TrainingImages::open_records(path)
        .and_then(|set| training(&set))
        .or_else(|error| {
            let count = RecordFile::open(path)?.scan()?.len() as u64;
            Ok(Inspection {
                kind: SourceKind::Recordio,
                images: Some(count),
                notes: vec![format!(
                    "the records are whole, but no training set: {error}"
                )],
                ..Inspection::default()
            })
        })
}

fn folders(path: &Path) -> Result<Inspection, DataError> {
    let set = TrainingImages::open_folders(path).map_err(|error| match error {
        DataError::Unsuitable { .. } => unknown(path),
        other => other,
    })?;
    let mut inspection = training(&set)?;
    let splits = ["splits.txt", "splits_corrected.txt"]
        .map(|name| path.join(name))
        .into_iter()
        .find(|list| list.is_file());
    if let Some(list) = splits {
        inspection.notes.push(format!(
            "{} beside the folders is a list of pairs; inspect it too",
            super::error::shown(&list)
        ));
    }
    let videos = video_folders(path)?;
    if videos > 0 {
        inspection.videos = Some(videos);
        inspection.dialect = Some("videos".to_owned());
    }
    Ok(inspection)
}

/// Folders of images two levels down.
fn video_folders(root: &Path) -> Result<u64, DataError> {
    let folders = |path: &Path| -> Result<Vec<std::path::PathBuf>, DataError> {
        let entries = std::fs::read_dir(path).map_err(|error| DataError::read(path, error))?;
        Ok(entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect())
    };
    let mut count = 0;
    for person in folders(root)? {
        for video in folders(&person)? {
            count += u64::from(!frames_in(&video)?.is_empty());
        }
    }
    Ok(count)
}

fn verification(path: &Path) -> Result<Inspection, DataError> {
    let set = VerificationImages::open(path, None)?;
    let positive = set.pairs.iter().filter(|pair| pair.same).count() as u64;
    let mut notes = Vec::new();
    let image_size = match set.image(0) {
        Ok(image) => Some([image.width, image.height]),
        Err(error) => {
            notes.push(error.to_string());
            None
        }
    };
    if set.dialect() == PairsDialect::PixelArrays {
        notes.push(
            "pixels are stored as they are, likely red first; the channel order is not in the file"
                .to_owned(),
        );
    }
    Ok(Inspection {
        kind: if set.dialect() == PairsDialect::PixelArrays {
            SourceKind::Np
        } else {
            SourceKind::Bin
        },
        dialect: Some(word(set.dialect())?),
        images: Some(set.images() as u64),
        pairs: Some(PairCounts {
            positive,
            negative: set.pairs.len() as u64 - positive,
        }),
        image_size,
        notes,
        ..Inspection::default()
    })
}

fn image(path: &Path) -> Result<Inspection, DataError> {
    let bytes = std::fs::read(path).map_err(|error| DataError::read(path, error))?;
    let image = Image::decode(&bytes, &path.to_string_lossy())?;
    Ok(Inspection {
        images: Some(1),
        image_size: Some([image.width, image.height]),
        ..Inspection::default()
    })
}

fn config(path: &Path) -> Result<Inspection, DataError> {
    let config = crate::config::DataConfig::load(path)
        .map_err(|errors| DataError::Request(errors.to_string()))?;
    let mut notes: Vec<String> = config
        .training
        .keys()
        .map(|name| format!("training set [{}]", crate::untrusted::visible(name)))
        .collect();
    notes.extend(
        config
            .lfw
            .is_some()
            .then(|| "verification set [lfw]".to_owned()),
    );
    notes.extend(
        config
            .ytf
            .is_some()
            .then(|| "verification set [ytf]".to_owned()),
    );
    Ok(Inspection {
        kind: SourceKind::Config,
        notes,
        ..Inspection::default()
    })
}

/// Text is told by which of the readers takes it whole.
fn text(path: &Path) -> Result<Inspection, DataError> {
    if let Ok(set) = VideoSet::without_frames(path, None) {
        let positive = set.pairs.iter().filter(|pair| pair.same).count() as u64;
        return Ok(Inspection {
            kind: SourceKind::SplitList,
            pairs: Some(PairCounts {
                positive,
                negative: set.pairs.len() as u64 - positive,
            }),
            folds: Some(u64::from(set.folds())),
            videos: Some(set.videos.len() as u64),
            ..Inspection::default()
        });
    }
    let bytes = std::fs::read(path).map_err(|error| DataError::read(path, error))?;
    if let Ok(list) = pairs::read_image_pairs(path, &bytes) {
        let positive = list.pairs.iter().filter(|pair| pair.same).count() as u64;
        let names: std::collections::HashSet<&str> = list
            .pairs
            .iter()
            .flat_map(|pair| [pair.a.as_str(), pair.b.as_str()])
            .collect();
        return Ok(Inspection {
            kind: SourceKind::PairList,
            dialect: Some(word(list.dialect)?),
            images: Some(names.len() as u64),
            pairs: Some(PairCounts {
                positive,
                negative: list.pairs.len() as u64 - positive,
            }),
            folds: list
                .pairs
                .iter()
                .filter_map(|pair| pair.fold)
                .max()
                .map(|fold| u64::from(fold) + 1),
            ..Inspection::default()
        });
    }
    let root = path.parent().unwrap_or(Path::new("."));
    let error = match TrainingImages::open_list(path, root) {
        Ok(set) => return training(&set),
        Err(error) => error,
    };
    match super::video::read_error_list(path, &bytes) {
        Ok(names) if !names.is_empty() => Ok(Inspection {
            kind: SourceKind::ErrorList,
            videos: Some(names.len() as u64),
            ..Inspection::default()
        }),
        _ if first_line_fits(&error) => Err(error),
        _ => Err(unknown(path)),
    }
}

/// Whether a text is an image list up to a line further down, and so most likely one with a mistake.
fn first_line_fits(error: &DataError) -> bool {
    matches!(error, DataError::Malformed { place, .. } if place != "line 1")
}
