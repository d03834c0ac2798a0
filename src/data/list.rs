//! A training set as an image list, or as folders of images.

mod dialect;
mod lines;
mod paths;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::error::shown;
use super::image::is_image_name;
use super::training::dense_classes;
use super::video::{VideoSet, natural_order};
use super::{DataError, Image, file};
pub use dialect::ListDialect;
use lines::Lines;
use paths::Paths;

/// Images in files of their own, each with a class.
#[derive(Debug)]
pub struct ImageList {
    root: PathBuf,
    paths: Paths,
    classes: Vec<u32>,
    names: Vec<String>,
    dialect: ListDialect,
}

impl ImageList {
    /// Reads a list; its paths are relative to `root`. The order of the columns is found out.
    ///
    /// A person's name is the folder that their paths start with, where it tells people apart, and else the label.
    ///
    /// # Errors
    /// With the first line that does not have the form of the others.
    pub fn open(list: &Path, root: &Path) -> Result<Self, DataError> {
        let dialect = ListDialect::detect(list)?;
        let mut paths = Paths::default();
        let mut labels = Vec::new();
        let mut lines = Lines::open(list)?;
        while let Some((number, line)) = lines.next()? {
            let Some((path, label)) = dialect.split(line) else {
                let found = crate::untrusted::visible(line);
                let problem = format!("expected {}, found {found}", dialect.form());
                return Err(DataError::malformed(
                    list,
                    format!("line {number}"),
                    problem,
                ));
            };
            paths.push(path);
            labels.push(label);
        }
        paths.shrink();
        let (classes, distinct) = dense_classes(&labels);
        let names = folder_names(&paths, &classes, distinct.len())
            .unwrap_or_else(|| distinct.iter().map(u32::to_string).collect());
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
        let mut set = Self::empty(root);
        for person in sorted_names(root)? {
            let folder = root.join(&person);
            if !folder.is_dir() {
                continue;
            }
            let before = set.paths.len();
            let (images, others): (Vec<_>, Vec<_>) = sorted_names(&folder)?
                .into_iter()
                .partition(|name| is_image_name(name));
            for name in images {
                set.paths.push(&format!("{person}/{name}"));
            }
            for name in others {
                if folder.join(&name).is_dir() {
                    for frame in sorted_names(&folder.join(&name))? {
                        if is_image_name(&frame) {
                            set.paths.push(&format!("{person}/{name}/{frame}"));
                        }
                    }
                }
            }
            if set.paths.len() > before {
                set.classes.resize(set.paths.len(), set.names.len() as u32);
                set.names.push(person);
            }
        }
        set.paths.shrink();
        if set.classes.is_empty() {
            return Err(DataError::unsuitable(
                root,
                "no folders of images here; expected a folder per identity",
            ));
        }
        Ok(set)
    }

    /// All frames of the videos of a set, each with its person as class.
    pub(super) fn of_videos(set: &VideoSet, root: &Path) -> Self {
        let mut list = Self::empty(root);
        let mut videos: Vec<_> = set.videos.iter().collect();
        videos.sort_by(|a, b| natural_order(&a.name, &b.name));
        for video in videos {
            let person = video.name.split('/').next().unwrap_or(&video.name);
            if list.names.last().is_none_or(|last| last != person) {
                list.names.push(person.to_owned());
            }
            for frame in &video.frames {
                let path = frame.strip_prefix(root).unwrap_or(frame);
                list.paths.push(&path.to_string_lossy());
                list.classes.push(list.names.len() as u32 - 1);
            }
        }
        list
    }

    fn empty(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            paths: Paths::default(),
            classes: Vec::new(),
            names: Vec::new(),
            dialect: ListDialect::Folders,
        }
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

    /// The folder that paths are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// An image's path as the list has it, or relative to the folder.
    pub fn name_of_image(&self, index: usize) -> Option<&str> {
        self.paths.get(index)
    }

    /// The folder of a video that an image lies in: all of its path but the file, where that is two folders deep.
    pub(super) fn video_of_image(&self, index: usize) -> Option<&str> {
        let (folder, _) = self.paths.get(index)?.rsplit_once('/')?;
        folder.contains('/').then_some(folder)
    }

    /// Number of folders of videos, where images lie in such.
    pub(super) fn video_count(&self) -> u64 {
        let mut count = 0;
        let mut last = None;
        for index in 0..self.paths.len() {
            let video = self.video_of_image(index);
            count += u64::from(video.is_some() && video != last);
            last = video;
        }
        count
    }

    /// An image's file.
    pub fn path(&self, index: usize) -> PathBuf {
        self.paths
            .get(index)
            .map_or_else(|| self.root.clone(), |path| self.root.join(path))
    }

    /// Reads an image's file into `bytes`.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn read_bytes(&self, index: usize, bytes: &mut Vec<u8>) -> Result<(), DataError> {
        file::read_image(&self.path(index), bytes)
    }

    /// Decodes an image.
    ///
    /// # Errors
    /// When the file can't be read or decoded.
    pub fn read(&self, index: usize) -> Result<Image, DataError> {
        let mut bytes = Vec::new();
        self.read_bytes(index, &mut bytes)?;
        Image::decode(&bytes, &shown(&self.path(index)))
    }
}

/// Whether a line `path,label` with this path is read back as it was written.
pub(super) fn can_be_listed(path: &str) -> bool {
    let line = format!("{path},0");
    !path.contains(['\n', '\r'])
        && !line.starts_with(['#', '\u{feff}'])
        && ListDialect::PathCommaLabel.split(line.trim()) == Some((path, 0))
}

/// The first folder of each class's paths, if these are different.
fn folder_names(paths: &Paths, classes: &[u32], count: usize) -> Option<Vec<String>> {
    let mut names = vec![String::new(); count];
    for (path, class) in paths.iter().zip(classes) {
        let name = &mut names[*class as usize];
        if name.is_empty() {
            person(path)?.clone_into(name);
        }
    }
    let distinct: HashSet<&String> = names.iter().collect();
    (distinct.len() == count).then_some(names)
}

/// The folder that an image's path starts with, where it has one.
fn person(path: &str) -> Option<&str> {
    path.trim_start_matches("./")
        .split_once('/')
        .map(|(person, _)| person)
        .filter(|person| !person.is_empty())
}

/// The names in a folder, without hidden ones, in natural order.
fn sorted_names(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| DataError::read(folder, error))? {
        let entry = entry.map_err(|error| DataError::read(folder, error))?;
        match entry.file_name().into_string() {
            Ok(name) if name.starts_with('.') => {}
            Ok(name) => names.push(name),
            Err(name) if is_image_name(&name.to_string_lossy()) || entry.path().is_dir() => {
                return Err(DataError::unsuitable(
                    &entry.path(),
                    "has a name that is not UTF-8; rename it",
                ));
            }
            Err(_) => {}
        }
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
            (
                "0\t7.000000\ta b/1.png\n1\t3.000000\tc/2.png\n",
                ListDialect::NumberLabelPath,
            ),
            (
                "1\ta b/1.png\t7\n1\tc/2.png\t3\n",
                ListDialect::NumberPathLabel,
            ),
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

    #[test]
    fn people_are_named_by_label_where_folders_do_not_tell_them_apart() {
        let set = opened("train/a/1.png,5\ntrain/b/1.png,8\n").unwrap();
        assert_eq!(
            (set.name_of_class(0), set.name_of_class(1)),
            (Some("5"), Some("8"))
        );
    }

    #[test]
    fn what_can_be_listed_is_read_back() {
        let awkward = ["a,b/1 2.png", "a/#1.png", "a\tb/1.png", "7/8,9"];
        for path in awkward {
            assert!(can_be_listed(path), "{path}");
            let set = opened(&format!("{path},3\n")).unwrap();
            assert_eq!(set.name_of_image(0), Some(path));
        }
        for path in ["#a/1.png", " a/1.png", "a/1.png ", "a\nb", "\u{feff}a", ""] {
            assert!(!can_be_listed(path), "{path:?}");
        }
    }

    #[test]
    fn lines_without_an_end_are_refused() {
        let message = opened(&"x".repeat(1 << 16)).unwrap_err().to_string();
        assert!(message.contains("line 1: longer"), "{message}");
    }

    #[test]
    fn hidden_files_are_no_images() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a/1.png", "a/._1.png", ".git/x.png"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let set = ImageList::open_folders(folder.path()).unwrap();
        assert_eq!((set.classes().len(), set.class_count()), (1, 1));
    }
}
