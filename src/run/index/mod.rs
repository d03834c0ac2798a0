//! The index of an event log: its curves as they lie in memory, so that ten million points open in a moment.
//!
//! A cache and nothing more. It may be deleted at any time; one that is torn, of another log or of another version is
//! ignored and made again. It holds the curves up to a place in each event file, and is good as long as the files
//! still are what they were up to there: what was appended since is read from them.

mod bytes;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::events::{Place, event_files};
use super::scalars::{
    BLOCK_POINTS, Block, Curve, Extremes, LEAVES, Layout, Leaves, Outline, Point, Scalars, Steps,
};
use super::{RunDirectory, RunError};
use crate::atomic::atomic_write;
use bytes::{Reader, Writer};

/// Where indexes may be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexHome {
    /// In `index/` of the user's own private runs. Other programs' folders, and those of other people, are never
    /// written to.
    pub in_runs: bool,
    /// The folder for all others' indexes; none are kept without one.
    pub cache: Option<PathBuf>,
}

/// What an index brings back.
#[derive(Debug)]
pub(super) struct Indexed {
    pub scalars: Scalars,
    pub places: BTreeMap<PathBuf, Place>,
    pub skipped_bytes: u64,
}

const MAGIC: &[u8; 16] = b"facetui curves 3";
/// About so many bytes a block takes beside its points.
const HEAD_BYTES: usize = 600;
/// So many bytes at a file's beginning and before the place reached must be as they were.
const FINGERPRINT_BYTES: u64 = 256;
/// All indexes in the cache folder together; the oldest go first.
const MOST_CACHE_BYTES: u64 = 2 << 30;
/// The file in a run's `index/`.
const IN_RUN: &str = "index/curves";

impl IndexHome {
    /// Where the index of a log is written.
    pub(super) fn place(&self, folder: &Path) -> Option<PathBuf> {
        if self.in_runs && is_own_run(folder) {
            return Some(folder.join(IN_RUN));
        }
        self.cached(folder)
    }

    /// Where one may lie, the likelier first.
    fn places(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        [Some(folder.join(IN_RUN)), self.cached(folder)]
            .into_iter()
            .flatten()
    }

    fn cached(&self, folder: &Path) -> Option<PathBuf> {
        let folder = fs::canonicalize(folder).ok()?;
        let key = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
        Some(
            self.cache
                .as_ref()?
                .join(&key[..32])
                .with_extension("curves"),
        )
    }
}

/// Whether a folder is a run that only this user can write to, and owns.
fn is_own_run(folder: &Path) -> bool {
    let owned = fs::metadata(folder)
        .is_ok_and(|metadata| metadata.uid() == rustix::process::geteuid().as_raw());
    owned && RunDirectory::open(folder).is_ok_and(|run| run.check_private().is_ok())
}

/// The curves of a log as far as an index knows them; `None` where there is no good one.
pub(super) fn load(folder: &Path, home: &IndexHome) -> Option<Indexed> {
    let files = event_files(folder).ok()?;
    home.places(folder)
        .find_map(|place| read(&shared(&place).ok()?, folder, &files))
}

/// The bytes of a file, where blocks are a part of them without a copy.
fn shared(path: &Path) -> io::Result<Arc<[u8]>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len() as usize;
    let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, length).collect();
    if let Some(bytes) = Arc::get_mut(&mut bytes) {
        file.read_exact_at(bytes, 0)?;
    }
    Ok(bytes)
}

/// Writes the index of a log to where its home has a place for it.
///
/// # Errors
/// When the disk refuses: the next reader will read the log itself.
pub(super) fn save(
    folder: &Path,
    home: &IndexHome,
    scalars: &Scalars,
    places: &BTreeMap<PathBuf, Place>,
    skipped_bytes: u64,
) -> Result<(), RunError> {
    let Some(path) = home.place(folder) else {
        return Ok(());
    };
    let Some(bytes) = write(scalars, places, skipped_bytes) else {
        // A file was replaced in this moment.
        return Ok(());
    };
    let parent = path.parent().unwrap_or(folder);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(RunError::io("make", parent))?;
    atomic_write(&path, &bytes).map_err(RunError::io("write", &path))?;
    if !path.ends_with(IN_RUN) {
        make_room(parent, MOST_CACHE_BYTES);
    }
    Ok(())
}

/// Deletes the oldest indexes of a cache folder until the others have room.
fn make_room(folder: &Path, most_bytes: u64) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, u64, PathBuf)> = entries
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "curves"))
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    files.sort();
    let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
    for (_, length, path) in files {
        if total <= most_bytes {
            return;
        }
        // Another dashboard may have deleted it first.
        let _ = fs::remove_file(path);
        total -= length;
    }
}

/// The index as bytes; `None` where a file isn't any more what was read.
fn write(
    scalars: &Scalars,
    places: &BTreeMap<PathBuf, Place>,
    skipped_bytes: u64,
) -> Option<Vec<u8>> {
    let curves: Vec<&Curve> = scalars.curves().collect();
    let packed = || curves.iter().flat_map(|curve| curve.blocks());
    let mut writer = Writer::with_room(
        packed()
            .map(|block| block.bytes().len() + HEAD_BYTES)
            .sum::<usize>()
            + 4096,
    );
    writer.bytes(MAGIC);
    writer.u64(skipped_bytes);
    writer.u64(places.len() as u64);
    for (path, place) in places {
        writer.text(path.file_name()?.as_encoded_bytes());
        writer.u64(place.offset);
        writer.u64(place.seen_length);
        writer.u64(nanoseconds(place.modified?)?);
        let file = File::open(path).ok()?;
        for sum in fingerprint(&file, place.offset).ok()? {
            writer.u32(sum);
        }
    }
    writer.u64(scalars.rewinds().len() as u64);
    scalars.rewinds().iter().for_each(|step| writer.u64(*step));
    writer.u64(curves.len() as u64);
    for curve in &curves {
        writer.text(curve.tag().as_bytes());
        writer.u64(curve.newest().len() as u64);
        curve
            .newest()
            .iter()
            .for_each(|point| write_point(&mut writer, point));
        writer.u64(curve.blocks().len() as u64);
        for block in curve.blocks() {
            write_head(&mut writer, block);
        }
    }
    packed().for_each(|block| writer.bytes(block.bytes()));
    Some(writer.sealed())
}

/// Reads an index of the log in `folder`, whose event files are `files`.
fn read(bytes: &Arc<[u8]>, folder: &Path, files: &[PathBuf]) -> Option<Indexed> {
    let mut reader = Reader::unsealed(bytes)?;
    if reader.bytes(MAGIC.len())? != MAGIC {
        return None;
    }
    let skipped_bytes = reader.u64()?;
    let mut places = BTreeMap::new();
    for _ in 0..reader.count()? {
        let name = reader.text()?;
        let path = folder.join(std::str::from_utf8(name).ok()?);
        // A name can say anything: nothing but the log's own files is opened.
        files.binary_search(&path).ok()?;
        let (offset, length) = (reader.u64()?, reader.u64()?);
        let modified = UNIX_EPOCH.checked_add(Duration::from_nanos(reader.u64()?));
        let place = Place::remembered(offset, length, modified);
        let sums = [reader.u32()?, reader.u32()?];
        places.insert(path.clone(), still_good(&path, place, sums)?);
    }
    // A new file is read after all others, which is right only if it comes after them by its name.
    let known = files.iter().take_while(|path| places.contains_key(*path));
    if known.count() != places.len() {
        return None;
    }
    let mut rewinds = Vec::new();
    for _ in 0..reader.count()? {
        rewinds.push(reader.u64()?);
    }
    let mut heads = Vec::new();
    for _ in 0..reader.count()? {
        let tag = std::str::from_utf8(reader.text()?).ok()?;
        let mut newest = Vec::new();
        for _ in 0..reader.count()? {
            newest.push(read_point(&mut reader)?);
        }
        let mut blocks = Vec::new();
        for _ in 0..reader.count()? {
            blocks.push(read_head(&mut reader)?);
        }
        heads.push((tag, newest, blocks));
    }
    let mut start = reader.place();
    let mut curves = Vec::new();
    for (tag, newest, heads) in heads {
        let mut blocks = Vec::with_capacity(heads.len());
        for head in heads {
            let block = Block::within(bytes, start, head)?;
            start += block.bytes().len();
            blocks.push(block);
        }
        curves.push(Curve::restored(tag, blocks, newest));
    }
    Some(Indexed {
        scalars: Scalars::restored(curves, rewinds),
        places,
        skipped_bytes,
    })
}

/// The place in a file from which to go on; `None` where the file isn't what it was up to there.
fn still_good(path: &Path, place: Place, sums: [u32; 2]) -> Option<Place> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let unchanged = metadata.len() == place.seen_length;
    if place.offset > place.seen_length
        || metadata.len() < place.seen_length
        || (unchanged && metadata.modified().ok() != place.modified)
        || fingerprint(&file, place.offset).ok()? != sums
    {
        return None;
    }
    Some(place)
}

/// Checksums of a file's first bytes and of those before `offset`.
fn fingerprint(file: &File, offset: u64) -> io::Result<[u32; 2]> {
    let length = FINGERPRINT_BYTES.min(offset);
    let mut sums = [0; 2];
    for (sum, start) in sums.iter_mut().zip([0, offset - length]) {
        let mut bytes = vec![0; length as usize];
        file.read_exact_at(&mut bytes, start)?;
        *sum = crc32c::crc32c(&bytes);
    }
    Ok(sums)
}

fn nanoseconds(time: SystemTime) -> Option<u64> {
    u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()
}

fn write_point(writer: &mut Writer, point: &Point) {
    writer.u64(point.step);
    writer.u64(point.wall_time.to_bits());
    writer.u64(point.value.to_bits());
}

fn read_point(reader: &mut Reader) -> Option<Point> {
    Some(Point {
        step: reader.u64()?,
        wall_time: f64::from_bits(reader.u64()?),
        value: f64::from_bits(reader.u64()?),
    })
}

/// All of a block but its packed bytes.
fn write_head(writer: &mut Writer, block: &Block) {
    let Outline {
        first,
        lowest,
        highest,
        lowest_positive,
        last,
        steps,
        times,
        ordered,
        gaps,
        count,
    } = &block.outline;
    for point in [first, lowest, highest, last] {
        write_point(writer, point);
    }
    let times = [times.0.to_bits(), times.1.to_bits()];
    for number in [
        steps.0,
        steps.1,
        times[0],
        times[1],
        lowest_positive.to_bits(),
        *gaps as u64,
        *count as u64,
    ] {
        writer.u64(number);
    }
    let Layout {
        steps,
        ticks,
        narrow,
    } = block.layout;
    let (kind, stride) = match steps {
        Steps::Stride(stride) => (0, stride),
        Steps::Near => (1, 0),
        Steps::Far => (2, 0),
    };
    writer.u32(kind | u32::from(ticks) << 8 | u32::from(narrow) << 16 | u32::from(*ordered) << 24);
    writer.u64(stride);
    for leaf in &block.leaves {
        for value in [leaf.lowest, leaf.highest, leaf.lowest_positive] {
            writer.u64(value.to_bits());
        }
    }
}

fn read_head(reader: &mut Reader) -> Option<(Outline, Layout, Leaves)> {
    let first = read_point(reader)?;
    let lowest = read_point(reader)?;
    let highest = read_point(reader)?;
    let last = read_point(reader)?;
    let steps = (reader.u64()?, reader.u64()?);
    let times = [f64::from_bits(reader.u64()?), f64::from_bits(reader.u64()?)];
    let lowest_positive = f64::from_bits(reader.u64()?);
    let gaps = reader.count_up_to(BLOCK_POINTS)?;
    let count = reader.count_up_to(BLOCK_POINTS)?;
    let bits = reader.u32()?;
    let stride = reader.u64()?;
    let layout = Layout {
        steps: match bits & 0xff {
            0 => Steps::Stride(stride),
            1 => Steps::Near,
            2 => Steps::Far,
            _ => return None,
        },
        ticks: bits >> 8 & 1 == 1,
        narrow: bits >> 16 & 1 == 1,
    };
    let mut leaves = [Extremes::NONE; LEAVES];
    for leaf in &mut leaves {
        *leaf = Extremes {
            lowest: f64::from_bits(reader.u64()?),
            highest: f64::from_bits(reader.u64()?),
            lowest_positive: f64::from_bits(reader.u64()?),
        };
    }
    let outline = Outline {
        first,
        lowest,
        highest,
        lowest_positive,
        last,
        steps,
        times: times.into(),
        ordered: bits >> 24 & 1 == 1,
        gaps,
        count,
    };
    // Points are found by their number: no block has fewer than the others.
    let is_whole = count == BLOCK_POINTS && gaps <= count;
    is_whole.then_some((outline, layout, leaves))
}

#[cfg(test)]
mod tests;
