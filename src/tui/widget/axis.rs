//! The line below a plot: the first and the last step, and marks of what happened between them.
//!
//! ```text
//!       1    ◆    ▲Δ   ◆       620
//! ```

use ratatui::layout::Rect;

use crate::tui::theme::{Charset, Role};

use super::decimate::column;
use super::raster::dots_across;
use super::text::Pen;

/// Something that happened at a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AxisMark {
    /// Where it lies, in the axis's own units.
    pub at: f64,
    /// One cell of text.
    pub glyph: &'static str,
    /// Its colour.
    pub role: Role,
    /// Whether the axis's own numbers must leave it in sight.
    pub loud: bool,
}

/// Draws the line below `plot`, which shows `range`; `text` writes its ends.
///
/// Of marks in one cell the last is seen. A number steps aside for marks or, where there are too many, for loud ones.
pub fn draw(
    plot: Rect,
    range: (f64, f64),
    text: impl Fn(f64) -> String,
    pen: &mut Pen,
    marks: &[AxisMark],
) {
    let width = usize::from(plot.width);
    let mut taken = vec![None; width];
    for mark in marks {
        let cell = cell(mark.at, range, width, pen.theme.charset);
        if let Some(place) = cell.and_then(|cell| taken.get_mut(cell)) {
            *place = Some(*mark);
        }
    }
    let y = plot.bottom();
    for (at, mark) in taken.iter().enumerate() {
        if let Some(mark) = mark {
            pen.put(plot.x + at as u16, y, 1, mark.glyph, mark.role);
        }
    }
    for (at, end) in [(range.0, End::Left), (range.1, End::Right)] {
        let text = text(at);
        let long = text.len().min(width);
        let at = end.place(&taken, long);
        pen.put(plot.x + at as u16, y, long as u16, &text, Role::Quiet);
    }
}

/// The cell under the dots of a place; one beyond the last shares its cell, one before the first has none.
fn cell(at: f64, (left, right): (f64, f64), width: usize, charset: Charset) -> Option<usize> {
    let across = dots_across(charset);
    (at >= left).then(|| column(at, left, right, width * across) / across)
}

#[derive(Clone, Copy)]
enum End {
    Left,
    Right,
}

impl End {
    /// Where a number of `long` cells goes, as near to its end as the marks allow.
    fn place(self, taken: &[Option<AxisMark>], long: usize) -> usize {
        let room = taken.len() - long;
        let place = |aside: usize| match self {
            Self::Left => aside,
            Self::Right => room - aside,
        };
        let free = |aside: usize, only_loud: bool| {
            let cells = &taken[place(aside)..place(aside) + long];
            let mut marks = cells.iter().flatten();
            !marks.any(|mark| mark.loud || !only_loud)
        };
        // Further away it would be read as another step's number.
        let most = room.min(taken.len() / 4);
        let near = |only_loud| (0..=most).find(|aside| free(*aside, only_loud));
        place(near(false).or_else(|| near(true)).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::tui::theme::{Background, Depth, Theme};
    use crate::tui::words;

    fn drawn(marks: &[(u64, &'static str)]) -> String {
        let marks: Vec<AxisMark> = marks
            .iter()
            .map(|(step, glyph)| AxisMark {
                at: *step as f64,
                glyph,
                role: Role::Text,
                loud: *glyph == "x",
            })
            .collect();
        let area = Rect::new(0, 0, 20, 1);
        let mut buffer = Buffer::empty(area);
        let theme = Theme {
            depth: Depth::Monochrome,
            charset: Charset::Ascii,
            background: Background::Dark,
        };
        let mut pen = Pen {
            buffer: &mut buffer,
            theme,
        };
        let text = |at: f64| words::count(at as u64);
        let plot = Rect { height: 0, ..area };
        draw(plot, (1.0, 191.0), text, &mut pen, &marks);
        (0..20).map(|x| buffer[(x, 0)].symbol()).collect()
    }

    #[test]
    fn marks_lie_at_their_steps_and_the_last_of_a_cell_is_seen() {
        assert_eq!(drawn(&[]), "1                191");
        assert_eq!(
            drawn(&[(0, "?"), (51, "o"), (52, "^")]),
            "1    ^           191"
        );
    }

    #[test]
    fn numbers_step_aside_for_marks() {
        assert_eq!(drawn(&[(1, "o"), (191, "o")]), "o1              191o");
        assert_eq!(drawn(&[(900, "o")]), "1               191o");
    }

    #[test]
    fn where_marks_are_many_the_loud_ones_stay_in_sight() {
        let mut marks: Vec<(u64, &str)> = (0..20).map(|at| (1 + 10 * at, "o")).collect();
        assert_eq!(drawn(&marks), "1oooooooooooooooo191");
        marks.push((191, "x"));
        assert_eq!(drawn(&marks), "1ooooooooooooooo191x");
    }
}
