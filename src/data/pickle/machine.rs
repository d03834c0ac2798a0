//! The program in a pickle, run by a machine that can build data and nothing else.

use std::collections::HashMap;
use std::ops::Range;

use super::{Array, Constructor, Element, Internal, PickleError, Value, ValueId, Vocabulary};
use crate::untrusted::visible;

/// The most values that a pickle may build; a set of 6,000 pairs takes some 100,000.
const MOST_VALUES: usize = 4_000_000;
/// The most places that values may take on the stack, in lists, tuples and memory slots together.
const MOST_PLACES: usize = 2 * MOST_VALUES;
/// The most collections that may be open at a time: those of data nest five deep.
const MOST_MARKS: usize = 1000;
/// The most arguments a call may have: the known constructors take five.
const MOST_ARGUMENTS: usize = 10;

/// The stack machine that a pickle is a program for.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    vocabulary: Vocabulary,
    /// The next byte to read.
    position: usize,
    /// Where the current opcode stood, for messages.
    at: usize,
    pub(super) values: Vec<Value>,
    stack: Vec<ValueId>,
    marks: Vec<usize>,
    memo: HashMap<u32, ValueId>,
    /// Bytes of text converted so far.
    recoded_bytes: usize,
    /// Values put on the stack and into memory slots so far.
    places: usize,
}

pub(super) type Outcome<T> = Result<T, PickleError>;

impl<'a> Machine<'a> {
    pub(super) fn new(bytes: &'a [u8], vocabulary: Vocabulary) -> Self {
        Self {
            bytes,
            vocabulary,
            position: 0,
            at: 0,
            values: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: HashMap::new(),
            recoded_bytes: 0,
            places: 0,
        }
    }

    /// Runs the program: all values, which of them is the result, and where the program ends.
    pub(super) fn run(mut self) -> Outcome<(Vec<Value>, ValueId, usize)> {
        if self.bytes.first() != Some(&0x80) {
            return self.refuse(
                "not a pickle of protocol 2 or later (Python: pickle.dump(…, protocol=2))",
            );
        }
        loop {
            self.at = self.position;
            let opcode = self.take(1)?.start;
            match self.bytes[opcode] {
                0x80 => {
                    let version = self.number(1)?;
                    if !(2..=5).contains(&version) {
                        return self.refuse(format!("pickle protocol {version}; 2 to 5 are known"));
                    }
                }
                0x95 => {
                    self.number(8)?;
                }
                b'.' => {
                    let root = self.pop()?;
                    if let Value::Internal(_) = self.value(root) {
                        return self.refuse("the pickle's value is not data");
                    }
                    return Ok((self.values, root, self.position));
                }
                opcode => self.step(opcode)?,
            }
        }
    }

    fn step(&mut self, opcode: u8) -> Outcome<()> {
        match opcode {
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            b'K' => self.integer(1),
            b'M' => self.integer(2),
            b'J' => {
                let number = self.number(4)? as u32;
                self.push(Value::Integer(i64::from(number.cast_signed())))
            }
            0x8a => self.long(),
            b'U' | b'C' => self.sized(1, Value::Bytes),
            b'T' | b'B' => self.sized(4, Value::Bytes),
            0x8e | 0x96 => self.sized(8, Value::Bytes),
            0x8c => self.sized(1, Value::Text),
            b'X' => self.sized(4, Value::Text),
            0x8d => self.sized(8, Value::Text),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            b'(' => {
                if self.marks.len() >= MOST_MARKS {
                    return self
                        .refuse(format!("more than {MOST_MARKS} collections in each other"));
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' => self.pop().map(drop),
            b'1' => self.since_mark().map(drop),
            b'a' => {
                let member = self.pop()?;
                self.extend(vec![member])
            }
            b'e' => {
                let members = self.since_mark()?;
                self.extend(members)
            }
            b'l' => {
                let members = self.since_mark()?;
                self.push(Value::List(members))
            }
            b't' => {
                let members = self.since_mark()?;
                self.push(Value::Tuple(members))
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                if self.stack.len() < self.floor() + count {
                    return self.refuse("a tuple of more values than there are");
                }
                let members = self.stack.split_off(self.stack.len() - count);
                self.push(Value::Tuple(members))
            }
            b'q' => self.memorise(1),
            b'r' => self.memorise(4),
            0x94 => {
                let slot = self.memo.len() as u32;
                self.remember(slot)
            }
            b'h' => self.recall(1),
            b'j' => self.recall(4),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.constructor(&module, &name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.text(module)?, self.text(name)?);
                self.constructor(&module, &name)
            }
            b'R' => self.reduce(),
            b'b' => self.build(),
            other if self.vocabulary == Vocabulary::StateDict => self.torch_step(other),
            other => self.refuse_opcode(other),
        }
    }

    pub(super) fn refuse_opcode<T>(&self, opcode: u8) -> Outcome<T> {
        self.refuse(format!("opcode {} is not plain data", opcode_name(opcode)))
    }

    pub(super) fn refuse<T>(&self, problem: impl Into<String>) -> Outcome<T> {
        Err(PickleError {
            position: self.at,
            problem: problem.into(),
        })
    }

    pub(super) fn take(&mut self, count: usize) -> Outcome<Range<usize>> {
        let end = self
            .position
            .checked_add(count)
            .filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            return self.refuse("the file ends inside a value");
        };
        let range = self.position..end;
        self.position = end;
        Ok(range)
    }

    pub(super) fn number(&mut self, count: usize) -> Outcome<u64> {
        let range = self.take(count)?;
        Ok(self.bytes[range]
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn line(&mut self) -> Outcome<String> {
        let rest = &self.bytes[self.position..];
        let Some(length) = rest.iter().take(200).position(|byte| *byte == b'\n') else {
            return self.refuse("a name without an end");
        };
        self.position += length + 1;
        Ok(String::from_utf8_lossy(&rest[..length]).into_owned())
    }

    pub(super) fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    pub(super) fn text(&self, id: ValueId) -> Outcome<String> {
        match self.value(id) {
            Value::Text(range) | Value::Bytes(range) if range.len() < 200 => {
                Ok(String::from_utf8_lossy(&self.bytes[range.clone()]).into_owned())
            }
            _ => self.refuse("expected a short name"),
        }
    }

    pub(super) fn push(&mut self, value: Value) -> Outcome<()> {
        if self.values.len() >= MOST_VALUES {
            return self.refuse(format!("more than {MOST_VALUES} values"));
        }
        self.take_place()?;
        self.stack.push(ValueId(self.values.len() as u32));
        self.values.push(value);
        Ok(())
    }

    /// Puts a value on the stack that is already built.
    pub(super) fn push_again(&mut self, value: ValueId) {
        self.stack.push(value);
    }

    /// Values below the last mark belong to what is still being collected.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Outcome<ValueId> {
        if self.stack.len() > self.floor()
            && let Some(top) = self.stack.pop()
        {
            return Ok(top);
        }
        self.refuse("an operation on more values than there are")
    }

    pub(super) fn top(&self) -> Outcome<ValueId> {
        match self.stack.last() {
            Some(top) if self.stack.len() > self.floor() => Ok(*top),
            _ => self.refuse("an operation on more values than there are"),
        }
    }

    pub(super) fn since_mark(&mut self) -> Outcome<Vec<ValueId>> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.refuse("a collection without a start"),
        }
    }

    fn integer(&mut self, bytes: usize) -> Outcome<()> {
        let number = self.number(bytes)?;
        self.push(Value::Integer(number as i64))
    }

    fn long(&mut self) -> Outcome<()> {
        let length = self.number(1)? as usize;
        if length > 8 {
            return self.refuse("a whole number of more than eight bytes");
        }
        let number = self.number(length)?;
        let unused = 64 - 8 * length as u32;
        let number = if length == 0 {
            0
        } else {
            (number << unused).cast_signed() >> unused
        };
        self.push(Value::Integer(number))
    }

    fn sized(&mut self, length_bytes: usize, make: fn(Range<usize>) -> Value) -> Outcome<()> {
        let length = self.number(length_bytes)?;
        let range = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        self.push(make(range))
    }

    fn extend(&mut self, members: Vec<ValueId>) -> Outcome<()> {
        let list = self.top()?;
        match &mut self.values[list.0 as usize] {
            Value::List(list) => {
                list.extend(members);
                Ok(())
            }
            _ => self.refuse("values added to what is not a list"),
        }
    }

    fn memorise(&mut self, bytes: usize) -> Outcome<()> {
        let slot = self.number(bytes)? as u32;
        self.remember(slot)
    }

    fn remember(&mut self, slot: u32) -> Outcome<()> {
        let top = self.top()?;
        self.take_place()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    /// Counts what every opcode that keeps something takes, so that a few bytes can't be made to take many.
    fn take_place(&mut self) -> Outcome<()> {
        self.places += 1;
        if self.places > MOST_PLACES {
            return self.refuse(format!("more than {MOST_PLACES} values and memory slots"));
        }
        Ok(())
    }

    fn recall(&mut self, bytes: usize) -> Outcome<()> {
        let slot = self.number(bytes)? as u32;
        match self.memo.get(&slot).copied() {
            Some(value) => {
                self.take_place()?;
                self.stack.push(value);
                Ok(())
            }
            None => self.refuse(format!("memory slot {slot} is empty")),
        }
    }

    fn constructor(&mut self, module: &str, name: &str) -> Outcome<()> {
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

    fn reduce(&mut self) -> Outcome<()> {
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

    fn build(&mut self) -> Outcome<()> {
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

fn opcode_name(opcode: u8) -> String {
    let name = match opcode {
        b'G' | b'F' => "FLOAT",
        b'I' => "INT",
        b'L' | 0x8b => "LONG",
        b'S' => "STRING",
        b'V' => "UNICODE",
        b'}' => "EMPTY_DICT",
        b'd' => "DICT",
        b's' => "SETITEM",
        b'u' => "SETITEMS",
        b'i' => "INST",
        b'o' => "OBJ",
        0x81 => "NEWOBJ",
        0x92 => "NEWOBJ_EX",
        b'P' => "PERSID",
        b'Q' => "BINPERSID",
        0x82..=0x84 => "EXT",
        0x8f => "EMPTY_SET",
        0x90 => "ADDITEMS",
        0x91 => "FROZENSET",
        0x97 => "NEXT_BUFFER",
        0x98 => "READONLY_BUFFER",
        b'2' => "DUP",
        b'p' => "PUT",
        b'g' => "GET",
        _ => return format!("0x{opcode:02x}"),
    };
    name.to_owned()
}
