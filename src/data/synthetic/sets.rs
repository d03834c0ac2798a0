//! Synthetic sets on disk: a training set, an LFW-like and a YTF-like one, of different people.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::appearance::Appearance;
use super::identity::Identity;
use super::names::name;
use super::options::{FOLDS, SyntheticOptions, VIDEOS_PER_PERSON};
use super::render::render;
use super::stream::Stream;
use crate::data::new_folder::NewFolder;
use crate::data::random::Purpose;
use crate::data::recordio::{RecordWriter, index_text};
use crate::data::{DataError, Image, write_bin};

/// People of different sets are different people: their numbers start here.
const LFW_PEOPLE: u64 = 1 << 32;
const YTF_PEOPLE: u64 = 2 << 32;
/// Who is in mislabelled videos.
const STRANGERS: u64 = 3 << 32;
/// The file that says what a folder was generated from; written last.
const DESCRIPTION: &str = "synthetic.json";
/// Pictures kept in memory at a time.
const CHUNK: u64 = 2048;

const CONFIG: &str = "\
; Synthetic faces. Paths are relative to this file.
[synthetic]
mxrec = train

[lfw]
enable = on
npdata = synthetic-lfw.bin

[ytf]
enable = on
prefix = synthetic-ytf
splits = synthetic-ytf/splits.txt
ytf_error = synthetic-ytf/error.txt
";

/// A generated folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticSet {
    /// Its `config.ini`.
    pub config: PathBuf,
    /// Whether it was there already, complete and from the same options.
    pub reused: bool,
}

/// Generates a training set and two verification sets in a folder of their own.
///
/// The folder appears when it is complete: a run that is cut off leaves nothing under its name. A complete
/// folder from the same options is used again.
///
/// # Errors
/// When the options make no sense, the folder holds anything else, or it can't be written.
pub fn generate(options: &SyntheticOptions, folder: &Path) -> Result<SyntheticSet, DataError> {
    generate_with(options, folder, &|_, _| ())
}

/// As [`generate`], telling how many pictures of how many are done, from any thread.
///
/// # Errors
/// As [`generate`].
pub fn generate_with(
    options: &SyntheticOptions,
    folder: &Path,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<SyntheticSet, DataError> {
    options.check()?;
    let config = folder.join("config.ini");
    if is_complete(options, folder)? {
        return Ok(SyntheticSet {
            config,
            reused: true,
        });
    }
    let partial = NewFolder::create(folder, "synthetic")?;
    let maker = Maker {
        options,
        folder: partial.path(),
        progress,
        done: AtomicU64::new(0),
    };
    maker.training()?;
    maker.images_of_pairs()?;
    maker.videos()?;
    maker.write("config.ini", CONFIG.as_bytes())?;
    let description = serde_json::to_vec_pretty(options)
        .map_err(|error| DataError::Request(error.to_string()))?;
    maker.write(DESCRIPTION, &description)?;
    partial.finish(folder)?;
    Ok(SyntheticSet {
        config,
        reused: false,
    })
}

/// Whether a folder was generated from these options; an error when it holds anything else.
fn is_complete(options: &SyntheticOptions, folder: &Path) -> Result<bool, DataError> {
    let entries = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(DataError::read(folder, error)),
    };
    if !entries {
        return Ok(false);
    }
    let description = fs::read(folder.join(DESCRIPTION)).unwrap_or_default();
    match serde_json::from_slice::<SyntheticOptions>(&description) {
        Ok(found) if found == *options => Ok(true),
        Ok(_) => Err(DataError::unsuitable(
            folder,
            "holds synthetic faces made with other options; name another folder, or delete this one",
        )),
        Err(_) => Err(DataError::unsuitable(
            folder,
            "is not empty; name a folder that does not exist yet",
        )),
    }
}

struct Maker<'a> {
    options: &'a SyntheticOptions,
    folder: &'a Path,
    progress: &'a (dyn Fn(u64, u64) + Sync),
    done: AtomicU64,
}

impl Maker<'_> {
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), DataError> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|error| DataError::write(&path, error))
    }

    /// The files of some pictures, made by all processors, in order.
    fn pictures(
        &self,
        numbers: std::ops::Range<u64>,
        picture: impl Fn(u64) -> Image + Sync,
    ) -> Result<Vec<Vec<u8>>, DataError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let share = (numbers.end - numbers.start).div_ceil(threads).max(1);
        let make = |numbers: std::ops::Range<u64>| -> Result<Vec<Vec<u8>>, DataError> {
            numbers
                .map(|number| {
                    let file = picture(number).to_jpeg(90);
                    let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
                    (self.progress)(done, self.options.pictures());
                    file
                })
                .collect()
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = numbers
                .clone()
                .step_by(share as usize)
                .map(|start| {
                    let part = start..(start + share).min(numbers.end);
                    scope.spawn(|| make(part))
                })
                .collect();
            let mut files = Vec::new();
            for thread in threads {
                let part = thread
                    .join()
                    .map_err(|_| DataError::Request("a picture could not be painted".into()))?;
                files.extend(part?);
            }
            Ok(files)
        })
    }

    /// `train/`: RecordIO in InsightFace's layout.
    fn training(&self) -> Result<(), DataError> {
        let folder = self.folder.join("train");
        fs::create_dir(&folder).map_err(|error| DataError::write(&folder, error))?;
        let path = folder.join("train.rec");
        let failed = |error| DataError::write(&path, error);
        let mut writer = RecordWriter::new(File::create(&path).map_err(failed)?);
        let (people, each, seed) = (
            u64::from(self.options.identities),
            u64::from(self.options.images_per_identity),
            self.options.seed,
        );
        for start in (0..people * each).step_by(CHUNK as usize) {
            let numbers = start..(start + CHUNK).min(people * each);
            let files = self.pictures(numbers.clone(), |number| {
                super::face(seed, number / each, number % each)
            })?;
            for (number, file) in numbers.zip(files) {
                writer
                    .write_image(number + 1, (number / each) as f32, &file)
                    .map_err(failed)?;
            }
        }
        let first = people * each + 1;
        for person in 0..people {
            let range = [(person * each + 1) as f32, ((person + 1) * each + 1) as f32];
            writer
                .write_labels(first + person, &range, &[])
                .map_err(failed)?;
        }
        writer
            .write_labels(0, &[first as f32, (first + people) as f32], &[])
            .map_err(failed)?;
        let (_, index) = writer.finish().map_err(failed)?;
        self.write("train/train.idx", index_text(&index).as_bytes())?;
        self.write("train/property", format!("{people},112,112\n").as_bytes())?;
        let names: String = (0..people).map(|person| name(person) + "\n").collect();
        self.write("train/names.txt", names.as_bytes())
    }

    /// `synthetic-lfw.bin`: every fold has people of its own.
    fn images_of_pairs(&self) -> Result<(), DataError> {
        let seed = self.options.seed;
        let each = self.options.lfw_pairs / FOLDS / 2;
        let people = u64::from(each.div_ceil(3).max(3));
        let mut from = Stream::new(seed, Purpose::Pairs, 0, 0);
        let mut wanted = Vec::new();
        let mut same = Vec::new();
        for fold in 0..u64::from(FOLDS) {
            let first = LFW_PEOPLE + fold * people;
            for pair in 0..u64::from(each) {
                let person = first + pair % people;
                // The images of a person's pairs are all different.
                wanted.extend([
                    (person, 2 * (pair / people)),
                    (person, 2 * (pair / people) + 1),
                ]);
                same.push(true);
            }
            for pair in 0..u64::from(each) {
                let one = from.below(people as usize) as u64;
                let other = (one + 1 + from.below(people as usize - 1) as u64) % people;
                // Other images than those of the pairs above, so that no image tells its pair's kind.
                wanted.extend([
                    (first + one, 1000 + 2 * pair),
                    (first + other, 1001 + 2 * pair),
                ]);
                same.push(false);
            }
        }
        let files = self.pictures(0..wanted.len() as u64, |number| {
            let (person, image) = wanted[number as usize];
            super::face(seed, person, image)
        })?;
        self.write("synthetic-lfw.bin", &write_bin(&files, &same))
    }

    /// `synthetic-ytf/`: a folder a person, in it a folder a video; the split list and the error list.
    fn videos(&self) -> Result<(), DataError> {
        let options = self.options;
        let people = options.video_people_per_fold();
        let all_people = u64::from(people * FOLDS);
        let mut from = Stream::new(options.seed, Purpose::Pairs, 1, 0);
        // Names go on where those of the training set end.
        let first_name = u64::from(options.identities);
        let video_name = |person: u64, video: u32| format!("{}/{video}", name(first_name + person));

        // One video of every so many people shows somebody else.
        let stride = all_people / u64::from(options.mislabelled_videos.max(1));
        let mislabelled: Vec<(u64, u32)> = (0..u64::from(options.mislabelled_videos))
            .map(|number| {
                (
                    number * stride,
                    from.below(VIDEOS_PER_PERSON as usize) as u32,
                )
            })
            .collect();
        let mut errors: Vec<String> = mislabelled
            .iter()
            .map(|(person, video)| video_name(*person, *video) + "\n")
            .collect();
        errors.sort();

        let frames = u64::from(options.frames_per_video);
        for person in 0..all_people {
            for video in 0..VIDEOS_PER_PERSON {
                let is_wrong = mislabelled.contains(&(person, video));
                let who = if is_wrong { STRANGERS } else { YTF_PEOPLE } + person;
                let path = Path::new("synthetic-ytf").join(video_name(person, video));
                let folder = self.folder.join(&path);
                fs::create_dir_all(&folder).map_err(|error| DataError::write(&folder, error))?;
                let files = self.pictures(0..frames, |frame| {
                    video_frame(options.seed, who, video, frame, frames)
                })?;
                for (frame, file) in files.into_iter().enumerate() {
                    let path = folder.join(format!("aligned_detect_{video}.{}.jpg", frame + 1));
                    let written =
                        File::create(&path).and_then(|mut output| output.write_all(&file));
                    written.map_err(|error| DataError::write(&path, error))?;
                }
            }
        }

        let mut splits =
            String::from("split number, pair number in split, first name, second name, is same:\n");
        let each = options.ytf_pairs / FOLDS / 2;
        for fold in 0..FOLDS {
            let first = u64::from(fold * people);
            for pair in 0..2 * each {
                let same = pair < each;
                let (one, other, videos) = if same {
                    let person = first + u64::from(pair % people);
                    (
                        person,
                        person,
                        [(0, 1), (1, 2), (0, 2)][(pair / people) as usize % 3],
                    )
                } else {
                    let one = from.below(people as usize) as u64;
                    let other =
                        (one + 1 + from.below(people as usize - 1) as u64) % u64::from(people);
                    let videos = (from.below(3) as u32, from.below(3) as u32);
                    (first + one, first + other, videos)
                };
                let (one, other) = (video_name(one, videos.0), video_name(other, videos.1));
                let (fold, pair, same) = (fold + 1, pair + 1, u8::from(same));
                // Writing to a `String` can't fail.
                let _ = writeln!(splits, "{fold}, {pair}, {one}, {other}, {same}");
            }
        }
        self.write("synthetic-ytf/splits.txt", splits.as_bytes())?;
        self.write("synthetic-ytf/error.txt", errors.concat().as_bytes())
    }
}

/// One frame of a smooth path through three poses.
pub(super) fn video_frame(seed: u64, person: u64, video: u32, frame: u64, frames: u64) -> Image {
    let first = u64::from(video) * 3;
    let pose = |number: u64| Appearance::new(seed, person, first + number);
    let time = 2.0 * frame as f32 / frames as f32;
    let start = pose(0);
    let look = if time < 1.0 {
        start.towards(&pose(1), time, frame)
    } else {
        start
            .towards(&pose(1), 1.0, frame)
            .towards(&pose(2), time - 1.0, frame)
    };
    render(&Identity::new(seed, person), &look)
}
