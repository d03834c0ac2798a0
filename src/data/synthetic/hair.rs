//! A synthetic face's hair, behind the head and before it.

use super::canvas::{Colour, cover, noise, scaled, soft_cover};
use super::identity::{HairStyle, Identity};
use super::render::{EVERYWHERE, MIDDLE, Outline, Scene};

pub(super) fn behind(scene: &mut Scene<'_>) {
    let who = scene.who;
    let offset = scene.parallax(-0.8);
    match who.hair {
        HairStyle::Long => {
            let outline = Outline::new(who, who.hair_volume + 3.0);
            scene.canvas.layer(offset, EVERYWHERE, |x, y| {
                let fall = (x - MIDDLE).abs() - who.half_width - who.hair_volume - 3.0
                    + noise(y / 9.0, 0.0, who.texture) * 1.5;
                let distance = if y > 60.0 {
                    fall
                } else {
                    outline.distance(x, y)
                };
                (cover(distance), scaled(strands(who, x, y), 0.62))
            });
        }
        HairStyle::Curly => {
            let outline = Outline::new(who, who.hair_volume + 7.0);
            scene
                .canvas
                .layer(offset, [-20.0, -20.0, 132.0, 80.0], |x, y| {
                    let curls = noise(x / 5.0, y / 5.0, who.texture) * 3.0;
                    (
                        cover(outline.distance(x, y) + curls + (y - 66.0).max(0.0)),
                        scaled(strands(who, x, y), 0.72),
                    )
                });
        }
        _ => {}
    }
}

pub(super) fn front(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    if who.hair == HairStyle::Bald {
        return;
    }
    let offset = scene.parallax(-0.25);
    let outline = Outline::new(
        who,
        if who.hair == HairStyle::Curly {
            who.hair_volume + 4.0
        } else {
            who.hair_volume
        },
    );
    let bottom = if who.hair == HairStyle::Long {
        132.0
    } else {
        75.0
    };
    scene
        .canvas
        .layer(offset, [-20.0, -20.0, 132.0, bottom], |x, y| {
            let within = if who.hair == HairStyle::Long && y > 60.0 {
                (x - MIDDLE).abs() - who.half_width - who.hair_volume - 2.0
            } else {
                outline.distance(x, y)
            };
            if within > 0.5 {
                return (0.0, who.hair_colour);
            }
            let u = (x - MIDDLE) / who.half_width;
            let line = hairline(who, u) - look.hair_lift;
            let jagged = match who.hair {
                HairStyle::Curly => noise(x / 4.5, y / 4.5, who.texture) * 2.6,
                HairStyle::Fringe => noise(x / 2.2, 0.0, who.texture) * 1.8,
                _ => noise(x / 3.0, 0.0, who.texture) * 0.7,
            };
            let mut distance = y - line + jagged;
            if who.hair == HairStyle::Long {
                // Curtains at both sides of the face.
                let curtain = 0.80 * who.half_width - (x - MIDDLE).abs()
                    + noise(y / 12.0, 3.0, who.texture) * 2.0;
                distance = distance.min(curtain.max(24.0 - y));
            }
            let edge = if matches!(who.hair, HairStyle::Short | HairStyle::Receding) {
                3.0
            } else {
                1.6
            };
            let share = soft_cover(distance, edge) * cover(within);
            let colour = if share > 0.0 {
                strands(who, x, y)
            } else {
                who.hair_colour
            };
            (share, colour)
        });
}

/// Where the hair ends on the forehead, `u` from −1 (left) to 1 (right) over the head.
fn hairline(who: &Identity, u: f32) -> f32 {
    let sides = u.abs().min(1.1);
    let (second, sixth) = (sides * sides, sides * sides * sides * sides * sides * sides);
    let ear = |line: f32| (60.0 - line) * sixth;
    match who.hair {
        HairStyle::Bald => -100.0,
        HairStyle::Short => who.hairline + ear(who.hairline),
        HairStyle::Fringe => who.hairline + 12.0 + ear(who.hairline + 12.0) * 0.9,
        HairStyle::Parted => {
            let from_parting = (u - who.parting * 0.7).abs();
            let line = who.hairline - 5.0 + 13.0 * from_parting;
            line + ear(line)
        }
        HairStyle::Receding => {
            let line = who.hairline - 3.0 - 13.0 * (second * 2.2).min(1.0);
            line + (58.0 - line) * sixth * second * second
        }
        HairStyle::Long => who.hairline - 6.0 + 24.0 * (u - who.parting * 0.5).abs(),
        HairStyle::Curly => who.hairline + 3.0 + ear(who.hairline),
    }
}

/// The colour of the hair at a place: strands along it.
fn strands(who: &Identity, x: f32, y: f32) -> Colour {
    let fine = match who.hair {
        HairStyle::Curly => noise(x / 3.0, y / 3.0, who.texture ^ 7),
        _ => noise(x / 1.3 + y * 0.05, y / 14.0, who.texture ^ 7),
    };
    let broad = noise(x / 6.0, y / 30.0, who.texture ^ 9);
    scaled(who.hair_colour, 1.0 + 0.22 * fine + 0.18 * broad)
}
