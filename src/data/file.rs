//! Opening files that strangers made: never one that would wait for ever or fill the memory.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::DataError;

/// The largest image file that is read, in bytes.
const LARGEST_IMAGE: u64 = 256 << 20;

/// Opens a regular file; also its length in bytes.
///
/// Opening a pipe would wait for whoever writes to it, so it is opened without waiting and refused.
pub(super) fn open(path: &Path) -> Result<(File, u64), DataError> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(|error| DataError::read(path, error))?;
    let metadata = file
        .metadata()
        .map_err(|error| DataError::read(path, error))?;
    if metadata.is_file() {
        Ok((file, metadata.len()))
    } else {
        Err(DataError::unsuitable(path, "is not a file"))
    }
}

/// Reads a file of at most `most` bytes; `what` says what it is taken for.
pub(super) fn read(path: &Path, most: u64, what: &str) -> Result<Vec<u8>, DataError> {
    let mut bytes = Vec::new();
    read_into(path, most, what, &mut bytes)?;
    Ok(bytes)
}

/// Reads an image's file into `bytes`.
pub(super) fn read_image(path: &Path, bytes: &mut Vec<u8>) -> Result<(), DataError> {
    read_into(path, LARGEST_IMAGE, "an image", bytes)
}

fn read_into(path: &Path, most: u64, what: &str, bytes: &mut Vec<u8>) -> Result<(), DataError> {
    let (file, length) = open(path)?;
    bytes.clear();
    bytes.reserve_exact(length.min(most) as usize);
    file.take(most + 1)
        .read_to_end(bytes)
        .map_err(|error| DataError::read(path, error))?;
    if bytes.len() as u64 > most {
        let problem = format!("larger than {} MiB, which {what} is not", most >> 20);
        return Err(DataError::unsuitable(path, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_sensible_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3, "a list").unwrap(), b"abc");
        let message = read(&path, 2, "a list").unwrap_err().to_string();
        assert!(message.contains("which a list is not"), "{message}");
        assert!(open(folder.path()).is_err());

        let pipe = folder.path().join("pipe.jpg");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RWXU,
            0,
        )
        .unwrap();
        let message = read_image(&pipe, &mut Vec::new()).unwrap_err().to_string();
        assert!(message.contains("not a file"), "{message}");
    }
}
