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
    /// The beginning of a record whose end isn't there yet.
    Incomplete,
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
        return Record::Incomplete;
    };
    let Some((length_checksum, rest)) = rest.split_first_chunk::<4>() else {
        return Record::Incomplete;
    };
    if u32::from_le_bytes(*length_checksum) != checksum(length_bytes) {
        return Record::Broken;
    }
    let Ok(length) = usize::try_from(u64::from_le_bytes(*length_bytes)) else {
        return Record::Broken;
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Record::Incomplete;
    };
    match rest.first_chunk::<4>() {
        None => Record::Incomplete,
        Some(sum) if u32::from_le_bytes(*sum) == checksum(payload) => Record::Whole {
            payload,
            length: HEADER + length + FOOTER,
        },
        Some(_) => Record::Broken,
    }
}

/// Where the next sound record begins after the torn or broken one at the beginning of `bytes`.
///
/// Both checksums must hold, so that a payload which merely looks like a header isn't taken for a record.
pub(super) fn next_sound(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len().saturating_sub(HEADER + FOOTER - 1))
        .find(|&start| matches!(parse(&bytes[start..]), Record::Whole { .. }))
}

/// CRC32C, masked as TFRecord does so that a checksum of data that holds checksums stays a good one.
fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
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
            assert_eq!(parse(&bytes[..cut]), Record::Incomplete, "cut {cut}");
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
            assert_eq!(next_sound(&bytes), Some(cut), "cut {cut}");
        }
        assert_eq!(next_sound(&record), None);
        assert_eq!(next_sound(b""), None);
    }
}
