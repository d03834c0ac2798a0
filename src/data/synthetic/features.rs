//! What is on a synthetic face: beard, mouth, nose, eyes, brows, glasses.

use super::canvas::{Colour, blend, cover, ellipse, hill, noise, scaled, soft_cover};
use super::identity::{Beard, Frame};
use super::render::{EYES, MIDDLE, Scene, stroke};

pub(super) fn beard(scene: &mut Scene<'_>) {
    let who = scene.who;
    if who.beard == Beard::None {
        return;
    }
    let offset = scene.parallax(-0.1);
    let head = scene.head.clone();
    let colour = scaled(who.brow_colour, 0.95);
    scene
        .canvas
        .layer(offset, [5.0, 55.0, 107.0, 125.0], |x, y| {
            let across = (x - MIDDLE).abs();
            let u = across / head.half_width(y).max(1.0);
            let lip_top = who.mouth_height - who.upper_lip;
            let moustache = soft_cover(
                ellipse(x - MIDDLE, y - lip_top + 1.5, who.mouth_width * 1.05, 4.6),
                2.0,
            );
            let goatee = soft_cover(ellipse(x - MIDDLE, y - who.chin + 9.0, 11.5, 14.0), 3.5);
            let share = match who.beard {
                Beard::Moustache => moustache,
                Beard::Goatee => moustache.max(goatee),
                Beard::Full => {
                    let edge = 96.0 - 36.0 * (u - 0.45).max(0.0) * 1.6;
                    moustache.max(soft_cover(edge - y, 5.0))
                }
                Beard::None => 0.0,
            };
            let inside = cover(head.distance(x, y) - 0.5);
            let hairs = 0.85 + 0.3 * noise(x / 1.4, y / 3.0, who.texture);
            (
                share * inside * who.beard_density * hairs.min(1.0),
                scaled(colour, hairs),
            )
        });
}

pub(super) fn mouth(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(0.1);
    let half = who.mouth_width + look.smile * 1.6;
    let open = look.mouth_open * 4.5;
    let height = who.mouth_height;
    let bounds = [
        MIDDLE - half - 2.0,
        height - 12.0,
        MIDDLE + half + 2.0,
        height + 18.0,
    ];
    scene.canvas.layer(offset, bounds, |x, y| {
        let u = (x - MIDDLE) / half;
        let bulge = (1.0 - u * u).max(0.0);
        let middle = y - height + look.smile * 3.2 * u * u;
        let bow = 1.0 - 0.35 * hill((x - MIDDLE) * (x - MIDDLE) / 12.0);
        let upper = -open * 0.25 * bulge - who.upper_lip * bulge * bow;
        let lower = open * bulge + who.lower_lip * bulge.sqrt() * bulge.sqrt();
        let lips = cover((upper - middle).max(middle - lower)) * cover(u.abs() * half - half);
        let gap = cover((-open * 0.25 * bulge - middle).max(middle - open * bulge - 0.3));
        let teeth = open > 1.2 && middle < open * 0.32 * bulge;
        let inner = if teeth {
            [0.90, 0.88, 0.83]
        } else {
            [0.25, 0.07, 0.07]
        };
        let shade = if middle < 0.0 {
            0.86
        } else {
            1.0 + 0.18 * hill((middle - who.lower_lip * 0.5) * (middle - who.lower_lip * 0.5) / 4.0)
        };
        let line = stroke(middle, 0.35) * (1.0 - gap) * cover(u.abs() * half - half);
        let colour = blend(
            blend(scaled(who.lips, shade), inner, gap),
            [0.22, 0.08, 0.08],
            line * 0.75,
        );
        (lips.max(line * 0.9), colour)
    });
    // The shadow under the lower lip.
    scene
        .canvas
        .layer(offset, [35.0, 90.0, 77.0, 118.0], |x, y| {
            let below = height + open + who.lower_lip + 3.0;
            (
                0.22 * soft_cover(
                    ellipse(x - MIDDLE, y - below, who.mouth_width * 0.6, 1.8),
                    3.0,
                ),
                scaled(who.skin, 0.4),
            )
        });
}

pub(super) fn nose(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(0.75);
    let tip = who.nose_tip;
    let dark = scaled(who.skin, 0.45);
    // The side away from the light is darker.
    let lit_from_right = look.light[0].clamp(-1.0, 1.0);
    scene
        .canvas
        .layer(scene.parallax(0.45), [40.0, 45.0, 72.0, 82.0], |x, y| {
            let along = ((y - EYES) / (tip - EYES)).clamp(0.0, 1.0);
            let half = who.nose_bridge + (who.nose_width * 0.62 - who.nose_bridge) * along * along;
            let side = (x - MIDDLE).signum();
            let line = soft_cover(((x - MIDDLE).abs() - half).abs() - 0.4, 2.6)
                * hill(((y - 62.0) / 17.0) * ((y - 62.0) / 17.0));
            (
                line * (0.22 - 0.26 * side * lit_from_right).clamp(0.04, 0.5),
                dark,
            )
        });
    scene
        .canvas
        .layer(offset, [36.0, 58.0, 76.0, 88.0], |x, y| {
            let across = (x - MIDDLE).abs();
            let wing = ellipse(
                across - who.nose_width * 0.78,
                y - tip - 0.4,
                who.nose_width * 0.30,
                3.3,
            );
            let ball = ellipse(x - MIDDLE, y - tip + 0.6, who.nose_width * 0.58, 4.4);
            let body = wing.min(ball);
            let edge = stroke(body, 0.45) * cover(tip - y - 0.5);
            (0.55 * edge + 0.10 * soft_cover(body, 2.0), dark)
        });
    scene
        .canvas
        .layer(offset, [44.0, 60.0, 68.0, 78.0], |x, y| {
            let shine = soft_cover(
                ellipse(x - MIDDLE - look.light[0] * 1.5, y - tip + 3.0, 2.4, 2.2),
                3.0,
            );
            (0.22 * shine, [1.0, 0.97, 0.93])
        });
    scene
        .canvas
        .layer(offset, [38.0, 66.0, 74.0, 84.0], |x, y| {
            let across = (x - MIDDLE).abs();
            let nostril = ellipse(
                across - who.nose_width * 0.42,
                y - tip - 2.2 + look.pitch * 0.5,
                0.9 + who.nose_width * 0.13,
                1.25,
            );
            (0.85 * soft_cover(nostril, 1.4), scaled(who.skin, 0.22))
        });
}

pub(super) fn eyes(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(0.05);
    let skin_dark = scaled(who.skin, 0.5);
    let lash: Colour = [0.09, 0.06, 0.06];
    for side in [-1.0, 1.0] {
        let centre = MIDDLE + side * who.eye_distance;
        let reach = who.eye_width + 4.0;
        scene.canvas.layer(
            offset,
            [centre - reach, EYES - 12.0, centre + reach, EYES + 13.0],
            |x, y| {
                let across = (x - centre) * side;
                let down = y - EYES + who.eye_slant * across;
                let u = across / who.eye_width;
                let arc = (1.0 - u * u).max(0.0);
                let upper = -who.eye_height * look.eye_open * arc;
                let lower = who.eye_height * 0.62 * arc * look.eye_open.min(1.0);
                let steep = (1.0
                    + (2.0 * who.eye_height * u / who.eye_width)
                        * (2.0 * who.eye_height * u / who.eye_width))
                    .sqrt();
                let opening = cover(((upper - down).max(down - lower)) / steep)
                    * cover(u.abs() * who.eye_width - who.eye_width);

                let (iris_x, iris_y) = (x - centre - look.gaze * 1.8, down + who.eye_height * 0.12);
                let from_iris = (iris_x * iris_x + iris_y * iris_y).sqrt();
                let white = scaled(
                    [0.95, 0.93, 0.91],
                    1.0 - 0.35 * soft_cover(down - upper - 1.4, 2.0),
                );
                let mut ball = blend(
                    white,
                    scaled(
                        who.iris,
                        0.75 + 0.5 * (from_iris / who.iris_radius).min(1.0) * 0.6,
                    ),
                    cover(from_iris - who.iris_radius),
                );
                ball = blend(
                    ball,
                    scaled(who.iris, 0.35),
                    0.7 * stroke(from_iris - who.iris_radius + 0.3, 0.1),
                );
                ball = blend(
                    ball,
                    [0.03, 0.03, 0.03],
                    cover(from_iris - who.iris_radius * 0.45),
                );
                let (shine_x, shine_y) = (iris_x - look.light[0].clamp(-1.0, 1.0), iris_y + 1.1);
                ball = blend(
                    ball,
                    [1.0; 3],
                    cover((shine_x * shine_x + shine_y * shine_y).sqrt() - 0.75),
                );

                let inside = cover(u.abs() * who.eye_width - who.eye_width - 0.8);
                let upper_line =
                    stroke((down - upper + 0.2) / steep, 0.45 + 0.3 * u.max(0.0)) * inside;
                let lower_line = stroke((down - lower) / steep, 0.1) * inside * 0.35;
                let crease = stroke((down - upper + 1.8 + 1.6 * who.lid) / steep, 0.25)
                    * inside
                    * who.lid
                    * 0.55;
                let bag = who.bags
                    * 0.25
                    * hill(u * u)
                    * soft_cover((down - lower - 3.0).abs() - 0.6, 3.0);

                let shadow = (crease + bag).min(0.7);
                let lines = upper_line.max(lower_line);
                let share = opening.max(lines).max(shadow);
                let colour = if opening.max(lines) > 0.0 {
                    blend(blend(skin_dark, ball, opening), lash, lines)
                } else {
                    skin_dark
                };
                (share, colour)
            },
        );
    }
}

pub(super) fn brows(scene: &mut Scene<'_>) {
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(0.2);
    for side in [-1.0, 1.0] {
        let centre = MIDDLE + side * (who.eye_distance + 0.8);
        let height = EYES - who.brow_height - look.brow_raise;
        let reach = who.brow_length + 2.0;
        scene.canvas.layer(
            offset,
            [centre - reach, height - 12.0, centre + reach, height + 10.0],
            |x, y| {
                let across = (x - centre) * side;
                let u = across / who.brow_length;
                let line = height - who.brow_arch * (1.0 - (u - 0.25) * (u - 0.25))
                    + who.brow_arch * 0.5
                    - who.brow_slant * across;
                let half =
                    who.brow_thickness * (1.0 - 0.62 * f32::midpoint(u, 1.0).clamp(0.0, 1.0));
                let ends = soft_cover(u.abs() * who.brow_length - who.brow_length, 2.0);
                let hairs = 0.8 + 0.4 * noise((x + y * 0.7) / 1.2, y / 2.5, who.texture);
                (
                    soft_cover((y - line).abs() - half, 1.5) * ends * hairs.clamp(0.0, 1.0) * 0.92,
                    who.brow_colour,
                )
            },
        );
    }
}

pub(super) fn glasses(scene: &mut Scene<'_>) {
    let Some((frame, colour)) = scene.who.glasses else {
        return;
    };
    let (who, look) = (scene.who, scene.look);
    let offset = scene.parallax(0.35);
    scene
        .canvas
        .layer(offset, [0.0, EYES - 14.0, 112.0, EYES + 18.0], |x, y| {
            let across = (x - MIDDLE).abs();
            let (lens_x, lens_y) = (across - who.eye_distance - 0.6, y - EYES - 1.6);
            let lens = match frame {
                Frame::Round => ellipse(lens_x, lens_y, 12.2, 11.2),
                Frame::Square => {
                    let (out_x, out_y) = (
                        (lens_x.abs() - 10.4).max(0.0),
                        (lens_y.abs() - 6.2).max(0.0),
                    );
                    (out_x * out_x + out_y * out_y).sqrt() - 2.4
                }
            };
            let rim = stroke(lens, 0.75);
            let bridge = stroke(y - EYES + 1.0 - across * across * 0.06, 0.6)
                * cover(across - who.eye_distance + 11.0);
            let temple = stroke(y - EYES + 1.5, 0.8)
                * cover(who.eye_distance + 12.0 - across)
                * cover(across - who.half_width);
            let glare = 0.10
                * cover(lens + 1.0)
                * soft_cover(
                    (lens_x * 0.7 + lens_y + look.light[0] * 6.0).abs() - 2.0,
                    3.0,
                );
            let solid = rim.max(bridge).max(temple);
            (
                solid.max(glare),
                if solid > glare { colour } else { [1.0; 3] },
            )
        });
}
