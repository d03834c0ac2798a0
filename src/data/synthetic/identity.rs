//! Who a synthetic face is: everything that stays the same over all their pictures.

use super::canvas::{Colour, blend};
use super::stream::Stream;
use crate::data::random::Purpose;

/// How the hair is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HairStyle {
    Bald,
    Short,
    Fringe,
    Parted,
    Receding,
    Long,
    Curly,
}

/// Where a beard grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beard {
    None,
    Moustache,
    Goatee,
    Full,
}

/// The shape of a pair of glasses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Round,
    Square,
}

/// A face's lasting features; lengths in pixels of the 112x112 image.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub skin: Colour,
    pub half_width: f32,
    pub top: f32,
    pub chin: f32,
    /// 0 a round jaw, 1 a square one.
    pub jaw: f32,
    /// How much narrower the jaw is than the cheeks.
    pub taper: f32,
    pub ear: f32,
    pub hair: HairStyle,
    pub hair_colour: Colour,
    pub hairline: f32,
    pub hair_volume: f32,
    pub parting: f32,
    pub brow_colour: Colour,
    pub brow_height: f32,
    pub brow_thickness: f32,
    pub brow_length: f32,
    pub brow_arch: f32,
    pub brow_slant: f32,
    pub eye_distance: f32,
    pub eye_width: f32,
    pub eye_height: f32,
    pub eye_slant: f32,
    pub iris: Colour,
    pub iris_radius: f32,
    pub lid: f32,
    pub bags: f32,
    pub nose_width: f32,
    pub nose_tip: f32,
    pub nose_bridge: f32,
    pub mouth_height: f32,
    pub mouth_width: f32,
    pub upper_lip: f32,
    pub lower_lip: f32,
    pub lips: Colour,
    pub beard: Beard,
    pub beard_density: f32,
    pub glasses: Option<(Frame, Colour)>,
    /// Place and radius of moles.
    pub moles: Vec<[f32; 3]>,
    pub freckles: f32,
    pub wrinkles: f32,
    pub blush: f32,
    /// A key for the fine texture of hair and skin.
    pub texture: u64,
}

const SKIN: [Colour; 6] = [
    [0.96, 0.82, 0.73],
    [0.91, 0.74, 0.62],
    [0.84, 0.65, 0.50],
    [0.70, 0.50, 0.37],
    [0.54, 0.37, 0.26],
    [0.38, 0.25, 0.18],
];
const HAIR: [Colour; 8] = [
    [0.07, 0.06, 0.06],
    [0.17, 0.11, 0.08],
    [0.33, 0.21, 0.13],
    [0.45, 0.25, 0.14],
    [0.66, 0.32, 0.14],
    [0.80, 0.65, 0.38],
    [0.55, 0.54, 0.53],
    [0.85, 0.84, 0.82],
];
const IRIS: [Colour; 5] = [
    [0.22, 0.13, 0.07],
    [0.38, 0.24, 0.11],
    [0.30, 0.42, 0.24],
    [0.28, 0.45, 0.62],
    [0.45, 0.50, 0.54],
];
const FRAMES: [Colour; 4] = [
    [0.08, 0.08, 0.09],
    [0.35, 0.20, 0.10],
    [0.55, 0.12, 0.14],
    [0.62, 0.60, 0.55],
];

impl Identity {
    /// The person with a number; numbers of different sets are different people.
    pub fn new(seed: u64, person: u64) -> Self {
        let mut from = Stream::new(seed, Purpose::Identity, person, 0);
        let (tone, skin) = skin(&mut from);
        let hair = [
            HairStyle::Bald,
            HairStyle::Short,
            HairStyle::Short,
            HairStyle::Fringe,
            HairStyle::Parted,
            HairStyle::Parted,
            HairStyle::Receding,
            HairStyle::Long,
            HairStyle::Long,
            HairStyle::Curly,
        ][from.below(10)];
        // Dark skin rarely comes with fair hair.
        let shades = if tone > 3.0 { 4 } else { HAIR.len() };
        let first = HAIR[from.below(shades)];
        let hair_colour = blend(first, HAIR[from.below(shades)], from.between(0.0, 0.25));
        let beard = if hair == HairStyle::Long {
            Beard::None
        } else {
            [
                Beard::None,
                Beard::None,
                Beard::None,
                Beard::Moustache,
                Beard::Goatee,
                Beard::Full,
            ][from.below(6)]
        };
        let lip = blend(skin, [0.72, 0.25, 0.27], from.between(0.25, 0.75));
        Self {
            skin,
            half_width: from.between(35.0, 45.0),
            top: from.between(-12.0, 2.0),
            chin: from.between(105.0, 118.0),
            jaw: from.unit(),
            taper: from.between(0.0, 0.30),
            ear: from.between(0.6, 1.3),
            hair,
            hair_colour,
            hairline: from.between(10.0, 27.0),
            hair_volume: from.between(1.0, 7.0),
            parting: from.between(-1.0, 1.0),
            brow_colour: blend(hair_colour, [0.1, 0.07, 0.06], from.between(0.2, 0.8)),
            brow_height: from.between(9.0, 15.5),
            brow_thickness: from.between(0.9, 3.2),
            brow_length: from.between(8.5, 13.5),
            brow_arch: from.between(0.0, 4.5),
            brow_slant: from.between(-0.22, 0.25),
            eye_distance: from.between(16.4, 19.6),
            eye_width: from.between(6.3, 9.8),
            eye_height: from.between(2.5, 5.2),
            eye_slant: from.between(-0.18, 0.2),
            iris: blend(
                IRIS[from.below(5)],
                IRIS[from.below(5)],
                from.between(0.0, 0.3),
            ),
            iris_radius: from.between(2.8, 3.9),
            lid: from.unit(),
            bags: from.unit(),
            nose_width: from.between(5.0, 10.5),
            nose_tip: from.between(67.0, 76.0),
            nose_bridge: from.between(1.6, 4.2),
            mouth_height: from.between(89.0, 95.0),
            mouth_width: from.between(10.5, 17.5),
            upper_lip: from.between(1.0, 4.0),
            lower_lip: from.between(1.6, 5.2),
            lips: lip,
            beard,
            beard_density: from.between(0.45, 0.95),
            glasses: from.chance(0.22).then(|| {
                (
                    if from.chance(0.5) {
                        Frame::Round
                    } else {
                        Frame::Square
                    },
                    FRAMES[from.below(4)],
                )
            }),
            moles: (0..from.below(4) / 2 + from.below(2))
                .map(|_| {
                    [
                        from.between(28.0, 84.0),
                        from.between(60.0, 102.0),
                        from.between(0.6, 1.2),
                    ]
                })
                .collect(),
            freckles: if from.chance(0.2) {
                from.between(0.3, 0.8)
            } else {
                0.0
            },
            wrinkles: if from.chance(0.4) { from.unit() } else { 0.0 },
            blush: from.unit() * 0.35,
            texture: from.bits(),
        }
    }
}

/// How dark the skin is, 0 to 5, and its colour.
fn skin(from: &mut Stream) -> (f32, Colour) {
    let tone = from.unit() * (SKIN.len() - 1) as f32;
    let mut skin = blend(
        SKIN[tone as usize],
        SKIN[(tone as usize + 1).min(SKIN.len() - 1)],
        tone.fract(),
    );
    skin[0] *= from.between(0.95, 1.04);
    skin[2] *= from.between(0.92, 1.06);
    (tone, skin)
}
