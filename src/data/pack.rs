//! Writing any training set as RecordIO in InsightFace's layout.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::check::Progress;
use super::new_folder::NewFolder;
use super::recognise::{Recognised, recognise};
use super::recordio::RecordWriter;
use super::{DataError, Image, TrainingImages};

/// The files of a packed set.
const FILES: [&str; 4] = ["train.rec", "train.idx", "property", "names.txt"];
/// From this number on, f32 skips whole numbers.
const EXACT: u64 = 1 << 24;

/// What is to be packed, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackOptions {
    /// A training set of any form.
    pub source: PathBuf,
    /// The folder that a list's paths are relative to.
    pub root: Option<PathBuf>,
    /// The folder to make.
    pub out: PathBuf,
    /// Whether a packed set that lies there is replaced.
    pub replace: bool,
    /// Whether images that can't be read are left out, instead of ending the packing.
    pub skip_broken: bool,
}

/// What a packed set holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Packed {
    /// Images.
    pub images: u64,
    /// People.
    pub identities: u64,
    /// Images that were neither JPEG nor PNG, and are PNG now.
    pub converted: u64,
    /// Images that could not be read and were left out, with what is wrong.
    pub left_out: Vec<String>,
    /// Bytes of `train.rec`.
    pub bytes: u64,
    /// What a user should know.
    pub notes: Vec<String>,
}

/// Packs a training set: `train.rec`, `train.idx`, `property` (classes, height, width) and, where people have names,
/// `names.txt`. JPEG and PNG files are copied as they are; others become PNG, which any reader knows.
///
/// One image is in memory at a time. The folder appears when it is complete.
///
/// # Errors
/// When the source is no training set, `out` holds anything (but a packed set, with `replace`), an image can't be
/// read, or the folder can't be written.
pub fn pack(options: &PackOptions, progress: &Progress<'_>) -> Result<Packed, DataError> {
    let out = &options.out;
    let is_there = check_out(options)?;
    let Recognised::Training(set) = recognise(&options.source, options.root.as_deref())? else {
        return Err(DataError::unsuitable(
            &options.source,
            "is no training set: give records, an image list or a folder per identity",
        ));
    };
    let folder = NewFolder::create(out, "pack")?;
    let packed = write(&set, folder.path(), options.skip_broken, progress)?;
    if is_there {
        folder.replace(out)?;
    } else {
        folder.finish(out)?;
    }
    Ok(packed)
}

/// Whether a packed set lies where the new one goes; an error where anything else does.
fn check_out(options: &PackOptions) -> Result<bool, DataError> {
    let out = &options.out;
    let entries = match std::fs::read_dir(out) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(DataError::write(out, error)),
    };
    let names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    if names.is_empty() {
        return Ok(false);
    }
    if let Some(other) = names.iter().find(|name| !FILES.contains(&name.as_str())) {
        let problem = format!(
            "holds {}, which is no part of a packed set; name a new folder",
            crate::untrusted::visible(other)
        );
        return Err(DataError::unsuitable(out, problem));
    }
    if !options.replace {
        return Err(DataError::unsuitable(
            out,
            "holds a packed set already; --force replaces it",
        ));
    }
    let canonical = |path: &Path| std::fs::canonicalize(path).ok();
    if let (Some(out_path), Some(source)) = (canonical(out), canonical(&options.source))
        && (source == out_path || source.parent() == Some(&out_path))
    {
        return Err(DataError::unsuitable(
            out,
            "is the source itself; name another folder",
        ));
    }
    Ok(true)
}

fn write(
    set: &TrainingImages,
    folder: &Path,
    skip_broken: bool,
    progress: &Progress<'_>,
) -> Result<Packed, DataError> {
    let path = folder.join("train.rec");
    let failed = |error| DataError::write(&path, error);
    let mut writer = RecordWriter::new(File::create(&path).map_err(failed)?);
    let mut packed = Packed {
        identities: u64::from(set.classes()),
        ..Packed::default()
    };
    let mut ranges = Vec::with_capacity(set.classes() as usize);
    let mut size = None;
    let mut bytes = Vec::new();
    let mut done = 0;
    for class in 0..set.classes() {
        let start = packed.images + 1;
        for &index in set.images_of_class(class) {
            match image_file(set, index as usize, &mut bytes) {
                Ok(file) => {
                    packed.converted += u64::from(matches!(file, ImageFile::Converted(_)));
                    let file = match &file {
                        ImageFile::AsItIs(start) => &bytes[*start..],
                        ImageFile::Converted(file) => file,
                    };
                    if size.is_none() {
                        size = Image::decode(file, "")
                            .ok()
                            .map(|image| (image.width, image.height));
                    }
                    packed.images += 1;
                    writer
                        .write_image(packed.images, class as f32, file)
                        .map_err(failed)?;
                }
                Err(error) if skip_broken => packed.left_out.push(error.to_string()),
                Err(error) => return Err(error),
            }
            done += 1;
            progress(done, set.len() as u64);
        }
        ranges.push([start, packed.images + 1]);
    }
    if packed.images == 0 {
        return Err(DataError::Request(
            "none of the images can be read, so there is nothing to pack".to_owned(),
        ));
    }
    let first_identity = packed.images + 1;
    for (key, range) in (first_identity..).zip(&ranges) {
        writer
            .write_labels(key, &range.map(|key| key as f32), &[])
            .map_err(failed)?;
    }
    // Record 0 is found by its key, so it can lie last, when all numbers are known.
    let end = first_identity + packed.identities;
    writer
        .write_labels(0, &[first_identity as f32, end as f32], &[])
        .map_err(failed)?;
    packed.bytes = writer.bytes_written();
    let (_, index) = writer.finish().map_err(failed)?;
    if end >= EXACT {
        packed.notes.push(
            "so many images that the layout's numbers (f32) are rounded; people are told by the images' own labels then"
                .to_owned(),
        );
    }

    let index_path = folder.join("train.idx");
    File::create(&index_path)
        .and_then(|file| index.write(file))
        .map_err(|error| DataError::write(&index_path, error))?;
    let (width, height) = size.unwrap_or((0, 0));
    write_file(
        &folder.join("property"),
        &format!("{},{height},{width}\n", packed.identities),
    )?;
    let names: Option<Vec<&str>> = (0..set.classes())
        .map(|class| set.name_of_class(class).filter(|name| !name.contains('\n')))
        .collect();
    if let Some(names) = names {
        write_file(&folder.join("names.txt"), &(names.join("\n") + "\n"))?;
    }
    Ok(packed)
}

fn write_file(path: &Path, text: &str) -> Result<(), DataError> {
    File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| DataError::write(path, error))
}

/// An image as it goes into a record.
enum ImageFile {
    /// What was read, from here on.
    AsItIs(usize),
    /// As PNG.
    Converted(Vec<u8>),
}

fn image_file(
    set: &TrainingImages,
    index: usize,
    bytes: &mut Vec<u8>,
) -> Result<ImageFile, DataError> {
    let start = set.read_bytes(index, bytes)?;
    match &bytes[start..] {
        [0xff, 0xd8, ..] | [0x89, b'P', b'N', b'G', ..] => Ok(ImageFile::AsItIs(start)),
        other => Image::decode(other, &set.name_of_image(index))?
            .to_png()
            .map(ImageFile::Converted),
    }
}
