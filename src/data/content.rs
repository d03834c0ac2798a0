//! What a set's content is, as a hash: embeddings of it are kept under that.
//!
//! Files of images count by name, length and time of change, as in any build tool: reading hundreds of thousands of
//! them to see whether they are the same would take longer than all figures.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rayon::prelude::*;

use super::DataError;

/// Takes in what a set consists of, in its order; what is framed can't run into its neighbour.
pub(super) struct Content(blake3::Hasher);

impl Content {
    /// Of a set of the given kind.
    pub(super) fn of(kind: &str) -> Self {
        let mut content = Self(blake3::Hasher::new());
        content.add(kind.as_bytes());
        content
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Files by name, length and time of change; a file is looked at by whichever thread is free.
    pub(super) fn add_files<'a>(&mut self, files: &[(&'a str, &'a Path)]) -> Result<(), DataError> {
        let looked: Vec<[u8; 24]> = files
            .par_iter()
            .map(|(_, path)| {
                let metadata = path
                    .metadata()
                    .map_err(|error| DataError::read(path, error))?;
                Ok(state_of(&metadata))
            })
            .collect::<Result<_, DataError>>()?;
        for ((name, _), state) in files.iter().zip(&looked) {
            self.add(name.as_bytes());
            self.0.update(state);
        }
        Ok(())
    }

    pub(super) fn hash(self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

/// Length and time of change.
fn state_of(metadata: &Metadata) -> [u8; 24] {
    let numbers = [
        metadata.len(),
        metadata.mtime() as u64,
        metadata.mtime_nsec() as u64,
    ];
    let mut state = [0; 24];
    for (bytes, number) in state.as_chunks_mut::<8>().0.iter_mut().zip(numbers) {
        *bytes = number.to_le_bytes();
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_do_not_run_into_each_other() {
        let of = |parts: &[&str]| {
            let mut content = Content::of("test");
            for part in parts {
                content.add(part.as_bytes());
            }
            content.hash()
        };
        assert_eq!(of(&["ab", "c"]), of(&["ab", "c"]));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab", "c"]), of(&["abc"]));
    }

    #[test]
    fn a_file_of_another_length_or_time_is_another_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("1.jpg");
        let of = || {
            let mut content = Content::of("test");
            content
                .add_files(&[("1.jpg", &path)])
                .map(|()| content.hash())
        };
        of().unwrap_err();
        let at = |bytes: &str, second| {
            std::fs::write(&path, bytes).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(second);
            let file = std::fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
            of().unwrap()
        };
        let first = at("one", 1);
        assert_eq!(at("two", 1), first, "the same name, length and time");
        assert_ne!(at("longer", 1), first);
        assert_ne!(at("one", 2), first);
    }
}
