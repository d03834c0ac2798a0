//! Faces on the screen: how this terminal shows pictures, and pictures made ready for it away from the screen's thread.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::protocol::iterm2::Iterm2;
use ratatui_image::protocol::kitty::Kitty;
use ratatui_image::protocol::sixel::Sixel;
use tokio::sync::mpsc::UnboundedSender;

use crate::plot::Picture;

use super::message::Message;
use super::theme::Depth;
use super::triage::{FacesOf, Pictures};

/// How pictures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocols {
    /// kitty's graphics protocol.
    Kitty,
    /// DEC's sixels.
    Sixel,
    /// iTerm2's inline images.
    Iterm2,
    /// Two pixels a cell, in any terminal of 256 colours.
    HalfBlocks,
}

/// How this terminal shows pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graphics {
    /// In which way.
    pub by: Protocols,
    /// A cell's width and height in pixels.
    pub cell: (u16, u16),
    /// Whether tmux lies between, which has to pass pictures on.
    pub tmux: bool,
}

/// A picture of a certain size.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PictureKey {
    /// What it is of.
    pub of: FacesOf,
    /// Which of its strips.
    pub strip: usize,
    /// Which frame.
    pub frame: usize,
    /// Cells from left to right and from top to bottom.
    pub size: (u16, u16),
}

/// A picture that the last frame could not show yet.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which.
    pub key: PictureKey,
    /// Where its pixels are.
    pub pictures: Pictures,
    /// How the terminal shows it.
    pub graphics: Graphics,
}

/// A picture that is ready, or why there is none.
pub type Encoded = (PictureKey, Result<Protocol, String>);

/// Ready pictures, and those that are still to be made.
#[derive(Default)]
pub struct PictureCache {
    ready: HashMap<PictureKey, Result<Protocol, String>>,
    wanted: Vec<Wanted>,
    asked: HashSet<PictureKey>,
}

/// Two tracks of 48 frames in two sizes, and some more.
const MOST_READY: usize = 400;

/// A pixel more than the aligned face has tells nothing, and costs bytes.
const FACE_PIXELS: u32 = 112;
/// Cells this tall are of a screen whose pixels are too small to be seen: a face's pixel takes two by two of them.
const DENSE_CELL: u32 = 24;

impl Graphics {
    /// Half-blocks, which ask nothing of the terminal but colours.
    pub const HALF_BLOCKS: Self = Self {
        by: Protocols::HalfBlocks,
        cell: (1, 2),
        tmux: false,
    };

    /// The cells that a face takes in so much room: those of its own pixels, or as many as fit.
    pub fn square(self, room: (u16, u16)) -> (u16, u16) {
        let (wide, tall) = (u32::from(self.cell.0.max(1)), u32::from(self.cell.1.max(1)));
        let fits = (u32::from(room.0) * wide).min(u32::from(room.1) * tall);
        let most = match self.by {
            Protocols::HalfBlocks => u32::MAX,
            _ if tall < DENSE_CELL => FACE_PIXELS,
            _ => 2 * FACE_PIXELS,
        };
        // Half a cell more or less keeps it square.
        let cells = |pixels: u32| match most {
            _ if most > fits => fits / pixels,
            _ => (most + pixels / 2) / pixels,
        };
        let [columns, rows] = [wide, tall].map(|pixels| cells(pixels).max(1) as u16);
        (columns.min(room.0), rows.min(room.1))
    }
}

impl PictureCache {
    /// Paints a picture where it is ready, else notes that it is wanted; whether there will be one, or why not.
    ///
    /// # Errors
    /// It can't be made ready: why.
    pub fn paint(
        &mut self,
        key: PictureKey,
        pictures: &Pictures,
        graphics: Graphics,
        depth: Depth,
        (buffer, area): (&mut Buffer, Rect),
    ) -> Result<(), String> {
        match self.ready.get(&key) {
            Some(Ok(protocol)) => {
                Image::new(protocol).render(area, buffer);
                if depth == Depth::Indexed && graphics.by == Protocols::HalfBlocks {
                    to_palette(buffer, area);
                }
                Ok(())
            }
            Some(Err(why)) => Err(why.clone()),
            None => {
                if self.asked.insert(key.clone()) {
                    self.wanted.push(Wanted {
                        key,
                        pictures: pictures.clone(),
                        graphics,
                    });
                }
                Ok(())
            }
        }
    }

    /// What is wanted since the last call.
    pub fn take_wanted(&mut self) -> Vec<Wanted> {
        std::mem::take(&mut self.wanted)
    }

    /// Keeps a picture that is ready.
    pub fn keep(&mut self, (key, encoded): Encoded) {
        if self.ready.len() >= MOST_READY {
            self.forget();
        }
        self.asked.remove(&key);
        self.ready.insert(key, encoded);
    }

    /// Forgets all pictures: a terminal that was cleared may have forgotten them too.
    pub fn forget(&mut self) {
        self.ready.clear();
        self.asked.clear();
    }
}

/// Starts the thread that makes pictures ready; a [`Message::Redraw`] follows each. It ends when the sender is dropped.
pub fn start(messages: UnboundedSender<Message>) -> (Sender<Wanted>, Receiver<Encoded>) {
    let (sender, wanted) = channel::<Wanted>();
    let (ready, encoded) = channel();
    thread::spawn(move || {
        while let Ok(next) = wanted.recv() {
            // Of many that wait one frame shows all.
            for one in std::iter::once(next).chain(wanted.try_iter()) {
                if ready.send(encode(&one)).is_err() {
                    return;
                }
            }
            if messages.send(Message::Redraw).is_err() {
                return;
            }
        }
    });
    (sender, encoded)
}

/// Makes a picture ready for the terminal.
pub fn encode(wanted: &Wanted) -> Encoded {
    let key = wanted.key.clone();
    let picture = wanted
        .pictures
        .get(key.strip)
        .and_then(|strip| strip.frames.get(key.frame));
    let protocol = match picture {
        Some(frame) => protocol(&frame.picture, key.size, wanted.graphics),
        None => Err("there is no such frame".to_owned()),
    };
    (key, protocol)
}

fn protocol(
    picture: &Picture,
    (columns, rows): (u16, u16),
    graphics: Graphics,
) -> Result<Protocol, String> {
    let Picture { width, height, rgb } = picture;
    let image = RgbImage::from_raw(*width, *height, rgb.clone())
        .ok_or("a picture has other pixels than its size says")?;
    let (wide, tall) = graphics.cell;
    let pixels =
        [(columns, wide), (rows, tall)].map(|(cells, size)| u32::from(cells) * u32::from(size));
    // A terminal's pixels are those of its cells, so that no row of cells is half a picture's.
    let image = DynamicImage::ImageRgb8(image).resize_exact(
        pixels[0].max(1),
        pixels[1].max(1),
        FilterType::Triangle,
    );
    let size = Size::new(columns, rows);
    let tmux = graphics.tmux;
    match graphics.by {
        Protocols::HalfBlocks => Halfblocks::new(image, size).map(Protocol::Halfblocks),
        Protocols::Sixel => Sixel::new(image, size, tmux).map(Protocol::Sixel),
        Protocols::Iterm2 => Iterm2::new(image, size, tmux).map(Protocol::ITerm2),
        Protocols::Kitty => {
            // A number of its own for each picture, so that kitty keeps them apart; 24 bits are told by a colour.
            let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) & 0x00ff_ffff;
            Kitty::new(image, size, number, tmux, false).map(Protocol::Kitty)
        }
    }
    .map_err(|error| error.to_string())
}

static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0x00fa_ce01);

/// Brings 24-bit colours to xterm's palette: its cube of 6 × 6 × 6, or its greys where those are nearer.
fn to_palette(buffer: &mut Buffer, area: Rect) {
    for position in area.intersection(buffer.area).positions() {
        let cell = &mut buffer[position];
        for colour in [&mut cell.fg, &mut cell.bg] {
            if let Color::Rgb(red, green, blue) = *colour {
                *colour = Color::Indexed(nearest([red, green, blue]));
            }
        }
    }
}

fn nearest(rgb: [u8; 3]) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let far = |a: [u8; 3], b: [u8; 3]| -> u32 {
        a.iter()
            .zip(b)
            .map(|(a, b)| u32::from(a.abs_diff(b)).pow(2))
            .sum()
    };
    let level = |value: u8| {
        let nearest = LEVELS
            .iter()
            .enumerate()
            .min_by_key(|(_, level)| level.abs_diff(value));
        nearest.map_or(0, |(at, _)| at)
    };
    let [red, green, blue] = rgb.map(level);
    let cube = [red, green, blue].map(|at| LEVELS[at]);
    let mean = rgb.iter().map(|value| u32::from(*value)).sum::<u32>() / 3;
    let grey_at = (mean.saturating_sub(8) + 5).min(235) / 10;
    let grey = [(8 + grey_at * 10).min(255) as u8; 3];
    if far(grey, rgb) < far(cube, rgb) {
        232 + grey_at as u8
    } else {
        (16 + 36 * red + 6 * green + blue) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_are_square_and_have_their_own_pixels() {
        assert_eq!(Graphics::HALF_BLOCKS.square((80, 20)), (40, 20));
        assert_eq!(Graphics::HALF_BLOCKS.square((10, 20)), (10, 5));
        let kitty = Graphics {
            by: Protocols::Kitty,
            cell: (8, 16),
            tmux: false,
        };
        assert_eq!(kitty.square((200, 50)), (14, 7));
        assert_eq!(kitty.square((10, 50)), (10, 5));
        for (cell, expected) in [((10, 20), (11, 6)), ((9, 18), (12, 6)), ((16, 32), (14, 7))] {
            assert_eq!(Graphics { cell, ..kitty }.square((200, 50)), expected);
        }
    }

    #[test]
    fn the_palette_has_the_cube_and_the_greys() {
        // The values that xterm's own table has for these numbers.
        for (rgb, index) in [
            ([0, 0, 0], 16),
            ([255, 255, 255], 231),
            ([95, 135, 175], 67),
            ([128, 128, 128], 244),
            ([8, 8, 8], 232),
            ([238, 238, 238], 255),
        ] {
            assert_eq!(nearest(rgb), index, "{rgb:?}");
        }
    }

    #[test]
    fn every_way_makes_a_picture_of_its_cells() {
        let rgb = (0..112 * 96 * 3).map(|at| (at % 251) as u8).collect();
        let picture = Picture {
            width: 96,
            height: 112,
            rgb,
        };
        for by in [
            Protocols::Kitty,
            Protocols::Sixel,
            Protocols::Iterm2,
            Protocols::HalfBlocks,
        ] {
            let graphics = Graphics {
                by,
                cell: (8, 16),
                tmux: false,
            };
            let made = protocol(&picture, (14, 7), graphics).unwrap();
            assert_eq!(made.size(), Size::new(14, 7), "{by:?}");
        }
        let torn = Picture {
            width: 5,
            height: 5,
            rgb: vec![0; 3],
        };
        assert!(protocol(&torn, (14, 7), Graphics::HALF_BLOCKS).is_err());
    }
}
