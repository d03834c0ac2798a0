//! Frames of a video file, decoded by the program ffmpeg and streamed through a pipe.

use std::{
    ffi::OsString,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread::JoinHandle,
};

use facetui::{
    data::Image,
    untrusted::{visible, visible_path},
};
use serde::Deserialize;
use thiserror::Error;

/// Frames decoded ahead of whoever asks.
const AHEAD: usize = 4;
/// The longest side and the most pixels of a frame.
const LARGEST: (u32, u64) = (8192, 1 << 26);
/// A file that is a list of others, which ffmpeg would follow, is no video here.
const ONE_FILE: [&str; 4] = [
    "-protocol_whitelist",
    "file,pipe",
    "-format_whitelist",
    "mov,matroska,avi,mpeg,mpegts,mpegvideo,m4v,flv,asf,ogg",
];
/// So much of what ffmpeg complains of is kept, in bytes.
const COMPLAINT: u64 = 4096;

/// Why a video has no frames, or no more.
#[derive(Debug, Error)]
pub enum VideoError {
    /// There is no ffmpeg.
    #[error(
        "videos need the program ffmpeg, and it is not here; on Debian: apt-get install ffmpeg (elsewhere https://ffmpeg.org), or give a folder of frames"
    )]
    NoProgram,
    /// It can't be started or read from.
    #[error("ffmpeg on {}: {source}", visible_path(path))]
    Io {
        /// The video.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It can't decode the video.
    #[error(
        "{}: after {frames} frames ffmpeg says: {}",
        visible_path(path),
        visible(complaint)
    )]
    Decode {
        /// The video.
        path: PathBuf,
        /// Frames it gave before.
        frames: u64,
        /// What it says.
        complaint: String,
    },
}

/// The frames of a video file, in order, every one once. Dropping it ends ffmpeg.
pub struct VideoFrames {
    path: PathBuf,
    child: Child,
    frames: Receiver<io::Result<Image>>,
    complaint: Option<JoinHandle<String>>,
    given: u64,
}

impl VideoFrames {
    /// Starts ffmpeg on a file. Nothing but that file is read, whatever is in it.
    ///
    /// # Errors
    /// [`VideoError::NoProgram`], or why it can't be started.
    pub fn open(path: &Path) -> Result<Self, VideoError> {
        Self::start(path, "-fps_mode")
    }

    /// `each_once` is the option that keeps ffmpeg from repeating and dropping frames, which had another name before 5.1.
    fn start(path: &Path, each_once: &str) -> Result<Self, VideoError> {
        let broken = |source| VideoError::Io {
            path: path.to_owned(),
            source,
        };
        let mut child = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error"])
            .args(ONE_FILE)
            .arg("-i")
            .arg(address(path).map_err(broken)?)
            .args([
                "-map",
                "0:v:0",
                each_once,
                "passthrough",
                "-pix_fmt",
                "rgb24",
            ])
            .args(["-f", "image2pipe", "-c:v", "ppm", "pipe:1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => VideoError::NoProgram,
                _ => broken(error),
            })?;
        let (Some(output), Some(mut errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(broken(io::Error::other("it has no output")));
        };
        let complaint = std::thread::spawn(move || {
            let mut text = Vec::new();
            // What can't be read is only missing from a message; the rest is read so that ffmpeg never waits.
            let _ = (&mut errors).take(COMPLAINT).read_to_end(&mut text);
            let _ = io::copy(&mut errors, &mut io::sink());
            let text = String::from_utf8_lossy(&text);
            text.trim().lines().next().unwrap_or_default().to_owned()
        });
        let (sender, frames) = sync_channel(AHEAD);
        std::thread::spawn(move || {
            let mut output = BufReader::with_capacity(1 << 20, output);
            while let Some(frame) = frame(&mut output).transpose() {
                let ends = frame.is_err();
                if sender.send(frame).is_err() || ends {
                    break;
                }
            }
        });
        Ok(Self {
            path: path.to_owned(),
            child,
            frames,
            complaint: Some(complaint),
            given: 0,
        })
    }

    /// The next frame; `None` after the last.
    ///
    /// # Errors
    /// When ffmpeg gives up; frames it gave before are good.
    pub fn next_frame(&mut self) -> Result<Option<Image>, VideoError> {
        match self.frames.recv() {
            Ok(Ok(frame)) => {
                self.given += 1;
                Ok(Some(frame))
            }
            Ok(Err(source)) => Err(VideoError::Io {
                path: self.path.clone(),
                source,
            }),
            Err(_) => self.end(),
        }
    }

    fn end(&mut self) -> Result<Option<Image>, VideoError> {
        let Some(complaint) = self.complaint.take() else {
            return Ok(None);
        };
        let complaint = complaint.join().unwrap_or_default();
        let well = self.child.wait().is_ok_and(|status| status.success());
        if self.given == 0 && complaint.contains("fps_mode") {
            *self = Self::start(&self.path, "-vsync")?;
            return self.next_frame();
        }
        if well && self.given > 0 {
            return Ok(None);
        }
        Err(VideoError::Decode {
            path: self.path.clone(),
            frames: self.given,
            complaint: if complaint.is_empty() {
                "nothing".to_owned()
            } else {
                complaint
            },
        })
    }
}

impl Drop for VideoFrames {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The file as ffmpeg takes it for a file and nothing else: no option, no address, no list of other files.
fn address(path: &Path) -> io::Result<OsString> {
    let mut address = OsString::from("file:");
    address.push(std::path::absolute(path)?);
    Ok(address)
}

/// One picture in PPM, as ffmpeg writes it; `None` at the end.
fn frame(output: &mut BufReader<ChildStdout>) -> io::Result<Option<Image>> {
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "its output is no picture");
    let mut header = Vec::new();
    for _ in 0..3 {
        if output.take(32).read_until(b'\n', &mut header)? == 0 {
            return if header.is_empty() {
                Ok(None)
            } else {
                Err(broken())
            };
        }
    }
    let text = String::from_utf8_lossy(&header);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let ["P6", width, height, "255"] = words[..] else {
        return Err(broken());
    };
    let side = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|side| (1..=LARGEST.0).contains(side))
    };
    let (Some(width), Some(height)) = (side(width), side(height)) else {
        return Err(io::Error::other(format!(
            "its frames of {width}x{height} are larger than can be"
        )));
    };
    if u64::from(width) * u64::from(height) > LARGEST.1 {
        return Err(io::Error::other("its frames are larger than can be"));
    }
    let mut rgb = vec![0; 3 * width as usize * height as usize];
    output.read_exact(&mut rgb)?;
    Ok(Some(Image { width, height, rgb }))
}

/// About how many frames a video has, for the time left; `None` where ffprobe doesn't know.
pub fn about_frames(path: &Path) -> Option<u64> {
    #[derive(Deserialize)]
    struct Probe {
        streams: Vec<Stream>,
    }
    #[derive(Deserialize)]
    struct Stream {
        nb_frames: Option<String>,
        avg_frame_rate: Option<String>,
        duration: Option<String>,
    }
    let output = Command::new("ffprobe")
        .args(["-v", "error"])
        .args(ONE_FILE)
        .args(["-select_streams", "v:0", "-of", "json", "-show_entries"])
        .args(["stream=nb_frames,avg_frame_rate,duration", "-i"])
        .arg(address(path).ok()?)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let probe: Probe = serde_json::from_slice(&output.stdout).ok()?;
    let stream = probe.streams.into_iter().next()?;
    if let Some(count) = stream.nb_frames.and_then(|count| count.parse().ok()) {
        return Some(count);
    }
    let rate = stream.avg_frame_rate?;
    let (frames, seconds) = rate.split_once('/')?;
    let rate = frames.parse::<f64>().ok()? / seconds.parse::<f64>().ok()?;
    let count = rate * stream.duration?.parse::<f64>().ok()?;
    count.is_finite().then_some(count as u64)
}
