//! Sets of video pairs as YouTube Faces has them: a folder a person, in it a folder of frames a video.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::DataError;
use super::image::is_image_name;
use crate::untrusted::{visible, visible_path};

/// One video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Video {
    /// `person/number`, as the lists name it.
    pub name: String,
    /// Its frames in order; none when the video is not on disk.
    pub frames: Vec<PathBuf>,
}

/// Two videos, and whether they show the same person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoPair {
    /// Index of the first video.
    pub a: usize,
    /// Index of the second video.
    pub b: usize,
    /// Whether they show the same person.
    pub same: bool,
    /// The official fold, from 0.
    pub fold: u32,
}

/// A set of video pairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoSet {
    /// The videos that occur in pairs.
    pub videos: Vec<Video>,
    /// The pairs, in the list's order.
    pub pairs: Vec<VideoPair>,
    /// Names of the videos without frames on disk.
    pub missing: Vec<String>,
    /// Names of the videos that an error list calls mislabelled.
    pub mislabelled: BTreeSet<String>,
}

impl VideoSet {
    /// Reads the split list and the error list, and finds the frames.
    ///
    /// # Errors
    /// With the first line of a list that is of no known form, or when the frame folder can't be read.
    /// Videos that are not on disk are no error here: they are in `missing`.
    pub fn open(splits: &Path, frames: &Path, errors: Option<&Path>) -> Result<Self, DataError> {
        let mut set = Self::without_frames(splits, errors)?;
        std::fs::read_dir(frames).map_err(|error| DataError::read(frames, error))?;
        for video in &mut set.videos {
            let folder = frames.join(&video.name);
            if folder.is_dir() {
                video.frames = frames_in(&folder)?;
            }
            if video.frames.is_empty() {
                set.missing.push(video.name.clone());
            }
        }
        Ok(set)
    }

    /// The lists alone.
    ///
    /// # Errors
    /// With the first line of a list that is of no known form.
    pub fn without_frames(splits: &Path, errors: Option<&Path>) -> Result<Self, DataError> {
        let read = |path: &Path| std::fs::read(path).map_err(|error| DataError::read(path, error));
        let listed = read_splits(splits, &read(splits)?)?;
        let mislabelled = match errors {
            Some(path) => read_error_list(path, &read(path)?)?,
            None => BTreeSet::new(),
        };
        let mut videos: Vec<Video> = Vec::new();
        let mut known = HashMap::new();
        let mut index = |name: String| {
            *known.entry(name).or_insert_with_key(|name| {
                videos.push(Video {
                    name: name.clone(),
                    frames: Vec::new(),
                });
                videos.len() - 1
            })
        };
        let pairs = listed
            .into_iter()
            .map(|pair| VideoPair {
                a: index(pair.a),
                b: index(pair.b),
                same: pair.same,
                fold: pair.fold,
            })
            .collect();
        Ok(Self {
            videos,
            pairs,
            missing: Vec::new(),
            mislabelled,
        })
    }

    /// Number of folds.
    pub fn folds(&self) -> u32 {
        self.pairs
            .iter()
            .map(|pair| pair.fold + 1)
            .max()
            .unwrap_or(0)
    }

    /// Whether both videos of a pair are on disk.
    pub fn is_present(&self, pair: &VideoPair) -> bool {
        [pair.a, pair.b]
            .iter()
            .all(|video| !self.videos[*video].frames.is_empty())
    }

    /// Refuses a set of which some videos are not on disk.
    ///
    /// # Errors
    /// How many are missing, with the first of them.
    pub fn check_complete(&self, splits: &Path, frames: &Path) -> Result<(), DataError> {
        let Some(first) = self.missing.first() else {
            return Ok(());
        };
        let problem = format!(
            "{} of the {} videos that {} names are not in this folder, for instance {}; put them there, or leave their pairs out with --allow-missing",
            self.missing.len(),
            self.videos.len(),
            visible_path(splits),
            visible(first)
        );
        Err(DataError::unsuitable(frames, problem))
    }

    /// Whether the error list calls a video of a pair mislabelled.
    pub fn is_mislabelled(&self, pair: &VideoPair) -> bool {
        [pair.a, pair.b]
            .iter()
            .any(|video| self.mislabelled.contains(&self.videos[*video].name))
    }
}

/// A line of a split list.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ListedPair {
    a: String,
    b: String,
    same: bool,
    fold: u32,
}

/// `split, number, first, second, same` with or without the header, CRLF or a last line's end.
fn read_splits(path: &Path, text: &[u8]) -> Result<Vec<ListedPair>, DataError> {
    let text = String::from_utf8_lossy(text);
    let mut pairs = Vec::new();
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || (number == 0 && line.starts_with("split")) {
            continue;
        }
        let words: Vec<&str> = line.split(',').map(str::trim).collect();
        let pair = match words.as_slice() {
            [split, _, a, b, same @ ("0" | "1")] => split
                .parse()
                .ok()
                .filter(|split: &u32| (1..=1000).contains(split))
                .zip(video_name(a).zip(video_name(b)))
                .map(|(split, (a, b))| ListedPair {
                    a,
                    b,
                    same: *same == "1",
                    fold: split - 1,
                }),
            _ => None,
        };
        pairs.push(pair.ok_or_else(|| {
            let found = visible(line);
            DataError::malformed(
                path,
                format!("line {}", number + 1),
                format!(
                    "expected `split, number, first video, second video, 0 or 1`, found {found}"
                ),
            )
        })?);
    }
    if pairs.is_empty() {
        return Err(DataError::unsuitable(path, "holds no pairs"));
    }
    Ok(pairs)
}

/// Names of videos, one a line; `#` starts a comment.
pub(super) fn read_error_list(path: &Path, text: &[u8]) -> Result<BTreeSet<String>, DataError> {
    let text = String::from_utf8_lossy(text);
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number, line.split('#').next().unwrap_or("").trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            video_name(line).ok_or_else(|| {
                let found = visible(line);
                DataError::malformed(
                    path,
                    format!("line {}", number + 1),
                    format!("expected `person/number`, found {found}"),
                )
            })
        })
        .collect()
}

/// A video's name: a person and a video, and nothing that leads out of the frame folder.
fn video_name(word: &str) -> Option<String> {
    let (person, video) = word.trim_end_matches('/').split_once('/')?;
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains('/');
    (plain(person) && plain(video)).then(|| format!("{person}/{video}"))
}

/// The image files of a folder, ordered by the numbers in their names.
///
/// # Errors
/// When the folder can't be read.
pub fn frames_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::read(folder, error))? {
        let entry = entry.map_err(|error| DataError::read(folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_image_name(&name) {
            names.push((name, entry.path()));
        }
    }
    names.sort_by(|(a, _), (b, _)| natural_order(a, b));
    Ok(names.into_iter().map(|(_, path)| path).collect())
}

/// Text order in which runs of digits compare as numbers.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut rest_a, mut rest_b) = (a, b);
    while let (Some(first_a), Some(first_b)) = (rest_a.chars().next(), rest_b.chars().next()) {
        let order = if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (number_a, after_a) = digits(rest_a);
            let (number_b, after_b) = digits(rest_b);
            (rest_a, rest_b) = (after_a, after_b);
            number_a
                .len()
                .cmp(&number_b.len())
                .then_with(|| number_a.cmp(number_b))
        } else {
            (rest_a, rest_b) = (&rest_a[first_a.len_utf8()..], &rest_b[first_b.len_utf8()..]);
            first_a.cmp(&first_b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b))
}

/// The run of digits at the start without leading zeros, and what follows it.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_sort_by_number() {
        let mut names = [
            "a_3.78.jpg",
            "a_3.8.jpg",
            "a_3.1.jpg",
            "a_3.010.jpg",
            "a_3.100.jpg",
        ];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            [
                "a_3.1.jpg",
                "a_3.8.jpg",
                "a_3.010.jpg",
                "a_3.78.jpg",
                "a_3.100.jpg"
            ]
        );
    }

    #[test]
    fn all_forms_of_the_split_list_are_the_same() {
        let header = "split number, pair number in split, first name, second name, is same:\n";
        let lines = "1, 1, A_B/1, A_B/5, 1\n2, 1, C/0, A_B/1, 0\n";
        let expected = read_splits(Path::new("x"), lines.as_bytes()).unwrap();
        assert_eq!(
            (expected[1].fold, expected[1].same, expected[0].b.as_str()),
            (1, false, "A_B/5")
        );
        for text in [
            format!("{header}{lines}"),
            lines.replace('\n', "\r\n"),
            lines.trim_end().to_owned(),
        ] {
            assert_eq!(
                read_splits(Path::new("x"), text.as_bytes()).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn errors_name_file_and_line() {
        for line in [
            "1, 1, A/1, B/1",
            "0, 1, A/1, B/1, 1",
            "1, 1, ../../x, B/1, 1",
            "1, 1, A/1, B/1, 2",
        ] {
            let text = format!("1, 1, A/1, B/1, 1\n{line}\n");
            let message = read_splits(Path::new("splits.txt"), text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(message.starts_with("splits.txt, line 2"), "{message}");
        }
        assert!(
            read_error_list(Path::new("x"), b"Ali_Abbas/2\nnobody\n")
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }

    #[test]
    fn videos_that_are_not_there_are_told_and_no_error() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("A/1")).unwrap();
        std::fs::write(folder.path().join("A/1/aligned_detect_1.3.jpg"), "x").unwrap();
        let splits = folder.path().join("splits.txt");
        std::fs::write(&splits, "1, 1, A/1, A/2, 1\n1, 2, A/1, A/10, 0\n").unwrap();
        let errors = folder.path().join("error.txt");
        std::fs::write(&errors, "A/1\n").unwrap();
        let set = VideoSet::open(&splits, folder.path(), Some(&errors)).unwrap();
        assert_eq!(set.missing, ["A/2", "A/10"]);
        assert_eq!(set.videos[0].frames.len(), 1);
        assert!(set.is_mislabelled(&set.pairs[0]) && !set.is_present(&set.pairs[0]));
    }
}
