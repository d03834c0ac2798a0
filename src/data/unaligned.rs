//! Pictures and videos in which faces are still to be found: folders, image lists, video files.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use super::face_labels::{FaceBoxes, is_box_list};
use super::image::is_image_name;
use super::video::natural_order;
use super::{DataError, ImageList};

/// How deep folders are looked into.
const DEEPEST: usize = 8;

/// Pictures and videos in which faces are to be found, in order.
#[derive(Debug)]
pub struct UnalignedSource {
    /// The folder that names are relative to.
    pub root: PathBuf,
    /// What there is.
    pub items: Vec<UnalignedItem>,
    /// Boxes that the set itself brings (YouTube Faces' `NAME.labeled_faces.txt`), by picture.
    pub boxes: FaceBoxes,
    /// Files that can't be told by name, because theirs is no text.
    pub unnamed: Vec<PathBuf>,
}

/// A picture, a video, or a folder whose pictures are the frames of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnalignedItem {
    /// Its path below the root, with `/`.
    pub name: String,
    /// Where its faces go, below the folder of faces: the name without its ending, where that is no other's.
    pub output: String,
    /// What it is.
    pub kind: UnalignedKind,
}

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnalignedKind {
    /// An image file.
    Picture,
    /// A video file.
    Video,
    /// Pictures in order, as names below the root.
    Frames(Vec<String>),
}

impl UnalignedSource {
    /// Finds the pictures and videos of a folder, a list (its paths relative to `images`, or to the list's own folder)
    /// or a video file; with `sequences`, the pictures of each folder are the frames of a video.
    ///
    /// # Errors
    /// It can't be read, holds nothing of that kind, or a list names a picture outside of its folder.
    pub fn open(source: &Path, images: Option<&Path>, sequences: bool) -> Result<Self, DataError> {
        let mut found = Found::default();
        let mut boxes = FaceBoxes::default();
        let root;
        if source.is_dir() {
            root = source.to_owned();
            found.folder(&root, "", 0)?;
            for list in &found.box_lists {
                boxes.read(list)?;
            }
        } else if is_video_name(&source.to_string_lossy()) {
            root = source.parent().unwrap_or(Path::new("")).to_owned();
            let name = source.file_name().and_then(|name| name.to_str());
            found.videos.extend(name.map(str::to_owned));
        } else {
            let folder = source.parent().unwrap_or(Path::new(""));
            root = images.unwrap_or(folder).to_owned();
            found.list(source, &root)?;
        }
        let items = found.items(sequences);
        if items.is_empty() {
            let problem = "holds neither pictures (jpg, png, bmp, webp) nor videos (mp4, mkv, …)";
            return Err(DataError::unsuitable(source, problem));
        }
        Ok(Self {
            root,
            items,
            boxes,
            unnamed: found.unnamed,
        })
    }
}

/// Whether a file of this name is taken for a video.
pub fn is_video_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        [
            "mp4", "m4v", "mkv", "webm", "mov", "avi", "mpg", "mpeg", "wmv", "flv", "ogv", "3gp",
        ]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

#[derive(Default)]
struct Found {
    pictures: Vec<String>,
    videos: Vec<String>,
    box_lists: Vec<PathBuf>,
    unnamed: Vec<PathBuf>,
}

impl Found {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), DataError> {
        let read = |error| DataError::read(folder, error);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(read)? {
            match entry.map_err(read)?.file_name().into_string() {
                Ok(name) => names.push(name),
                Err(name) => self.unnamed.push(folder.join(name)),
            }
        }
        names.sort_by(|a, b| natural_order(a, b));
        for name in names.into_iter().filter(|name| !name.starts_with('.')) {
            let path = folder.join(&name);
            let below = format!("{prefix}{name}");
            if is_image_name(&name) {
                self.pictures.push(below);
            } else if is_video_name(&name) {
                self.videos.push(below);
            } else if is_box_list(&name) {
                self.box_lists.push(path);
            } else if depth < DEEPEST && path.is_dir() {
                self.folder(&path, &format!("{below}/"), depth + 1)?;
            }
        }
        Ok(())
    }

    fn list(&mut self, list: &Path, root: &Path) -> Result<(), DataError> {
        let images = ImageList::open(list, root)?;
        for index in 0..images.classes().len() {
            let path = images.path(index);
            let below = path.strip_prefix(root).ok().and_then(plain);
            let Some(below) = below else {
                let problem = format!(
                    "names {}, which is not in the folder of its images",
                    super::error::shown(&path)
                );
                return Err(DataError::unsuitable(list, problem));
            };
            self.pictures.push(below);
        }
        Ok(())
    }

    fn items(&mut self, sequences: bool) -> Vec<UnalignedItem> {
        let mut items: Vec<(String, UnalignedKind)> = Vec::new();
        let pictures = std::mem::take(&mut self.pictures);
        if sequences {
            let mut folders: HashMap<String, usize> = HashMap::new();
            for picture in pictures {
                let folder = picture.rsplit_once('/').map_or("", |(folder, _)| folder);
                let at = *folders.entry(folder.to_owned()).or_insert_with(|| {
                    let name = if folder.is_empty() { "." } else { folder };
                    items.push((name.to_owned(), UnalignedKind::Frames(Vec::new())));
                    items.len() - 1
                });
                if let UnalignedKind::Frames(frames) = &mut items[at].1 {
                    frames.push(picture);
                }
            }
        } else {
            items.extend(
                pictures
                    .into_iter()
                    .map(|name| (name, UnalignedKind::Picture)),
            );
        }
        let videos = std::mem::take(&mut self.videos).into_iter();
        items.extend(videos.map(|name| (name, UnalignedKind::Video)));
        let mut taken: HashMap<String, u32> = HashMap::new();
        for (name, kind) in &items {
            *taken.entry(stem(name, kind).to_owned()).or_default() += 1;
        }
        items
            .into_iter()
            .map(|(name, kind)| {
                let stem = stem(&name, &kind);
                let output = if taken.get(stem).is_some_and(|users| *users > 1) {
                    &name
                } else {
                    stem
                };
                UnalignedItem {
                    output: output.to_owned(),
                    name,
                    kind,
                }
            })
            .collect()
    }
}

/// A path as text with `/`, where it leads nowhere but down.
fn plain(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn stem<'a>(name: &'a str, kind: &UnalignedKind) -> &'a str {
    match kind {
        UnalignedKind::Frames(_) => name.trim_start_matches('.'),
        _ => name.rsplit_once('.').map_or(name, |(stem, _)| stem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        folder
    }

    fn named(source: &UnalignedSource) -> Vec<(&str, &str)> {
        let items = source.items.iter();
        items
            .map(|item| (item.name.as_str(), item.output.as_str()))
            .collect()
    }

    #[test]
    fn a_folder_gives_pictures_and_videos_in_order() {
        let folder = folder(&[
            "b/10.jpg",
            "b/9.jpg",
            "b/9.png",
            "a/0/f.1.jpg",
            "clip.mp4",
            ".x.jpg",
            "notes.txt",
        ]);
        let source = UnalignedSource::open(folder.path(), None, false).unwrap();
        assert_eq!(
            named(&source),
            [
                ("a/0/f.1.jpg", "a/0/f.1"),
                ("b/9.jpg", "b/9.jpg"),
                ("b/9.png", "b/9.png"),
                ("b/10.jpg", "b/10"),
                ("clip.mp4", "clip"),
            ]
        );
        let source = UnalignedSource::open(folder.path(), None, true).unwrap();
        assert_eq!(
            named(&source),
            [("a/0", "a/0"), ("b", "b"), ("clip.mp4", "clip")]
        );
        assert!(
            matches!(&source.items[1].kind, UnalignedKind::Frames(frames) if frames.len() == 3)
        );
    }

    #[test]
    fn a_list_leads_nowhere_but_down() {
        let folder = folder(&["list.txt"]);
        let list = folder.path().join("list.txt");
        std::fs::write(&list, "./a/1.jpg,0\nb/2.jpg,1\n").unwrap();
        let source = UnalignedSource::open(&list, None, false).unwrap();
        assert_eq!(named(&source), [("a/1.jpg", "a/1"), ("b/2.jpg", "b/2")]);
        for line in ["../x.jpg,0", "/etc/x.jpg,0", "a/../../x.jpg,0"] {
            std::fs::write(&list, line).unwrap();
            let message = UnalignedSource::open(&list, None, false)
                .unwrap_err()
                .to_string();
            assert!(message.contains("not in the folder"), "{message}");
        }
    }

    #[test]
    fn a_folder_without_pictures_is_refused() {
        let folder = folder(&["notes.txt"]);
        let message = UnalignedSource::open(folder.path(), None, false)
            .unwrap_err()
            .to_string();
        assert!(message.contains("neither pictures"), "{message}");
    }
}
