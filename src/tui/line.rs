//! One line of text that is typed, with a cursor.

use crossterm::event::{Event, KeyEvent};
use tui_input::backend::crossterm::to_input_request;
use tui_input::{Input, InputRequest};
use unicode_width::UnicodeWidthChar;

use crate::untrusted::visible;

/// A path is long, a pasted novel is longer.
const MOST_CHARS: usize = 4096;

/// What was typed so far.
#[derive(Debug, Clone, Default)]
pub struct TextLine(Input);

impl PartialEq for TextLine {
    fn eq(&self, other: &Self) -> bool {
        (self.0.value(), self.0.cursor()) == (other.0.value(), other.0.cursor())
    }
}

impl TextLine {
    /// A line with the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self(Input::new(text.to_owned()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Takes in a key; whether the text is another now.
    pub fn press(&mut self, event: KeyEvent) -> bool {
        let Some(request) = to_input_request(&Event::Key(event)) else {
            return false;
        };
        if let InputRequest::InsertChar(character) = request {
            return self.insert(character.encode_utf8(&mut [0; 4]));
        }
        self.0.handle(request).is_some_and(|changed| changed.value)
    }

    /// Inserts a text, as pasted; whether there is any of it that belongs into a line.
    pub fn insert(&mut self, text: &str) -> bool {
        let room = MOST_CHARS.saturating_sub(self.text().chars().count());
        let mut changed = false;
        let characters = text.chars().filter(|character| !character.is_control());
        for character in characters.take(room) {
            self.0.handle(InputRequest::InsertChar(character));
            changed = true;
        }
        changed
    }

    /// Empties the line.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// As much of the line around the cursor as `width` cells show, and the cell of the cursor in it.
    pub fn shown(&self, width: u16) -> (String, u16) {
        let width = usize::from(width).max(1);
        let characters: Vec<char> = self.text().chars().collect();
        let cursor = self.0.cursor().min(characters.len());
        let text_of = |part: &[char]| visible(&part.iter().collect::<String>());
        let wide = |character: &char| character.width().unwrap_or(0);
        let mut before: Vec<char> = text_of(&characters[..cursor]).chars().collect();
        while before.iter().map(wide).sum::<usize>() + 1 > width {
            before.remove(0);
        }
        let column = before.iter().map(wide).sum::<usize>();
        let mut shown: String = before.into_iter().collect();
        let mut used = column;
        for character in text_of(&characters[cursor..]).chars() {
            used += wide(&character);
            if used > width {
                break;
            }
            shown.push(character);
        }
        (shown, column as u16)
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn press(line: &mut TextLine, code: KeyCode) -> bool {
        line.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn letters_go_where_the_cursor_is() {
        let mut line = TextLine::new("ac");
        assert!(!press(&mut line, KeyCode::Left));
        assert!(press(&mut line, KeyCode::Char('b')));
        assert_eq!(line.text(), "abc");
        assert!(press(&mut line, KeyCode::Backspace));
        assert_eq!(line.text(), "ac");
        assert!(!line.insert("\u{1b}\n"), "no control character");
        assert_eq!(line.shown(10), ("ac".to_owned(), 1));
    }

    #[test]
    fn a_long_line_shows_what_is_around_the_cursor() {
        let mut line = TextLine::new("0123456789");
        assert_eq!(line.shown(5), ("6789".to_owned(), 4));
        press(&mut line, KeyCode::Home);
        assert_eq!(line.shown(5), ("01234".to_owned(), 0));
        assert_eq!(TextLine::new("脸脸").shown(4), ("脸".to_owned(), 2));
        // What would steer the terminal is spelt.
        assert_eq!(TextLine::new("a\u{202e}b").shown(20).0, "a\\u{202e}b");
    }
}
