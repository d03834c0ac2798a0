//! A reader for Python's pickles that can build data and nothing else.
//!
//! Pickles come from strangers. This reader knows tuples, lists, bytes, strings, whole numbers, booleans and
//! NumPy arrays of bytes, booleans and integers; where a state dict of PyTorch is asked for, dictionaries,
//! fractions and tensors too. Any other opcode or constructor is refused by name. Nothing is imported or
//! called, and what is built holds ranges of the file, so memory is bounded by its length.

mod constructors;
mod machine;
mod torch;

use std::ops::Range;

use machine::Machine;
pub use torch::{Storage, StorageElement, TensorView};

/// Why a pickle was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {position}: {problem}")]
pub struct PickleError {
    /// Offset in the file.
    pub position: usize,
    /// What was found there.
    pub problem: String,
}

/// The index of a value in its [`Pickle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueId(u32);

impl ValueId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// A value of a pickle; lists and tuples name their members by id, because values can be shared.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Bytes (or a Python 2 `str`), as a range of the file.
    Bytes(Range<usize>),
    /// A string, as a range of the file.
    Text(Range<usize>),
    /// Bytes that Python 3 wrote as text for Python 2.
    Recoded(Vec<u8>),
    /// A list.
    List(Vec<ValueId>),
    /// A tuple.
    Tuple(Vec<ValueId>),
    /// A NumPy array.
    Array(Array),
    /// A number with a fraction.
    Float(f64),
    /// A dictionary, its entries in the order they were set; a key that was set twice is there twice.
    Dictionary(Vec<(ValueId, ValueId)>),
    /// A tensor of PyTorch.
    Tensor(Box<TensorView>),
    /// A constructor or a half-built array: part of the way to a value.
    Internal(Internal),
}

/// A NumPy array in row-major order; its bytes are a value of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Length along each axis, outermost first.
    pub shape: Vec<usize>,
    /// What an element is.
    pub element: Element,
    /// The value with the elements' bytes.
    pub data: ValueId,
}

/// What an array's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Bytes.
    U8,
    /// Booleans of one byte.
    Bool,
    /// Little-endian integers of this many bytes.
    Integer(usize),
}

impl Element {
    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::Bool => 1,
            Self::Integer(bytes) => bytes,
        }
    }
}

/// Steps on the way to a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Internal {
    /// One of the few constructors that are known.
    Constructor(Constructor),
    /// A NumPy element type.
    ElementType(Element),
    /// An array whose state is still to come.
    EmptyArray,
    /// Memory that tensors lie in.
    Storage(Box<Storage>),
}

/// The constructors that are known, by what they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constructor {
    /// `numpy.core.multiarray._reconstruct`
    Reconstruct,
    /// `numpy.ndarray`
    ArrayType,
    /// `numpy.dtype`
    ElementType,
    /// `numpy.core.numeric._frombuffer`
    FromBuffer,
    /// `numpy.core.multiarray.scalar`
    Scalar,
    /// `_codecs.encode`
    Encode,
    /// `bytes`
    Bytes,
    /// `collections.OrderedDict`
    OrderedDictionary,
    /// `torch._utils._rebuild_tensor_v2`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`
    RebuildParameter,
    /// `torch.FloatStorage` and its kin
    StorageType(StorageElement),
}

/// What a pickle may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    /// NumPy arrays, lists and tuples.
    Arrays,
    /// Dictionaries of PyTorch's tensors.
    StateDict,
}

/// A read pickle: its values, and the file they point into.
#[derive(Debug)]
pub struct Pickle<'a> {
    bytes: &'a [u8],
    values: Vec<Value>,
    root: ValueId,
    length: usize,
}

impl<'a> Pickle<'a> {
    /// Reads a pickle of protocol 2 to 5.
    ///
    /// # Errors
    /// When it is cut short, malformed, or asks for anything that is not plain data.
    pub fn read(bytes: &'a [u8]) -> Result<Self, PickleError> {
        Self::read_with(bytes, Vocabulary::Arrays)
    }

    /// Reads a pickle of protocol 2 to 5 that `torch.save` wrote; what follows it is left alone.
    ///
    /// # Errors
    /// When it is cut short, malformed, or asks for anything but dictionaries of tensors and plain data.
    pub fn read_state_dict(bytes: &'a [u8]) -> Result<Self, PickleError> {
        Self::read_with(bytes, Vocabulary::StateDict)
    }

    fn read_with(bytes: &'a [u8], vocabulary: Vocabulary) -> Result<Self, PickleError> {
        let (values, root, length) = Machine::new(bytes, vocabulary).run()?;
        Ok(Self {
            bytes,
            values,
            root,
            length,
        })
    }

    /// How many bytes the pickle takes; in a file of several, the next begins there.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The outermost value.
    pub fn root(&self) -> &Value {
        self.get(self.root)
    }

    /// A value by its id.
    pub fn get(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    /// The members of a list or tuple.
    pub fn members<'b>(&'b self, value: &'b Value) -> Option<&'b [ValueId]> {
        match value {
            Value::List(members) | Value::Tuple(members) => Some(members),
            _ => None,
        }
    }

    /// The text at a range, up to its first byte that is no UTF-8.
    pub fn text(&self, range: &Range<usize>) -> &'a str {
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid())
    }

    /// All storages that tensors may lie in, with their names.
    pub fn storages(&self) -> impl Iterator<Item = (&'a str, &Storage)> {
        self.values.iter().filter_map(|value| match value {
            Value::Internal(Internal::Storage(storage)) => {
                Some((self.text(&storage.key), &**storage))
            }
            _ => None,
        })
    }

    /// The bytes of a bytes value, a string or a one-byte array.
    pub fn bytes_of<'b>(&'b self, value: &'b Value) -> Option<&'b [u8]> {
        match value {
            Value::Bytes(range) | Value::Text(range) => self.bytes.get(range.clone()),
            Value::Recoded(bytes) => Some(bytes),
            Value::Array(array) if array.element.bytes() == 1 => {
                self.bytes_of(self.get(array.data))
            }
            _ => None,
        }
    }

    /// The bytes of a bytes value or one-byte array where they lie in the file as they are.
    pub fn stored_bytes(&self, value: &Value) -> Option<&'a [u8]> {
        match value {
            Value::Bytes(range) | Value::Text(range) => self.bytes.get(range.clone()),
            Value::Array(array) if array.element.bytes() == 1 => {
                self.stored_bytes(self.get(array.data))
            }
            _ => None,
        }
    }

    /// Whether these bytes were written as a Python 2 `str`.
    pub fn is_python2_string(&self, range: &Range<usize>) -> bool {
        let opcode = |back: usize| {
            range
                .start
                .checked_sub(back)
                .and_then(|at| self.bytes.get(at))
        };
        opcode(2) == Some(&b'U') && range.len() < 256
            || opcode(5) == Some(&b'T') && range.len() >= 256
    }

    /// A list of truth values: a list of booleans or numbers, or an array.
    pub fn booleans(&self, value: &Value) -> Option<Vec<bool>> {
        match value {
            Value::List(members) | Value::Tuple(members) => members
                .iter()
                .map(|member| match self.get(*member) {
                    Value::Bool(value) => Some(*value),
                    Value::Integer(number @ (0 | 1)) => Some(*number == 1),
                    Value::Array(array) if array.shape.is_empty() => {
                        self.booleans(self.get(*member))?.first().copied()
                    }
                    _ => None,
                })
                .collect(),
            Value::Array(array) => {
                let data = match self.get(array.data) {
                    Value::Bytes(range) | Value::Text(range) => self.bytes.get(range.clone())?,
                    Value::Recoded(bytes) => bytes,
                    _ => return None,
                };
                Some(
                    data.chunks_exact(array.element.bytes())
                        .map(|element| element.iter().any(|byte| *byte != 0))
                        .collect(),
                )
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        Pickle::read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn data_is_read() {
        // pickle.dumps(([b"ab", b"c"], [True, 0]), protocol=3)
        let bytes = b"\x80\x03]q\x00(C\x02abq\x01C\x01cq\x02e]q\x03(\x88K\x00e\x86q\x04.";
        let pickle = Pickle::read(bytes).unwrap();
        let pair = pickle.members(pickle.root()).unwrap();
        let bins = pickle.members(pickle.get(pair[0])).unwrap();
        assert_eq!(pickle.bytes_of(pickle.get(bins[0])), Some(&b"ab"[..]));
        assert_eq!(
            pickle.booleans(pickle.get(pair[1])),
            Some(vec![true, false])
        );
    }

    #[test]
    fn anything_that_could_run_is_refused_by_name() {
        assert!(refused(b"\x80\x02cos\nsystem\n(U\x02lstR.").contains("os.system"));
        assert!(refused(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.").contains("builtins.eval"));
        assert!(refused(b"\x80\x02}.").contains("EMPTY_DICT"));
        assert!(refused(b"\x80\x02cnumpy\nndarray\n)R.").contains("ArrayType"));
        assert!(refused(b"\x80\x02cnumpy\ndtype\n.").contains("not data"));
        assert!(refused(b"(lp0\n.").contains("protocol"));
    }

    #[test]
    fn lengths_beyond_the_file_allocate_nothing() {
        assert!(refused(b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.").contains("ends inside"));
        assert!(refused(b"\x80\x02T\xff\xff\xff\xffx").contains("ends inside"));
        let huge = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01(J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7ftcnumpy\ndtype\nU\x02u1K\x00K\x01\x87R\x89U\x01xtb.";
        assert!(refused(huge).contains("shape"));
    }

    #[test]
    fn stack_tricks_are_errors() {
        for bytes in [
            &b"\x80\x02."[..],
            b"\x80\x02(.",
            b"\x80\x020",
            b"\x80\x02e",
            b"\x80\x02K\x01(a",
            b"\x80\x02h\x07.",
            b"\x80\x02K\x01K\x02a.",
        ] {
            assert!(Pickle::read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_list_that_holds_itself_is_read_without_a_loop() {
        let pickle = b"\x80\x02]q\x00h\x00a.";
        assert!(Pickle::read(pickle).is_ok());
    }
}
