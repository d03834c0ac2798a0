//! The lists of faces that come with YouTube Faces' whole frames: `NAME.labeled_faces.txt`.

use std::path::Path;

use super::verification::LARGEST_LIST;
use super::{DataError, file};
use crate::untrusted::visible;

/// What the file names end in.
pub(super) const ENDING: &str = ".labeled_faces.txt";

/// A face in a frame, found by whoever made the set.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledFace {
    /// The frame: `person/video/file`.
    pub frame: String,
    /// Column and row of the face's centre, in pixels.
    pub centre: [f32; 2],
    /// Width and height of the box around the face, in pixels.
    pub size: [f32; 2],
}

/// Reads a list of faces: lines of `file,[ignored],x,y,width,height,…`, the place being the centre.
///
/// # Errors
/// With the first line that is of no such form.
pub fn read_labelled_faces(path: &Path) -> Result<Vec<LabelledFace>, DataError> {
    let bytes = file::read(path, LARGEST_LIST, "a list of faces")?;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            face(line.trim()).ok_or_else(|| {
                let problem = format!(
                    "expected `file,ignored,x,y,width,height`, found {}",
                    visible(line)
                );
                DataError::malformed(path, format!("line {}", number + 1), problem)
            })
        })
        .collect()
}

fn face(line: &str) -> Option<LabelledFace> {
    let mut words = line.split(',').map(str::trim);
    // The lists were written on Windows.
    let frame = words.next()?.replace('\\', "/");
    words.next()?;
    let mut number = || {
        let number: f32 = words.next()?.parse().ok()?;
        (number.abs() < 1e6).then_some(number)
    };
    let (centre, size) = ([number()?, number()?], [number()?, number()?]);
    let inside = !frame.is_empty()
        && frame
            .split('/')
            .all(|part| !matches!(part, "" | "." | ".."));
    (inside && size.iter().all(|side| *side > 0.0)).then_some(LabelledFace {
        frame,
        centre,
        size,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_read_from_windows_paths_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A_B.labeled_faces.txt");
        std::fs::write(
            &path,
            "A_B\\0\\0.555.jpg,0,235,155.5,130,131,0,1\r\nA_B/1/1.2.jpg, 0, 1, 2, 3, 4\n",
        )
        .unwrap();
        let faces = read_labelled_faces(&path).unwrap();
        assert_eq!(faces.len(), 2);
        assert_eq!(faces[0].frame, "A_B/0/0.555.jpg");
        assert_eq!(
            (faces[0].centre, faces[0].size),
            ([235.0, 155.5], [130.0, 131.0])
        );
        for line in [
            "A/0/1.jpg,0,1,2,3",
            "../1.jpg,0,1,2,3,4",
            "A/1.jpg,0,nan,2,3,4",
            "A/1.jpg,0,1,2,0,4",
        ] {
            std::fs::write(&path, format!("A/1/1.jpg,0,1,2,3,4\n{line}\n")).unwrap();
            let message = read_labelled_faces(&path).unwrap_err().to_string();
            assert!(message.contains("line 2"), "{message}");
        }
    }
}
