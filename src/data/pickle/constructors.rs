//! What the constructors make that a pickle may name: NumPy's arrays and the few things around them.

use super::machine::{MOST_ARGUMENTS, Machine, Outcome};
use super::{Array, Constructor, Element, Internal, Value, ValueId, Vocabulary};
use crate::untrusted::visible;

impl Machine<'_> {
    pub(super) fn constructor(&mut self, module: &str, name: &str) -> Outcome<()> {
        if self.vocabulary == Vocabulary::StateDict
            && let Some(constructor) = super::torch::constructor(module, name)
        {
            return self.push(Value::Internal(Internal::Constructor(constructor)));
        }
        let constructor = match (module, name) {
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct") => {
                Constructor::Reconstruct
            }
            ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar") => Constructor::Scalar,
            ("numpy.core.numeric" | "numpy._core.numeric", "_frombuffer") => {
                Constructor::FromBuffer
            }
            ("numpy", "ndarray") => Constructor::ArrayType,
            ("numpy", "dtype") => Constructor::ElementType,
            ("_codecs", "encode") => Constructor::Encode,
            ("__builtin__" | "builtins", "bytes" | "bytearray") => Constructor::Bytes,
            _ => {
                return self.refuse(format!(
                    "refuses {}.{}: a data file has no need of it",
                    visible(module),
                    visible(name)
                ));
            }
        };
        self.push(Value::Internal(Internal::Constructor(constructor)))
    }

    pub(super) fn reduce(&mut self) -> Outcome<()> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Value::Internal(Internal::Constructor(constructor)) = *self.value(callable) else {
            return self.refuse("a call of what is not a known constructor");
        };
        let arguments = self.short_tuple(arguments)?;
        let value = match (constructor, arguments.as_slice()) {
            (Constructor::Reconstruct, [kind, ..])
                if *self.value(*kind)
                    == Value::Internal(Internal::Constructor(Constructor::ArrayType)) =>
            {
                Value::Internal(Internal::EmptyArray)
            }
            (Constructor::ElementType, [name, ..]) => {
                let name = self.text(*name)?;
                let element = match name.trim_start_matches(['|', '<', '=']) {
                    "u1" | "uint8" => Element::U8,
                    "b1" | "bool" => Element::Bool,
                    "i1" => Element::Integer(1),
                    "i4" => Element::Integer(4),
                    "i8" => Element::Integer(8),
                    _ => {
                        return self.refuse(format!(
                            "arrays of type {}; bytes, booleans and integers are known",
                            visible(&name)
                        ));
                    }
                };
                Value::Internal(Internal::ElementType(element))
            }
            (Constructor::FromBuffer, [data, element, shape, order]) => {
                if !matches!(self.value(*order), Value::Text(range) | Value::Bytes(range) if self.bytes[range.clone()] == *b"C")
                {
                    return self.refuse("an array in column order");
                }
                self.array(*shape, *element, *data)?
            }
            (Constructor::Scalar, [element, data]) => {
                let element = self.element(*element)?;
                self.sized_array(Vec::new(), element, *data)?
            }
            (
                Constructor::OrderedDictionary
                | Constructor::RebuildTensor
                | Constructor::RebuildParameter,
                arguments,
            ) => return self.torch_reduce(constructor, arguments),
            (Constructor::Bytes, []) => Value::Bytes(0..0),
            (Constructor::Bytes, [data])
                if matches!(self.value(*data), Value::Bytes(_) | Value::Recoded(_)) =>
            {
                self.stack.push(*data);
                return Ok(());
            }
            (Constructor::Encode, [text, encoding]) => {
                let encoding = self.text(*encoding)?;
                match self.value(*text) {
                    Value::Text(range) if self.recoded_bytes + range.len() > self.bytes.len() => {
                        return self.refuse("the same text converted again and again");
                    }
                    Value::Text(range) if matches!(encoding.as_str(), "latin1" | "latin-1") => {
                        let text =
                            std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or("\u{fffd}");
                        match text
                            .chars()
                            .map(|letter| u8::try_from(letter).ok())
                            .collect()
                        {
                            Some(bytes) => {
                                self.recoded_bytes += range.len();
                                Value::Recoded(bytes)
                            }
                            None => return self.refuse("text that is not Latin-1"),
                        }
                    }
                    _ => return self.refuse("an encoding other than Latin-1"),
                }
            }
            _ => {
                return self.refuse(format!(
                    "{constructor:?} with other arguments than expected"
                ));
            }
        };
        self.push(value)
    }

    pub(super) fn build(&mut self) -> Outcome<()> {
        let (state, object) = (self.pop()?, self.top()?);
        // A state dict's own attribute `_metadata`: versions of modules, which nothing here asks for.
        if let (Value::Dictionary(_), Value::Dictionary(_)) =
            (self.value(object), self.value(state))
        {
            return Ok(());
        }
        let state = self.short_tuple(state)?;
        match (self.value(object).clone(), state.as_slice()) {
            (Value::Internal(Internal::ElementType(element)), [_, order, ..]) => {
                if element.bytes() > 1 && self.text(*order)? == ">" {
                    return self.refuse("big-endian integers");
                }
                Ok(())
            }
            (Value::Internal(Internal::EmptyArray), [_, shape, element, column_order, data]) => {
                if *self.value(*column_order) == Value::Bool(true)
                    && self.axes(*shape)?.iter().filter(|axis| **axis > 1).count() > 1
                {
                    return self.refuse("an array in column order");
                }
                let array = self.array(*shape, *element, *data)?;
                self.values[object.0 as usize] = array;
                Ok(())
            }
            _ => self
                .refuse("a state for what is neither an array, an element type nor a dictionary"),
        }
    }

    fn short_tuple(&self, id: ValueId) -> Outcome<Vec<ValueId>> {
        match self.value(id) {
            Value::Tuple(members) if members.len() <= MOST_ARGUMENTS => Ok(members.clone()),
            _ => self.refuse("expected a tuple of a few values"),
        }
    }

    pub(super) fn axes(&self, shape: ValueId) -> Outcome<Vec<usize>> {
        let Value::Tuple(axes) = self.value(shape) else {
            return self.refuse("an array's shape is not a tuple");
        };
        if axes.len() > 8 {
            return self.refuse("an array of more than eight axes");
        }
        axes.iter()
            .map(|axis| match self.value(*axis) {
                Value::Integer(length) => {
                    usize::try_from(*length).or_else(|_| self.refuse("an array's axis is negative"))
                }
                _ => self.refuse("an array's axis is not a number"),
            })
            .collect()
    }

    fn element(&self, element: ValueId) -> Outcome<Element> {
        match self.value(element) {
            Value::Internal(Internal::ElementType(element)) => Ok(*element),
            _ => self.refuse("an array without an element type"),
        }
    }

    fn array(&self, shape: ValueId, element: ValueId, data: ValueId) -> Outcome<Value> {
        let shape = self.axes(shape)?;
        let element = self.element(element)?;
        self.sized_array(shape, element, data)
    }

    /// An array whose data are as long as its shape says.
    fn sized_array(&self, shape: Vec<usize>, element: Element, data: ValueId) -> Outcome<Value> {
        let length = match self.value(data) {
            Value::Bytes(range) | Value::Text(range) => range.len(),
            Value::Recoded(bytes) => bytes.len(),
            _ => return self.refuse("an array whose data are not bytes"),
        };
        let expected = shape
            .iter()
            .try_fold(element.bytes(), |product, axis| product.checked_mul(*axis));
        if expected != Some(length) {
            return self.refuse(format!(
                "an array of shape {shape:?} with {length} bytes of data"
            ));
        }
        Ok(Value::Array(Array {
            shape,
            element,
            data,
        }))
    }
}
