//! `facetui data align`

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::{
    cli::{
        Failure, follow,
        output::{duration, print, print_json},
    },
    config::DeviceChoice,
    launch::{self, AlignOrder, RunName, Started},
    run::{AlignOptions, AlignReport, FaceChoice, FaceFormat, RunDirectory},
    untrusted::{visible, visible_path},
};

/// Find faces in pictures and videos, and write them aligned, 112x112
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui data align photos --out faces\n  \
                        facetui data align frame_images_DB --out aligned_images_DB --device cuda:0\n  \
                        facetui data align film.mp4 --out tracks --min-face 40\n  \
                        facetui data align images --landmarks landmarks.csv --out faces --format png\n\n\
                        The folders of SOURCE are kept. A video's faces go to NAME/track-000/FRAME.jpg, a folder a \
                        person and shot.\nIt is a run: pause, park and stop obey, and `facetui resume` goes on.")]
pub(super) struct Align {
    /// A folder of pictures and videos, an image list, or a video file
    source: PathBuf,
    /// The folder of faces to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The folder that an image list's paths are relative to [default: the list's own]
    #[arg(long, value_name = "DIR")]
    images: Option<PathBuf>,
    /// Landmarks that are known already: path,x1,y1,…,x5,y5 (eyes, nose, corners of the mouth)
    #[arg(long, value_name = "FILE")]
    landmarks: Option<PathBuf>,
    /// Which faces of a picture; of a video all are taken
    #[arg(long, value_enum, default_value = "largest")]
    faces: Faces,
    /// The shorter side of the smallest face, in pixels; larger is faster
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(12..=4096))]
    min_face: u32,
    /// The least score of a face, 0 to 1
    #[arg(long, value_name = "T", default_value_t = 0.7, value_parser = share)]
    threshold: f32,
    /// How much more of the picture to take on every side, as a share of the face's side
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = share)]
    margin: f32,
    /// How faces are written: JPEG of quality 95, or PNG
    #[arg(long, value_enum, default_value = "jpg")]
    format: Format,
    /// Take the pictures of each folder for the frames of a video, and follow the faces
    #[arg(long)]
    tracks: bool,
    /// Drop tracks of fewer faces
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    min_track: u32,
    /// auto, cpu, cuda:N or flex
    #[arg(long, default_value_t)]
    device: DeviceChoice,
    /// The name of the run
    #[arg(long)]
    name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Faces {
    /// The largest
    Largest,
    /// The one nearest to the picture's centre
    Centre,
    /// All, numbered from the largest on
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Jpg,
    Png,
}

/// The one document of `--json`.
#[derive(Serialize)]
struct Document<'a> {
    run: String,
    state: String,
    #[serde(flatten)]
    report: &'a AlignReport,
}

impl Align {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let options = AlignOptions {
            out: self.out,
            images: self.images,
            detector: None,
            landmarks: self.landmarks,
            faces: match self.faces {
                Faces::Largest => FaceChoice::Largest,
                Faces::Centre => FaceChoice::Centre,
                Faces::All => FaceChoice::All,
            },
            min_face: self.min_face,
            threshold: self.threshold,
            margin: self.margin,
            format: match self.format {
                Format::Jpg => FaceFormat::Jpg,
                Format::Png => FaceFormat::Png,
            },
            tracks: self.tracks,
            min_track: self.min_track,
        };
        let Started { run, worker } = launch::align(&AlignOrder {
            source: &self.source,
            options,
            runs_root,
            name: self
                .name
                .map_or_else(|| RunName::Like("align".to_owned()), RunName::Given),
            device: self.device,
        })?;
        let status = follow::follow(runs_root, run.clone(), Some(worker))?;
        if self.json {
            return print_json(&Document {
                run: run.path().to_string_lossy().into_owned(),
                state: status.state.to_string(),
                report: &run.align_report()?,
            });
        }
        follow::print_summary(&run, &status)
    }
}

/// Prints what came of an alignment.
pub(in crate::cli) fn print_report(run: &RunDirectory) -> Result<(), Failure> {
    let report = run.align_report()?;
    print(&format!(
        "  {} faces of {} pictures in {}: {}",
        report.faces,
        report.images,
        duration(report.seconds),
        visible_path(&report.out)
    ))?;
    let count = |number: u64, what: &str| {
        if number == 0 {
            return Ok(());
        }
        print(&format!("  {number} {what}"))
    };
    count(report.from_landmarks, "by the landmarks of the set")?;
    count(
        report.from_box,
        "around boxes of the set, without landmarks",
    )?;
    if report.videos > 0 {
        print(&format!(
            "  {} tracks in {} videos, {} shorter ones dropped",
            report.tracks, report.videos, report.short_tracks
        ))?;
    }
    let results = visible_path(&run.path().join("results"));
    let listed = |number, what: &str, list: &str| {
        count(
            number,
            &format!("{what}: {}", visible(&format!("{results}/{list}"))),
        )
    };
    listed(report.no_face, "without a face", "no_face.txt")?;
    listed(report.broken, "can't be read", "broken.txt")
}

fn share(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
        _ => Err("give a number from 0 to 1".to_owned()),
    }
}
