//! Pictures and frames in order, decoded ahead of whoever looks at them.

use std::{
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, sync_channel},
};

use facetui::data::{DataError, Image};

use super::video::{VideoError, VideoFrames};

/// Pictures decoded ahead.
const AHEAD: usize = 8;

/// The frames of a video, from files of their own or from a video file.
pub enum Frames {
    /// Pictures in order.
    Pictures(Receiver<Result<Image, DataError>>),
    /// A video file.
    Video(VideoFrames),
}

/// What comes next of a video.
pub enum NextFrame {
    /// A frame.
    Frame(Image),
    /// A frame that can't be read; others follow.
    Broken(String),
    /// No more, because the file is broken.
    Failed(String),
    /// No more.
    End,
}

impl Frames {
    /// The pictures of these files from the `first` on.
    pub fn of_pictures(files: Vec<PathBuf>, first: u64) -> Self {
        Self::Pictures(decoded(files.into_iter().skip(first as usize).collect()))
    }

    /// The frames of a video file from the `first` on.
    ///
    /// # Errors
    /// ffmpeg is not there, or gives fewer frames.
    pub fn of_video(file: &Path, first: u64) -> Result<Self, VideoError> {
        let mut frames = VideoFrames::open(file)?;
        for _ in 0..first {
            // Decoded and dropped: a jump in the file would not give the same frames.
            if frames.next_frame()?.is_none() {
                break;
            }
        }
        Ok(Self::Video(frames))
    }

    /// The next frame.
    pub fn next_frame(&mut self) -> NextFrame {
        match self {
            Self::Pictures(pictures) => match pictures.recv() {
                Ok(Ok(image)) => NextFrame::Frame(image),
                Ok(Err(error)) => NextFrame::Broken(error.to_string()),
                Err(_) => NextFrame::End,
            },
            Self::Video(frames) => match frames.next_frame() {
                Ok(Some(image)) => NextFrame::Frame(image),
                Ok(None) => NextFrame::End,
                Err(error) => NextFrame::Failed(error.to_string()),
            },
        }
    }
}

/// The pictures of files, in order, decoded on a thread that ends when the receiver goes.
pub fn decoded(files: Vec<PathBuf>) -> Receiver<Result<Image, DataError>> {
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::spawn(move || {
        for file in files {
            if sender.send(Image::open(&file)).is_err() {
                break;
            }
        }
    });
    receiver
}
