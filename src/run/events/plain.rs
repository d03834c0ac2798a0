//! Reads what nearly all of a log is: a step's scalars as plain numbers. Logs of millions of them open several times
//! faster than through the general reader in `message`, to which everything else is left.

/// A plain event, read into memory that is used again for the next one.
#[derive(Debug, Default)]
pub(super) struct PlainEvent {
    pub wall_time: f64,
    pub step: i64,
    /// Where each tag begins and ends in the payload, and its value.
    values: Vec<(usize, usize, f32)>,
}

// Field numbers and wire types, as in `message`.
const WALL_TIME: u8 = 1 << 3 | 1;
const STEP: u8 = 2 << 3;
const SUMMARY: u8 = 5 << 3 | 2;
const VALUE: u8 = 1 << 3 | 2;
const TAG: u8 = 1 << 3 | 2;
const SIMPLE: u8 = 2 << 3 | 5;
const METADATA: u8 = 9 << 3 | 2;

impl PlainEvent {
    /// Reads `payload`; `false` where it is anything but a plain event, sound or not.
    pub fn read(&mut self, payload: &[u8]) -> bool {
        self.values.clear();
        (self.wall_time, self.step) = (0.0, 0);
        self.event(payload).is_some() && !self.values.is_empty()
    }

    /// Tags and values of the payload that was read.
    pub fn values<'a>(&'a self, payload: &'a [u8]) -> impl Iterator<Item = (&'a [u8], f32)> {
        let tag = |start: usize, end: usize| payload.get(start..end).unwrap_or_default();
        self.values
            .iter()
            .map(move |(start, end, value)| (tag(*start, *end), *value))
    }

    fn event(&mut self, payload: &[u8]) -> Option<()> {
        let mut cursor = Cursor {
            bytes: payload,
            at: 0,
        };
        while let Some(key) = cursor.next() {
            match key {
                WALL_TIME => self.wall_time = f64::from_le_bytes(cursor.fixed()?),
                STEP => self.step = cursor.varint()? as i64,
                SUMMARY => {
                    let end = cursor.end_of_part()?;
                    self.summary(&mut cursor.until(end)?)?;
                    cursor.at = end;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn summary(&mut self, cursor: &mut Cursor) -> Option<()> {
        while let Some(key) = cursor.next() {
            if key != VALUE {
                return None;
            }
            let end = cursor.end_of_part()?;
            self.value(&mut cursor.until(end)?)?;
            cursor.at = end;
        }
        Some(())
    }

    fn value(&mut self, cursor: &mut Cursor) -> Option<()> {
        let mut tag = (0, 0);
        let mut value = None;
        while let Some(key) = cursor.next() {
            match key {
                TAG => {
                    let end = cursor.end_of_part()?;
                    tag = (cursor.at, end);
                    cursor.at = end;
                }
                SIMPLE => value = Some(f32::from_le_bytes(cursor.fixed()?)),
                METADATA => cursor.at = cursor.end_of_part()?,
                _ => return None,
            }
        }
        self.values.push((tag.0, tag.1, value?));
        Some(())
    }
}

/// A place in a payload. No part reaches beyond its end.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let bytes = self.bytes.get(self.at..)?.first_chunk()?;
        self.at += N;
        Some(*bytes)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// Where the part that begins with its length here ends.
    fn end_of_part(&mut self) -> Option<usize> {
        let length = usize::try_from(self.varint()?).ok()?;
        let end = self.at.checked_add(length)?;
        (end <= self.bytes.len()).then_some(end)
    }

    /// The same place in bytes that end earlier.
    fn until(&self, end: usize) -> Option<Cursor<'a>> {
        Some(Cursor {
            bytes: self.bytes.get(..end)?,
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::super::message::{
        EventMessage, MetadataMessage, SummaryMessage, ValueKind, ValueMessage, WhatMessage,
    };
    use super::*;

    fn event(wall_time: f64, step: i64, values: &[(Vec<u8>, f32)], metadata: bool) -> Vec<u8> {
        let value = values
            .iter()
            .map(|(tag, value)| ValueMessage {
                tag: tag.clone(),
                metadata: metadata.then(MetadataMessage::default),
                value: Some(ValueKind::Simple(*value)),
            })
            .collect();
        EventMessage {
            wall_time,
            step,
            what: Some(WhatMessage::Summary(SummaryMessage { value })),
        }
        .encode_to_vec()
    }

    proptest! {
        #[test]
        fn it_reads_what_the_general_writer_writes(
            wall_time in any::<f64>(), step in any::<i64>(), metadata in any::<bool>(),
            values in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), any::<f32>()), 1..5),
        ) {
            let payload = event(wall_time, step, &values, metadata);
            let mut plain = PlainEvent::default();
            prop_assert!(plain.read(&payload));
            // A zero is left out, whatever its sign.
            prop_assert_eq!(plain.wall_time.to_bits(), (wall_time + 0.0).to_bits());
            prop_assert_eq!(plain.step, step);
            let read: Vec<_> = plain.values(&payload).map(|(tag, value)| (tag.to_vec(), value.to_bits())).collect();
            let written: Vec<_> = values.into_iter().map(|(tag, value)| (tag, value.to_bits())).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn any_bytes_are_read_as_the_general_reader_reads_them_or_left_to_it(
            payload in prop::collection::vec(prop_oneof![Just(8_u8), Just(9), Just(10), Just(16), Just(21), Just(42), 0..20_u8, any::<u8>()], 0..60),
        ) {
            let mut plain = PlainEvent::default();
            if plain.read(&payload) {
                let general = EventMessage::decode(payload.as_slice()).unwrap();
                prop_assert_eq!((general.wall_time.to_bits(), general.step), (plain.wall_time.to_bits(), plain.step));
                let Some(WhatMessage::Summary(summary)) = general.what else { panic!("no summary") };
                let tags: Vec<_> = summary.value.iter().map(|value| value.tag.as_slice()).collect();
                prop_assert_eq!(tags, plain.values(&payload).map(|(tag, _)| tag).collect::<Vec<_>>());
            }
        }
    }
}
