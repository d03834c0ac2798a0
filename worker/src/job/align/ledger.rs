//! What an alignment has done, on disk, so that a resumed run does none of it again.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use facetui::{
    run::{AlignReport, RunDirectory},
    untrusted::{visible, visible_path},
};
use serde::{Deserialize, Serialize};

use super::super::JobError;
use crate::align::{
    finder::{Face, Origin},
    tracks::{Track, Tracker},
};

/// What came of one picture or video: a line of `results/aligned.jsonl`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// The item's name.
    pub item: String,
    /// Pictures or frames looked at.
    pub images: u64,
    /// Faces written.
    pub faces: u64,
    /// Of those, by landmarks that the set has.
    pub from_landmarks: u64,
    /// Of those, around a box that the set has.
    pub from_box: u64,
    /// Pictures or frames without a face.
    pub no_face: u64,
    /// For a video: its first and last frames of each stretch without a face.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub no_face_frames: Vec<(u64, u64)>,
    /// What can't be read, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
    /// For a video: its tracks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracks: Option<u64>,
    /// For a video: tracks that were dropped.
    pub short_tracks: u64,
    /// For a picture: the faces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Written>,
}

/// A face that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    /// Its file, below the folder of faces.
    pub file: String,
    /// What is known of it in the picture.
    #[serde(flatten)]
    pub face: Face,
}

/// Faces of a picture or a track.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaceCounts {
    /// Faces.
    pub faces: u64,
    /// Of those, by landmarks that the set has.
    pub from_landmarks: u64,
    /// Of those, around a box that the set has.
    pub from_box: u64,
}

/// A video in the midst of it: `results/video.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoProgress {
    /// What came of it so far.
    pub outcome: Outcome,
    /// The next frame.
    pub next_frame: u64,
    /// Tracks that go on, and the frame before.
    pub tracker: Tracker,
    /// Tracks that have ended, without the short ones.
    pub tracks: Vec<Track>,
    /// What came of each track that goes on.
    pub of_track: BTreeMap<u64, FaceCounts>,
}

/// The record of what is done.
pub struct Ledger {
    run: RunDirectory,
    path: PathBuf,
    file: File,
    done: HashSet<String>,
    /// The sum over what is done.
    pub report: AlignReport,
    /// A video that was interrupted.
    pub video: Option<VideoProgress>,
}

impl FaceCounts {
    /// Counts a face.
    pub fn add(&mut self, origin: Origin) {
        self.faces += 1;
        self.from_landmarks += u64::from(origin == Origin::Landmarks);
        self.from_box += u64::from(origin == Origin::Box);
    }
}

impl Outcome {
    /// Counts the faces of a picture or a track.
    pub fn add(&mut self, counts: FaceCounts) {
        self.faces += counts.faces;
        self.from_landmarks += counts.from_landmarks;
        self.from_box += counts.from_box;
    }
}

impl VideoProgress {
    /// A video of which nothing is done.
    pub fn of(item: &str) -> Self {
        Self {
            outcome: Outcome {
                item: item.to_owned(),
                ..Outcome::default()
            },
            ..Self::default()
        }
    }
}

impl Ledger {
    /// Reads what earlier sessions did, and takes away a line that was torn.
    pub fn open(run: &RunDirectory) -> Result<Self, JobError> {
        let folder = run.path().join("results");
        let path = folder.join("aligned.jsonl");
        let failed = |error: io::Error| failed(&path, &error);
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(failed)?;
        let text = fs::read_to_string(&path).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(failed)?;
        file.flush().map_err(failed)?;
        let mut ledger = Self {
            run: run.clone(),
            file,
            done: HashSet::new(),
            report: AlignReport {
                seconds: run.align_report().map_or(0.0, |report| report.seconds),
                ..AlignReport::default()
            },
            video: None,
            path,
        };
        for (number, line) in text[..whole].lines().enumerate() {
            let outcome: Outcome = serde_json::from_str(line).map_err(|error| {
                JobError::Input(format!(
                    "{}, line {}: {error}; remove the run and start it anew",
                    visible_path(&ledger.path),
                    number + 1
                ))
            })?;
            ledger.add(&outcome);
        }
        // A video of which nothing is known begins at its beginning.
        ledger.video = fs::read(ledger.video_path())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .filter(|video: &VideoProgress| !ledger.is_done(&video.outcome.item));
        Ok(ledger)
    }

    /// Whether nothing is left to do of an item.
    pub fn is_done(&self, item: &str) -> bool {
        self.done.contains(item)
    }

    /// Records what came of an item.
    pub fn record(&mut self, outcome: &Outcome) -> Result<(), JobError> {
        let mut line = serde_json::to_string(outcome)
            .map_err(|error| failed(&self.path, &io::Error::other(error)))?;
        line.push('\n');
        self.file
            .write_all(line.as_bytes())
            .map_err(|error| failed(&self.path, &error))?;
        self.add(outcome);
        Ok(())
    }

    /// Keeps a video's progress; its outcome so far is no part of the report.
    pub fn keep_video(&self, video: &VideoProgress) -> Result<(), JobError> {
        let bytes = serde_json::to_vec(video)
            .map_err(|error| failed(&self.video_path(), &io::Error::other(error)))?;
        self.run.write_file("results/video.json", &bytes)?;
        Ok(())
    }

    /// The sum over what is done, `video` counted in.
    pub fn report_with(&self, video: Option<&VideoProgress>) -> AlignReport {
        let mut report = self.report.clone();
        if let Some(video) = video {
            add(&mut report, &video.outcome);
        }
        report
    }

    /// Writes the report, `video` counted in, after so many seconds of this session.
    pub fn save_report(
        &self,
        seconds: f64,
        video: Option<&VideoProgress>,
    ) -> Result<AlignReport, JobError> {
        let mut report = self.report_with(video);
        report.seconds += seconds;
        self.run.save_align_report(&report)?;
        Ok(report)
    }

    /// Writes `no_face.txt` and `broken.txt` from the record; gives the first that is broken.
    pub fn write_lists(&self) -> Result<Option<String>, JobError> {
        let text = fs::read_to_string(&self.path).map_err(|error| failed(&self.path, &error))?;
        let (mut no_face, mut broken) = (String::new(), String::new());
        let outcomes = text.lines().map(serde_json::from_str::<Outcome>);
        for outcome in outcomes.map_while(Result::ok) {
            let name = visible(&outcome.item);
            // Writing to a string does not fail.
            for (first, last) in &outcome.no_face_frames {
                let _ = writeln!(no_face, "{name}\tframes {first} to {last}");
            }
            if outcome.no_face > 0 && outcome.no_face_frames.is_empty() {
                let _ = writeln!(no_face, "{name}");
            }
            for problem in &outcome.broken {
                let _ = writeln!(broken, "{}", visible(problem));
            }
        }
        self.run
            .write_file("results/no_face.txt", no_face.as_bytes())?;
        self.run
            .write_file("results/broken.txt", broken.as_bytes())?;
        Ok(broken.lines().next().map(str::to_owned))
    }

    fn add(&mut self, outcome: &Outcome) {
        self.done.insert(outcome.item.clone());
        add(&mut self.report, outcome);
    }

    fn video_path(&self) -> PathBuf {
        self.run.path().join("results/video.json")
    }
}

fn add(report: &mut AlignReport, outcome: &Outcome) {
    report.images += outcome.images;
    report.faces += outcome.faces;
    report.from_landmarks += outcome.from_landmarks;
    report.from_box += outcome.from_box;
    report.no_face += outcome.no_face;
    report.broken += outcome.broken.len() as u64;
    report.videos += u64::from(outcome.tracks.is_some());
    report.tracks += outcome.tracks.unwrap_or(0);
    report.short_tracks += outcome.short_tracks;
}

fn failed(path: &std::path::Path, error: &io::Error) -> JobError {
    JobError::Engine(format!(
        "can't write {}: {error}; make room, then resume the run",
        visible_path(path)
    ))
}
