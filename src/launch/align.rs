//! Starting an alignment.

use std::path::{Path, PathBuf};

use super::{LaunchError, RunName, Started, devices, start::start, tools};
use crate::{
    config::DeviceChoice,
    data::is_video_name,
    run::{AlignOptions, Job, Work},
};

/// An alignment to be started.
#[derive(Debug, Clone)]
pub struct AlignOrder<'a> {
    /// A folder of pictures and videos, an image list or a video file.
    pub source: &'a Path,
    /// Where to, and how; the detector is found here.
    pub options: AlignOptions,
    /// The folder of runs.
    pub runs_root: &'a Path,
    /// The run's name.
    pub name: RunName,
    /// The device.
    pub device: DeviceChoice,
}

/// Checks the order, makes the run directory and starts its worker.
///
/// # Errors
/// What is wrong with the order; nothing is left behind then.
pub fn align(order: &AlignOrder<'_>) -> Result<Started, LaunchError> {
    let source = there("SOURCE", order.source, None)?;
    let is_video = source.is_file() && is_video_name(&source.to_string_lossy());
    if is_video && tools::ffmpeg().is_none() {
        let reason = "is a video, and videos need the program ffmpeg, which is not here; on Debian: apt-get install ffmpeg (elsewhere https://ffmpeg.org), or give a folder of frames";
        return Err(wrong("SOURCE", &source, reason));
    }
    let options = &order.options;
    let optional = |option, path: &Option<PathBuf>, folder| {
        path.as_deref()
            .map(|path| there(option, path, Some(folder)))
            .transpose()
    };
    let landmarks = optional("--landmarks", &options.landmarks, false)?;
    let detector = tools::detector();
    if detector.is_none() && landmarks.is_none() {
        let reason = "aren't there; `./x setup detector` fetches them (2 MB), or set FACETUI_MTCNN to the folder of pnet.pt, rnet.pt and onet.pt";
        return Err(wrong(
            "the detector's weights",
            Path::new(tools::DETECTOR),
            reason,
        ));
    }
    let options = AlignOptions {
        out: new_folder(&options.out, &source)?,
        images: optional("--images", &options.images, true)?,
        detector: detector
            .map(|folder| absolute("FACETUI_MTCNN", &folder))
            .transpose()?,
        landmarks,
        ..options.clone()
    };
    let worker = devices::check(order.device)?;
    let job = Job {
        device: order.device,
        work: Work::Align { source, options },
    };
    start(order.runs_root, &order.name, &job, 0, &[], &worker)
}

/// The folder of faces: one that isn't there yet or is empty, and not a part of the source.
fn new_folder(out: &Path, source: &Path) -> Result<PathBuf, LaunchError> {
    let out = absolute("--out", out)?;
    if out.exists() {
        let mut entries = out
            .read_dir()
            .map_err(|error| wrong("--out", &out, &error.to_string()))?;
        if entries.next().is_some() {
            let reason =
                "isn't empty; give a new folder (`facetui resume RUN` goes on with an alignment)";
            return Err(wrong("--out", &out, reason));
        }
    }
    // Through links too, as far as the folders are there.
    let real = out
        .ancestors()
        .find_map(|ancestor| ancestor.canonicalize().ok());
    let source = source.canonicalize().unwrap_or_else(|_| source.to_owned());
    if real.is_some_and(|real| real.starts_with(&source)) {
        return Err(wrong(
            "--out",
            &out,
            "lies in SOURCE; give a folder elsewhere",
        ));
    }
    Ok(out)
}

fn there(option: &'static str, path: &Path, folder: Option<bool>) -> Result<PathBuf, LaunchError> {
    let expected = match folder {
        None => "a folder, an image list or a video",
        Some(true) => "a folder",
        Some(false) => "a file",
    };
    if !path.exists() {
        return Err(wrong(
            option,
            path,
            &format!("isn't there; give {expected}"),
        ));
    }
    if folder.is_some_and(|folder| folder != path.is_dir()) {
        return Err(wrong(option, path, &format!("isn't {expected}")));
    }
    absolute(option, path)
}

fn absolute(option: &'static str, path: &Path) -> Result<PathBuf, LaunchError> {
    std::path::absolute(path).map_err(|error| wrong(option, path, &error.to_string()))
}

fn wrong(option: &'static str, path: &Path, reason: &str) -> LaunchError {
    LaunchError::Path {
        option,
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}
