//! A training set as an image list, or as folders of images.

use std::path::{Path, PathBuf};

use super::image::is_image_name;
use super::training::dense_classes;
use super::video::natural_order;
use super::{DataError, Image};

/// The largest list that is read, in bytes.
const LARGEST_LIST: u64 = 4 << 30;

/// The form of an image list's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListDialect {
    /// `path,label`
    PathCommaLabel,
    /// `path label`
    PathSpaceLabel,
    /// `label,path`
    LabelCommaPath,
    /// `label path`
    LabelSpacePath,
    /// No list: a folder per identity.
    Folders,
}

/// Images in files of their own, each with a class.
#[derive(Debug)]
pub struct ImageList {
    root: PathBuf,
    paths: Vec<Box<str>>,
    classes: Vec<u32>,
    names: Vec<String>,
    dialect: ListDialect,
}

impl ImageList {
    /// Reads a list; its paths are relative to `root`. The order of the columns is found out.
    ///
    /// # Errors
    /// With the first line that does not have the form of the others.
    pub fn open(list: &Path, root: &Path) -> Result<Self, DataError> {
        let read = |error| DataError::read(list, error);
        if std::fs::metadata(list).map_err(read)?.len() > LARGEST_LIST {
            return Err(DataError::unsuitable(
                list,
                "larger than 4 GiB, which no image list is",
            ));
        }
        let bytes = std::fs::read(list).map_err(read)?;
        let text = String::from_utf8_lossy(&bytes);
        let dialect = detect(list, &text)?;
        let mut paths: Vec<Box<str>> = Vec::new();
        let mut labels = Vec::new();
        for (number, line) in lines(&text) {
            let (path, label) = split(dialect, line)
                .and_then(|(path, label)| Some((path, label.parse::<u32>().ok()?)))
                .ok_or_else(|| {
                    let found = crate::untrusted::visible(line);
                    DataError::malformed(
                        list,
                        format!("line {}", number + 1),
                        format!("expected {}, found {found}", form(dialect)),
                    )
                })?;
            paths.push(path.into());
            labels.push(label);
        }
        let (classes, distinct) = dense_classes(&labels);
        let mut names: Vec<String> = distinct.iter().map(u32::to_string).collect();
        for (path, class) in paths.iter().zip(&classes) {
            if let Some(person) = person(path) {
                person.clone_into(&mut names[*class as usize]);
            }
        }
        Ok(Self {
            root: root.to_owned(),
            paths,
            classes,
            names,
            dialect,
        })
    }

    /// Finds the images under a folder per identity, with or without a folder per video in it.
    ///
    /// # Errors
    /// When a folder can't be read, or there is no image.
    pub fn open_folders(root: &Path) -> Result<Self, DataError> {
        let mut set = Self {
            root: root.to_owned(),
            paths: Vec::new(),
            classes: Vec::new(),
            names: Vec::new(),
            dialect: ListDialect::Folders,
        };
        for person in sorted_names(root)? {
            let mut found = Vec::new();
            let folder = root.join(&person);
            if !folder.is_dir() {
                continue;
            }
            for name in sorted_names(&folder)? {
                if is_image_name(&name) {
                    found.push(format!("{person}/{name}"));
                } else if folder.join(&name).is_dir() {
                    let frames = sorted_names(&folder.join(&name))?;
                    found.extend(
                        frames
                            .into_iter()
                            .filter(|frame| is_image_name(frame))
                            .map(|frame| format!("{person}/{name}/{frame}")),
                    );
                }
            }
            if !found.is_empty() {
                set.classes
                    .resize(set.paths.len() + found.len(), set.names.len() as u32);
                set.paths.extend(found.into_iter().map(Into::into));
                set.names.push(person);
            }
        }
        if set.paths.is_empty() {
            return Err(DataError::unsuitable(
                root,
                "no folders of images here; expected a folder per identity",
            ));
        }
        Ok(set)
    }

    /// The class of every image.
    pub fn classes(&self) -> &[u32] {
        &self.classes
    }

    /// Number of people.
    pub fn class_count(&self) -> u32 {
        self.names.len() as u32
    }

    /// A person's name: the folder of their images, or the label.
    pub fn name_of_class(&self, class: u32) -> Option<&str> {
        self.names.get(class as usize).map(String::as_str)
    }

    /// The form of the list.
    pub fn dialect(&self) -> ListDialect {
        self.dialect
    }

    /// An image's file.
    pub fn path(&self, index: usize) -> PathBuf {
        self.paths
            .get(index)
            .map_or_else(|| self.root.clone(), |path| self.root.join(&**path))
    }

    /// Reads an image's file into `bytes`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read_bytes(&self, index: usize, bytes: &mut Vec<u8>) -> Result<(), DataError> {
        use std::io::Read;
        let path = self.path(index);
        bytes.clear();
        std::fs::File::open(&path)
            .and_then(|mut file| file.read_to_end(bytes))
            .map_err(|error| DataError::read(&path, error))?;
        Ok(())
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// When the file can't be read or decoded.
    pub fn read(&self, index: usize) -> Result<Image, DataError> {
        let mut bytes = Vec::new();
        self.read_bytes(index, &mut bytes)?;
        Image::decode(&bytes, &self.path(index).to_string_lossy())
    }
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    lines
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The form that all lines have; a label last wins where both columns are numbers.
fn detect(list: &Path, text: &str) -> Result<ListDialect, DataError> {
    let candidates = [
        ListDialect::PathCommaLabel,
        ListDialect::LabelCommaPath,
        ListDialect::PathSpaceLabel,
        ListDialect::LabelSpacePath,
    ];
    let fits = |dialect: ListDialect, line: &str| {
        split(dialect, line).is_some_and(|(_, label)| label.parse::<u32>().is_ok())
    };
    let mut longest = (0, candidates[0]);
    for dialect in candidates {
        let fitting = lines(text)
            .take_while(|(_, line)| fits(dialect, line))
            .count();
        if fitting > longest.0 {
            longest = (fitting, dialect);
        }
    }
    if longest.0 > 0 {
        return Ok(longest.1);
    }
    match lines(text).next() {
        None => Err(DataError::unsuitable(list, "holds no images")),
        Some((number, line)) => {
            let found = crate::untrusted::visible(line);
            let problem = format!(
                "expected `path,label`, `path label` or `label,path` with a whole number as label, found {found}"
            );
            Err(DataError::malformed(
                list,
                format!("line {}", number + 1),
                problem,
            ))
        }
    }
}

/// Path and label of a line.
fn split(dialect: ListDialect, line: &str) -> Option<(&str, &str)> {
    let (path, label) = match dialect {
        ListDialect::PathCommaLabel => line.rsplit_once(',')?,
        ListDialect::PathSpaceLabel => line.rsplit_once(char::is_whitespace)?,
        ListDialect::LabelCommaPath => line.split_once(',').map(|(label, path)| (path, label))?,
        ListDialect::LabelSpacePath => line
            .split_once(char::is_whitespace)
            .map(|(label, path)| (path, label))?,
        ListDialect::Folders => return None,
    };
    Some((path.trim(), label.trim())).filter(|(path, _)| !path.is_empty())
}

fn form(dialect: ListDialect) -> &'static str {
    match dialect {
        ListDialect::PathCommaLabel => "`path,label`",
        ListDialect::PathSpaceLabel => "`path label`",
        ListDialect::LabelCommaPath => "`label,path`",
        ListDialect::LabelSpacePath => "`label path`",
        ListDialect::Folders => "a folder",
    }
}

/// The folder that an image's path starts with, where it has one.
fn person(path: &str) -> Option<&str> {
    path.trim_start_matches("./")
        .split_once('/')
        .map(|(person, _)| person)
        .filter(|person| !person.is_empty())
}

fn sorted_names(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::read(folder, error))? {
        let entry = entry.map_err(|error| DataError::read(folder, error))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_by(|a, b| natural_order(a, b));
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(text: &str) -> Result<ImageList, DataError> {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.txt");
        std::fs::write(&list, text).unwrap();
        ImageList::open(&list, Path::new("/images"))
    }

    #[test]
    fn every_column_order_gives_the_same_set() {
        let cases = [
            ("a b/1.png,7\nc/2.png,3\n", ListDialect::PathCommaLabel),
            ("a b/1.png 7\r\nc/2.png\t3", ListDialect::PathSpaceLabel),
            ("7,a b/1.png\n3,c/2.png\n", ListDialect::LabelCommaPath),
            ("7 a b/1.png\n\n3 c/2.png\n", ListDialect::LabelSpacePath),
        ];
        for (text, dialect) in cases {
            let set = opened(text).unwrap();
            assert_eq!(set.dialect(), dialect, "{text}");
            assert_eq!(set.classes(), [1, 0]);
            assert_eq!(set.path(0), Path::new("/images/a b/1.png"));
            assert_eq!(
                (set.name_of_class(0), set.name_of_class(1)),
                (Some("c"), Some("a b"))
            );
        }
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        let message = opened("a/1.png,0\na/2.png,zero\n").unwrap_err().to_string();
        assert!(
            message.contains("line 2") && message.contains("`path,label`"),
            "{message}"
        );
        assert!(
            opened("nothing here at all\n")
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
        assert!(
            opened("\n\n")
                .unwrap_err()
                .to_string()
                .contains("no images")
        );
    }

    #[test]
    fn folders_with_and_without_videos_are_identities() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b/10.png",
            "b/9.png",
            "a/0/f.1.jpg",
            "a/0/notes.txt",
            "empty/readme",
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let set = ImageList::open_folders(folder.path()).unwrap();
        assert_eq!(set.classes(), [0, 1, 1]);
        assert_eq!(set.name_of_class(1), Some("b"));
        assert!(set.path(1).ends_with("b/9.png"));
    }
}
