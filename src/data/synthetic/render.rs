//! A synthetic face as a picture: layers from the background to what stands before the face.
//!
//! Lengths are pixels of the aligned 112x112 image: eyes at (38, 52) and (74, 52), mouth at about (56, 92).

use super::appearance::Appearance;
use super::canvas::{Canvas, Colour, blend, cover, ellipse, hill, noise, scaled, soft_cover};
use super::features;
use super::hair;
use super::identity::Identity;
use crate::data::image::Image;

/// The middle of the face, left to right.
pub(super) const MIDDLE: f32 = 56.0;
/// The height of the eyes.
pub(super) const EYES: f32 = 51.8;
/// All of the picture.
pub(super) const EVERYWHERE: [f32; 4] = [-20.0, -20.0, 132.0, 132.0];

/// One face in one pose, while it is painted.
pub(super) struct Scene<'a> {
    pub canvas: Canvas,
    pub who: &'a Identity,
    pub look: &'a Appearance,
    pub head: Outline,
}

impl Scene<'_> {
    /// How far something `depth` before the plane of the eyes moves when the head turns.
    pub fn parallax(&self, depth: f32) -> [f32; 2] {
        [self.look.yaw * depth * 9.0, self.look.pitch * depth * 7.0]
    }
}

/// Paints a face.
pub(super) fn render(who: &Identity, look: &Appearance) -> Image {
    let canvas = Canvas::new(|x, y| place(look, x, y));
    let mut scene = Scene {
        canvas,
        who,
        look,
        head: Outline::new(who, 0.0),
    };
    background(&mut scene);
    hair::behind(&mut scene);
    neck(&mut scene);
    let (head, depth) = (scene.head.clone(), scene.parallax(-0.45));
    scene
        .canvas
        .set_light(|x, y| light(look, &head, x - depth[0], y - depth[1]));
    ears(&mut scene);
    skin(&mut scene);
    features::beard(&mut scene);
    features::mouth(&mut scene);
    features::nose(&mut scene);
    features::eyes(&mut scene);
    features::brows(&mut scene);
    hair::front(&mut scene);
    features::glasses(&mut scene);
    if let Some(([x, y, radius], colour)) = look.occluder {
        let bounds = [x - radius, y - radius, x + radius, y + radius];
        scene.canvas.layer([0.0; 2], bounds, |at_x, at_y| {
            (
                cover(ellipse(at_x - x, at_y - y, radius, radius * 0.8)),
                colour,
            )
        });
    }
    scene.canvas.blur(look.blur);
    scene
        .canvas
        .finish(look.noise, look.noise_key, |colour| develop(look, colour))
}

/// A pixel's place on the face: alignment undone, the far side of a turned head narrower.
fn place(look: &Appearance, x: f32, y: f32) -> [f32; 2] {
    let (x, y) = (x - MIDDLE - look.shift[0], y - 72.0 - look.shift[1]);
    let (cosine, sine) = (1.0 - look.roll * look.roll / 2.0, look.roll);
    let (x, y) = (
        (x * cosine + y * sine) / look.scale,
        (y * cosine - x * sine) / look.scale,
    );
    let squeeze = 1.0 + 0.11 * look.yaw * x.signum() * (x.abs() / 12.0).min(1.0);
    [
        MIDDLE + x * squeeze,
        72.0 + y * (1.0 + 0.05 * look.pitch.abs()),
    ]
}

/// What the camera makes of a colour.
fn develop(look: &Appearance, colour: Colour) -> Colour {
    let mut seen = [0, 1, 2].map(|plane| {
        let value = colour[plane] * look.exposure * look.tint[plane];
        0.5 + (value - 0.5) * look.contrast
    });
    if look.grey {
        seen = [seen[0] * 0.30 + seen[1] * 0.59 + seen[2] * 0.11; 3];
    }
    seen
}

/// Lambert's law on a head like an egg with a ridge for a nose.
fn light(look: &Appearance, head: &Outline, x: f32, y: f32) -> f32 {
    let across = ((x - MIDDLE) / head.half_width(y).max(12.0)).clamp(-1.0, 1.0);
    let down = ((y - 58.0) / 58.0).clamp(-1.0, 1.0);
    let ridge_x = (x - MIDDLE) / 7.0;
    let ridge_y = (y - 66.0) / 18.0;
    let ridge = hill(ridge_x * ridge_x + ridge_y * ridge_y) * ridge_x * 1.5;
    let socket_x = ((x - MIDDLE).abs() - 18.0) / 12.0;
    let socket_y = (y - EYES + 3.0) / 9.0;
    let socket = hill(socket_x * socket_x + socket_y * socket_y);
    let (normal_x, normal_y) = (across * 0.85 + ridge, down * 0.55 + socket * 0.25);
    let normal_z = (1.0 - across * across * 0.75 - down * down * 0.3)
        .max(0.05)
        .sqrt();
    let strength = (1.0 + look.light[0] * look.light[0] + look.light[1] * look.light[1]).sqrt();
    let facing = (normal_x * look.light[0] + normal_y * look.light[1] + normal_z) / strength;
    look.ambient + (1.0 - look.ambient) * 1.15 * facing.max(0.0) - socket * 0.05
}

fn background(scene: &mut Scene<'_>) {
    let look = scene.look;
    scene.canvas.fill(|x, y| {
        let slope = look.background_slope;
        let share = 0.5 + ((x - 56.0) * slope[0] + (y - 56.0) * slope[1]) / 112.0;
        let cloud = noise(x / 27.0, y / 27.0, look.noise_key | 1) * 0.35;
        blend(
            look.background[0],
            look.background[1],
            (share + cloud).clamp(0.0, 1.0),
        )
    });
}

fn neck(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(-0.9);
    let half = who.half_width * 0.66;
    scene
        .canvas
        .layer(offset, [0.0, 80.0, 112.0, 132.0], |x, y| {
            let shade = 0.62 + 0.2 * ((y - 104.0) / 20.0).clamp(-1.0, 1.0);
            (
                cover((x - MIDDLE).abs() - half - (y - 104.0).max(0.0) * 0.3),
                scaled(who.skin, shade),
            )
        });
    scene
        .canvas
        .layer(offset, [-20.0, 92.0, 132.0, 132.0], |x, y| {
            (
                cover(ellipse(x - MIDDLE, y - 134.0, 62.0, 23.0)),
                scaled(look.clothes, 0.85),
            )
        });
}

fn ears(scene: &mut Scene<'_>) {
    let who = scene.who;
    let offset = scene.parallax(-0.75);
    for side in [-1.0, 1.0] {
        let centre = MIDDLE + side * (scene.head.half_width(60.0) + 1.0);
        scene
            .canvas
            .layer(offset, [-10.0, 35.0, 122.0, 85.0], |x, y| {
                let (x, y) = (x - centre, y - 60.0);
                let outer = ellipse(x, y, 4.6 * who.ear, 9.5 * who.ear);
                let inner = soft_cover(ellipse(x, y, 2.4 * who.ear, 6.0 * who.ear), 2.5);
                (cover(outer), scaled(who.skin, 0.9 - 0.22 * inner))
            });
    }
}

fn skin(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(-0.3);
    let head = scene.head.clone();
    scene.canvas.layer(offset, EVERYWHERE, |x, y| {
        let distance = head.distance(x, y);
        if distance > 0.5 {
            return (0.0, who.skin);
        }
        let mut colour = who.skin;
        let cheek_x = ((x - MIDDLE).abs() - 20.0) / 12.0;
        let cheek_y = (y - 74.0) / 10.0;
        colour = blend(
            colour,
            [0.85, 0.38, 0.34],
            who.blush * hill(cheek_x * cheek_x + cheek_y * cheek_y),
        );
        if who.freckles > 0.0 && (55.0..85.0).contains(&y) {
            let spot = noise(x / 1.5, y / 1.5, who.texture) - 0.45;
            colour = scaled(colour, 1.0 - who.freckles * spot.clamp(0.0, 0.3));
        }
        if who.wrinkles > 0.0 {
            let across = (x - MIDDLE).abs();
            let forehead = [30.0, 35.0]
                .iter()
                .map(|line| stroke(y - line - noise(x / 14.0, *line, who.texture) * 1.2, 0.5))
                .sum::<f32>();
            let brow_part = if across < 20.0 && y > who.hairline + 4.0 {
                forehead
            } else {
                0.0
            };
            let fold = stroke(across - 10.5 - (y - 74.0) * 0.38 - look.smile.max(0.0), 0.7)
                * hill(((y - 82.0) / 11.0) * ((y - 82.0) / 11.0));
            colour = scaled(
                colour,
                1.0 - who.wrinkles * (0.16 * brow_part + 0.26 * fold).min(0.35),
            );
        }
        for [mole_x, mole_y, radius] in &who.moles {
            colour = blend(
                colour,
                [0.22, 0.13, 0.10],
                cover(ellipse(x - mole_x, y - mole_y, *radius, *radius)),
            );
        }
        // The edge of the head turns away from the eye.
        (
            cover(distance),
            scaled(colour, 1.0 - 0.18 * soft_cover(-distance - 3.0, 6.0)),
        )
    });
}

/// A soft line `half` pixels to each side of distance 0.
pub(super) fn stroke(distance: f32, half: f32) -> f32 {
    (half + 0.5 - distance.abs()).clamp(0.0, 1.0)
}

/// A head's outline as a half width at every height.
#[derive(Debug, Clone)]
pub(super) struct Outline {
    top: f32,
    bottom: f32,
    widths: Vec<f32>,
}

const STEPS_PER_PIXEL: f32 = 2.0;

impl Outline {
    /// The head, grown by some pixels.
    pub fn new(who: &Identity, growth: f32) -> Self {
        let (top, bottom, cheeks) = (who.top - growth, who.chin + growth * 0.3, 60.0);
        let steps = ((bottom - top) * STEPS_PER_PIXEL) as usize + 2;
        let widths = (0..steps)
            .map(|step| {
                let y = top + step as f32 / STEPS_PER_PIXEL;
                let round = |share: f32, square: f32| {
                    let squared = (share * share).min(1.0);
                    (1.0 - squared + square * (squared - squared * squared))
                        .max(0.0)
                        .sqrt()
                };
                let shape = if y < cheeks {
                    round((cheeks - y) / (cheeks - top), 0.65)
                } else {
                    let share = (y - cheeks) / (bottom - cheeks);
                    round(share, 0.15 + 0.8 * who.jaw) * (1.0 - who.taper * share * share)
                };
                (who.half_width + growth) * shape
            })
            .collect();
        Self {
            top,
            bottom,
            widths,
        }
    }

    /// Half the width at a height; 0 above and below.
    pub fn half_width(&self, y: f32) -> f32 {
        let step = (y - self.top) * STEPS_PER_PIXEL;
        if step < 0.0 {
            return 0.0;
        }
        match self.widths.get(step as usize..step as usize + 2) {
            Some([this, next]) => this + (next - this) * step.fract(),
            _ => 0.0,
        }
    }

    /// About the distance to the outline, negative inside.
    pub fn distance(&self, x: f32, y: f32) -> f32 {
        if y < self.top || y > self.bottom {
            return 2.0;
        }
        let slope = self.half_width(y + 0.5) - self.half_width(y - 0.5);
        ((x - MIDDLE).abs() - self.half_width(y)) / (1.0 + slope * slope).sqrt()
    }
}
