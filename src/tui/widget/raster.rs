//! A grid of dots finer than the terminal's cells: 2 × 4 a cell in braille, 1 × 3 a cell in ASCII.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::theme::{Charset, Role, Theme};

use super::decimate::column;

/// Dots in a rectangle of cells, and which curve last drew in each cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    charset: Charset,
    dots: Vec<u8>,
    owner: Vec<u8>,
}

impl Raster {
    /// An empty grid over `width` × `height` cells.
    pub fn new(width: usize, height: usize, charset: Charset) -> Self {
        Self {
            width,
            height,
            charset,
            dots: vec![0; width * height],
            owner: vec![0; width * height],
        }
    }

    /// Dots from left to right.
    pub fn columns(&self) -> usize {
        self.width * dots_across(self.charset)
    }

    /// Dots from top to bottom.
    pub fn rows(&self) -> usize {
        match self.charset {
            Charset::Unicode => self.height * 4,
            Charset::Ascii => self.height * 3,
        }
    }

    /// Draws lines from point to point, points by rising x; a NaN interrupts the line.
    pub fn curve(
        &mut self,
        points: impl Iterator<Item = (f64, f64)>,
        (left, right): (f64, f64),
        (low, high): (f64, f64),
        owner: u8,
    ) {
        let (columns, rows) = (self.columns(), self.rows());
        let mut before: Option<(usize, usize)> = None;
        for (x, y) in points {
            if !y.is_finite() {
                before = None;
                continue;
            }
            let here = (
                column(x, left, right, columns),
                rows - 1 - column(y, low, high, rows),
            );
            match before {
                Some(there) => self.line(there, here, owner),
                None => self.dot(here, owner),
            }
            before = Some(here);
        }
    }

    /// Leaves out every other pair of columns, so that a curve differs from a solid one without colour.
    pub fn dash(&mut self) {
        for (at, dots) in self.dots.iter_mut().enumerate() {
            if (at % self.width.max(1)) % 2 == 1 {
                *dots = 0;
            }
        }
    }

    /// Puts `other` over these dots: a cell shows the dots of one curve only, so that its colour tells no lie.
    pub fn overlay(&mut self, other: &Self) {
        for at in 0..self.dots.len().min(other.dots.len()) {
            if other.dots[at] != 0 {
                self.dots[at] = other.dots[at];
                self.owner[at] = other.owner[at];
            }
        }
    }

    /// Paints the cells that have dots; `roles[owner]` colours them.
    pub fn paint(&self, area: Rect, buffer: &mut Buffer, theme: Theme, roles: &[Role]) {
        for row in 0..self.height.min(area.height.into()) {
            for column in 0..self.width.min(area.width.into()) {
                let at = row * self.width + column;
                if self.dots[at] == 0 {
                    continue;
                }
                let role = roles.get(usize::from(self.owner[at])).copied();
                if let Some(cell) = buffer.cell_mut((area.x + column as u16, area.y + row as u16)) {
                    cell.set_char(self.character(self.dots[at]));
                    cell.set_style(theme.style(role.unwrap_or(Role::Text)));
                }
            }
        }
    }

    fn character(&self, dots: u8) -> char {
        match self.charset {
            Charset::Unicode => char::from_u32(0x2800 + u32::from(dots))
                .expect("braille patterns are all characters"),
            Charset::Ascii => [' ', '\'', '-', '"', '.', ':', '=', '|'][usize::from(dots & 7)],
        }
    }

    fn dot(&mut self, (x, y): (usize, usize), owner: u8) {
        let (cell_x, cell_y, bit) = match self.charset {
            Charset::Unicode => (x / 2, y / 4, BRAILLE[y % 4][x % 2]),
            Charset::Ascii => (x, y / 3, 1 << (y % 3)),
        };
        let at = cell_y * self.width + cell_x;
        if let Some(dots) = self.dots.get_mut(at) {
            *dots |= bit;
            self.owner[at] = owner;
        }
    }

    /// Bresenham's line. It is drawn from left to right, top to bottom, so that both directions give one picture.
    fn line(&mut self, from: (usize, usize), to: (usize, usize), owner: u8) {
        let (from, to) = if from <= to { (from, to) } else { (to, from) };
        let (mut x, mut y) = (from.0 as isize, from.1 as isize);
        let (end_x, end_y) = (to.0 as isize, to.1 as isize);
        let (wide, tall) = ((end_x - x).abs(), -(end_y - y).abs());
        let step_x = (end_x - x).signum();
        let step_y = (end_y - y).signum();
        let mut error = wide + tall;
        loop {
            self.dot((x as usize, y as usize), owner);
            if (x, y) == (end_x, end_y) {
                return;
            }
            let doubled = 2 * error;
            if doubled >= tall {
                error += tall;
                x += step_x;
            }
            if doubled <= wide {
                error += wide;
                y += step_y;
            }
        }
    }
}

/// Dots of a cell from left to right.
pub fn dots_across(charset: Charset) -> usize {
    match charset {
        Charset::Unicode => 2,
        Charset::Ascii => 1,
    }
}

/// The bit of each dot of a braille cell, by row and column.
const BRAILLE: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_the_corners() {
        let mut raster = Raster::new(2, 1, Charset::Unicode);
        raster.curve([(0.0, 0.0)].into_iter(), (0.0, 1.0), (0.0, 1.0), 0);
        raster.curve([(1.0, 1.0)].into_iter(), (0.0, 1.0), (0.0, 1.0), 0);
        assert_eq!(raster.dots, [0x40, 0x08]);
    }

    #[test]
    fn a_gap_is_not_bridged() {
        let mut raster = Raster::new(5, 1, Charset::Ascii);
        let points = [
            (0.0, 0.0),
            (1.0, 0.0),
            (2.0, f64::NAN),
            (3.0, 0.0),
            (4.0, 0.0),
        ];
        raster.curve(points.into_iter(), (0.0, 4.0), (0.0, 1.0), 0);
        assert_eq!(raster.dots, [4, 4, 0, 4, 4]);
    }
}
