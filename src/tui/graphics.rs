//! Asks the terminal how it shows pictures, and whether its background is light.
//!
//! After the alternate screen was entered and before events are read: the answers come in as if they were typed.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ratatui_image::picker::cap_parser::{Parser, QueryStdioOptions, Response};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::tcgetwinsize;

use crate::config::ImageChoice;

use super::picture::{Graphics, Protocols};

/// What the terminal said of itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    kitty: bool,
    sixel: bool,
    cell: Option<(u16, u16)>,
    /// Red, green and blue of the background.
    pub background: Option<(u8, u8, u8)>,
}

/// What the environment says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Environment {
    /// What lies between.
    multiplexer: Option<Multiplexer>,
    /// It shows iTerm2's pictures, by its name.
    iterm2: bool,
    /// Its kitty or sixel pictures are faulty: iTerm2's are better (WezTerm), or neither is good (Konsole).
    faulty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Multiplexer {
    Tmux,
    Screen,
}

/// Asks for the background's colour. The library's own question ends with a bell, which might be heard.
const BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";

/// A terminal far away needs some time; one that answers nothing is not waited for longer.
const PATIENCE: Duration = Duration::from_millis(150);

impl Environment {
    /// Reads the variables that terminals set.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let program = set("TERM_PROGRAM").unwrap_or_default();
        let iterm2 = [
            "iTerm",
            "WezTerm",
            "mintty",
            "vscode",
            "rio",
            "WarpTerminal",
        ];
        Self {
            multiplexer: match (set("TMUX"), set("STY")) {
                (Some(_), _) => Some(Multiplexer::Tmux),
                (None, Some(_)) => Some(Multiplexer::Screen),
                (None, None) => None,
            },
            iterm2: iterm2.iter().any(|name| program.contains(name))
                || set("LC_TERMINAL").is_some_and(|name| name.contains("iTerm")),
            faulty: set("WEZTERM_EXECUTABLE").is_some() || set("KONSOLE_VERSION").is_some(),
        }
    }

    /// Whether asking can change anything: a multiplexer answers for itself, not for the terminal around it.
    pub fn worth_asking(self) -> bool {
        self.multiplexer.is_none()
    }
}

/// How pictures are shown, by what is wanted, what the environment says and what the terminal answered.
pub fn choose(
    images: ImageChoice,
    environment: Environment,
    answers: &Answers,
) -> Option<Graphics> {
    let by = match images {
        ImageChoice::Off => return None,
        ImageChoice::Kitty => Protocols::Kitty,
        ImageChoice::Sixel => Protocols::Sixel,
        ImageChoice::Iterm2 => Protocols::Iterm2,
        ImageChoice::HalfBlocks => Protocols::HalfBlocks,
        ImageChoice::Auto => asked(environment, answers),
    };
    if by == Protocols::HalfBlocks {
        return Some(Graphics::HALF_BLOCKS);
    }
    let tmux = environment.multiplexer == Some(Multiplexer::Tmux);
    match (answers.cell, images) {
        (Some(cell), _) => Some(Graphics { by, cell, tmux }),
        // Without the size of a cell a picture would not fit into any.
        (None, ImageChoice::Auto) => Some(Graphics::HALF_BLOCKS),
        (None, _) => Some(Graphics {
            by,
            cell: (8, 16),
            tmux,
        }),
    }
}

/// What the terminal itself is best at.
fn asked(environment: Environment, answers: &Answers) -> Protocols {
    if environment.multiplexer.is_some() {
        Protocols::HalfBlocks
    } else if environment.iterm2 {
        Protocols::Iterm2
    } else if answers.kitty && !environment.faulty {
        Protocols::Kitty
    } else if answers.sixel && !environment.faulty {
        Protocols::Sixel
    } else {
        Protocols::HalfBlocks
    }
}

/// Asks, and waits for the last answer or until patience ends.
///
/// # Errors
/// When the terminal is gone.
pub fn ask() -> io::Result<Answers> {
    let mut output = io::stdout();
    output.write_all(BACKGROUND)?;
    output.write_all(Parser::query(false, QueryStdioOptions::default()).as_bytes())?;
    output.flush()?;
    let begun = Instant::now();
    let mut parser = Parser::new();
    let mut answers = Answers::default();
    let input = io::stdin();
    'asking: while let Some(left) = PATIENCE.checked_sub(begun.elapsed()) {
        let mut watched = [PollFd::from_borrowed_fd(input.as_fd(), PollFlags::IN)];
        let left = Timespec {
            tv_sec: 0,
            tv_nsec: left.subsec_nanos().into(),
        };
        if poll(&mut watched, Some(&left))? == 0 {
            break;
        }
        let mut bytes = [0; 256];
        let read = rustix::io::read(&input, &mut bytes)?;
        if read == 0 {
            break;
        }
        for byte in &bytes[..read] {
            for response in parser.push(char::from(*byte)) {
                if response == Response::Status {
                    break 'asking;
                }
                answers.take(&response);
            }
        }
    }
    answers.cell = answers.cell.or_else(cell_of_window);
    Ok(answers)
}

impl Answers {
    fn take(&mut self, response: &Response) {
        match response {
            Response::Kitty => self.kitty = true,
            Response::Sixel => self.sixel = true,
            Response::CellSize(size) => self.cell = self.cell.or(*size),
            Response::Background(red, green, blue) => {
                self.background = Some((*red, *green, *blue));
            }
            _ => {}
        }
    }

    /// Whether the background is light, by its luma (ITU-R BT.601).
    pub fn is_light(&self) -> bool {
        self.background.is_some_and(|(red, green, blue)| {
            299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue) > 127_500
        })
    }
}

/// A cell's size by that of the window, where the terminal tells it to the system.
fn cell_of_window() -> Option<(u16, u16)> {
    let window = tcgetwinsize(io::stdout()).ok()?;
    let per = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|size| *size > 0);
    Some((
        per(window.ws_xpixel, window.ws_col)?,
        per(window.ws_ypixel, window.ws_row)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Environment {
        Environment::of(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn heard(text: &str) -> Answers {
        let mut parser = Parser::new();
        let mut answers = Answers::default();
        for character in text.chars() {
            for response in parser.push(character) {
                answers.take(&response);
            }
        }
        answers
    }

    #[test]
    fn the_terminals_own_word_decides() {
        let kitty = heard(
            "\x1b_Gi=31;OK\x1b\\\x1b[?62;4c\x1b[6;16;8t\x1b]11;rgb:ffff/ffff/ffff\x07\x1b[0n",
        );
        let chosen = choose(ImageChoice::Auto, of(&[]), &kitty).unwrap();
        assert_eq!((chosen.by, chosen.cell), (Protocols::Kitty, (8, 16)));
        assert!(kitty.is_light());
        let sixel = heard("\x1b[?62;4c\x1b[6;16;8t\x1b[0n");
        assert_eq!(
            choose(ImageChoice::Auto, of(&[]), &sixel).unwrap().by,
            Protocols::Sixel
        );
        assert!(!sixel.is_light());
        let nothing = Answers::default();
        assert_eq!(
            choose(ImageChoice::Auto, of(&[]), &nothing),
            Some(Graphics::HALF_BLOCKS)
        );
        let wezterm = of(&[("TERM_PROGRAM", "WezTerm"), ("WEZTERM_EXECUTABLE", "/x")]);
        assert_eq!(
            choose(ImageChoice::Auto, wezterm, &kitty).unwrap().by,
            Protocols::Iterm2
        );
    }

    #[test]
    fn inside_tmux_pictures_are_half_blocks_unless_told_otherwise() {
        let tmux = of(&[
            ("TMUX", "/tmp/tmux-0/default,1,0"),
            ("TERM_PROGRAM", "iTerm.app"),
        ]);
        assert!(!tmux.worth_asking());
        let nothing = Answers::default();
        assert_eq!(
            choose(ImageChoice::Auto, tmux, &nothing),
            Some(Graphics::HALF_BLOCKS)
        );
        let forced = choose(ImageChoice::Sixel, tmux, &nothing).unwrap();
        assert!(forced.tmux && forced.by == Protocols::Sixel);
        assert_eq!(choose(ImageChoice::Off, tmux, &nothing), None);
    }
}
