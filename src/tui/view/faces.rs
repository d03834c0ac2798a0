//! One side of a pair: a face, or a track that is played, with the frames that are unlike the others marked.
//!
//! ```text
//! ▌Alma_Powell/2 ───────── listed
//!  ▄▄▄▄▄▄▄▄▄▄▄▄
//!  ▄▄▄▄▄▄▄▄▄▄▄▄
//!  ───●──────✗✗──  frame 34 of 180
//! ```

use ratatui::layout::Rect;

use crate::report::Strip;
use crate::tui::model::{Known, Model};
use crate::tui::picture::{Graphics, PictureKey};
use crate::tui::theme::{Charset, Depth, Role, Theme};
use crate::tui::triage::{FacesOf, Pictures};
use crate::tui::update::faces_shown;
use crate::tui::widget::text::{Pen, wrap};

use super::ViewCache;

/// How this terminal shows pictures, where its characters and colours allow it.
fn graphics(model: &Model) -> Option<Graphics> {
    use crate::tui::picture::Protocols::HalfBlocks;
    let Theme { depth, charset, .. } = model.theme;
    let blocks = charset == Charset::Unicode && matches!(depth, Depth::Indexed | Depth::True);
    model
        .graphics
        .filter(|graphics| graphics.by != HalfBlocks || blocks)
}

/// Draws all sides of what the view in front shows, beside each other; `chosen` is the one a mark is for.
pub fn draw(
    model: &Model,
    chosen: Option<usize>,
    cache: &mut ViewCache,
    pen: &mut Pen,
    area: Rect,
) {
    if area.height < 2 || area.width < 12 {
        return;
    }
    let Some(of) = faces_shown(model) else { return };
    let strips = match model.triage.faces_of(&of) {
        Some(Known::Ready(strips)) => strips,
        Some(Known::Missing(why)) => return words(why, pen, area),
        Some(Known::Reading) | None => return words("reading the pictures…", pen, area),
    };
    let count = strips.len().max(1) as u16;
    let width = area.width / count;
    for (nth, strip) in strips.iter().enumerate() {
        let place = Rect {
            x: area.x + nth as u16 * width,
            width: width - 1,
            ..area
        };
        let side = Side {
            model,
            of: &of,
            strips,
            strip,
            nth,
            chosen: chosen == Some(nth),
        };
        side.draw(cache, pen, place);
        if chosen.is_some() {
            cache.hit(place, crate::tui::message::Target::Side(nth));
        }
    }
}

fn words(text: &str, pen: &mut Pen, area: Rect) {
    for (line, y) in wrap(text, area.width.into())
        .iter()
        .zip(area.y + 1..area.bottom())
    {
        pen.put(area.x, y, area.width, line, Role::Quiet);
    }
}

struct Side<'a> {
    model: &'a Model,
    of: &'a FacesOf,
    strips: &'a Pictures,
    strip: &'a Strip,
    nth: usize,
    chosen: bool,
}

/// With so many rows a track has small pictures of its frames below the one that is played.
const TALL: u16 = 24;
/// Rows of a small picture.
const SMALL: u16 = 5;

impl Side<'_> {
    fn draw(&self, cache: &mut ViewCache, pen: &mut Pen, area: Rect) {
        self.draw_title(pen, area);
        let is_track = self.strip.frames.len() > 1;
        let frame = match self.strip.frames.len() {
            0 => return,
            count => self.model.triage.player.frame % count,
        };
        let Some(graphics) = graphics(self.model) else {
            let rest = Rect {
                y: area.y + 1,
                height: area.height - 1,
                ..area
            };
            words("pictures are off on this terminal", pen, rest);
            if is_track && rest.height > 3 {
                self.draw_bar(
                    frame,
                    pen,
                    Rect {
                        y: rest.y + 3,
                        height: 1,
                        ..rest
                    },
                );
            }
            return;
        };
        let below = match (is_track, area.height >= TALL) {
            (true, true) => 2 + SMALL,
            (true, false) => 1,
            (false, _) => 0,
        };
        let room = area.height.saturating_sub(1 + below);
        let (width, height) = graphics.square((area.width, room));
        let place = Rect {
            y: area.y + 1,
            width,
            height,
            ..area
        };
        self.paint(frame, graphics, cache, pen, place);
        if !is_track {
            return;
        }
        let bar = Rect {
            y: place.bottom(),
            height: 1,
            ..area
        };
        self.draw_bar(frame, pen, bar);
        if below > 1 {
            let row = Rect {
                y: bar.y + 2,
                height: SMALL,
                ..area
            };
            self.draw_small(graphics, cache, pen, row);
        }
    }

    fn draw_title(&self, pen: &mut Pen, area: Rect) {
        let listed = if self.model.triage.is_listed(&self.strip.name) {
            " listed"
        } else {
            ""
        };
        let wide = pen.width(listed);
        let (mark, role) = if self.chosen {
            ("▌", Role::Accent)
        } else {
            (" ", Role::Strong)
        };
        pen.put(area.x, area.y, 1, mark, Role::Accent);
        let title = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(1 + wide),
            ..area
        };
        pen.title(title, &self.strip.name, role);
        pen.put_right(area.x, area.y, area.width, listed, Role::Waiting);
    }

    fn paint(
        &self,
        frame: usize,
        graphics: Graphics,
        cache: &mut ViewCache,
        pen: &mut Pen,
        place: Rect,
    ) {
        let key = PictureKey {
            of: self.of.clone(),
            strip: self.nth,
            frame,
            size: (place.width, place.height),
        };
        let target = (&mut *pen.buffer, place);
        let painted = cache
            .pictures
            .paint(key, self.strips, graphics, pen.theme.depth, target);
        if let Err(why) = painted {
            words(&why, pen, place);
        }
    }

    /// One cell a frame, or several frames a cell: where the shown one is, and which are unlike the others.
    fn draw_bar(&self, frame: usize, pen: &mut Pen, area: Rect) {
        let frames = &self.strip.frames;
        let shown = &frames[frame];
        let verdict = match shown.agrees {
            Some(false) => ", unlike the others",
            Some(true) | None => "",
        };
        let text = format!(" frame {} of {}{verdict}", shown.number, self.strip.total);
        let wide = pen.width(&text).min(area.width);
        let cells = usize::from(area.width - wide).min(frames.len());
        for cell in 0..cells {
            let within = cell * frames.len() / cells..(cell + 1) * frames.len() / cells;
            let odd = frames[within.clone()]
                .iter()
                .any(|frame| frame.agrees == Some(false));
            let (glyph, role) = if within.contains(&frame) {
                (pen.theme.pick("●", "o"), Role::Accent)
            } else if odd {
                (pen.theme.pick("✗", "x"), Role::Bad)
            } else {
                (pen.theme.pick("─", "-"), Role::Quiet)
            };
            pen.put(area.x + cell as u16, area.y, 1, glyph, role);
        }
        let role = match shown.agrees {
            Some(false) => Role::Bad,
            Some(true) | None => Role::Quiet,
        };
        pen.put(area.x + cells as u16, area.y, wide, &text, role);
    }

    fn draw_small(&self, graphics: Graphics, cache: &mut ViewCache, pen: &mut Pen, row: Rect) {
        let (width, height) = graphics.square((row.width, row.height));
        let fitting = usize::from(row.width / (width + 1)).min(self.strip.frames.len());
        for nth in 0..fitting {
            let frame = (2 * nth + 1) * self.strip.frames.len() / (2 * fitting);
            let place = Rect {
                x: row.x + nth as u16 * (width + 1),
                y: row.y,
                width,
                height,
            };
            self.paint(frame, graphics, cache, pen, place);
        }
    }
}
