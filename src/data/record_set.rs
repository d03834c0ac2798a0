//! A training set as RecordIO: which records are images, and of whom.
//!
//! InsightFace's layout has a record 0 that says where the identity records start, and one identity record
//! a person that says which images are theirs; files made by `im2rec` have image records only, each with
//! its person as label.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::recordio::{RecordFile, RecordHeader, index_text, parse_header, read_index};
use super::{DataError, Image};

/// Whole numbers up to here are exact as f32.
const EXACT: f32 = 16_777_216.0;

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
    /// Key and offset of every image, in key order.
    images: Vec<(u64, u64)>,
    /// The class of every image.
    classes: Vec<u32>,
    class_count: u32,
    names: Vec<String>,
    layout: RecordLayout,
    index_rebuilt: bool,
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
        let index_rebuilt = !index_path.exists();
        let index = if index_rebuilt {
            let index = records.scan()?;
            // Only a convenience for the next time: a folder that can't be written is no reason to fail.
            let _ = crate::atomic::atomic_write(&index_path, index_text(&index).as_bytes());
            index
        } else {
            read_index(&index_path)?
        };
        let mut set = match insightface_ranges(&records, &index)? {
            Some((images, ranges)) => Self::from_ranges(records, images, &ranges)?,
            None => Self::from_labels(records, index)?,
        };
        set.index_rebuilt = index_rebuilt;
        if set.images.is_empty() {
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
        images: Vec<(u64, u64)>,
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
        let class_count = ranges.len() as u32;
        let layout = RecordLayout::Insightface;
        Ok(Self {
            records,
            images,
            classes,
            class_count,
            names: Vec::new(),
            layout,
            index_rebuilt: false,
        })
    }

    /// Labels are made dense, in their order.
    fn from_labels(records: RecordFile, index: BTreeMap<u64, u64>) -> Result<Self, DataError> {
        let images: Vec<(u64, u64)> = index.into_iter().collect();
        let mut labels = Vec::with_capacity(images.len());
        for &(key, offset) in &images {
            labels.push(label(&records.header(offset)?).map_err(|problem| {
                DataError::malformed(records.path(), format!("record {key}"), problem)
            })?);
        }
        let (classes, distinct) = super::training::dense_classes(&labels);
        let class_count = distinct.len() as u32;
        let layout = RecordLayout::Plain;
        Ok(Self {
            records,
            images,
            classes,
            class_count,
            names: Vec::new(),
            layout,
            index_rebuilt: false,
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
        self.index_rebuilt
    }

    /// Where an image comes from, for messages.
    pub fn name_of_image(&self, index: usize) -> String {
        let key = self.images.get(index).map_or(0, |(key, _)| *key);
        format!("{}, record {key}", self.records.path().display())
    }

    /// Reads an image's file into `payload` and returns where in it the image starts.
    ///
    /// # Errors
    /// When the record can't be read.
    pub fn read_bytes(&self, index: usize, payload: &mut Vec<u8>) -> Result<usize, DataError> {
        let &(key, offset) = self.images.get(index).ok_or_else(|| {
            DataError::unsuitable(self.records.path(), format!("has no image {index}"))
        })?;
        self.records.read(offset, payload)?;
        let header = parse_header(payload).map_err(|problem| {
            DataError::malformed(self.records.path(), format!("record {key}"), problem)
        })?;
        Ok(header.image_start)
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
    let text = std::fs::read(record_path.with_file_name("names.txt")).unwrap_or_default();
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

type Images = Vec<(u64, u64)>;
type Ranges = Vec<(u64, u64)>;

/// The images, and each person's range of keys, if the file has InsightFace's layout.
fn insightface_ranges(
    records: &RecordFile,
    index: &BTreeMap<u64, u64>,
) -> Result<Option<(Images, Ranges)>, DataError> {
    let mut payload = Vec::new();
    let mut range_at = |offset: u64| -> Result<Option<[f32; 2]>, DataError> {
        records.read(offset, &mut payload)?;
        let header =
            parse_header(&payload).map_err(|problem| records.malformed(offset, problem))?;
        let is_range = header.flag == 2 && header.image_start == payload.len();
        Ok(is_range.then(|| [header.labels[0], header.labels[1]]))
    };
    let Some(&zero) = index.get(&0) else {
        return Ok(None);
    };
    if range_at(zero)?.is_none() {
        return Ok(None);
    }
    // Record 0's own numbers are rounded in large sets, so the first identity record is looked for.
    let mut images: Images = index
        .range(1..)
        .map(|(key, offset)| (*key, *offset))
        .collect();
    let (mut low, mut high) = (0, images.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        if range_at(images[middle].1)?.is_some() {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let identities = images.split_off(low);
    let mut ranges = Vec::with_capacity(identities.len());
    for (key, offset) in identities {
        let range = range_at(offset)?.filter(|[first, last]| *first >= 1.0 && last >= first);
        let Some([first, last]) = range else {
            let problem = "expected an identity record with the range of its images";
            return Err(DataError::malformed(
                records.path(),
                format!("record {key}"),
                problem,
            ));
        };
        ranges.push([first, last]);
    }
    let exact = exact_ranges(records, &images, &ranges)?;
    Ok(Some((images, exact)))
}

/// Ranges whose rounded ends (above 2^24) are replaced by where the images' own labels change.
fn exact_ranges(
    records: &RecordFile,
    images: &Images,
    ranges: &[[f32; 2]],
) -> Result<Ranges, DataError> {
    let label_of = |key: u64| -> Result<Option<f32>, DataError> {
        match images.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => Ok(records.header(images[at].1)?.labels.first().copied()),
            Err(_) => Ok(None),
        }
    };
    let mut exact = Vec::with_capacity(ranges.len());
    for (class, &[first, last]) in ranges.iter().enumerate() {
        let (mut start, mut end) = (first as u64, last as u64);
        if last >= EXACT {
            let slack = rounding(last);
            // An image well inside the range tells the person's label; a short range is told by its number.
            let label = if end - start > 4 * slack {
                label_of(u64::midpoint(start, end))?
            } else {
                Some(class as f32)
            };
            if first >= EXACT {
                start = start.saturating_sub(slack);
                while start < end + slack && label_of(start)? != label {
                    start += 1;
                }
            }
            end = end.saturating_sub(slack).max(start);
            while label_of(end)? == label {
                end += 1;
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
    use crate::data::recordio::RecordWriter;

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
