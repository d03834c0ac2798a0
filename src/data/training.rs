//! One training set, whatever form it has on disk.

use std::path::Path;
use std::sync::OnceLock;

use super::error::shown;
use super::list::{ImageList, ListDialect};
use super::record_set::{RecordLayout, RecordSet};
use super::{DataError, Image};
use crate::config::TrainingSet;

/// A training set: images with classes from 0, read when they are asked for, from any thread.
#[derive(Debug)]
pub struct TrainingImages {
    source: Source,
    members: OnceLock<Members>,
}

#[derive(Debug)]
enum Source {
    Records(RecordSet),
    Files(ImageList),
}

/// Images in the order of their classes, and where each class starts among them.
#[derive(Debug)]
struct Members {
    images: Vec<u32>,
    starts: Vec<usize>,
}

/// The form that a training set has on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum TrainingForm {
    /// A record file.
    Records(RecordLayout),
    /// A list or folders.
    Files(ListDialect),
}

impl TrainingImages {
    /// Opens what a section of `config.ini` names.
    ///
    /// # Errors
    /// When it is missing or not of its form.
    pub fn open(set: &TrainingSet) -> Result<Self, DataError> {
        match set {
            TrainingSet::MxRec(path) => Self::open_records(path),
            TrainingSet::List { train_list, prefix } => Self::open_list(train_list, prefix),
            TrainingSet::Folders(root) => Self::open_folders(root),
        }
    }

    /// Opens a folder with `train.rec`, or a `.rec` file.
    ///
    /// # Errors
    /// As [`TrainingImages::open`].
    pub fn open_records(path: &Path) -> Result<Self, DataError> {
        RecordSet::open(path).map(|records| Self::of(Source::Records(records)))
    }

    /// Opens an image list.
    ///
    /// # Errors
    /// As [`TrainingImages::open`].
    pub fn open_list(list: &Path, root: &Path) -> Result<Self, DataError> {
        ImageList::open(list, root).map(|files| Self::of(Source::Files(files)))
    }

    /// Opens a folder per identity.
    ///
    /// # Errors
    /// As [`TrainingImages::open`].
    pub fn open_folders(root: &Path) -> Result<Self, DataError> {
        ImageList::open_folders(root).map(|files| Self::of(Source::Files(files)))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            members: OnceLock::new(),
        }
    }

    fn class_list(&self) -> &[u32] {
        match &self.source {
            Source::Records(records) => records.classes(),
            Source::Files(files) => files.classes(),
        }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.class_list().len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of classes (people).
    pub fn classes(&self) -> u32 {
        match &self.source {
            Source::Records(records) => records.class_count(),
            Source::Files(files) => files.class_count(),
        }
    }

    /// The class of an image.
    ///
    /// # Panics
    /// When `index` is not below [`TrainingImages::len`].
    pub fn class_of(&self, index: usize) -> u32 {
        self.class_list()[index]
    }

    /// A person's name, where the set tells it.
    pub fn name_of_class(&self, class: u32) -> Option<&str> {
        match &self.source {
            Source::Records(records) => records.name_of_class(class),
            Source::Files(files) => files.name_of_class(class),
        }
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        match &self.source {
            Source::Records(records) => records.name_of_image(index),
            Source::Files(files) => shown(&files.path(index)),
        }
    }

    /// The form that the set has on disk.
    pub fn form(&self) -> TrainingForm {
        match &self.source {
            Source::Records(records) => TrainingForm::Records(records.layout()),
            Source::Files(files) => TrainingForm::Files(files.dialect()),
        }
    }

    /// Whether the `.idx` was missing and has been rebuilt.
    pub fn index_rebuilt(&self) -> bool {
        matches!(&self.source, Source::Records(records) if records.index_rebuilt())
    }

    /// What a user should know about how the set was opened.
    pub fn remarks(&self) -> Vec<String> {
        match &self.source {
            Source::Records(records) => records.remarks(),
            Source::Files(_) => Vec::new(),
        }
    }

    /// The images of a class.
    pub fn images_of_class(&self, class: u32) -> &[u32] {
        let members = self
            .members
            .get_or_init(|| members(self.class_list(), self.classes()));
        let class = class as usize;
        match (members.starts.get(class), members.starts.get(class + 1)) {
            (Some(start), Some(end)) => &members.images[*start..*end],
            _ => &[],
        }
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// When it can't be read or decoded, with its name.
    pub fn read(&self, index: usize) -> Result<Image, DataError> {
        let mut image = Image::default();
        self.read_again(index, &mut image, &mut Vec::new())?;
        Ok(image)
    }

    /// Reads an image's file into `bytes` and returns where in it the image starts.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read_bytes(&self, index: usize, bytes: &mut Vec<u8>) -> Result<usize, DataError> {
        match &self.source {
            Source::Records(records) => records.read_bytes(index, bytes),
            Source::Files(files) => files.read_bytes(index, bytes).map(|()| 0),
        }
    }

    /// Like [`TrainingImages::read`], into memory that is there already; `bytes` is scratch.
    ///
    /// # Errors
    /// As [`TrainingImages::read`].
    pub fn read_again(
        &self,
        index: usize,
        image: &mut Image,
        bytes: &mut Vec<u8>,
    ) -> Result<(), DataError> {
        let start = self.read_bytes(index, bytes)?;
        image
            .decode_again(&bytes[start..], "")
            .map_err(|error| match error {
                DataError::Image { problem, .. } => {
                    DataError::image(&self.name_of_image(index), problem)
                }
                other => other,
            })
    }

    /// The set as files of their own, if that is what it is.
    pub(super) fn files(&self) -> Option<&ImageList> {
        match &self.source {
            Source::Files(files) => Some(files),
            Source::Records(_) => None,
        }
    }

    /// A set of image files.
    pub(super) fn of_files(files: ImageList) -> Self {
        Self::of(Source::Files(files))
    }
}

fn members(classes: &[u32], count: u32) -> Members {
    let mut starts = vec![0; count as usize + 1];
    for class in classes {
        starts[*class as usize + 1] += 1;
    }
    for class in 1..starts.len() {
        starts[class] += starts[class - 1];
    }
    let mut next = starts.clone();
    let mut images = vec![0; classes.len()];
    for (image, class) in classes.iter().enumerate() {
        images[next[*class as usize]] = image as u32;
        next[*class as usize] += 1;
    }
    Members { images, starts }
}

/// Labels as classes from 0 without gaps, in the labels' order; and the label of each class.
pub(super) fn dense_classes(labels: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let classes = labels
        .iter()
        .map(|label| distinct.partition_point(|known| known < label) as u32)
        .collect();
    (classes, distinct)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_classes_are_all_images_once() {
        let members = members(&[2, 0, 2, 1, 0], 4);
        assert_eq!(members.images, [1, 4, 3, 0, 2]);
        assert_eq!(members.starts, [0, 2, 3, 5, 5]);
    }

    #[test]
    fn labels_become_dense_in_their_order() {
        assert_eq!(
            dense_classes(&[70, 3, 70, 9]),
            (vec![2, 0, 2, 1], vec![3, 9, 70])
        );
    }
}
