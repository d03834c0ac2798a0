//! What PyTorch's state dicts need beyond plain data: dictionaries, fractions, and tensors as views of storages.

use std::ops::Range;

use super::machine::{Machine, Outcome};
use super::{Constructor, Internal, Value, ValueId};

/// A tensor: where its elements lie in a storage. The last element it names is within the storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorView {
    /// The memory that it lies in.
    pub storage: Storage,
    /// The first element's place in the storage, in elements.
    pub offset: usize,
    /// Length along each axis, outermost first.
    pub shape: Vec<usize>,
    /// Elements from one to the next along each axis.
    pub strides: Vec<usize>,
}

impl TensorView {
    /// Number of elements.
    pub fn count(&self) -> usize {
        // The product was checked when the view was made.
        self.shape.iter().product()
    }
}

/// Memory that tensors lie in, stored outside of the pickle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Its name in the file, as a range of the pickle.
    pub key: Range<usize>,
    /// What an element is.
    pub element: StorageElement,
    /// Number of elements.
    pub count: usize,
}

/// What a storage's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageElement {
    /// 64-bit floats.
    F64,
    /// 32-bit floats.
    F32,
    /// 16-bit floats as IEEE has them.
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    BF16,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// 16-bit integers.
    I16,
    /// 8-bit integers.
    I8,
    /// Bytes.
    U8,
    /// Booleans of one byte.
    Bool,
}

impl StorageElement {
    /// Bytes an element takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::BF16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }
}

/// The constructor of a name that only state dicts need.
pub(super) fn constructor(module: &str, name: &str) -> Option<Constructor> {
    Some(match (module, name) {
        ("collections", "OrderedDict") => Constructor::OrderedDictionary,
        ("torch._utils", "_rebuild_tensor_v2") => Constructor::RebuildTensor,
        ("torch._utils", "_rebuild_parameter") => Constructor::RebuildParameter,
        ("torch", name) => Constructor::StorageType(match name.strip_suffix("Storage")? {
            "Double" => StorageElement::F64,
            "Float" => StorageElement::F32,
            "Half" => StorageElement::F16,
            "BFloat16" => StorageElement::BF16,
            "Long" => StorageElement::I64,
            "Int" => StorageElement::I32,
            "Short" => StorageElement::I16,
            "Char" => StorageElement::I8,
            "Byte" => StorageElement::U8,
            "Bool" => StorageElement::Bool,
            _ => return None,
        }),
        _ => return None,
    })
}

impl Machine<'_> {
    /// An opcode that only state dicts need.
    pub(super) fn torch_step(&mut self, opcode: u8) -> Outcome<()> {
        match opcode {
            b'}' => self.push(Value::Dictionary(Vec::new())),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_entries(&[key, value])
            }
            b'u' => {
                let entries = self.since_mark()?;
                self.set_entries(&entries)
            }
            b'G' => {
                let range = self.take(8)?;
                let bits = self.bytes[range]
                    .iter()
                    .fold(0, |bits, byte| bits << 8 | u64::from(*byte));
                self.push(Value::Float(f64::from_bits(bits)))
            }
            b'Q' => {
                let storage = self.storage()?;
                self.push(Value::Internal(Internal::Storage(Box::new(storage))))
            }
            other => self.refuse_opcode(other),
        }
    }

    fn set_entries(&mut self, entries: &[ValueId]) -> Outcome<()> {
        let (pairs, []) = entries.as_chunks::<2>() else {
            return self.refuse("a key without a value");
        };
        let dictionary = self.top()?;
        match &mut self.values[dictionary.index()] {
            Value::Dictionary(entries) => {
                entries.extend(pairs.iter().map(|[key, value]| (*key, *value)));
                Ok(())
            }
            _ => self.refuse("entries for what is not a dictionary"),
        }
    }

    /// The storage of a persistent id: `("storage", type, key, place, count)`, and in old files `None`.
    fn storage(&mut self) -> Outcome<Storage> {
        let identity = self.pop()?;
        let members = match self.value(identity) {
            Value::Tuple(members) => members.as_slice(),
            _ => return self.refuse("a persistent id that is not a tuple"),
        };
        let (kind, element, key, count) = match *members {
            [kind, element, key, _, count] => (kind, element, key, count),
            [kind, element, key, _, count, view] if *self.value(view) == Value::None => {
                (kind, element, key, count)
            }
            _ => return self.refuse("a persistent id of an unknown form"),
        };
        if self.text(kind)? != "storage" {
            return self.refuse("a persistent id of what is not a storage");
        }
        let Value::Internal(Internal::Constructor(Constructor::StorageType(element))) =
            *self.value(element)
        else {
            return self.refuse("a storage of an unknown type");
        };
        let (Value::Text(key) | Value::Bytes(key)) = self.value(key) else {
            return self.refuse("a storage without a name");
        };
        let count = match self.value(count) {
            Value::Integer(count) => usize::try_from(*count).ok(),
            _ => None,
        };
        match count {
            Some(count) => Ok(Storage {
                key: key.clone(),
                element,
                count,
            }),
            None => self.refuse("a storage without a number of elements"),
        }
    }

    /// A call of one of the constructors that only state dicts need.
    pub(super) fn torch_reduce(
        &mut self,
        constructor: Constructor,
        arguments: &[ValueId],
    ) -> Outcome<()> {
        match (constructor, arguments) {
            (Constructor::OrderedDictionary, []) => self.push(Value::Dictionary(Vec::new())),
            (Constructor::RebuildTensor, [storage, offset, shape, strides, ..]) => {
                let view = self.view(*storage, *offset, *shape, *strides)?;
                self.push(Value::Tensor(Box::new(view)))
            }
            (Constructor::RebuildParameter, [tensor, ..])
                if matches!(self.value(*tensor), Value::Tensor(_)) =>
            {
                self.push_again(*tensor);
                Ok(())
            }
            _ => self.refuse(format!(
                "{constructor:?} with other arguments than expected"
            )),
        }
    }

    fn view(
        &self,
        storage: ValueId,
        offset: ValueId,
        shape: ValueId,
        strides: ValueId,
    ) -> Outcome<TensorView> {
        let Value::Internal(Internal::Storage(storage)) = self.value(storage) else {
            return self.refuse("a tensor without a storage");
        };
        let (shape, strides) = (self.axes(shape)?, self.axes(strides)?);
        let offset = match self.value(offset) {
            Value::Integer(offset) => usize::try_from(*offset).ok(),
            _ => None,
        };
        let Some(offset) = offset.filter(|_| shape.len() == strides.len()) else {
            return self.refuse("a tensor whose offset, shape and strides don't agree");
        };
        let count = shape
            .iter()
            .try_fold(1_usize, |product, axis| product.checked_mul(*axis));
        let last = shape
            .iter()
            .zip(&strides)
            .try_fold(offset, |last, (axis, stride)| {
                last.checked_add(axis.saturating_sub(1).checked_mul(*stride)?)
            });
        let fits = match (count, last) {
            (Some(0), _) => true,
            (Some(_), Some(last)) => last < storage.count,
            _ => false,
        };
        if !fits {
            return self.refuse(format!(
                "a tensor of shape {shape:?}, strides {strides:?} and offset {offset} reaches beyond its storage of {} elements",
                storage.count
            ));
        }
        Ok(TensorView {
            storage: (**storage).clone(),
            offset,
            shape,
            strides,
        })
    }
}
