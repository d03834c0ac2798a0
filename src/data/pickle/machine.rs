//! The program in a pickle, run by a machine that can build data and nothing else.

use std::collections::HashMap;
use std::ops::Range;

use super::{PickleError, Value, ValueId, Vocabulary};

/// The most values that a pickle may build; a set of 6,000 pairs takes some 100,000.
const MOST_VALUES: usize = 4_000_000;
/// The most places that values may take on the stack, in lists, tuples and memory slots together.
const MOST_PLACES: usize = 2 * MOST_VALUES;
/// The most collections that may be open at a time: those of data nest five deep.
const MOST_MARKS: usize = 1000;
/// The most arguments a call may have: the known constructors take five.
pub(super) const MOST_ARGUMENTS: usize = 10;

/// The stack machine that a pickle is a program for.
pub(super) struct Machine<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) vocabulary: Vocabulary,
    /// The next byte to read.
    position: usize,
    /// Where the current opcode stood, for messages.
    at: usize,
    pub(super) values: Vec<Value>,
    pub(super) stack: Vec<ValueId>,
    marks: Vec<usize>,
    memo: HashMap<u32, ValueId>,
    /// Bytes of text converted so far.
    pub(super) recoded_bytes: usize,
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
