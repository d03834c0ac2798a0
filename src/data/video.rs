//! Sets of video pairs as YouTube Faces has them: a folder a person, in it a folder of frames a video.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::content::Content;
use super::image::is_image_name;
use super::verification::LARGEST_LIST;
use super::{DataError, file};
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
        set.videos.par_iter_mut().try_for_each(|video| {
            let folder = frames.join(&video.name);
            if folder.is_dir() {
                video.frames = frames_of(&folder)?;
            }
            Ok(())
        })?;
        let missing = set.videos.iter().filter(|video| video.frames.is_empty());
        set.missing = missing.map(|video| video.name.clone()).collect();
        Ok(set)
    }

    /// Keeps at most `most` frames of each video, spread evenly over it: the middle one of each of so many stretches.
    pub fn limit_frames(&mut self, most: usize) {
        for video in &mut self.videos {
            let places = spread_evenly(video.frames.len(), most);
            if places.len() < video.frames.len() {
                let frames = places.iter().map(|&place| video.frames[place].clone());
                video.frames = frames.collect();
            }
        }
    }

    /// A hash of the videos in their order, by names, lengths and times of change of their frames.
    ///
    /// # Errors
    /// When a file can't be looked at.
    pub fn content(&self) -> Result<String, DataError> {
        let mut content = Content::of("videos");
        let mut files = Vec::new();
        for video in &self.videos {
            content.add(video.name.as_bytes());
            content.add(&(video.frames.len() as u64).to_le_bytes());
            for frame in &video.frames {
                let name = frame.file_name().and_then(|name| name.to_str());
                files.push((name.unwrap_or_default(), frame.as_path()));
            }
        }
        content.add_files(&files)?;
        Ok(content.hash())
    }

    /// The lists alone.
    ///
    /// # Errors
    /// With the first line of a list that is of no known form.
    pub fn without_frames(splits: &Path, errors: Option<&Path>) -> Result<Self, DataError> {
        let read = |path: &Path| file::read(path, LARGEST_LIST, "a list of videos");
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

    /// Refuses a set of which some videos are not on disk.
    ///
    /// # Errors
    /// Which are missing: by name, as far as a message can name them.
    pub fn check_complete(&self, splits: &Path, frames: &Path) -> Result<(), DataError> {
        const NAMED: usize = 20;
        if self.missing.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = self
            .missing
            .iter()
            .take(NAMED)
            .map(|name| visible(name))
            .collect();
        let more = match self.missing.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let problem = format!(
            "{} of the {} videos that {} names are not in this folder: {}{more}; put them there, or leave their pairs out with --allow-missing",
            self.missing.len(),
            self.videos.len(),
            visible_path(splits),
            named.join(", "),
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
///
/// Splits are numbered from 1, one after the other: folds by position would else be other ones than the list's own.
fn read_splits(path: &Path, text: &[u8]) -> Result<Vec<ListedPair>, DataError> {
    let text = String::from_utf8_lossy(text);
    let mut pairs: Vec<ListedPair> = Vec::new();
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
        let place = || format!("line {}", number + 1);
        let pair = pair.ok_or_else(|| {
            let found = visible(line);
            let problem = format!(
                "expected `split, number, first video, second video, 0 or 1`, found {found}"
            );
            DataError::malformed(path, place(), problem)
        })?;
        let (found, last) = (pair.fold + 1, pairs.last().map_or(0, |pair| pair.fold + 1));
        let problem = match found {
            _ if found == last || found == last + 1 => None,
            _ if found < last => Some(format!(
                "split {found} comes after split {last}; sort the pairs by their splits"
            )),
            _ => Some(format!(
                "split {found} stands where split {} should begin; figures of a list that lacks a split are other figures",
                last + 1
            )),
        };
        if let Some(problem) = problem {
            return Err(DataError::malformed(path, place(), problem));
        }
        pairs.push(pair);
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

/// The frames of a video: those in its folder, then those in each folder in it, of which each is a medium of its own
/// (a shot, a photograph).
///
/// # Errors
/// When a folder can't be read.
pub fn frames_of(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut frames = Vec::new();
    let mut media = Vec::new();
    for (name, entry) in entries(folder)? {
        if is_image_name(&name) {
            frames.push((name, entry.path()));
        } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            media.push((name, entry.path()));
        }
    }
    let mut frames = in_natural_order(frames);
    for medium in in_natural_order(media) {
        frames.extend(frames_in(&medium)?);
    }
    Ok(frames)
}

/// At most `most` of `count` places, spread evenly: the middle one of each of so many stretches.
pub fn spread_evenly(count: usize, most: usize) -> Vec<usize> {
    let most = most.min(count);
    let middle = |nth| (2 * nth + 1) * count / (2 * most);
    (0..most).map(middle).collect()
}

/// The image files of a folder, ordered by the numbers in their names.
///
/// # Errors
/// When the folder can't be read.
fn frames_in(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let images = entries(folder)?
        .into_iter()
        .filter(|(name, _)| is_image_name(name))
        .map(|(name, entry)| (name, entry.path()));
    Ok(in_natural_order(images.collect()))
}

/// What is in a folder, without hidden files: those with an image's name are what other systems keep about the image.
fn entries(folder: &Path) -> Result<Vec<(String, DirEntry)>, DataError> {
    let read = |error| DataError::read(folder, error);
    std::fs::read_dir(folder)
        .map_err(read)?
        .map(|entry| {
            let entry = entry.map_err(read)?;
            Ok((entry.file_name().to_string_lossy().into_owned(), entry))
        })
        .filter(|entry| !matches!(entry, Ok((name, _)) if name.starts_with('.')))
        .collect()
}

fn in_natural_order(mut named: Vec<(String, PathBuf)>) -> Vec<PathBuf> {
    named.sort_by(|(a, _), (b, _)| natural_order(a, b));
    named.into_iter().map(|(_, path)| path).collect()
}

/// Text order in which runs of digits compare as numbers.
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    // Bytes of UTF-8 are in the order of the letters that they stand for.
    let (mut rest_a, mut rest_b) = (a.as_bytes(), b.as_bytes());
    while let ([first_a, after_a @ ..], [first_b, after_b @ ..]) = (rest_a, rest_b) {
        let order = if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (number_a, after_a) = digits(rest_a);
            let (number_b, after_b) = digits(rest_b);
            (rest_a, rest_b) = (after_a, after_b);
            number_a
                .len()
                .cmp(&number_b.len())
                .then_with(|| number_a.cmp(number_b))
        } else {
            (rest_a, rest_b) = (after_a, after_b);
            first_a.cmp(first_b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    rest_a.len().cmp(&rest_b.len()).then_with(|| a.cmp(b))
}

/// The run of digits at the start without leading zeros, and what follows it.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let other = |byte: &u8| !byte.is_ascii_digit();
    let end = text.iter().position(other).unwrap_or(text.len());
    let zeros = text[..end].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..end], &text[end..])
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
            "3, 1, A/1, B/1, 1",
        ] {
            let text = format!("1, 1, A/1, B/1, 1\n{line}\n");
            let message = read_splits(Path::new("splits.txt"), text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(message.starts_with("splits.txt, line 2"), "{message}");
        }
        for (text, words) in [
            (
                "1, 1, A/1, B/1, 1\n2, 1, A/1, B/1, 1\n1, 2, A/1, B/1, 1\n",
                "line 3: split 1 comes after split 2",
            ),
            (
                "2, 1, A/1, B/1, 1\n",
                "line 1: split 2 stands where split 1 should begin",
            ),
        ] {
            let message = read_splits(Path::new("x"), text.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(message.contains(words), "{message}");
        }
        assert!(
            read_error_list(Path::new("x"), b"Ali_Abbas/2\nnobody\n")
                .unwrap_err()
                .to_string()
                .contains("line 2")
        );
    }

    #[test]
    fn a_limit_spreads_over_the_video() {
        let limited = |count: usize, most| {
            let frames = (0..count).map(|frame| PathBuf::from(frame.to_string()));
            let mut set = VideoSet {
                videos: vec![Video {
                    name: "A/1".to_owned(),
                    frames: frames.collect(),
                }],
                pairs: Vec::new(),
                missing: Vec::new(),
                mislabelled: BTreeSet::new(),
            };
            set.limit_frames(most);
            let frames = set.videos.remove(0).frames;
            frames
                .iter()
                .map(|frame| frame.to_str().unwrap().parse().unwrap())
                .collect::<Vec<usize>>()
        };
        assert_eq!(limited(100, 4), [12, 37, 62, 87]);
        assert_eq!(limited(9, 1), [4]);
        assert_eq!(limited(5, 3), [0, 2, 4]);
        assert_eq!(limited(3, 3), [0, 1, 2]);
        assert_eq!(limited(2, 7), [0, 1]);
        for count in 1..40 {
            for most in 1..=count {
                assert_eq!(limited(count, most).len(), most, "{count} {most}");
            }
        }
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
        assert!(set.is_mislabelled(&set.pairs[0]));
        let refusal = set.check_complete(&splits, folder.path()).unwrap_err();
        assert!(refusal.to_string().contains("A/2, A/10;"), "{refusal}");

        let before = set.content().unwrap();
        let open = || VideoSet::open(&splits, folder.path(), None).unwrap();
        assert_eq!(
            open().content().unwrap(),
            before,
            "the error list is not content"
        );
        std::fs::write(folder.path().join("A/1/aligned_detect_1.4.jpg"), "x").unwrap();
        assert_ne!(open().content().unwrap(), before);
        std::fs::create_dir(folder.path().join("A/1/shot2")).unwrap();
        std::fs::write(folder.path().join("A/1/shot2/1.jpg"), "x").unwrap();
        let frames = open().videos.remove(0).frames;
        assert_eq!(frames.len(), 3);
        assert!(frames[2].ends_with("A/1/shot2/1.jpg"));
    }
}
