//! A histogram of sorted values, as columns of blocks.
//!
//! ```text
//! ▁▂▅█▇▅▃▂▁  │
//! ```

use ratatui::layout::Rect;

use crate::tui::theme::{Charset, Role};

use super::text::Pen;

/// Draws how `sorted` values spread from the left end of `area` to its right: as high as it goes where they are most,
/// and to be seen wherever there is one.
pub fn draw(sorted: &[f64], (low, high): (f64, f64), role: Role, pen: &mut Pen, area: Rect) {
    let counts = counts(sorted, (low, high), area.width.into());
    let most = counts.iter().copied().max().unwrap_or(0);
    let levels: &[&str] = match pen.theme.charset {
        Charset::Unicode => &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        Charset::Ascii => &[".", ":", "#"],
    };
    let steps = levels.len();
    for (count, x) in counts.into_iter().zip(area.x..) {
        if count == 0 {
            continue;
        }
        let height = (count * steps * usize::from(area.height)).div_ceil(most);
        for row in 0..area.height {
            let here = height.saturating_sub(usize::from(row) * steps).min(steps);
            if let Some(level) = here.checked_sub(1) {
                pen.put(x, area.bottom() - 1 - row, 1, levels[level], role);
            }
        }
    }
}

/// How many values are in each of `columns` equal parts; the last has its upper end.
fn counts(sorted: &[f64], (low, high): (f64, f64), columns: usize) -> Vec<usize> {
    let width = (high - low) / columns as f64;
    let below = |part: usize| {
        if part == columns {
            return sorted.len();
        }
        sorted.partition_point(|value| *value < low + part as f64 * width)
    };
    (0..columns)
        .map(|part| below(part + 1).saturating_sub(if part == 0 { 0 } else { below(part) }))
        .collect()
}

/// The column that `value` lies in.
pub fn column(value: f64, (low, high): (f64, f64), columns: u16) -> u16 {
    if high <= low || columns == 0 {
        return 0;
    }
    let at = ((value - low) / (high - low) * f64::from(columns)).floor();
    at.clamp(0.0, f64::from(columns - 1)) as u16
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;
    use crate::tui::theme::{Background, Depth, Theme};

    fn drawn(sorted: &[f64], ends: (f64, f64), charset: Charset, height: u16) -> Vec<String> {
        let area = Rect::new(0, 0, 4, height);
        let mut buffer = Buffer::empty(area);
        let depth = Depth::Monochrome;
        let mut pen = Pen {
            buffer: &mut buffer,
            theme: Theme {
                depth,
                charset,
                background: Background::Dark,
            },
        };
        draw(sorted, ends, Role::Text, &mut pen, area);
        let row = |y| (0..4).map(|x| buffer[(x, y)].symbol()).collect();
        (0..height).map(row).collect()
    }

    #[test]
    fn every_value_is_counted_once_and_one_of_many_is_seen() {
        let mut values = vec![0.0, 0.1, 0.9, 2.0, 4.0];
        assert_eq!(counts(&values, (0.0, 4.0), 4), [3, 0, 1, 1]);
        values.splice(0..0, std::iter::repeat_n(0.0, 997));
        assert_eq!(drawn(&values, (0.0, 4.0), Charset::Unicode, 1), ["█ ▁▁"]);
        assert_eq!(drawn(&values, (0.0, 4.0), Charset::Ascii, 1), ["# .."]);
    }

    #[test]
    fn rows_add_up() {
        let values = [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0];
        assert_eq!(
            drawn(&values, (0.0, 4.0), Charset::Unicode, 2),
            ["█▄  ", "██▄ "]
        );
    }

    #[test]
    fn nothing_and_one_value_are_no_panic() {
        assert_eq!(drawn(&[], (0.0, 0.0), Charset::Ascii, 1), ["    "]);
        assert_eq!(drawn(&[0.5], (0.5, 0.5), Charset::Ascii, 1), ["   #"]);
        assert_eq!(column(0.5, (0.5, 0.5), 4), 0);
        assert_eq!(column(9.0, (0.0, 1.0), 4), 3);
    }
}
