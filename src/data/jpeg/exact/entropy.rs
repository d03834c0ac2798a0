//! Scans to coefficients.

use super::headers::{Frame, Huffman, Scan, Tables, ZIGZAG};
use super::samples::{Samples, transform};

/// The coefficients of all planes, filled scan by scan.
#[derive(Default)]
pub(super) struct Scanner {
    /// By plane, block after block, each row by row.
    coefficients: Vec<Vec<[i16; 64]>>,
    /// Whether a plane has been sent.
    seen: Vec<bool>,
}

impl Scanner {
    pub fn of(frame: &Frame) -> Self {
        let blocks = |plane: &super::headers::Plane| plane.blocks[0] * plane.blocks[1];
        Self {
            coefficients: frame
                .planes
                .iter()
                .map(|plane| vec![[0; 64]; blocks(plane)])
                .collect(),
            seen: vec![false; frame.planes.len()],
        }
    }

    /// Takes in a scan; returns how many bytes it has.
    pub fn scan(
        &mut self,
        frame: &Frame,
        tables: &Tables,
        scan: &Scan,
        bytes: &[u8],
    ) -> Option<usize> {
        let mut bits = Bits::new(bytes);
        let mut run = Run::default();
        let mut left = tables.restart;
        for (plane, ..) in &scan.planes {
            self.seen[*plane] = true;
        }
        let groups = groups(frame, scan);
        for group in 0..groups[0] * groups[1] {
            if tables.restart > 0 && left == 0 {
                bits.restart()?;
                run = Run::default();
                left = tables.restart;
            }
            left = left.wrapping_sub(1);
            let at = [group % groups[0], group / groups[0]];
            for (place, dc, ac) in &scan.planes {
                let plane = &frame.planes[*place];
                // Alone, a plane's blocks come one by one; with others, in groups.
                let factors = if scan.planes.len() == 1 {
                    [1, 1]
                } else {
                    plane.factors
                };
                for down in 0..factors[1] {
                    for across in 0..factors[0] {
                        let row = at[1] * factors[1] + down;
                        let block = row * plane.blocks[0] + at[0] * factors[0] + across;
                        let block = self.coefficients[*place].get_mut(block)?;
                        let tables = (tables.dc.get(*dc)?.as_ref(), tables.ac.get(*ac)?.as_ref());
                        if frame.progressive {
                            progressive(block, &mut bits, &mut run, *place, scan, tables)?;
                        } else {
                            let before = run.dc.get_mut(*place)?;
                            sequential(block, &mut bits, before, tables.0?, tables.1?)?;
                        }
                    }
                }
            }
        }
        bits.sound().then(|| bits.used())
    }

    /// The samples of all planes.
    pub fn planes(&self, frame: &Frame, tables: &Tables) -> Option<Vec<Samples>> {
        frame
            .planes
            .iter()
            .zip(&self.coefficients)
            .zip(&self.seen)
            .map(|((plane, blocks), seen)| {
                let quantisation = tables.quantisation.get(plane.quantisation)?.as_ref()?;
                seen.then(|| transform(blocks, plane.blocks, quantisation))
            })
            .collect()
    }
}

/// How many groups of blocks a scan has, across and down.
fn groups(frame: &Frame, scan: &Scan) -> [usize; 2] {
    if let [(place, ..)] = scan.planes.as_slice() {
        return frame.planes[*place].size.map(|side| side.div_ceil(8));
    }
    let across = frame.width.div_ceil(8 * frame.most[0]);
    [across, frame.height.div_ceil(8 * frame.most[1])]
}

/// What goes over from block to block.
#[derive(Default)]
struct Run {
    /// The last DC coefficient of each plane.
    dc: [i32; 3],
    /// Blocks whose band is known to hold nothing new.
    empty: u32,
}

fn sequential(
    block: &mut [i16; 64],
    bits: &mut Bits<'_>,
    before: &mut i32,
    dc: &Huffman,
    ac: &Huffman,
) -> Option<()> {
    let size = bits.symbol(dc)?;
    *before = before.wrapping_add(bits.signed(size)?);
    block[0] = *before as i16;
    let mut place = 1;
    while place < 64 {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
        if size == 0 {
            if zeros < 15 {
                break;
            }
            place += 16;
            continue;
        }
        place += zeros;
        let value = bits.signed(size)?;
        block[usize::from(*ZIGZAG.get(place)?)] = value as i16;
        place += 1;
    }
    Some(())
}

fn progressive(
    block: &mut [i16; 64],
    bits: &mut Bits<'_>,
    run: &mut Run,
    plane: usize,
    scan: &Scan,
    (dc, ac): (Option<&Huffman>, Option<&Huffman>),
) -> Option<()> {
    let [first, last] = scan.band;
    let [before, bit] = scan.bits;
    match (first, before) {
        (0, 0) => {
            let size = bits.symbol(dc?)?;
            let value = run.dc.get_mut(plane)?;
            *value = value.wrapping_add(bits.signed(size)?);
            block[0] = value.wrapping_shl(u32::from(bit)) as i16;
            Some(())
        }
        (0, _) => {
            if bits.take(1)? == 1 {
                block[0] |= 1 << bit;
            }
            Some(())
        }
        (_, 0) => first_band(block, bits, run, [first, last], bit, ac?),
        _ => refined_band(block, bits, run, [first, last], bit, ac?),
    }
}

fn first_band(
    block: &mut [i16; 64],
    bits: &mut Bits<'_>,
    run: &mut Run,
    [first, last]: [usize; 2],
    bit: u8,
    ac: &Huffman,
) -> Option<()> {
    if run.empty > 0 {
        run.empty -= 1;
        return Some(());
    }
    let mut place = first;
    while place <= last {
        let symbol = bits.symbol(ac)?;
        let (zeros, size) = (usize::from(symbol >> 4), symbol & 15);
        if size == 0 {
            if zeros < 15 {
                run.empty = (1 << zeros) - 1 + bits.take(zeros as u32)?;
                break;
            }
            place += 16;
            continue;
        }
        place += zeros;
        let value = bits.signed(size)?;
        block[usize::from(*ZIGZAG.get(place)?)] = (value << bit) as i16;
        place += 1;
    }
    Some(())
}

fn refined_band(
    block: &mut [i16; 64],
    bits: &mut Bits<'_>,
    run: &mut Run,
    [first, last]: [usize; 2],
    bit: u8,
    ac: &Huffman,
) -> Option<()> {
    let one = 1_i16 << bit;
    let mut place = first;
    if run.empty == 0 {
        while place <= last {
            let symbol = bits.symbol(ac)?;
            let (mut zeros, size) = (symbol >> 4, symbol & 15);
            let new = match size {
                0 if zeros < 15 => {
                    run.empty = (1 << zeros) + bits.take(u32::from(zeros))?;
                    break;
                }
                0 => 0,
                1 if bits.take(1)? == 1 => one,
                1 => -one,
                _ => return None,
            };
            // Past so many zeros; what is no zero on the way may get its next bit.
            while place <= last {
                let value = &mut block[usize::from(ZIGZAG[place])];
                if *value != 0 {
                    refine(value, bits, one)?;
                } else if zeros == 0 {
                    *value = new;
                    place += 1;
                    break;
                } else {
                    zeros -= 1;
                }
                place += 1;
            }
        }
    }
    if run.empty > 0 {
        for place in place..=last {
            let value = &mut block[usize::from(ZIGZAG[place])];
            if *value != 0 {
                refine(value, bits, one)?;
            }
        }
        run.empty -= 1;
    }
    Some(())
}

fn refine(value: &mut i16, bits: &mut Bits<'_>, one: i16) -> Option<()> {
    if bits.take(1)? == 1 && *value & one == 0 {
        *value = value.wrapping_add(if *value > 0 { one } else { -one });
    }
    Some(())
}

/// The bits of a scan: a 0 after 0xff is left out, a marker ends them.
struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte.
    at: usize,
    /// Bits taken from the bytes and not yet used, the next one highest.
    held: u64,
    count: u32,
    /// Bits that were needed and are not there.
    lacking: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            held: 0,
            count: 0,
            lacking: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xff, 0, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some([byte, ..]) if *byte != 0xff => {
                    self.at += 1;
                    *byte
                }
                _ => {
                    self.lacking += 8;
                    0
                }
            };
            self.held |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    fn take(&mut self, count: u32) -> Option<u32> {
        if count == 0 {
            return Some(0);
        }
        if self.count < count {
            self.fill();
        }
        let value = (self.held >> (64 - count)) as u32;
        self.held <<= count;
        self.count -= count;
        self.sound().then_some(value)
    }

    /// A number of so many bits, whose first tells the sign.
    fn signed(&mut self, size: u8) -> Option<i32> {
        if size > 16 {
            return None;
        }
        let value = self.take(u32::from(size))? as i32;
        let is_negative = size > 0 && value < 1 << (size - 1);
        Some(if is_negative {
            value - (1 << size) + 1
        } else {
            value
        })
    }

    fn symbol(&mut self, table: &Huffman) -> Option<u8> {
        if self.count < 16 {
            self.fill();
        }
        let (symbol, length) = table.look[(self.held >> (64 - Huffman::LOOK)) as usize];
        if length > 0 {
            self.held <<= length;
            self.count -= u32::from(length);
            return Some(symbol);
        }
        let next = (self.held >> 48) as u32;
        let length =
            (Huffman::LOOK as usize + 1..17).find(|length| next < table.limits[*length])?;
        let code = (next >> (16 - length)) as i32;
        self.held <<= length;
        self.count -= length as u32;
        let place = usize::try_from(code + table.offsets[length]).ok()?;
        table.symbols.get(place).copied()
    }

    /// Whether no bit was used that isn't there.
    fn sound(&self) -> bool {
        self.lacking <= self.count
    }

    /// Goes on after a restart marker.
    fn restart(&mut self) -> Option<()> {
        if !self.sound() {
            return None;
        }
        let at = self.used();
        let marker = self.bytes.get(at..at + 2)?;
        if marker[0] != 0xff || !(0xd0..=0xd7).contains(&marker[1]) {
            return None;
        }
        *self = Self::new(self.bytes);
        self.at = at + 2;
        Some(())
    }

    /// Bytes up to the marker that ends the bits.
    fn used(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let more = rest
            .windows(2)
            .position(|pair| pair[0] == 0xff && pair[1] != 0);
        self.at + more.unwrap_or(rest.len())
    }
}
