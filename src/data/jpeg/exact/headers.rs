//! The segments of a file before and between its scans.

use super::LARGEST_SIDE;

/// Where the coefficients of the file's zigzag order belong, row by row.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// What the tables' segments have set so far.
#[derive(Default)]
pub(super) struct Tables {
    /// Quantisation, row by row.
    pub quantisation: [Option<[u16; 64]>; 4],
    /// Huffman codes of DC differences.
    pub dc: [Option<Huffman>; 4],
    /// Huffman codes of AC runs.
    pub ac: [Option<Huffman>; 4],
    /// Blocks between restart markers; 0 for none.
    pub restart: usize,
    is_jfif: bool,
    adobe: Option<u8>,
}

/// The picture's size and planes.
pub(super) struct Frame {
    pub width: usize,
    pub height: usize,
    pub progressive: bool,
    pub planes: Vec<Plane>,
    /// The largest sampling factors, across and down.
    pub most: [usize; 2],
}

/// One plane.
pub(super) struct Plane {
    id: u8,
    /// Sampling factors, across and down.
    pub factors: [usize; 2],
    pub quantisation: usize,
    /// Its size in samples.
    pub size: [usize; 2],
    /// Its size in blocks, those included that only fill up the last group.
    pub blocks: [usize; 2],
}

/// Which planes a scan brings, and which part of their coefficients.
pub(super) struct Scan {
    /// Place of the plane, DC table, AC table.
    pub planes: Vec<(usize, usize, usize)>,
    /// First and last coefficient, in zigzag order.
    pub band: [usize; 2],
    /// The bit that was sent before, and the one that is sent now: 0 for the first time.
    pub bits: [u8; 2],
}

pub(super) enum Segment {
    Frame(Frame),
    Scan(Scan),
    Other,
    End,
}

/// What the planes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    Grey,
    YCbCr,
    Rgb,
}

/// A code's symbols, found by the next bits.
pub(super) struct Huffman {
    /// For every [`Huffman::LOOK`] bits the symbol and the length of its code; length 0 where the code is longer.
    pub look: [(u8, u8); 1 << Huffman::LOOK],
    /// The largest code of each length, moved up to 16 bits; codes of that length are below it.
    pub limits: [u32; 18],
    /// What has to be added to a code of each length for the place of its symbol.
    pub offsets: [i32; 17],
    pub symbols: Vec<u8>,
}

impl Huffman {
    pub const LOOK: u32 = 9;

    fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            look: [(0, 0); 1 << Self::LOOK],
            limits: [0; 18],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let mut code = 0_u32;
        let mut place = 0_usize;
        for (length, count) in (1_u32..).zip(counts) {
            table.offsets[length as usize] = place as i32 - code as i32;
            for _ in 0..*count {
                if length <= Self::LOOK {
                    let first = (code << (Self::LOOK - length)) as usize;
                    let after = first + (1 << (Self::LOOK - length));
                    let symbol = *symbols.get(place)?;
                    table
                        .look
                        .get_mut(first..after)?
                        .fill((symbol, length as u8));
                }
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return None;
            }
            table.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        table.limits[17] = u32::MAX;
        Some(table)
    }
}

impl Tables {
    /// What the planes are, by libjpeg's rules: the markers of JFIF and of Adobe, else the planes' names.
    pub fn colours(&self, frame: &Frame) -> Option<Colours> {
        let ids: Vec<u8> = frame.planes.iter().map(|plane| plane.id).collect();
        match (ids.as_slice(), self.adobe) {
            ([_], _) => Some(Colours::Grey),
            ([_, _, _], _) if self.is_jfif => Some(Colours::YCbCr),
            ([_, _, _], Some(0)) | (b"RGB", None) => Some(Colours::Rgb),
            ([_, _, _], _) => Some(Colours::YCbCr),
            _ => None,
        }
    }

    fn quantisation(&mut self, mut bytes: &[u8]) -> Option<()> {
        while let Some((&head, rest)) = bytes.split_first() {
            let wide = head >> 4;
            let length = match wide {
                0 => 64,
                1 => 128,
                _ => return None,
            };
            let (values, rest) = rest.split_at_checked(length)?;
            let mut table = [0; 64];
            for (place, to) in ZIGZAG.iter().enumerate() {
                table[usize::from(*to)] = match wide {
                    0 => u16::from(values[place]),
                    _ => u16::from_be_bytes([values[2 * place], values[2 * place + 1]]),
                };
            }
            *self.quantisation.get_mut(usize::from(head & 15))? = Some(table);
            bytes = rest;
        }
        Some(())
    }

    fn huffman(&mut self, mut bytes: &[u8]) -> Option<()> {
        while let Some((&head, rest)) = bytes.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>()?;
            let symbols: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(symbols)?;
            let table = Huffman::new(counts, symbols)?;
            let tables = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return None,
            };
            *tables.get_mut(usize::from(head & 15))? = Some(table);
            bytes = rest;
        }
        Some(())
    }
}

/// Goes through a file from marker to marker.
pub(super) struct Segments<'a> {
    bytes: &'a [u8],
    planes: Vec<u8>,
}

impl<'a> Segments<'a> {
    /// The file, after its first marker.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        Some(Self {
            bytes: bytes.strip_prefix(&[0xff, 0xd8])?,
            planes: Vec::new(),
        })
    }

    /// What has not been gone through.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.get(bytes..).unwrap_or_default();
    }

    /// Takes in the next segment.
    pub fn next(&mut self, tables: &mut Tables) -> Option<Segment> {
        let marker = self.marker()?;
        if marker == 0xd9 {
            return Some(Segment::End);
        }
        if (0xd0..=0xd7).contains(&marker) || marker == 1 {
            return Some(Segment::Other);
        }
        let (length, rest) = self.bytes.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length)).checked_sub(2)?;
        let (body, rest) = rest.split_at_checked(length)?;
        self.bytes = rest;
        match marker {
            0xc0..=0xc2 => {
                let frame = frame(body, marker == 0xc2)?;
                self.planes = frame.planes.iter().map(|plane| plane.id).collect();
                return Some(Segment::Frame(frame));
            }
            // Lossless, hierarchical and arithmetic ones.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcf => return None,
            0xc4 => tables.huffman(body)?,
            0xda => return self.scan(body).map(Segment::Scan),
            0xdb => tables.quantisation(body)?,
            0xdd => tables.restart = usize::from(u16::from_be_bytes(*body.first_chunk()?)),
            0xe0 if body.starts_with(b"JFIF\0") => tables.is_jfif = true,
            0xee if body.starts_with(b"Adobe") => tables.adobe = body.get(11).copied(),
            _ => {}
        }
        Some(Segment::Other)
    }

    fn marker(&mut self) -> Option<u8> {
        loop {
            let start = self.bytes.iter().position(|byte| *byte == 0xff)?;
            self.bytes = &self.bytes[start..];
            let code = self.bytes.iter().position(|byte| *byte != 0xff)?;
            let marker = self.bytes[code];
            self.bytes = &self.bytes[code + 1..];
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    fn scan(&self, body: &[u8]) -> Option<Scan> {
        let (&count, rest) = body.split_first()?;
        let (listed, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[first, last, bits] = rest else {
            return None;
        };
        let planes = listed
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[id, tables]| {
                let place = self.planes.iter().position(|known| known == id)?;
                Some((place, usize::from(tables >> 4), usize::from(tables & 15)))
            })
            .collect::<Option<Vec<_>>>()?;
        let band = [usize::from(first), usize::from(last)];
        let sound = !planes.is_empty() && band[0] <= band[1] && band[1] < 64 && bits & 15 < 14;
        sound.then_some(Scan {
            planes,
            band,
            bits: [bits >> 4, bits & 15],
        })
    }
}

fn frame(body: &[u8], progressive: bool) -> Option<Frame> {
    let (head, rest) = body.split_first_chunk::<6>()?;
    let [8, h1, h2, w1, w2, count] = *head else {
        return None;
    };
    let height = usize::from(u16::from_be_bytes([h1, h2]));
    let width = usize::from(u16::from_be_bytes([w1, w2]));
    let sides = 1..=LARGEST_SIDE;
    if !sides.contains(&width) || !sides.contains(&height) || !matches!(count, 1 | 3) {
        return None;
    }
    let listed = rest.as_chunks::<3>().0.get(..usize::from(count))?;
    let mut planes: Vec<Plane> = listed
        .iter()
        .map(|[id, factors, quantisation]| {
            let factors = [usize::from(factors >> 4), usize::from(factors & 15)];
            let sound = factors.iter().all(|factor| (1..=2).contains(factor));
            sound.then_some(Plane {
                id: *id,
                factors,
                quantisation: usize::from(*quantisation),
                size: [0; 2],
                blocks: [0; 2],
            })
        })
        .collect::<Option<_>>()?;
    if let [grey] = planes.as_mut_slice() {
        // Alone, a plane has all the samples, whatever its factors.
        grey.factors = [1, 1];
    }
    let most = [0, 1].map(|axis| planes.iter().map(|plane| plane.factors[axis]).max());
    let most = [most[0]?, most[1]?];
    for plane in &mut planes {
        for (axis, side) in [width, height].into_iter().enumerate() {
            plane.size[axis] = (side * plane.factors[axis]).div_ceil(most[axis]);
            plane.blocks[axis] = side.div_ceil(8 * most[axis]) * plane.factors[axis];
        }
    }
    Some(Frame {
        width,
        height,
        progressive,
        planes,
        most,
    })
}
