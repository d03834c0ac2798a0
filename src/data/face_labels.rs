//! What a set itself says of the faces in its pictures: boxes of YouTube Faces, landmarks of a table.

use std::collections::HashMap;
use std::path::Path;

use super::{DataError, file};

/// The ending of YouTube Faces' lists of boxes.
const BOX_LIST: &str = ".labeled_faces.txt";
/// The largest list that is read, in bytes.
const LARGEST_LIST: u64 = 1 << 30;

/// A box around a face: its centre and size in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FaceBox {
    /// The centre, x and y.
    pub centre: [f32; 2],
    /// Width and height.
    pub size: [f32; 2],
}

/// Boxes by picture, as YouTube Faces has them: one line a picture, `file,[ignore],x,y,width,height,…`.
#[derive(Debug, Default)]
pub struct FaceBoxes(HashMap<String, FaceBox>);

impl FaceBoxes {
    /// The box of a picture, by its path below the root, with `/`.
    pub fn of(&self, picture: &str) -> Option<FaceBox> {
        self.0.get(picture).copied()
    }

    /// The pictures that have one, in no order.
    pub(super) fn pictures(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Number of boxes.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Reads a list into the others.
    ///
    /// # Errors
    /// With the first line of another form.
    pub(super) fn read(&mut self, list: &Path) -> Result<(), DataError> {
        let text = text(list)?;
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let fields: Vec<&str> = line.split(',').collect();
            let number_of = |field: usize| {
                let value = fields.get(field)?.trim().parse::<f32>().ok()?;
                value.is_finite().then_some(value)
            };
            let face = || {
                let face = FaceBox {
                    centre: [number_of(2)?, number_of(3)?],
                    size: [number_of(4)?, number_of(5)?],
                };
                face.size.iter().all(|side| *side > 0.0).then_some(face)
            };
            let Some(face) = face() else {
                return Err(wrong(
                    list,
                    number,
                    line,
                    "`file,ignored,x,y,width,height,…`",
                ));
            };
            // The set was made on Windows.
            self.0.insert(fields[0].trim().replace('\\', "/"), face);
        }
        Ok(())
    }
}

/// Whether a file of this name is one of YouTube Faces' lists of boxes.
pub(super) fn is_box_list(name: &str) -> bool {
    name.ends_with(BOX_LIST)
}

/// Landmarks by picture, from a table: `path,x1,y1,…,x5,y5`.
#[derive(Debug, Default)]
pub struct FaceLandmarks(HashMap<String, Vec<[[f32; 2]; 5]>>);

impl FaceLandmarks {
    /// Reads a table; a first line without numbers is a header. A picture with several faces has several lines.
    ///
    /// # Errors
    /// It can't be read, or the first line of another form.
    pub fn open(table: &Path) -> Result<Self, DataError> {
        let text = text(table)?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        let mut faces: HashMap<String, Vec<[[f32; 2]; 5]>> = HashMap::new();
        for (index, record) in reader.records().enumerate() {
            let record = record.map_err(|error| {
                DataError::malformed(table, format!("row {}", index + 1), error.to_string())
            })?;
            let numbers: Option<Vec<f32>> = record
                .iter()
                .skip(1)
                .map(|field| field.parse::<f32>().ok().filter(|value| value.is_finite()))
                .collect();
            let points = numbers.as_deref().map(<[f32]>::as_chunks::<2>);
            match (record.get(0), points) {
                (Some(picture), Some((points, []))) if points.len() == 5 => {
                    let face = std::array::from_fn(|point| points[point]);
                    let picture = picture.trim_start_matches("./").replace('\\', "/");
                    faces.entry(picture).or_default().push(face);
                }
                _ if index == 0 && record.iter().all(|field| field.parse::<f32>().is_err()) => {}
                _ => {
                    let line = record.iter().collect::<Vec<_>>().join(",");
                    let number = record.position().map_or(index, |at| at.line() as usize - 1);
                    return Err(wrong(
                        table,
                        number,
                        &line,
                        "`path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5` (eyes, nose, corners of the mouth; left in the picture first)",
                    ));
                }
            }
        }
        if faces.is_empty() {
            return Err(DataError::unsuitable(table, "holds no landmarks"));
        }
        Ok(Self(faces))
    }

    /// The faces of a picture, by its path below the root, with `/`.
    pub fn of(&self, picture: &str) -> &[[[f32; 2]; 5]] {
        self.0.get(picture).map_or(&[], Vec::as_slice)
    }
}

fn text(path: &Path) -> Result<String, DataError> {
    let bytes = file::read(path, LARGEST_LIST, "a list of faces")?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn wrong(list: &Path, line: usize, found: &str, expected: &str) -> DataError {
    let found: String = found.chars().take(120).collect();
    let found = crate::untrusted::visible(&found);
    let problem = format!("expected {expected}, found {found}");
    DataError::malformed(list, format!("line {}", line + 1), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file<T>(text: &str, read: impl FnOnce(&Path) -> T) -> T {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.csv");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn boxes_of_youtube_faces_are_read_with_either_slash() {
        let text = "A_B\\0\\0.55.jpg,0,155,92,80,81,0.0,1\r\nA_B/0/0.56.jpg,0,1.5,2,3,4\n\n";
        let mut boxes = FaceBoxes::default();
        with_file(text, |path| boxes.read(path)).unwrap();
        let expected = FaceBox {
            centre: [155.0, 92.0],
            size: [80.0, 81.0],
        };
        assert_eq!(
            (boxes.of("A_B/0/0.55.jpg"), boxes.count()),
            (Some(expected), 2)
        );
        for line in [
            "A\\0\\1.jpg,0,1,2,3",
            "A,0,1,2,0,4",
            "A,0,x,2,3,4",
            "A,0,NaN,2,3,4",
        ] {
            let text = format!("{text}{line}\n");
            let message = with_file(&text, |path| boxes.read(path)).unwrap_err();
            assert!(
                message.to_string().contains("file.csv, line 4"),
                "{message}"
            );
        }
    }

    #[test]
    fn landmarks_are_read_with_and_without_a_header() {
        let rows = "a/1.jpg,1,2,3,4,5,6,7,8,9,10\n\"b,c.jpg\",1,2,3,4,5,6,7,8,9,10.5\n./a/1.jpg, 0,0,0,0,0,0,0,0,0,1\n";
        for text in [rows.to_owned(), format!("path,x1,y1\n{rows}")] {
            let table = with_file(&text, FaceLandmarks::open).unwrap();
            assert_eq!(table.of("a/1.jpg").len(), 2);
            assert!((table.of("b,c.jpg")[0][4][1] - 10.5).abs() < 1e-6);
            assert!(table.of("missing.jpg").is_empty());
        }
        for row in [
            "x.jpg,1,2,3",
            "x.jpg,1,2,3,4,5,6,7,8,9,inf",
            "1,2,3,4,5,6,7,8,9,10",
        ] {
            let text = format!("{rows}{row}\n");
            let message = with_file(&text, FaceLandmarks::open)
                .unwrap_err()
                .to_string();
            assert!(message.contains("line 4"), "{message}");
        }
        assert!(with_file("path,x\n", FaceLandmarks::open).is_err());
    }
}
