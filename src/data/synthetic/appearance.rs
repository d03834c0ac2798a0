//! How a synthetic face looks in one picture: pose, light, expression, camera.

use super::canvas::{Colour, blend};
use super::stream::Stream;
use crate::data::random::Purpose;

/// All that differs between two pictures of the same face.
#[derive(Debug, Clone)]
pub(super) struct Appearance {
    /// Turned to the side, −1 to 1 (about 35 degrees).
    pub yaw: f32,
    /// Up or down, −1 to 1.
    pub pitch: f32,
    /// What the alignment left over: radians, scale, pixels.
    pub roll: f32,
    pub scale: f32,
    pub shift: [f32; 2],
    /// Where the light comes from: right and down are positive.
    pub light: [f32; 2],
    pub ambient: f32,
    pub exposure: f32,
    pub tint: Colour,
    pub contrast: f32,
    pub background: [Colour; 2],
    pub background_slope: [f32; 2],
    pub clothes: Colour,
    pub smile: f32,
    pub mouth_open: f32,
    pub eye_open: f32,
    pub brow_raise: f32,
    pub gaze: f32,
    /// How much higher than usual the hair lies on the forehead, in pixels.
    pub hair_lift: f32,
    /// Radius of the blur in pixels.
    pub blur: f32,
    /// Deviation of the noise, of 1.
    pub noise: f32,
    /// Something in front of the face: centre, radius, colour.
    pub occluder: Option<([f32; 3], Colour)>,
    pub grey: bool,
    pub noise_key: u64,
}

impl Appearance {
    /// Picture `image` of a person; all are different.
    pub fn new(seed: u64, person: u64, image: u64) -> Self {
        let mut from = Stream::new(seed, Purpose::Appearance, person, image);
        let colour = |from: &mut Stream| {
            let grey = from.between(0.05, 0.95);
            [0, 1, 2].map(|_| (grey + from.normal() * 0.14).clamp(0.0, 1.0))
        };
        let warm = from.normal() * 0.07;
        let occluder = from.chance(0.10).then(|| {
            let place = [
                from.between(5.0, 107.0),
                from.between(70.0, 118.0),
                from.between(8.0, 20.0),
            ];
            (place, colour(&mut from))
        });
        Self {
            yaw: (from.normal() * 0.42).clamp(-1.0, 1.0),
            pitch: (from.normal() * 0.40).clamp(-1.0, 1.0),
            roll: from.normal() * 0.035,
            scale: 1.0 + from.normal() * 0.028,
            shift: [from.normal() * 1.1, from.normal() * 1.1],
            light: [from.normal() * 0.75, -0.25 + from.normal() * 0.45],
            ambient: from.between(0.25, 0.75),
            exposure: 1.0 + from.normal() * 0.20,
            tint: [1.0 + warm, 1.0 + from.normal() * 0.02, 1.0 - warm],
            contrast: from.between(0.75, 1.15),
            background: [colour(&mut from), colour(&mut from)],
            background_slope: [from.normal(), from.normal()],
            clothes: colour(&mut from),
            smile: 0.25 + from.normal() * 0.5,
            mouth_open: (from.normal() * 0.55).max(0.0),
            eye_open: (1.0 + from.normal() * 0.16).clamp(0.15, 1.25),
            brow_raise: from.normal() * 0.9,
            gaze: from.normal() * 0.5,
            hair_lift: from.normal() * 1.6,
            blur: (from.normal() * 0.7).max(0.0),
            noise: from.between(0.004, 0.035),
            occluder,
            grey: from.chance(0.06),
            noise_key: from.bits(),
        }
    }

    /// The picture part of the way (0 to 1) to another one, as a video moves; the camera's colours and what
    /// is in front of the face stay.
    pub fn towards(&self, other: &Self, share: f32, frame: u64) -> Self {
        // Slow at both ends, as movements are.
        let share = share * share * (3.0 - 2.0 * share);
        let mix = |from: f32, to: f32| from + (to - from) * share;
        Self {
            yaw: mix(self.yaw, other.yaw),
            pitch: mix(self.pitch, other.pitch),
            roll: mix(self.roll, other.roll),
            scale: mix(self.scale, other.scale),
            shift: [
                mix(self.shift[0], other.shift[0]),
                mix(self.shift[1], other.shift[1]),
            ],
            light: [
                mix(self.light[0], other.light[0] * 0.5),
                mix(self.light[1], other.light[1] * 0.5),
            ],
            smile: mix(self.smile, other.smile),
            mouth_open: mix(self.mouth_open, other.mouth_open),
            eye_open: mix(self.eye_open, other.eye_open),
            brow_raise: mix(self.brow_raise, other.brow_raise),
            gaze: mix(self.gaze, other.gaze),
            blur: mix(self.blur, other.blur),
            background: self
                .background
                .map(|colour| blend(colour, other.background[0], 0.1 * share)),
            noise_key: self.noise_key ^ frame.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            ..self.clone()
        }
    }
}
