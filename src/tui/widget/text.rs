//! Text put at a place in the buffer, cut where it must be, in the terminal's own characters.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::tui::theme::{Role, Theme};

/// Paints text into one buffer with one theme.
pub struct Pen<'a> {
    /// Where it paints.
    pub buffer: &'a mut Buffer,
    /// How things look.
    pub theme: Theme,
}

impl Pen<'_> {
    /// Writes `text` from `(x, y)`, at most `width` cells, an ellipsis where it is cut; returns the cells used.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let style = self.theme.style(role);
        self.put_styled(x, y, width, text, style)
    }

    /// As [`Pen::put`], in a style of its own.
    pub fn put_styled(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() || width == 0 {
            return 0;
        }
        let width = width.min(area.right() - x);
        let text = cut(&self.theme.text(text), width.into(), self.theme);
        let (end, _) = self.buffer.set_stringn(x, y, &text, width.into(), style);
        end - x
    }

    /// Writes `text` so that it ends before `x + width`.
    pub fn put_right(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) {
        let needed = (self.theme.text(text).width() as u16).min(width);
        self.put(x + width - needed, y, needed, text, role);
    }

    /// Writes pieces one after the other within `width` cells; returns the cells used.
    pub fn put_all(&mut self, x: u16, y: u16, width: u16, pieces: &[(&str, Role)]) -> u16 {
        let mut used = 0;
        for (text, role) in pieces {
            used += self.put(x + used, y, width.saturating_sub(used), text, *role);
        }
        used
    }

    /// The cells that `text` needs on this terminal.
    pub fn width(&self, text: &str) -> u16 {
        self.theme.text(text).width() as u16
    }

    /// A quiet horizontal rule.
    pub fn rule(&mut self, x: u16, y: u16, width: u16) {
        let rule = self.theme.pick("─", "-").repeat(width.into());
        self.put(x, y, width, &rule, Role::Quiet);
    }

    /// A pane's title with a rule after it; the place of the title's end.
    pub fn title(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let used = self.put(area.x, area.y, area.width, text, role);
        let gap = (used + 1).min(area.width);
        self.rule(area.x + gap, area.y, area.width - gap);
        used
    }

    /// Marks a line as the selected one: a bar at its first cell, the rest in the colours of what is chosen.
    pub fn select(&mut self, line: Rect) {
        self.put(line.x, line.y, 1, "▌", Role::Accent);
        let style = self.theme.selected();
        let rest = Rect {
            x: line.x + 1,
            width: line.width.saturating_sub(1),
            ..line
        };
        self.highlight(rest, style);
    }

    /// Lays a style over a line without changing its text; what has a colour of its own keeps it.
    pub fn highlight(&mut self, area: Rect, style: Style) {
        for position in area.intersection(self.buffer.area).positions() {
            let cell = &mut self.buffer[position];
            let own = cell.fg;
            cell.set_style(style);
            if own != Color::Reset {
                cell.fg = own;
            }
        }
    }

    /// Writes a block of lines in the middle of an area, the first a headline: what a pane says with nothing to show.
    pub fn empty(&mut self, area: Rect, lines: &[&str]) {
        let height = (lines.len() as u16).min(area.height);
        let top = area.y + (area.height - height) / 3;
        let widest = lines.iter().map(|line| self.width(line)).max();
        let width = widest.unwrap_or(0).min(area.width);
        let x = area.x + (area.width - width) / 2;
        for (row, line) in lines.iter().take(height.into()).enumerate() {
            let role = if row == 0 { Role::Strong } else { Role::Quiet };
            self.put(x, top + row as u16, width, line, role);
        }
    }
}

/// The first `width` cells of `text`, the last an ellipsis where something is cut off.
pub fn cut(text: &str, width: usize, theme: Theme) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mark = theme.pick("…", "~");
    let mut kept = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        kept.push(character);
    }
    if width > 0 {
        kept.push_str(mark);
    }
    kept
}

/// Breaks `text` into lines of at most `width` cells, at spaces where there are any.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word;
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > width {
            let mut used = 0;
            let fits = word
                .char_indices()
                .find(|(_, character)| {
                    used += character.width().unwrap_or(0);
                    used > width
                })
                .map_or(word.len(), |(at, _)| at);
            // A character wider than the line still has to go somewhere.
            let fits = fits.max(word.chars().next().map_or(0, char::len_utf8));
            lines.push(word[..fits].to_owned());
            word = &word[fits..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Background, Charset, Depth};

    #[test]
    fn cut_text_says_so_and_fits() {
        let theme = Theme {
            depth: Depth::True,
            charset: Charset::Unicode,
            background: Background::Dark,
        };
        assert_eq!(cut("margin-centre", 7, theme), "margin…");
        assert_eq!(cut("margin", 6, theme), "margin");
        assert_eq!(cut("脸脸脸", 4, theme), "脸…");
        assert_eq!(cut("a", 0, theme), "");
    }

    #[test]
    fn long_words_are_broken_and_short_ones_are_not() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("脸", 1), ["脸"]);
        assert!(wrap("", 5).is_empty());
    }
}
