//! Coefficients to samples, and samples to pixels.

use super::headers::{Colours, Frame, Plane};

/// The samples of one plane, row after row.
pub(super) struct Samples {
    /// Samples in a row, those of blocks at the edge included.
    stride: usize,
    values: Vec<u8>,
}

impl Samples {
    /// The first `width` samples of a row.
    fn row(&self, row: usize, width: usize) -> &[u8] {
        &self.values[row * self.stride..][..width]
    }
}

/// The inverse transform of all blocks of a plane.
pub(super) fn transform(
    blocks: &[[i16; 64]],
    [across, down]: [usize; 2],
    quantisation: &[u16; 64],
) -> Samples {
    let stride = 8 * across;
    let mut values = vec![0; stride * 8 * down];
    let quantisation = quantisation.map(i32::from);
    for (blocks, rows) in blocks
        .chunks_exact(across)
        .zip(values.chunks_exact_mut(8 * stride))
    {
        for (place, block) in blocks.iter().enumerate() {
            let pixels = inverse(block, &quantisation);
            for (row, pixels) in rows.chunks_exact_mut(stride).zip(pixels.as_chunks::<8>().0) {
                row[8 * place..8 * place + 8].copy_from_slice(pixels);
            }
        }
    }
    Samples { stride, values }
}

/// The constants' fraction bits, and the extra ones between the two passes.
const FRACTION: u32 = 13;
const BETWEEN: u32 = 2;

/// One block of `jidctint.c`: columns, then rows.
fn inverse(block: &[i16; 64], quantisation: &[i32; 64]) -> [u8; 64] {
    let mut middle = [0_i32; 64];
    if block[1..].iter().all(|value| *value == 0) {
        let dc = i32::from(block[0]).wrapping_mul(quantisation[0]) << BETWEEN;
        let value = rounded(dc, BETWEEN + 3);
        return [to_byte(value); 64];
    }
    for column in 0..8 {
        let at = |row: usize| {
            i32::from(block[8 * row + column]).wrapping_mul(quantisation[8 * row + column])
        };
        let line = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
        if line[1..].iter().all(|value| *value == 0) {
            for row in 0..8 {
                middle[8 * row + column] = line[0] << BETWEEN;
            }
            continue;
        }
        for (row, value) in one_pass(line, FRACTION - BETWEEN).into_iter().enumerate() {
            middle[8 * row + column] = value;
        }
    }
    let mut pixels = [0; 64];
    for (line, pixels) in middle
        .as_chunks::<8>()
        .0
        .iter()
        .zip(pixels.as_chunks_mut::<8>().0)
    {
        for (value, pixel) in one_pass(*line, FRACTION + BETWEEN + 3)
            .into_iter()
            .zip(pixels)
        {
            *pixel = to_byte(value);
        }
    }
    pixels
}

/// Eight numbers of Loeffler, Ligtenberg and Moschytz's algorithm, divided by 2^`shift`.
fn one_pass(line: [i32; 8], shift: u32) -> [i32; 8] {
    let [in0, in1, in2, in3, in4, in5, in6, in7] = line;
    let add = i32::wrapping_add;
    let subtract = i32::wrapping_sub;
    let times = i32::wrapping_mul;

    let z = times(add(in2, in6), 4433);
    let even2 = add(z, times(in6, -15137));
    let even3 = add(z, times(in2, 6270));
    let even0 = add(in0, in4).wrapping_shl(FRACTION);
    let even1 = subtract(in0, in4).wrapping_shl(FRACTION);
    let sums = [
        add(even0, even3),
        add(even1, even2),
        subtract(even1, even2),
        subtract(even0, even3),
    ];

    let (z1, z2) = (times(add(in7, in1), -7373), times(add(in5, in3), -20995));
    let (z3, z4) = (add(in7, in3), add(in5, in1));
    let z5 = times(add(z3, z4), 9633);
    let z3 = add(times(z3, -16069), z5);
    let z4 = add(times(z4, -3196), z5);
    let odd = [
        add(times(in1, 12299), add(z1, z4)),
        add(times(in3, 25172), add(z2, z3)),
        add(times(in5, 16819), add(z2, z4)),
        add(times(in7, 2446), add(z1, z3)),
    ];
    let mut out = [0; 8];
    for place in 0..4 {
        out[place] = rounded(add(sums[place], odd[place]), shift);
        out[7 - place] = rounded(subtract(sums[place], odd[place]), shift);
    }
    out
}

fn rounded(value: i32, shift: u32) -> i32 {
    value.wrapping_add(1 << (shift - 1)) >> shift
}

fn to_byte(value: i32) -> u8 {
    value.saturating_add(128).clamp(0, 255) as u8
}

/// Pixels whose colours are worked out at once.
const LANES: usize = 16;

/// Spreads the planes over the picture and turns them into colours.
pub(super) fn to_rgb(frame: &Frame, planes: &[Samples], colours: Colours, rgb: &mut Vec<u8>) {
    let width = frame.width;
    rgb.resize(3 * width * frame.height, 0);
    // Longer than a row: spreading makes samples in pairs, and colours come in lanes.
    let mut rows = vec![vec![0; width.next_multiple_of(LANES)]; planes.len()];
    let mut sums = Vec::new();
    for (number, pixels) in rgb.chunks_exact_mut(3 * width).enumerate() {
        for ((samples, plane), row) in planes.iter().zip(&frame.planes).zip(&mut rows) {
            spread(samples, plane, frame.most, number, row, &mut sums);
        }
        let pixels = pixels.as_chunks_mut::<3>().0;
        match (colours, rows.as_slice()) {
            (Colours::YCbCr, [y, cb, cr]) => {
                let planes = [y, cb, cr].map(|plane| plane.as_chunks::<LANES>().0);
                for (pixels, place) in pixels.chunks_mut(LANES).zip(0..) {
                    let [red, green, blue] = mixed(planes.map(|plane| &plane[place]));
                    for (pixel, place) in pixels.iter_mut().zip(0..) {
                        *pixel = [red[place], green[place], blue[place]];
                    }
                }
            }
            (Colours::Rgb, [red, green, blue]) => {
                for (((pixel, red), green), blue) in pixels.iter_mut().zip(red).zip(green).zip(blue)
                {
                    *pixel = [*red, *green, *blue];
                }
            }
            (_, planes) => {
                for (pixel, grey) in pixels.iter_mut().zip(planes.first().into_iter().flatten()) {
                    *pixel = [*grey; 3];
                }
            }
        }
    }
}

/// `jdcolor.c`'s fixed-point numbers, 1.402, 0.34414, 0.71414 and 1.772 times 2¹⁶, less whole multiples of 2¹⁶: products
/// of 16-bit numbers are what processors do many of at once.
fn mixed([y, cb, cr]: [&[u8; LANES]; 3]) -> [[u8; LANES]; 3] {
    const HALF: i32 = 1 << 15;
    let mut out = [[0; LANES]; 3];
    for place in 0..LANES {
        let y = i16::from(y[place]);
        let (cb, cr) = (i16::from(cb[place]) - 128, i16::from(cr[place]) - 128);
        let times = |value: i16, factor: i16| i32::from(value) * i32::from(factor);
        let red = cr + ((times(cr, 26_345) + HALF) >> 16) as i16;
        let green = ((times(cb, -22_554) + times(cr, 18_734) + HALF) >> 16) as i16 - cr;
        let blue = 2 * cb + ((times(cb, -14_942) + HALF) >> 16) as i16;
        for (plane, value) in out.iter_mut().zip([red, green, blue]) {
            plane[place] = (y + value).clamp(0, 255) as u8;
        }
    }
    out
}

/// One row of the picture from a plane of as many, half as many columns or rows, or both (`jdsample.c`).
fn spread(
    samples: &Samples,
    plane: &Plane,
    most: [usize; 2],
    number: usize,
    row: &mut [u8],
    sums: &mut Vec<i32>,
) {
    let [width, height] = plane.size;
    let halved = [most[0] > plane.factors[0], most[1] > plane.factors[1]];
    let near = if halved[1] { number / 2 } else { number };
    let far = match (halved[1], number % 2) {
        (false, _) => near,
        (true, 0) => near.saturating_sub(1),
        (true, _) => (near + 1).min(height - 1),
    };
    let (near, far) = (samples.row(near, width), samples.row(far, width));
    match halved {
        [false, false] => row[..width].copy_from_slice(near),
        [false, true] => {
            let half = if number.is_multiple_of(2) { 1 } else { 2 };
            for ((to, near), far) in row.iter_mut().zip(near).zip(far) {
                *to = ((u16::from(*near) * 3 + u16::from(*far) + half) >> 2) as u8;
            }
        }
        // Too narrow for neighbours.
        [true, _] if width <= 2 => {
            for (pair, sample) in row.as_chunks_mut::<2>().0.iter_mut().zip(near) {
                *pair = [*sample; 2];
            }
        }
        [true, false] => {
            sums.clear();
            sums.extend(near.iter().map(|near| i32::from(*near)));
            across(sums, row, 2, [1, 2]);
        }
        [true, true] => {
            sums.clear();
            let pairs = near.iter().zip(far);
            sums.extend(pairs.map(|(near, far)| 3 * i32::from(*near) + i32::from(*far)));
            across(sums, row, 4, [8, 7]);
        }
    }
}

/// Two samples from each: three quarters of it and one of its neighbour on that side; at the edge only of itself.
fn across(values: &[i32], row: &mut [u8], shift: u32, half: [i32; 2]) {
    let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
        return;
    };
    row[0] = ((4 * first + half[0]) >> shift) as u8;
    let inner = row[1..].as_chunks_mut::<2>().0;
    // Between two neighbours lie the second sample of one and the first of the other.
    for (pair, near) in inner.iter_mut().zip(values.windows(2)) {
        let (left, right) = (near[0], near[1]);
        pair[0] = ((3 * left + right + half[1]) >> shift) as u8;
        pair[1] = ((3 * right + left + half[0]) >> shift) as u8;
    }
    if let Some(edge) = row.get_mut(2 * values.len() - 1) {
        *edge = ((4 * last + half[1]) >> shift) as u8;
    }
}
