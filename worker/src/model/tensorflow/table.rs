//! The index of a TensorFlow checkpoint: sorted names with a value each, in the table format of LevelDB.
//!
//! ```text
//! file     block*  a block of the blocks' places  footer
//! block    entry*  u32 restart places*  u32 their count  u8 compression  u32 checksum
//! entry    bytes shared with the name before · bytes of its own · bytes of the value · own bytes · value
//! footer   place of a block of notes · place of the block of places · zeros · magic, 48 bytes in all
//! ```
//! The counts of an entry and both numbers of a place (offset and length) are varints. Sources: LevelDB's
//! `table_format.md`, TensorFlow's `core/lib/io/format.cc`; tensor bundles are written without compression.

use facetui::run::masked_crc32c;
use prost::encoding::decode_varint;

const FOOTER_BYTES: usize = 48;
const MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// A block's compression and checksum, which its place doesn't count.
const TRAILER_BYTES: usize = 5;
/// Names are shared between entries, so that a small file can spell out large ones. TensorFlow's have some 100 bytes.
const LONGEST_KEY: usize = 4096;
const MOST_KEY_BYTES: usize = 64 << 20;

/// A name and its value.
pub(super) type Entry<'a> = (Vec<u8>, &'a [u8]);

/// All entries of a table in order.
///
/// # Errors
/// The file is no such table, is damaged or compressed, or its names are not in order.
pub(super) fn read(file: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let footer = file
        .len()
        .checked_sub(FOOTER_BYTES)
        .map(|start| &file[start..])
        .ok_or("it is shorter than any")?;
    let (mut places, magic) = footer.split_at(FOOTER_BYTES - 8);
    if magic != MAGIC.to_le_bytes() {
        return Err("it doesn't end as TensorFlow's indexes do, or was cut".to_owned());
    }
    let _notes = Place::read(&mut places)?;
    let blocks = Place::read(&mut places)?;
    let mut names = Names::default();
    let mut entries = Vec::new();
    let mut end = 0;
    for (_, mut place) in Block::of(file, blocks)?.entries(&mut Names::default())? {
        let place = Place::read(&mut place)?;
        // Blocks that lie one in the other would let a small file be read any number of times.
        if place.offset < end {
            return Err("its blocks overlap".to_owned());
        }
        end = place.offset.saturating_add(place.length);
        entries.extend(Block::of(file, place)?.entries(&mut names)?);
    }
    Ok(entries)
}

/// Where a block lies.
#[derive(Clone, Copy)]
struct Place {
    offset: usize,
    length: usize,
}

impl Place {
    fn read(bytes: &mut &[u8]) -> Result<Self, String> {
        Ok(Self {
            offset: number(bytes)?,
            length: number(bytes)?,
        })
    }
}

/// The entries of a block, still packed.
struct Block<'a>(&'a [u8]);

impl<'a> Block<'a> {
    /// The block at a place, checked against its sum.
    fn of(file: &'a [u8], place: Place) -> Result<Self, String> {
        let (content, trailer) = place
            .offset
            .checked_add(place.length)
            .and_then(|end| file.get(place.offset..end.checked_add(TRAILER_BYTES)?))
            .map(|bytes| bytes.split_at(place.length))
            .ok_or("a block reaches beyond its end")?;
        let (compression, sum) = trailer.split_at(1);
        let found = crc32c::crc32c_append(crc32c::crc32c(content), compression);
        if masked_crc32c(found).to_le_bytes() != sum {
            return Err(format!(
                "the block at byte {} has another checksum than it should",
                place.offset
            ));
        }
        if compression != [0] {
            return Err("it is compressed, which TensorFlow's checkpoints never are".to_owned());
        }
        let restarts = content
            .last_chunk()
            .map(|count| u32::from_le_bytes(*count) as usize)
            .and_then(|count| count.checked_add(1)?.checked_mul(4))
            .and_then(|bytes| content.len().checked_sub(bytes))
            .ok_or("a block is shorter than its own list of places")?;
        Ok(Self(&content[..restarts]))
    }

    /// Unpacks the entries; `names` is what came before them.
    fn entries(self, names: &mut Names) -> Result<Vec<Entry<'a>>, String> {
        let mut rest = self.0;
        let mut entries = Vec::new();
        // The first name of a block shares nothing, though names go on in order.
        let mut before = Vec::new();
        while !rest.is_empty() {
            let shared = number(&mut rest)?;
            let own = number(&mut rest)?;
            let length = number(&mut rest)?;
            let (own, after) = rest.split_at_checked(own).ok_or(BROKEN_OFF)?;
            let (value, after) = after.split_at_checked(length).ok_or(BROKEN_OFF)?;
            rest = after;
            let mut key: Vec<u8> = before
                .get(..shared)
                .ok_or("a name shares more than the name before has")?
                .to_vec();
            key.extend_from_slice(own);
            names.next(&key)?;
            before.clone_from(&key);
            entries.push((key, value));
        }
        Ok(entries)
    }
}

const BROKEN_OFF: &str = "an entry breaks off";

/// What names have been so far.
#[derive(Default)]
struct Names {
    last: Option<Vec<u8>>,
    bytes: usize,
}

impl Names {
    fn next(&mut self, key: &[u8]) -> Result<(), String> {
        self.bytes = self.bytes.saturating_add(key.len());
        if key.len() > LONGEST_KEY || self.bytes > MOST_KEY_BYTES {
            return Err("its names are longer than any checkpoint's".to_owned());
        }
        if self.last.as_deref().is_some_and(|last| last >= key) {
            return Err("its names are not in order".to_owned());
        }
        self.last = Some(key.to_vec());
        Ok(())
    }
}

fn number(bytes: &mut &[u8]) -> Result<usize, String> {
    let number = decode_varint(bytes).map_err(|_| BROKEN_OFF)?;
    usize::try_from(number).map_err(|_| "a length that can't be".to_owned())
}

#[cfg(test)]
mod tests {
    use prost::encoding::encode_varint;

    use super::*;

    /// Shared bytes, own bytes and value of an entry.
    type Raw<'a> = (usize, &'a [u8], &'a [u8]);

    fn varints(numbers: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in numbers {
            encode_varint(*number as u64, &mut bytes);
        }
        bytes
    }

    fn block(entries: &[Raw]) -> Vec<u8> {
        let mut content = Vec::new();
        for (shared, own, value) in entries {
            content.extend(varints(&[*shared, own.len(), value.len()]));
            content.extend_from_slice(own);
            content.extend_from_slice(value);
        }
        // One place to begin at: the first entry.
        content.extend([0, 0, 0, 0, 1, 0, 0, 0]);
        content
    }

    fn seal(mut content: Vec<u8>, compression: u8) -> Vec<u8> {
        content.push(compression);
        let sum = masked_crc32c(crc32c::crc32c(&content));
        content.extend(sum.to_le_bytes());
        content
    }

    /// A file of sealed blocks, whose places are told as `place` makes them of those they have.
    fn table(blocks: &[Vec<u8>], place: impl Fn(usize, usize) -> Vec<u8>) -> Vec<u8> {
        let mut file = Vec::new();
        let mut places = Vec::new();
        for (number, block) in blocks.iter().enumerate() {
            places.push((
                vec![number as u8],
                place(file.len(), block.len() - TRAILER_BYTES),
            ));
            file.extend_from_slice(block);
        }
        let entries: Vec<Raw> = places
            .iter()
            .map(|(key, place)| (0, &key[..], &place[..]))
            .collect();
        let index = seal(block(&entries), 0);
        let mut footer = varints(&[0, 0, file.len(), index.len() - TRAILER_BYTES]);
        footer.resize(FOOTER_BYTES - 8, 0);
        file.extend(index);
        file.extend(footer);
        file.extend(MAGIC.to_le_bytes());
        file
    }

    fn truly(offset: usize, length: usize) -> Vec<u8> {
        varints(&[offset, length])
    }

    #[test]
    fn names_are_unpacked_over_blocks() {
        let blocks = [
            seal(
                block(&[(0, b"", b"head"), (0, b"abc", b"1"), (2, b"d", b"")]),
                0,
            ),
            seal(block(&[(0, b"abe", b"22")]), 0),
        ];
        let file = table(&blocks, truly);
        let expected: Vec<Entry> = vec![
            (b"".to_vec(), b"head"),
            (b"abc".to_vec(), b"1"),
            (b"abd".to_vec(), b""),
            (b"abe".to_vec(), b"22"),
        ];
        assert_eq!(read(&file).unwrap(), expected);
    }

    /// Tables whose checksums hold, as no damage makes them.
    #[test]
    fn tables_made_to_harm_are_refused() {
        let one = |entries: &[Raw]| vec![seal(block(entries), 0)];
        let refused = |blocks: &[Vec<u8>]| read(&table(blocks, truly)).unwrap_err();
        assert!(refused(&one(&[(1, b"a", b"")])).contains("shares more"));
        assert!(refused(&one(&[(0, b"b", b""), (0, b"a", b"")])).contains("not in order"));
        assert!(refused(&one(&[(0, b"a", b""), (1, b"", b"")])).contains("not in order"));
        let twice = [one(&[(0, b"a", b"")]), one(&[(0, b"a", b"")])].concat();
        assert!(refused(&twice).contains("not in order"));
        assert!(refused(&[seal(block(&[(0, b"a", b"")]), 1)]).contains("compressed"));
        assert!(refused(&[seal(vec![0xff; 8], 0)]).contains("shorter than its own list"));
        assert!(refused(&[seal(vec![1, 0], 0)]).contains("shorter than its own list"));
        let long = vec![b'a'; LONGEST_KEY + 1];
        assert!(refused(&one(&[(0, &long, b"")])).contains("longer than any"));

        // A few kilobytes that would spell out 20,000 names of 4,000 bytes each.
        let ends: Vec<[u8; 2]> = (0..20_000_u16).map(u16::to_be_bytes).collect();
        let first = vec![b'a'; 4000];
        let mut entries: Vec<Raw> = vec![(0, &first, b"")];
        entries.extend(ends.iter().map(|end| (4000, &end[..], &b""[..])));
        assert!(refused(&one(&entries)).contains("longer than any"));

        let blocks = one(&[(0, b"a", b"")]);
        let told =
            |place: &dyn Fn(usize, usize) -> Vec<u8>| read(&table(&blocks, place)).unwrap_err();
        assert!(told(&|offset, length| varints(&[offset, length + 1])).contains("checksum"));
        assert!(told(&|_, _| varints(&[usize::MAX, 1])).contains("beyond its end"));
        assert!(told(&|_, _| varints(&[1, usize::MAX])).contains("beyond its end"));
        assert!(told(&|_, _| vec![0x80]).contains("breaks off"));
        let blocks = [blocks.clone(), blocks].concat();
        let same = |_: usize, length: usize| varints(&[0, length]);
        assert!(read(&table(&blocks, same)).unwrap_err().contains("overlap"));
    }
}
