//! State dicts as `torch.save` writes them, for `torch.load(…, weights_only=True)` and our own reader.
//!
//! An archive without compression: `NAME/data.pkl` builds an ordered dictionary of tensors, each a view of one of the
//! storages `NAME/data/0`, `NAME/data/1`, …, whose bytes begin at a multiple of 64 as PyTorch maps them.

use std::io::{self, Seek, Write};

use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::pytorch::{StateDict, StateTensor, StateValues};

/// The folder of the archive, which has no meaning.
const FOLDER: &str = "weights";
/// Where storages begin, as in PyTorch's own files.
const ALIGNMENT: u16 = 64;

/// Writes a state dict, and beside it a text under `NAME/{note}.json`, where PyTorch doesn't look.
///
/// # Errors
/// `file` can't be written.
pub fn write(
    file: impl Write + Seek,
    state: &StateDict,
    (note, text): (&str, &str),
) -> io::Result<()> {
    let mut archive = ZipWriter::new(file);
    // No time of day: the same weights are the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .with_alignment(ALIGNMENT);
    let mut entry = |name: &str, bytes: &[u8]| -> io::Result<()> {
        let large = options.large_file(u32::try_from(bytes.len()).is_err());
        archive.start_file(format!("{FOLDER}/{name}"), large)?;
        archive.write_all(bytes)
    };
    entry("data.pkl", &pickle(state))?;
    entry("byteorder", b"little")?;
    for (key, (_, tensor)) in state.tensors.iter().enumerate() {
        let name = format!("data/{key}");
        // Little-endian, as every machine that libtorch runs on.
        match &tensor.values {
            StateValues::Floats(values) => entry(&name, bytemuck::cast_slice(values))?,
            StateValues::Integers(values) => entry(&name, bytemuck::cast_slice(values))?,
        }
    }
    entry("version", b"3\n")?;
    entry(&format!("{note}.json"), text.as_bytes())?;
    archive.finish()?;
    Ok(())
}

/// The pickle of protocol 2 that builds the dictionary.
fn pickle(state: &StateDict) -> Vec<u8> {
    let mut pickle = Pickle(b"\x80\x02".to_vec());
    pickle.empty_dictionary();
    pickle.0.push(b'(');
    for (key, (name, tensor)) in state.tensors.iter().enumerate() {
        pickle.text(name);
        pickle.tensor(key, tensor);
    }
    // SETITEMS, STOP
    pickle.0.extend_from_slice(b"u.");
    pickle.0
}

/// Opcodes of Python's `pickletools`.
struct Pickle(Vec<u8>);

impl Pickle {
    /// GLOBAL
    fn global(&mut self, module: &str, name: &str) {
        self.0
            .extend_from_slice(format!("c{module}\n{name}\n").as_bytes());
    }

    /// EMPTY_TUPLE, REDUCE
    fn empty_dictionary(&mut self) {
        self.global("collections", "OrderedDict");
        self.0.extend_from_slice(b")R");
    }

    /// BINUNICODE
    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend_from_slice(&(text.len() as u32).to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// LONG1, of eight bytes: a length in memory has room for the sign.
    fn number(&mut self, number: usize) {
        self.0.extend_from_slice(b"\x8a\x08");
        self.0.extend_from_slice(&(number as u64).to_le_bytes());
    }

    /// MARK, TUPLE
    fn tuple(&mut self, numbers: &[usize]) {
        self.0.push(b'(');
        for number in numbers {
            self.number(*number);
        }
        self.0.push(b't');
    }

    fn tensor(&mut self, key: usize, tensor: &StateTensor) {
        let (storage, count) = match &tensor.values {
            StateValues::Floats(values) => ("FloatStorage", values.len()),
            StateValues::Integers(values) => ("LongStorage", values.len()),
        };
        self.global("torch._utils", "_rebuild_tensor_v2");
        // The call's arguments, then the storage's persistent name (BINPERSID).
        self.0.extend_from_slice(b"((");
        self.text("storage");
        self.global("torch", storage);
        self.text(&key.to_string());
        self.text("cpu");
        self.number(count);
        self.0.extend_from_slice(b"tQ");
        // The first number, lengths and steps of the axes.
        self.number(0);
        self.tuple(&tensor.shape);
        let mut strides = Vec::new();
        let mut step = 1;
        for length in tensor.shape.iter().rev() {
            strides.push(step);
            step *= length;
        }
        strides.reverse();
        self.tuple(&strides);
        // No gradient (NEWFALSE), no hooks; TUPLE, REDUCE.
        self.0.push(0x89);
        self.empty_dictionary();
        self.0.extend_from_slice(b"tR");
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;
    use crate::model::pytorch;

    fn state() -> StateDict {
        let floats = |shape: &[usize], values: &[f32]| StateTensor {
            shape: shape.to_vec(),
            values: StateValues::Floats(values.to_vec()),
        };
        let tensors = vec![
            (
                "b.weight".to_owned(),
                floats(&[2, 3], &[1.0, -2.0, 3.5, 4.0, 0.0, 6.0]),
            ),
            ("a.bias".to_owned(), floats(&[], &[-0.25])),
            (
                "count".to_owned(),
                StateTensor {
                    shape: vec![1],
                    values: StateValues::Integers(vec![-7]),
                },
            ),
            ("none".to_owned(), floats(&[0, 2], &[])),
        ];
        StateDict { tensors }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.pt");
        let write = || {
            write(
                File::create(&path).unwrap(),
                &state(),
                ("facetui", "{\"a\": 1}"),
            )
            .unwrap();
            std::fs::read(&path).unwrap()
        };
        assert_eq!(write(), write(), "the same bytes");
        assert_eq!(pytorch::read(&path).unwrap(), state());
        assert_eq!(
            pytorch::note(&path, "facetui").unwrap().as_deref(),
            Some("{\"a\": 1}")
        );
        assert_eq!(pytorch::note(&path, "other").unwrap(), None);
    }
}
