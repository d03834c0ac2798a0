//! A training set as RecordIO: which records are images, and of whom.
//!
//! InsightFace's layout has a record 0 that says where the identity records start, and one identity record
//! a person that says which images are theirs; files made by `im2rec` have image records only, each with
//! its person as label.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::error::shown;
use super::file;
use super::recordio::{RecordFile, RecordHeader, RecordIndex, parse_header};
use super::{DataError, Image};

/// Whole numbers below this are exact as f32; from here on a number may have been rounded to it.
const EXACT: f32 = 16_777_216.0;
/// No key of an image is as large.
const LARGEST_KEY: f32 = 1e12;
/// The largest `names.txt` that is read, in bytes.
const LARGEST_NAMES: u64 = 1 << 30;

/// The layout of a record file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordLayout {
    /// With record 0 and identity records.
    Insightface,
    /// Image records only.
    Plain,
}

/// A `train.rec` with all that is known about it without decoding an image.
#[derive(Debug)]
pub struct RecordSet {
    records: RecordFile,
    images: Places,
    /// The class of every image.
    classes: Vec<u32>,
    class_count: u32,
    names: Vec<String>,
    layout: RecordLayout,
    index: IndexOrigin,
}

/// Where the index came from.
#[derive(Debug)]
enum IndexOrigin {
    /// The `.idx`.
    File,
    /// A walk through the `.rec`; it is the `.idx` now.
    RebuiltAndKept,
    /// A walk through the `.rec`; why it could not be kept.
    Rebuilt(String),
}

/// Keys and offsets of images in key order; keys without gaps, which most sets have, take no memory.
#[derive(Debug)]
struct Places {
    first_key: u64,
    /// The keys, where they have gaps.
    keys: Option<Vec<u64>>,
    offsets: Vec<u64>,
}

impl Places {
    fn new(entries: &[(u64, u64)]) -> Self {
        let first_key = entries.first().map_or(0, |(key, _)| *key);
        let without_gaps = (first_key..)
            .zip(entries)
            .all(|(expected, (key, _))| expected == *key);
        Self {
            first_key,
            keys: (!without_gaps).then(|| entries.iter().map(|(key, _)| *key).collect()),
            offsets: entries.iter().map(|(_, offset)| *offset).collect(),
        }
    }

    fn key(&self, index: usize) -> u64 {
        match &self.keys {
            Some(keys) => keys[index],
            None => self.first_key + index as u64,
        }
    }
}

impl RecordSet {
    /// Opens a folder that holds `train.rec`, or a `.rec` file.
    ///
    /// A missing `.idx` is rebuilt by one walk through the file, and kept beside it where that can be written.
    ///
    /// # Errors
    /// When the files are missing or not what they should be.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let record_path = record_file(path)?;
        let records = RecordFile::open(&record_path)?;
        let index_path = record_path.with_extension("idx");
        let (index, origin) = if index_path.exists() {
            let index = RecordIndex::read(&index_path, records.length_bytes())?;
            (index, IndexOrigin::File)
        } else {
            let index = records.scan()?;
            let kept = crate::atomic::atomic_write_with(&index_path, |file| index.write(file));
            let origin = match kept {
                Ok(()) => IndexOrigin::RebuiltAndKept,
                Err(error) => IndexOrigin::Rebuilt(error.to_string()),
            };
            (index, origin)
        };
        let mut set = match identity_ranges(&records, &index)? {
            Some((images, ranges)) => Self::from_ranges(records, images, &ranges)?,
            None => Self::from_labels(records, &index)?,
        };
        set.index = origin;
        if set.classes.is_empty() {
            return Err(DataError::unsuitable(
                &record_path,
                "holds no image records",
            ));
        }
        set.names = names_beside(&record_path, set.class_count as usize);
        Ok(set)
    }

    fn from_ranges(
        records: RecordFile,
        images: &[(u64, u64)],
        ranges: &[(u64, u64)],
    ) -> Result<Self, DataError> {
        let mut classes = vec![u32::MAX; images.len()];
        for (class, &(first, last)) in ranges.iter().enumerate() {
            let start = images.partition_point(|(key, _)| *key < first);
            let end = images.partition_point(|(key, _)| *key < last);
            classes[start..end.max(start)].fill(class as u32);
        }
        if let Some(orphan) = classes.iter().position(|class| *class == u32::MAX) {
            let problem =
                "this image belongs to no identity record; does the .idx belong to this .rec?";
            return Err(DataError::malformed(
                records.path(),
                format!("record {}", images[orphan].0),
                problem,
            ));
        }
        Ok(Self {
            records,
            images: Places::new(images),
            classes,
            class_count: ranges.len() as u32,
            names: Vec::new(),
            layout: RecordLayout::Insightface,
            index: IndexOrigin::File,
        })
    }

    /// Labels are made dense, in their order. Each lies in its image's record, so all headers are read.
    fn from_labels(records: RecordFile, index: &RecordIndex) -> Result<Self, DataError> {
        let labels: Vec<u32> = index
            .entries()
            .par_iter()
            .map(|&(key, offset)| {
                label(&records.header(offset)?).map_err(|problem| {
                    DataError::malformed(records.path(), format!("record {key}"), problem)
                })
            })
            .collect::<Result<_, _>>()?;
        let (classes, distinct) = super::training::dense_classes(&labels);
        Ok(Self {
            records,
            images: Places::new(index.entries()),
            classes,
            class_count: distinct.len() as u32,
            names: Vec::new(),
            layout: RecordLayout::Plain,
            index: IndexOrigin::File,
        })
    }

    /// The class of every image.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Number of people.
    pub fn class_count(&self) -> u32 {
        self.class_count
    }

    /// A person's name from `names.txt` beside the file, where there is one.
    pub fn name_of_class(&self, class: u32) -> Option<&str> {
        self.names.get(class as usize).map(String::as_str)
    }

    /// Which layout the file has.
    pub fn layout(&self) -> RecordLayout {
        self.layout
    }

    /// Whether there was no `.idx`.
    pub fn index_rebuilt(&self) -> bool {
        !matches!(self.index, IndexOrigin::File)
    }

    /// What a user should know about how the set was opened.
    pub fn remarks(&self) -> Vec<String> {
        match &self.index {
            IndexOrigin::File => Vec::new(),
            IndexOrigin::RebuiltAndKept => {
                vec![
                    "there was no .idx; it was rebuilt from the .rec and kept beside it".to_owned(),
                ]
            }
            IndexOrigin::Rebuilt(reason) => vec![format!(
                "there is no .idx; it was rebuilt from the .rec for this time only, because it could not be written: {reason}"
            )],
        }
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        let record = if index < self.classes.len() {
            self.images.key(index)
        } else {
            0
        };
        format!("{}, record {record}", shown(self.records.path()))
    }

    /// Reads an image's file into `payload` and returns where in it the image starts.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn read_bytes(&self, index: usize, payload: &mut Vec<u8>) -> Result<usize, DataError> {
        Ok(self.read_record(index, payload)?.image_start)
    }

    /// As [`RecordSet::read_bytes`], with all that the record's header says.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn read_record(
        &self,
        index: usize,
        payload: &mut Vec<u8>,
    ) -> Result<RecordHeader, DataError> {
        let &offset = self.images.offsets.get(index).ok_or_else(|| {
            DataError::unsuitable(self.records.path(), format!("has no image {index}"))
        })?;
        self.records.read(offset, payload)?;
        parse_header(payload).map_err(|problem| {
            let record = format!("record {}", self.images.key(index));
            DataError::malformed(self.records.path(), record, problem)
        })
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// When the record can't be read or decoded.
    pub fn read(&self, index: usize) -> Result<Image, DataError> {
        let mut payload = Vec::new();
        let start = self.read_bytes(index, &mut payload)?;
        Image::decode(&payload[start..], &self.name_of_image(index))
    }
}

/// The `.rec` file that a path means: itself, or `train.rec` in it, or the only one in it.
pub(super) fn record_file(path: &Path) -> Result<PathBuf, DataError> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let usual = path.join("train.rec");
    if usual.exists() {
        return Ok(usual);
    }
    let entries = std::fs::read_dir(path).map_err(|error| DataError::read(path, error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|file| file.extension().is_some_and(|extension| extension == "rec"))
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(DataError::unsuitable(
            path,
            "no train.rec in this folder; give the folder (or the .rec file) that mxrec means",
        )),
    }
}

/// The lines of `names.txt`, if it names every class.
fn names_beside(record_path: &Path, classes: usize) -> Vec<String> {
    let path = record_path.with_file_name("names.txt");
    let text = file::read(&path, LARGEST_NAMES, "a list of names").unwrap_or_default();
    let names: Vec<String> = String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_owned)
        .collect();
    if names.len() == classes {
        names
    } else {
        Vec::new()
    }
}

fn label(header: &RecordHeader) -> Result<u32, String> {
    let label = header.labels.first().copied().unwrap_or(-1.0);
    if (0.0..EXACT).contains(&label) && label.fract() == 0.0 {
        Ok(label as u32)
    } else {
        Err(format!(
            "the label {label} is not a whole number from 0 to 16777215"
        ))
    }
}

type Images<'a> = &'a [(u64, u64)];
type Ranges = Vec<(u64, u64)>;

/// The numbers of a record that holds a range and no image: record 0, or an identity record.
fn range_at(records: &RecordFile, offset: u64) -> Result<Option<[f32; 2]>, DataError> {
    let header = records.header(offset)?;
    Ok(match header.labels.as_slice() {
        &[first, last] if header.flag == 2 && header.image_bytes == 0 => Some([first, last]),
        _ => None,
    })
}

/// The images, and each person's range of keys, if the file has InsightFace's layout.
fn identity_ranges<'a>(
    records: &RecordFile,
    index: &'a RecordIndex,
) -> Result<Option<(Images<'a>, Ranges)>, DataError> {
    let Some(zero) = index.offset(0) else {
        return Ok(None);
    };
    let Some([first_identity, end]) = range_at(records, zero)? else {
        return Ok(None);
    };
    let all = index.between(1, u64::MAX);
    let (images, identities) = if first_identity >= 1.0 && end < EXACT {
        let first_identity = first_identity as u64;
        (
            index.between(1, first_identity),
            index.between(first_identity, end as u64),
        )
    } else {
        // Record 0's own numbers are rounded, so the first identity record is looked for.
        let (mut low, mut high) = (0, all.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if range_at(records, all[middle].1)?.is_some() {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        all.split_at(low)
    };
    let mut ranges = Vec::with_capacity(identities.len());
    for &(key, offset) in identities {
        let range = range_at(records, offset)?
            .filter(|[first, last]| *first >= 1.0 && last >= first && *last < LARGEST_KEY);
        let Some(range) = range else {
            let problem = "expected an identity record with the range of its images";
            return Err(DataError::malformed(
                records.path(),
                format!("record {key}"),
                problem,
            ));
        };
        ranges.push(range);
    }
    let exact = exact_ranges(records, images, &ranges)?;
    Ok(Some((images, exact)))
}

/// Ranges whose rounded ends (from 2^24 on) are replaced by where the images' own labels change.
///
/// Identity records come in the order of their labels, so a few headers around each rounded end tell it.
fn exact_ranges(
    records: &RecordFile,
    images: Images<'_>,
    ranges: &[[f32; 2]],
) -> Result<Ranges, DataError> {
    let label_at = |place: usize| -> Result<f32, DataError> {
        let labels = records.header(images[place].1)?.labels;
        Ok(labels.first().copied().unwrap_or(f32::NAN))
    };
    // The key of the first image whose label is `class` or more, which was rounded to `near`.
    let first_of = |class: usize, near: f32| -> Result<u64, DataError> {
        let (key, slack) = (near as u64, rounding(near));
        let mut low = images.partition_point(|(known, _)| *known < key.saturating_sub(slack));
        let mut high = images.partition_point(|(known, _)| *known <= key + slack);
        while low < high {
            let middle = usize::midpoint(low, high);
            if label_at(middle)? < class as f32 {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let after_all = images.last().map_or(0, |(key, _)| key + 1);
        Ok(images.get(low).map_or(after_all, |(key, _)| *key))
    };
    let mut exact: Ranges = Vec::with_capacity(ranges.len());
    for (class, &[first, last]) in ranges.iter().enumerate() {
        let adjoins = class > 0 && ranges[class - 1][1].to_bits() == first.to_bits();
        let start = match exact.last() {
            _ if first < EXACT => first as u64,
            Some((_, end)) if adjoins => *end,
            _ => first_of(class, first)?,
        };
        let end = if last < EXACT {
            last as u64
        } else {
            first_of(class + 1, last)?
        };
        let place = images.partition_point(|(key, _)| *key < start);
        if last >= EXACT && start < end && place < images.len() {
            let label = label_at(place)?;
            if label.to_bits() != (class as f32).to_bits() {
                let problem = format!(
                    "has the label {label}, but lies where the images of person {class} start; the set's identity records and labels disagree"
                );
                let record = format!("record {}", images[place].0);
                return Err(DataError::malformed(records.path(), record, problem));
            }
        }
        exact.push((start, end));
    }
    Ok(exact)
}

/// How far a whole number can lie from the f32 that it was rounded to.
fn rounding(value: f32) -> u64 {
    (f32::from_bits(value.to_bits() + 1) - value) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::recordio::{RecordWriter, index_text};

    /// Images of the classes `counts`, keys from `first_key`, record 0 last as MXNet's users write it.
    fn write_set(folder: &Path, counts: &[usize], first_key: u64, with_index: bool) {
        let mut writer = RecordWriter::new(Vec::new());
        let mut key = first_key;
        let mut ranges = Vec::new();
        for (class, count) in counts.iter().enumerate() {
            let start = key;
            for _ in 0..*count {
                if key.is_multiple_of(2) {
                    writer
                        .write_image(key, class as f32, &[class as u8])
                        .unwrap();
                } else {
                    writer
                        .write_labels(key, &[class as f32, 9.0], &[class as u8])
                        .unwrap();
                }
                key += 1;
            }
            ranges.push([start as f32, key as f32]);
        }
        let first_identity = key;
        for range in ranges {
            writer.write_labels(key, &range, &[]).unwrap();
            key += 1;
        }
        writer
            .write_labels(0, &[first_identity as f32, key as f32], &[])
            .unwrap();
        let (bytes, index) = writer.finish().unwrap();
        std::fs::write(folder.join("train.rec"), bytes).unwrap();
        if with_index {
            std::fs::write(folder.join("train.idx"), index_text(&index)).unwrap();
        }
    }

    fn expected(counts: &[usize]) -> Vec<u32> {
        counts
            .iter()
            .enumerate()
            .flat_map(|(class, count)| vec![class as u32; *count])
            .collect()
    }

    #[test]
    fn the_insightface_layout_is_read_with_and_without_an_index() {
        for with_index in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            write_set(folder.path(), &[3, 1, 4], 1, with_index);
            let set = RecordSet::open(folder.path()).unwrap();
            assert_eq!(set.layout(), RecordLayout::Insightface);
            assert_eq!(set.classes(), expected(&[3, 1, 4]));
            assert_eq!(set.index_rebuilt(), !with_index);
            let mut payload = Vec::new();
            let start = set.read_bytes(3, &mut payload).unwrap();
            assert_eq!(payload[start..], [1]);
            assert!(
                folder.path().join("train.idx").exists(),
                "the index is kept"
            );
        }
    }

    #[test]
    fn ranges_beyond_exact_floats_are_recovered_from_the_labels() {
        for counts in [
            &[20usize, 21, 23, 20][..],
            &[1, 1, 1, 2, 1, 1, 3, 1],
            &[7, 1, 1, 9, 33],
        ] {
            for first_key in [(1 << 24) - 5, (1 << 24) + 1, (1 << 25) + 3] {
                let folder = tempfile::tempdir().unwrap();
                write_set(folder.path(), counts, first_key, true);
                let set = RecordSet::open(folder.path()).unwrap();
                assert_eq!(
                    set.classes(),
                    expected(counts),
                    "{counts:?} from {first_key}"
                );
            }
        }
    }

    #[test]
    fn image_records_alone_make_a_set_by_their_labels() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = RecordWriter::new(Vec::new());
        for (key, label) in [(0, 30.0), (5, 10.0), (9, 30.0)] {
            writer.write_image(key, label, &[1]).unwrap();
        }
        std::fs::write(folder.path().join("other.rec"), writer.finish().unwrap().0).unwrap();
        let set = RecordSet::open(folder.path()).unwrap();
        assert_eq!(
            (set.layout(), set.classes(), set.class_count()),
            (RecordLayout::Plain, &[1, 0, 1][..], 2)
        );
    }

    #[test]
    fn a_set_cut_at_any_byte_never_panics() {
        let folder = tempfile::tempdir().unwrap();
        write_set(folder.path(), &[2, 2], 1, true);
        let bytes = std::fs::read(folder.path().join("train.rec")).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(folder.path().join("train.rec"), &bytes[..length]).unwrap();
            assert!(RecordSet::open(folder.path()).is_err(), "{length}");
        }
    }

    #[test]
    fn an_index_of_another_file_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().unwrap();
        write_set(folder.path(), &[2, 2], 1, true);
        std::fs::write(folder.path().join("train.idx"), "0\t4\n1\t8\n").unwrap();
        let message = RecordSet::open(folder.path()).unwrap_err().to_string();
        assert!(message.contains(".idx"), "{message}");
    }
}
