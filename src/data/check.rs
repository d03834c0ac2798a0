//! Reading everything once: what is broken, what is there twice, and which pictures have two names.

mod look;
mod pictures;
mod report;
mod similar;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::error::shown;
use super::face_labels::FaceBoxes;
use super::inspect::describe;
use super::recognise::{Recognised, box_lists, recognise};
use super::{
    DataError, Image, ImageList, Inspection, SourceKind, TrainingImages, VerificationImages,
    VideoSet,
};
use crate::config::DataConfig;
use crate::untrusted::visible;
use look::{LEAST_LIKENESS, MOST_BITS, Thumbnail, look};
use pictures::{NOBODY, PairPictures, Pictures, Scratch};
pub use report::*;

/// Told how many pictures of how many have been read, from any thread.
pub type Progress<'a> = dyn Fn(u64, u64) + Sync + 'a;

/// What is kept of a picture: 32 bytes, so that millions fit.
#[derive(Debug, Clone, Copy)]
struct Seen {
    digest: u128,
    /// Its [`look`]; 0 where it shows nothing.
    look: u64,
    person: u32,
    /// 0 where it could not be read.
    width: u16,
    height: u16,
}

impl Seen {
    fn is_readable(&self) -> bool {
        self.width > 0
    }

    fn can_be_compared(&self) -> bool {
        self.is_readable() && self.look != 0
    }
}

/// Reads all of a source, on all cores; `root` is the folder that a list's paths are relative to.
///
/// # Errors
/// When the source as such can't be opened, or is a list of pairs without `root`. Single images that can't be read
/// are findings, and no errors.
pub fn check(
    path: &Path,
    root: Option<&Path>,
    progress: &Progress<'_>,
) -> Result<CheckReport, DataError> {
    let found = recognise(path, root)?;
    if let Recognised::Image(path) = &found {
        return Ok(one_image(path));
    }
    let source = describe(&found, path)?;
    let mut report = match found {
        Recognised::Training(set) => training(&set, path, source, progress),
        Recognised::Pairs(set) => pairs(&set, source, progress),
        Recognised::Videos(set) => match root {
            Some(root) => videos(&set, root, source, progress),
            None => return Err(needs_root(path, "videos")),
        },
        Recognised::PairList(_) => return Err(needs_root(path, "images")),
        Recognised::Config(config) => config_sets(&config, source, progress)?,
        Recognised::Image(_) | Recognised::Records { .. } | Recognised::ErrorList(_) => {
            CheckReport {
                source,
                ..CheckReport::default()
            }
        }
    };
    report.count_problems();
    Ok(report)
}

fn one_image(path: &Path) -> CheckReport {
    let mut report = CheckReport {
        source: Inspection {
            images: Some(1),
            ..Inspection::default()
        },
        ..CheckReport::default()
    };
    match Image::open(path) {
        Ok(image) => {
            report.readable = 1;
            report.sizes = vec![SizeCount {
                width: image.width,
                height: image.height,
                images: 1,
            }];
        }
        Err(error) => report.broken.push(BrokenPicture {
            image: shown(path),
            problem: problem_of(&error),
        }),
    }
    report.count_problems();
    report
}

/// What is wrong with an image, without its name.
fn problem_of(error: &DataError) -> String {
    match error {
        DataError::Image { problem, .. } => visible(problem),
        DataError::Read { source, .. } => source.to_string(),
        other => other.to_string(),
    }
}

fn needs_root(path: &Path, what: &str) -> DataError {
    DataError::unsuitable(
        path,
        format!("is a list; name the folder of its {what} too, with --root DIR"),
    )
}

fn training(
    set: &TrainingImages,
    path: &Path,
    source: Inspection,
    progress: &Progress<'_>,
) -> CheckReport {
    let is_folder = source.kind == SourceKind::Folders;
    let mut report = CheckReport {
        source,
        ..CheckReport::default()
    };
    let seen = look_at_all(set, &mut report, progress);
    report.per_identity = IdentityCounts::of(
        (0..set.classes())
            .map(|class| IdentityCount {
                name: set.name_of_person(class),
                images: set.images_of_class(class).len() as u64,
            })
            .collect(),
    );
    compare_all(set, &seen, &mut report);
    if is_folder {
        check_box_lists(path, &mut report);
    }
    report
}

/// Reads every picture; what is kept of each, and what is broken.
fn look_at_all(
    pictures: &dyn Pictures,
    report: &mut CheckReport,
    progress: &Progress<'_>,
) -> Vec<Seen> {
    let all = pictures.len() as u64;
    let done = AtomicU64::new(0);
    let broken = Mutex::new(Vec::new());
    let mislabelled = Mutex::new(Vec::new());
    let seen: Vec<Seen> = (0..pictures.len())
        .into_par_iter()
        .map_init(Scratch::default, |scratch, index| {
            let outcome = pictures.read(index, scratch);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, all);
            let mut seen = Seen {
                digest: 0,
                look: 0,
                person: pictures.person(index),
                width: 0,
                height: 0,
            };
            match outcome {
                Ok((digest, wrong_label)) => {
                    seen.digest = digest;
                    seen.look = look(&scratch.image).unwrap_or(0);
                    // A decoder reads no more than 8192 pixels a side.
                    seen.width = scratch.image.width as u16;
                    seen.height = scratch.image.height as u16;
                    if let (Some(label), Ok(mut list)) = (wrong_label, mislabelled.lock()) {
                        list.push((index, label));
                    }
                }
                Err(error) => {
                    if let Ok(mut list) = broken.lock() {
                        list.push((index, error));
                    }
                }
            }
            seen
        })
        .collect();

    let mut broken = broken.into_inner().unwrap_or_default();
    broken.sort_by_key(|(index, _)| *index);
    report.broken = broken
        .into_iter()
        .map(|(index, error)| BrokenPicture {
            image: pictures.name(index),
            problem: problem_of(&error),
        })
        .collect();
    let mut mislabelled = mislabelled.into_inner().unwrap_or_default();
    mislabelled.sort_by_key(|(index, _)| *index);
    report.mislabelled = mislabelled
        .into_iter()
        .map(|(index, label)| {
            format!(
                "{}: its own label is {label}, the identity records say {}",
                pictures.name(index),
                pictures.person(index)
            )
        })
        .collect();
    report.readable = seen.iter().filter(|seen| seen.is_readable()).count() as u64;
    report.sizes = sizes(&seen);
    let blank = seen
        .iter()
        .filter(|seen| seen.is_readable() && seen.look == 0)
        .count();
    if blank > 0 {
        report
            .remarks
            .push(format!("{blank} images show nothing: they are of one grey"));
    }
    seen
}

fn sizes(seen: &[Seen]) -> Vec<SizeCount> {
    let mut counts: HashMap<(u16, u16), u64> = HashMap::new();
    for seen in seen.iter().filter(|seen| seen.is_readable()) {
        *counts.entry((seen.width, seen.height)).or_default() += 1;
    }
    let mut sizes: Vec<SizeCount> = counts
        .into_iter()
        .map(|((width, height), images)| SizeCount {
            width: u32::from(width),
            height: u32::from(height),
            images,
        })
        .collect();
    sizes.sort_by_key(|size| (std::cmp::Reverse(size.images), size.width, size.height));
    sizes
}

/// Finds pictures that are there twice, and those that look the same under two names.
fn compare_all(pictures: &dyn Pictures, seen: &[Seen], report: &mut CheckReport) {
    report.duplicates = duplicates(pictures, seen);
    let near = similar::near_pairs(seen);
    if near.cut_short {
        report.remarks.push(
            "so many pictures look alike that not all of them were compared; those named are some of them"
                .to_owned(),
        );
    }
    report.similar = near
        .pairs
        .into_par_iter()
        .map_init(Scratch::default, |scratch, (a, b)| {
            let (a, b) = (a as usize, b as usize);
            let likeness = likeness(pictures, scratch, a, b)?;
            (likeness >= LEAST_LIKENESS).then(|| SimilarPair {
                people: [a, b].map(|index| pictures.name_of_person(seen[index].person)),
                images: [a, b].map(|index| pictures.name(index)),
                likeness: rounded(likeness),
            })
        })
        .flatten()
        .collect();
}

/// A likeness with the digits that mean something.
fn rounded(likeness: f32) -> f64 {
    (f64::from(likeness) * 1e4).round() / 1e4
}

/// The likeness of two pictures; `None` where one can't be read (any more).
fn likeness(pictures: &dyn Pictures, scratch: &mut Scratch, a: usize, b: usize) -> Option<f32> {
    let mut thumbnail = |index| {
        pictures.read(index, scratch).ok()?;
        Some(Thumbnail::of(&scratch.image))
    };
    Some(thumbnail(a)?.likeness(&thumbnail(b)?))
}

fn duplicates(pictures: &dyn Pictures, seen: &[Seen]) -> Vec<Duplicates> {
    let mut order: Vec<u32> = (0..seen.len() as u32)
        .filter(|index| seen[*index as usize].is_readable())
        .collect();
    order.par_sort_unstable_by_key(|index| (seen[*index as usize].digest, *index));
    let mut groups: Vec<&[u32]> = order
        .chunk_by(|a, b| seen[*a as usize].digest == seen[*b as usize].digest)
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_by_key(|group| group[0]);
    groups
        .into_iter()
        .map(|group| {
            let mut people: Vec<u32> = group
                .iter()
                .map(|index| seen[*index as usize].person)
                .filter(|person| *person != NOBODY)
                .collect();
            people.sort_unstable();
            people.dedup();
            Duplicates {
                people: people
                    .into_iter()
                    .map(|person| pictures.name_of_person(person))
                    .collect(),
                images: group
                    .iter()
                    .map(|index| pictures.name(*index as usize))
                    .collect(),
            }
        })
        .collect()
}

fn pairs(set: &VerificationImages, source: Inspection, progress: &Progress<'_>) -> CheckReport {
    let pictures = PairPictures::new(set);
    let mut report = CheckReport {
        source,
        ..CheckReport::default()
    };
    let seen = look_at_all(&pictures, &mut report, progress);
    if pictures.count_of_people() > 0 {
        let mut people: Vec<IdentityCount> = (0..pictures.count_of_people())
            .map(|person| IdentityCount {
                name: pictures.name_of_person(person),
                images: 0,
            })
            .collect();
        for seen in seen.iter().filter(|seen| seen.person != NOBODY) {
            people[seen.person as usize].images += 1;
        }
        report.per_identity = IdentityCounts::of(people);
    }
    compare_all(&pictures, &seen, &mut report);

    let mut scratch = Scratch::default();
    let mut known: HashMap<[u128; 2], bool> = HashMap::new();
    let (mut repeated, mut trivial) = (0u64, 0u64);
    for (number, pair) in set.pairs.iter().enumerate() {
        let (a, b) = (&seen[pair.a], &seen[pair.b]);
        if !a.is_readable() || !b.is_readable() {
            continue;
        }
        let is_copy = a.digest == b.digest
            || (a.can_be_compared()
                && b.can_be_compared()
                && (a.look ^ b.look).count_ones() <= MOST_BITS
                && likeness(&pictures, &mut scratch, pair.a, pair.b)
                    .is_some_and(|likeness| likeness >= LEAST_LIKENESS));
        let mut both = [a.digest, b.digest];
        both.sort_unstable();
        let before = known.insert(both, pair.same);
        let problem = match (is_copy, pair.same, before) {
            (true, false, _) => "said to be two people, but it is twice the same picture",
            (_, same, Some(before)) if before != same => {
                "said to be the same person here and two people in an earlier pair, or the other way round"
            }
            (is_copy, _, before) => {
                trivial += u64::from(is_copy);
                repeated += u64::from(before.is_some());
                continue;
            }
        };
        report.contradictions.push(Contradiction {
            pair: number as u64 + 1,
            names: [pair.a, pair.b].map(|index| pictures.name(index)),
            problem: problem.to_owned(),
        });
    }
    for (count, what) in [
        (
            trivial,
            "pairs of the same person are twice the same picture",
        ),
        (repeated, "pairs are there more than once"),
    ] {
        if count > 0 {
            report.remarks.push(format!("{count} {what}"));
        }
    }
    report
}

fn videos(set: &VideoSet, root: &Path, source: Inspection, progress: &Progress<'_>) -> CheckReport {
    let frames = TrainingImages::of_files(ImageList::of_videos(set, root));
    let mut report = training(&frames, root, source, progress);
    report.missing_videos = set.missing.iter().map(|name| visible(name)).collect();
    let person = |video: usize| set.videos[video].name.split('/').next();
    for (number, pair) in set.pairs.iter().enumerate() {
        if pair.same != (person(pair.a) == person(pair.b)) {
            let problem = if pair.same {
                "said to be the same person, but lies under two names"
            } else {
                "said to be two people, but lies under one name"
            };
            report.contradictions.push(Contradiction {
                pair: number as u64 + 1,
                names: [pair.a, pair.b].map(|video| visible(&set.videos[video].name)),
                problem: problem.to_owned(),
            });
        }
    }
    check_box_lists(root, &mut report);
    report
}

/// Looks whether the lists of boxes beside whole frames name frames that are there.
fn check_box_lists(root: &Path, report: &mut CheckReport) {
    for list in box_lists(root) {
        let mut boxes = FaceBoxes::default();
        if let Err(error) = boxes.read(&list) {
            report.broken.push(BrokenPicture {
                image: shown(&list),
                problem: error.to_string(),
            });
        }
        let missing = boxes
            .pictures()
            .filter(|frame| !root.join(frame).is_file())
            .count();
        if missing > 0 {
            report.remarks.push(format!(
                "{}: {missing} of its {} frames are not there",
                shown(&list),
                boxes.count()
            ));
        }
    }
}

/// Checks every set that a `config.ini` names.
fn config_sets(
    config: &DataConfig,
    source: Inspection,
    progress: &Progress<'_>,
) -> Result<CheckReport, DataError> {
    let mut sets = Vec::new();
    for (section, set) in &config.training {
        let opened = TrainingImages::open(set)?;
        let path = set.path();
        let source = super::inspect::training(&opened, path)?;
        sets.push((section.clone(), training(&opened, path, source, progress)));
    }
    for (section, of_pairs) in &config.pairs {
        let Some(data) = of_pairs.npdata.as_ref().or(of_pairs.pairs.as_ref()) else {
            continue;
        };
        let set = VerificationImages::open(data, of_pairs.prefix.as_deref())?;
        let source = super::inspect::verification(&set)?;
        sets.push((section.clone(), pairs(&set, source, progress)));
    }
    if let Some(ytf) = &config.ytf
        && let Some(splits) = &ytf.splits
    {
        let set = VideoSet::open(splits, &ytf.prefix, ytf.ytf_error.as_deref())?;
        let source = super::inspect::videos(&set);
        sets.push((
            "ytf".to_owned(),
            videos(&set, &ytf.prefix, source, progress),
        ));
    }
    let sets = sets
        .into_iter()
        .map(|(section, mut report)| {
            report.count_problems();
            CheckedSet {
                section: visible(&section),
                report,
            }
        })
        .collect();
    Ok(CheckReport {
        source,
        sets,
        ..CheckReport::default()
    })
}
