//! Faces and tracks as files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use facetui::{
    atomic::atomic_write,
    data::{DataError, Image},
    run::FaceFormat,
    untrusted::visible_path,
};
use thiserror::Error;

use super::tracks::Track;

/// Quality of JPEG faces.
const QUALITY: u8 = 95;

/// Why a face could not be written.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The disk refuses.
    #[error(
        "can't write {}: {source}; make room or mend the folder, then resume the run",
        visible_path(path)
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The face can't be encoded.
    #[error(transparent)]
    Encode(#[from] DataError),
}

impl OutputError {
    fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }
}

/// The folder that faces go to.
pub struct FaceFolder {
    root: PathBuf,
    format: FaceFormat,
    made: PathBuf,
}

impl FaceFolder {
    /// Makes the folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn create(root: &Path, format: FaceFormat) -> Result<Self, OutputError> {
        fs::create_dir_all(root).map_err(OutputError::at(root))?;
        Ok(Self {
            root: root.to_owned(),
            format,
            made: root.to_owned(),
        })
    }

    /// Writes a face below the folder, and gives its path there. The file is whole or not there; it is not synced, as
    /// a run that the machine's end interrupts is resumed anyway.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&mut self, name: &str, face: &Image) -> Result<String, OutputError> {
        let below = format!("{name}.{}", self.format.ending());
        let path = self.root.join(&below);
        if let Some(folder) = path.parent().filter(|folder| **folder != self.made) {
            fs::create_dir_all(folder).map_err(OutputError::at(folder))?;
            folder.clone_into(&mut self.made);
        }
        let bytes = match self.format {
            FaceFormat::Jpg => face.to_jpeg(QUALITY)?,
            FaceFormat::Png => face.to_png()?,
        };
        let temporary = self.made.join(".face.tmp");
        fs::write(&temporary, bytes).map_err(OutputError::at(&temporary))?;
        fs::rename(&temporary, &path).map_err(OutputError::at(&path))?;
        Ok(below)
    }

    /// Removes the faces of a track that was too short.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn drop_track(&mut self, video: &str, track: u64) -> Result<(), OutputError> {
        let folder = self.root.join(track_name(video, track));
        self.root.clone_into(&mut self.made);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(OutputError::at(&folder)(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes `tracks.csv` beside the tracks of a video.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write_tracks(&self, video: &str, tracks: &[Track]) -> Result<(), OutputError> {
        use std::fmt::Write;
        let folder = self.root.join(video);
        fs::create_dir_all(&folder).map_err(OutputError::at(&folder))?;
        let mut text = String::from("track,first_frame,last_frame,faces,mean_score\n");
        for track in tracks {
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "track-{:03},{},{},{},{:.4}",
                track.number,
                track.first,
                track.last,
                track.faces,
                track.mean_score()
            );
        }
        let path = folder.join("tracks.csv");
        atomic_write(&path, text.as_bytes()).map_err(OutputError::at(&path))
    }
}

/// The folder of a track, below the folder of faces.
pub fn track_name(video: &str, track: u64) -> String {
    let separator = if video.is_empty() { "" } else { "/" };
    format!("{video}{separator}track-{track:03}")
}
