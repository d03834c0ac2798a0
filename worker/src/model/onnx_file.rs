//! What an ONNX file tells without ONNX Runtime: its nodes and parameters, counted, and its properties.
//!
//! The file is a protocol-buffer message (onnx.proto): a model's field 7 is its graph and field 14 are its properties,
//! each a key (1) and a value (2); a graph's field 1 are nodes and field 5 initialisers, whose field 1 are the lengths of
//! their axes. Strangers make such files: nothing of them is kept but what is asked for.

use std::{fs, path::Path};

/// Counts of a graph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GraphSummary {
    /// Operations.
    pub nodes: u64,
    /// Numbers in the initialisers; constants of the graph count too.
    pub parameters: u64,
}

/// The value of a model's property; `None` where there is none, or the file isn't such a message.
pub fn property(path: &Path, key: &str) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    Fields(&bytes)
        .map_while(|field| field)
        .filter_map(|field| match field {
            Field::Bytes(14, property) => {
                let text = |number| {
                    Fields(property).flatten().find_map(|field| match field {
                        Field::Bytes(found, text) if found == number => {
                            std::str::from_utf8(text).ok()
                        }
                        _ => None,
                    })
                };
                (text(1)? == key).then(|| text(2).map(str::to_owned))?
            }
            _ => None,
        })
        .last()
}

/// Counts a model's graph; `None` where the file can't be read or isn't such a message.
pub fn summary(path: &Path) -> Option<GraphSummary> {
    let bytes = fs::read(path).ok()?;
    let mut summary = GraphSummary::default();
    for field in Fields(&bytes) {
        let Field::Bytes(7, graph) = field? else {
            continue;
        };
        for field in Fields(graph) {
            match field? {
                Field::Bytes(1, _) => summary.nodes += 1,
                Field::Bytes(5, tensor) => {
                    summary.parameters = summary.parameters.checked_add(numbers(tensor)?)?;
                }
                _ => {}
            }
        }
    }
    (summary.nodes > 0).then_some(summary)
}

/// The product of a tensor's axes, which are packed or one by one.
fn numbers(tensor: &[u8]) -> Option<u64> {
    let mut product = 1_u64;
    for field in Fields(tensor) {
        match field? {
            Field::Number(1, side) => product = product.checked_mul(side)?,
            Field::Bytes(1, mut packed) => {
                while !packed.is_empty() {
                    product = product.checked_mul(varint(&mut packed)?)?;
                }
            }
            _ => {}
        }
    }
    Some(product)
}

enum Field<'a> {
    Number(u64, u64),
    Bytes(u64, &'a [u8]),
    Other,
}

/// The fields of a message; `None` where it breaks off, and no more after that.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<Field<'a>> {
        let key = varint(&mut self.0)?;
        let number = key >> 3;
        Some(match key & 7 {
            0 => Field::Number(number, varint(&mut self.0)?),
            1 => self.take(8).map(|_| Field::Other)?,
            2 => {
                let length = usize::try_from(varint(&mut self.0)?).ok()?;
                Field::Bytes(number, self.take(length)?)
            }
            5 => self.take(4).map(|_| Field::Other)?,
            _ => return None,
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..10 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(7 * place)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8, content: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, content.len() as u8], content].concat()
    }

    fn of(bytes: &[u8]) -> Option<GraphSummary> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        fs::write(&path, bytes).unwrap();
        summary(&path)
    }

    #[test]
    fn nodes_and_numbers_are_counted() {
        let packed = message(5, &message(1, &[3, 0x80, 1]));
        let single = message(5, &[8, 5, 8, 2, 16, 1]);
        let graph = [message(1, b""), message(1, b""), packed, single].concat();
        let model = [vec![8, 9], message(7, &graph)].concat();
        let expected = GraphSummary {
            nodes: 2,
            parameters: 3 * 128 + 10,
        };
        assert_eq!(of(&model), Some(expected));
        for length in 1..model.len() {
            // Cut anywhere it is another message or none, never a panic.
            assert_ne!(of(&model[..length]), Some(expected));
        }
        assert_eq!(of(b"no model"), None);
        assert_eq!(of(&[0xff; 40]), None);
    }

    #[test]
    fn properties_are_found_by_their_key() {
        let property =
            |key: &[u8], value: &[u8]| message(14, &[message(1, key), message(2, value)].concat());
        let model = [
            property(b"a", b"one"),
            property(b"b", b"two"),
            message(7, b""),
        ]
        .concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        let found = |bytes: &[u8], key| {
            fs::write(&path, bytes).unwrap();
            super::property(&path, key)
        };
        assert_eq!(found(&model, "a").as_deref(), Some("one"));
        assert_eq!(found(&model, "b").as_deref(), Some("two"));
        assert_eq!(found(&model, "c"), None);
        for length in 0..property(b"a", b"one").len() {
            assert_eq!(found(&model[..length], "a"), None);
        }
        assert_eq!(found(&[0xff; 40], "a"), None);
    }
}
