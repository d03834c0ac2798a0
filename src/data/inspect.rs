//! What a file or folder is, and what is in it.

use std::path::Path;

use serde::Serialize;

use super::error::shown;
use super::pairs::PairList;
use super::recognise::{Recognised, box_lists, recognise};
use super::{
    DataError, Image, ImageList, ListDialect, PairsDialect, RecordLayout, TrainingForm,
    TrainingImages, VerificationImages, VideoSet,
};
use crate::config::DataConfig;
use crate::untrusted::visible;

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

/// Finds out what a path holds; `root` is the folder that a list's paths are relative to.
///
/// Without it, an image list's paths are relative to the list's own folder, and a list of pairs is told by its
/// lines alone.
///
/// # Errors
/// When it can't be read, or is nothing that is known.
pub fn inspect(path: &Path, root: Option<&Path>) -> Result<Inspection, DataError> {
    describe(&recognise(path, root)?, path)
}

/// What opened data are.
pub(super) fn describe(found: &Recognised, path: &Path) -> Result<Inspection, DataError> {
    match found {
        Recognised::Training(set) => training(set, path),
        Recognised::Records { count, problem } => Ok(Inspection {
            kind: SourceKind::Recordio,
            images: Some(*count),
            notes: vec![format!(
                "the records are whole, but no training set: {problem}"
            )],
            ..Inspection::default()
        }),
        Recognised::Pairs(set) => verification(set),
        Recognised::PairList(list) => pair_list(list),
        Recognised::Videos(set) => Ok(videos(set)),
        Recognised::ErrorList(names) => Ok(Inspection {
            kind: SourceKind::ErrorList,
            videos: Some(names.len() as u64),
            ..Inspection::default()
        }),
        Recognised::Image(path) => {
            let image = Image::open(path)?;
            Ok(Inspection {
                images: Some(1),
                image_size: Some([image.width, image.height]),
                ..Inspection::default()
            })
        }
        Recognised::Config(config) => Ok(Inspection {
            kind: SourceKind::Config,
            notes: sections(config),
            ..Inspection::default()
        }),
    }
}

/// The kind of a training set, and its form in a word.
fn kind_and_dialect(form: TrainingForm) -> Result<(SourceKind, String), DataError> {
    Ok(match form {
        TrainingForm::Records(RecordLayout::Insightface) => {
            (SourceKind::Recordio, "insightface".to_owned())
        }
        TrainingForm::Records(RecordLayout::Plain) => (SourceKind::Recordio, "plain".to_owned()),
        TrainingForm::Files(ListDialect::Folders) => (SourceKind::Folders, "images".to_owned()),
        TrainingForm::Files(dialect) => (SourceKind::ImageList, word(dialect)?),
    })
}

pub(super) fn training(set: &TrainingImages, path: &Path) -> Result<Inspection, DataError> {
    let (kind, dialect) = kind_and_dialect(set.form())?;
    let mut notes = set.remarks();
    let image_size = match set.read(0) {
        Ok(image) => Some([image.width, image.height]),
        Err(error) => {
            notes.push(error.to_string());
            None
        }
    };
    let sizes = (0..set.classes()).map(|class| set.images_of_class(class).len() as u64);
    let mut inspection = Inspection {
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
    };
    if kind == SourceKind::Folders {
        look_around(&mut inspection, set.files(), path);
    }
    Ok(inspection)
}

/// What else there is to say about a folder of people: videos, lists beside them, whole frames.
fn look_around(inspection: &mut Inspection, files: Option<&ImageList>, folder: &Path) {
    let videos = files.map_or(0, ImageList::video_count);
    if videos > 0 {
        inspection.videos = Some(videos);
        inspection.dialect = Some("videos".to_owned());
    }
    let splits = ["splits.txt", "splits_corrected.txt"]
        .map(|name| folder.join(name))
        .into_iter()
        .find(|list| list.is_file());
    if let Some(list) = splits {
        inspection.notes.push(format!(
            "{} beside the folders is a list of pairs; inspect it too",
            shown(&list)
        ));
    }
    let lists = box_lists(folder).len();
    if lists > 0 {
        inspection.dialect = Some("videos-of-whole-frames".to_owned());
        inspection.notes.push(format!(
            "{lists} lists of labelled faces say where the faces are; the frames themselves are not cropped"
        ));
    }
}

/// How JSON names a value without fields.
fn word(value: impl Serialize) -> Result<String, DataError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(DataError::Request("a dialect has no name".to_owned())),
    }
}

pub(super) fn verification(set: &VerificationImages) -> Result<Inspection, DataError> {
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
        kind: match set.dialect() {
            PairsDialect::PixelArrays => SourceKind::Np,
            PairsDialect::LfwPairs | PairsDialect::FlagList => SourceKind::PairList,
            _ => SourceKind::Bin,
        },
        dialect: Some(word(set.dialect())?),
        images: Some(set.images() as u64),
        pairs: Some(counts(set.pairs.iter().map(|pair| pair.same))),
        folds: folds(set.pairs.iter().map(|pair| pair.fold)),
        image_size,
        notes,
        ..Inspection::default()
    })
}

fn pair_list(list: &PairList) -> Result<Inspection, DataError> {
    let names: std::collections::HashSet<&str> = list
        .pairs
        .iter()
        .flat_map(|pair| [pair.a.as_str(), pair.b.as_str()])
        .collect();
    Ok(Inspection {
        kind: SourceKind::PairList,
        dialect: Some(word(list.dialect)?),
        images: Some(names.len() as u64),
        pairs: Some(counts(list.pairs.iter().map(|pair| pair.same))),
        folds: folds(list.pairs.iter().map(|pair| pair.fold)),
        ..Inspection::default()
    })
}

pub(super) fn videos(set: &VideoSet) -> Inspection {
    let frames: u64 = set
        .videos
        .iter()
        .map(|video| video.frames.len() as u64)
        .sum();
    let mut notes = Vec::new();
    if let Some(first) = set.missing.first() {
        notes.push(format!(
            "{} of the {} videos are not in the folder, for instance {}",
            set.missing.len(),
            set.videos.len(),
            visible(first)
        ));
    }
    Inspection {
        kind: SourceKind::SplitList,
        images: (frames > 0).then_some(frames),
        pairs: Some(counts(set.pairs.iter().map(|pair| pair.same))),
        folds: Some(u64::from(set.folds())),
        videos: Some(set.videos.len() as u64),
        notes,
        ..Inspection::default()
    }
}

fn counts(same: impl Iterator<Item = bool>) -> PairCounts {
    let mut counts = PairCounts {
        positive: 0,
        negative: 0,
    };
    for same in same {
        if same {
            counts.positive += 1;
        } else {
            counts.negative += 1;
        }
    }
    counts
}

fn folds(folds: impl Iterator<Item = Option<u32>>) -> Option<u64> {
    folds.flatten().max().map(|fold| u64::from(fold) + 1)
}

fn sections(config: &DataConfig) -> Vec<String> {
    let mut notes: Vec<String> = config
        .training
        .keys()
        .map(|name| format!("training set [{}]", visible(name)))
        .collect();
    let verification = config.verification();
    notes.extend(verification.map(|name| format!("verification set [{name}]")));
    notes
}
