//! Sends to the terminal what differs from what it shows, and nothing where nothing does.

use std::io::{self, BufWriter, Write};

use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::Cell;
use ratatui::layout::{Position, Size};

/// A terminal that is painted on: one frame is one write, between the marks of a synchronized update.
#[derive(Debug)]
pub struct Painter<W: Write> {
    terminal: CrosstermBackend<BufWriter<W>>,
    /// Whether something of this frame was written.
    begun: bool,
    /// What is known of the cursor.
    shown: Option<bool>,
    place: Option<Position>,
}

/// Large enough for a full frame.
const FRAME_BYTES: usize = 64 * 1024;

impl<W: Write> Painter<W> {
    /// Paints by writing.
    pub fn new(output: W) -> Self {
        let output = BufWriter::with_capacity(FRAME_BYTES, output);
        Self {
            terminal: CrosstermBackend::new(output),
            begun: false,
            shown: None,
            place: None,
        }
    }

    /// Sends bytes that are no part of the picture.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.terminal.write_all(bytes)?;
        Write::flush(&mut self.terminal)
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.begun {
            self.begun = true;
            queue!(self.terminal, BeginSynchronizedUpdate)?;
        }
        Ok(())
    }

    fn show(&mut self, shown: bool) -> io::Result<()> {
        if self.shown == Some(shown) {
            return Ok(());
        }
        self.begin()?;
        self.shown = Some(shown);
        if shown {
            queue!(self.terminal, crossterm::cursor::Show)
        } else {
            queue!(self.terminal, crossterm::cursor::Hide)
        }
    }
}

impl<W: Write> Backend for Painter<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut content = content.peekable();
        if content.peek().is_none() {
            return Ok(());
        }
        self.begin()?;
        self.place = None;
        self.terminal.draw(content)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.show(false)
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.show(true)
    }

    /// As far as is known: whoever asks a terminal far away waits for it, and fails where it doesn't answer.
    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Ok(self.place.unwrap_or_default())
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let position = position.into();
        if self.place == Some(position) {
            return Ok(());
        }
        self.begin()?;
        self.place = Some(position);
        queue!(
            self.terminal,
            crossterm::cursor::MoveTo(position.x, position.y)
        )
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    /// Whoever clears the terminal doesn't trust what is known of it.
    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.begin()?;
        (self.shown, self.place) = (None, None);
        self.terminal.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.terminal.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.terminal.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.begun) {
            queue!(self.terminal, EndSynchronizedUpdate)?;
        }
        Write::flush(&mut self.terminal)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    /// A line on which one can listen.
    #[derive(Clone, Default)]
    struct Tapped(Rc<RefCell<Vec<u8>>>);

    impl Write for Tapped {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const BEGIN: &str = "\x1b[?2026h";
    const END: &str = "\x1b[?2026l";

    /// What a frame sends that puts `text` at the left and the cursor at a place.
    fn frame(
        (painter, line): (&mut Painter<Tapped>, &Tapped),
        text: &str,
        cursor: Option<(u16, u16)>,
    ) -> String {
        let cells: Vec<Cell> = text.chars().map(Cell::from).collect();
        let cells = cells.iter().enumerate();
        painter
            .draw(cells.map(|(x, cell)| (x as u16, 0, cell)))
            .unwrap();
        match cursor {
            None => painter.hide_cursor().unwrap(),
            Some(place) => {
                painter.show_cursor().unwrap();
                painter.set_cursor_position(place).unwrap();
            }
        }
        Backend::flush(painter).unwrap();
        String::from_utf8(line.0.take()).unwrap()
    }

    #[test]
    fn a_frame_that_changes_nothing_sends_nothing() {
        let line = Tapped::default();
        let mut painter = Painter::new(line.clone());
        let mut frame = |text, cursor| frame((&mut painter, &line), text, cursor);
        let first = frame("ab", None);
        assert!(
            first.starts_with(BEGIN) && first.ends_with(END),
            "{first:?}"
        );
        assert!(first.contains("ab"));
        assert_eq!(frame("", None), "");
        let typed = frame("", Some((3, 0)));
        assert_eq!(typed, format!("{BEGIN}\x1b[?25h\x1b[1;4H{END}"));
        assert_eq!(frame("", Some((3, 0))), "");
        let drawn = frame("c", Some((3, 0)));
        assert!(drawn.contains("\x1b[1;4H"), "painting moved the cursor");
    }
}
