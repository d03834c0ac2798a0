//! The framing of event files: length, checksum of the length, payload, checksum of the payload.

/// Bytes before a payload: its length (u64) and that number's checksum (u32), little-endian.
const HEADER: usize = 12;
/// Bytes after a payload: its checksum.
const FOOTER: usize = 4;

/// What lies at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record<'a> {
    /// A sound record: its payload, and all the bytes it takes up.
    Whole { payload: &'a [u8], length: usize },
    /// The beginning of a record of so many bytes, as far as its header is there to say so; the end isn't there yet.
    Incomplete { length: Option<u64> },
    /// No record: a checksum is wrong.
    Broken,
}

/// Appends `payload` as one record to `bytes`.
pub(super) fn append(bytes: &mut Vec<u8>, payload: &[u8]) {
    let length = (payload.len() as u64).to_le_bytes();
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&checksum(&length).to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&checksum(payload).to_le_bytes());
}

/// Reads the record at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Record<'_> {
    let Some((length_bytes, rest)) = bytes.split_first_chunk::<8>() else {
        return Record::Incomplete { length: None };
    };
    let Some((length_checksum, rest)) = rest.split_first_chunk::<4>() else {
        return Record::Incomplete { length: None };
    };
    if u32::from_le_bytes(*length_checksum) != checksum(length_bytes) {
        return Record::Broken;
    }
    let payload_length = u64::from_le_bytes(*length_bytes);
    let Some(length) = payload_length.checked_add((HEADER + FOOTER) as u64) else {
        return Record::Broken;
    };
    let parts = usize::try_from(payload_length)
        .ok()
        .and_then(|length| rest.split_at_checked(length))
        .and_then(|(payload, rest)| Some((payload, rest.first_chunk::<4>()?)));
    match parts {
        None => Record::Incomplete {
            length: Some(length),
        },
        Some((payload, sum)) if u32::from_le_bytes(*sum) == checksum(payload) => Record::Whole {
            payload,
            length: HEADER + payload.len() + FOOTER,
        },
        Some(_) => Record::Broken,
    }
}

/// Where the next record begins after the torn or broken one at the beginning of `bytes`, of which `file_rest` are in
/// the file.
///
/// Both checksums must hold, so that a payload which merely looks like a header isn't taken for a record; of a record
/// whose end isn't among `bytes` the header's must, and its end must be in the file.
pub(super) fn next(bytes: &[u8], file_rest: u64) -> Option<usize> {
    (1..bytes.len().saturating_sub(HEADER + FOOTER - 1)).find(|&start| {
        match parse(&bytes[start..]) {
            Record::Whole { .. } => true,
            Record::Incomplete {
                length: Some(length),
            } => length <= file_rest - start as u64,
            Record::Incomplete { length: None } | Record::Broken => false,
        }
    })
}

/// Works out whether a record too large for memory is sound, from its payload and footer piece by piece.
#[derive(Debug, Default)]
pub(super) struct LargeRecord {
    sum: u32,
    /// The last bytes so far: they may be the footer.
    last: Vec<u8>,
}

impl LargeRecord {
    /// Bytes of the header, which are not to be given to [`LargeRecord::add`].
    pub const HEADER: u64 = HEADER as u64;

    /// Takes in the next bytes behind the header.
    pub fn add(&mut self, bytes: &[u8]) {
        self.last.extend_from_slice(bytes);
        let payload = self.last.len().saturating_sub(FOOTER);
        self.sum = crc32c::crc32c_append(self.sum, &self.last[..payload]);
        self.last.drain(..payload);
    }

    /// Whether the checksum at its end holds.
    pub fn is_sound(&self) -> bool {
        self.last
            .first_chunk::<4>()
            .is_some_and(|sum| u32::from_le_bytes(*sum) == masked_crc32c(self.sum))
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    masked_crc32c(crc32c::crc32c(bytes))
}

/// A CRC-32C as TensorFlow's files store it: masked, so that a checksum of data that holds checksums stays a good one.
pub fn masked_crc32c(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_with_its_length() {
        let mut bytes = Vec::new();
        append(&mut bytes, b"x");
        assert_eq!(bytes.len(), HEADER + 1 + FOOTER);
        assert_eq!(
            parse(&bytes),
            Record::Whole {
                payload: b"x",
                length: bytes.len()
            }
        );
    }

    #[test]
    fn any_missing_end_is_incomplete_and_any_changed_byte_is_noticed() {
        let mut bytes = Vec::new();
        append(&mut bytes, b"some payload");
        for cut in 0..bytes.len() {
            let length = (cut >= HEADER).then_some(bytes.len() as u64);
            assert_eq!(
                parse(&bytes[..cut]),
                Record::Incomplete { length },
                "cut {cut}"
            );
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert_eq!(parse(&changed), Record::Broken, "byte {at}");
        }
    }

    #[test]
    fn the_next_sound_record_is_found_after_a_torn_one() {
        let mut record = Vec::new();
        append(&mut record, b"payload");
        for cut in 1..record.len() {
            let mut bytes = record[..cut].to_vec();
            append(&mut bytes, b"next");
            assert_eq!(next(&bytes, bytes.len() as u64), Some(cut), "cut {cut}");
        }
        assert_eq!(next(&record, record.len() as u64), None);
        assert_eq!(next(b"", 0), None);
    }

    #[test]
    fn a_record_beyond_the_bytes_counts_where_the_file_has_its_end() {
        let mut bytes = b"torn".to_vec();
        append(&mut bytes, &[7; 100]);
        let whole = bytes.len() as u64;
        assert_eq!(next(&bytes[..50], whole), Some(4));
        assert_eq!(next(&bytes[..50], whole - 1), None);
    }

    #[test]
    fn a_large_record_is_judged_piece_by_piece() {
        let mut bytes = Vec::new();
        append(&mut bytes, &(0..=255).collect::<Vec<u8>>());
        for piece in [1, 2, 3, 4, 5, 100, 1000] {
            let mut large = LargeRecord::default();
            bytes[HEADER..]
                .chunks(piece)
                .for_each(|bytes| large.add(bytes));
            assert!(large.is_sound(), "pieces of {piece}");
            large.add(&[0]);
            assert!(!large.is_sound());
        }
        assert!(!LargeRecord::default().is_sound());
    }
}
