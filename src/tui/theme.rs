//! Colours and glyphs: what a terminal can show, and what means what on it.
//!
//! Nothing is told by colour alone: every coloured thing has a glyph, a word or a dash pattern of its own,
//! so that the screen reads the same with `NO_COLOR`, on 16 colours and to colour-blind eyes.

use ratatui::style::{Color, Modifier, Style};

use crate::config::{ColourChoice, Settings, ThemeChoice};
use crate::run::RunState;

/// How many colours the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None, or none wanted (`NO_COLOR`).
    Monochrome,
    /// The sixteen that every terminal names.
    Sixteen,
    /// xterm's palette of 256.
    Indexed,
    /// 24 bits.
    True,
}

/// Which characters the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// All of Unicode's block elements, braille and symbols.
    Unicode,
    /// Printable ASCII only.
    Ascii,
}

/// What the terminal's own background is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Light text on a dark ground.
    Dark,
    /// Dark text on a light ground.
    Light,
}

impl Background {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Dark,
        }
    }
}

/// What a colour is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Labels, units, rules: what the eye may skip.
    Quiet,
    /// Titles and figures.
    Strong,
    /// What has the focus.
    Accent,
    /// Going well.
    Good,
    /// Waits for somebody.
    Waiting,
    /// Went wrong.
    Bad,
    /// The nth curve of a chart.
    Curve(usize),
    /// A curve before smoothing.
    Raw,
}

/// How the screen looks on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Its colours.
    pub depth: Depth,
    /// Its characters.
    pub charset: Charset,
    /// What lies behind both.
    pub background: Background,
}

impl Theme {
    /// What the environment says of the terminal, where the settings leave it to that.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>, settings: &Settings) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let colours = set("COLORTERM").unwrap_or_default();
        let depth = if set("NO_COLOR").is_some() || term == "dumb" {
            Depth::Monochrome
        } else if colours == "truecolor" || colours == "24bit" {
            Depth::True
        } else if term.contains("256color") {
            Depth::Indexed
        } else {
            Depth::Sixteen
        };
        let depth = match settings.colours {
            ColourChoice::Auto => depth,
            ColourChoice::True => Depth::True,
            ColourChoice::Indexed => Depth::Indexed,
            ColourChoice::Sixteen => Depth::Sixteen,
            ColourChoice::None => Depth::Monochrome,
        };
        let locale = set("LC_ALL")
            .or_else(|| set("LC_CTYPE"))
            .or_else(|| set("LANG"))
            .unwrap_or_default()
            .to_lowercase();
        let unicode = locale.contains("utf-8") || locale.contains("utf8");
        let charset = if settings.ascii || !unicode || term == "dumb" {
            Charset::Ascii
        } else {
            Charset::Unicode
        };
        // Some terminals tell the colours of text and ground: `15;0`.
        let light = set("COLORFGBG")
            .is_some_and(|colours| matches!(colours.rsplit(';').next(), Some("7" | "15")));
        let background = match settings.theme {
            ThemeChoice::Light => Background::Light,
            ThemeChoice::Auto if light => Background::Light,
            ThemeChoice::Auto | ThemeChoice::Dark => Background::Dark,
        };
        Self {
            depth,
            charset,
            background,
        }
    }

    /// The style of a role. Colours are those of Okabe and Ito, which stay apart for colour-blind eyes.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Text => plain,
            Role::Quiet => plain.add_modifier(Modifier::DIM),
            Role::Strong => plain.add_modifier(Modifier::BOLD),
            Role::Accent => self.coloured(SKY).add_modifier(Modifier::BOLD),
            Role::Good => self.coloured(GREEN),
            Role::Waiting => self.coloured(ORANGE),
            Role::Bad => self.coloured(VERMILION).add_modifier(Modifier::BOLD),
            Role::Curve(nth) => self.coloured(CURVES[nth % CURVES.len()]),
            Role::Raw => self.coloured(GREY).add_modifier(Modifier::DIM),
        }
    }

    /// The style of a selected line: reversed where there is no colour.
    pub fn selected(self) -> Style {
        match self.depth {
            Depth::Monochrome => Style::new().add_modifier(Modifier::REVERSED),
            Depth::Sixteen => Style::new().add_modifier(Modifier::BOLD),
            Depth::Indexed => match self.background {
                Background::Dark => Style::new().bg(Color::Indexed(237)).fg(Color::Indexed(255)),
                Background::Light => Style::new().bg(Color::Indexed(254)).fg(Color::Indexed(232)),
            },
            Depth::True => match self.background {
                Background::Dark => Style::new()
                    .bg(Color::Rgb(0x2b, 0x33, 0x3d))
                    .fg(Color::Rgb(0xf2, 0xf2, 0xf2)),
                Background::Light => Style::new()
                    .bg(Color::Rgb(0xe3, 0xe9, 0xf0))
                    .fg(Color::Rgb(0x10, 0x10, 0x10)),
            },
        }
    }

    /// The role and glyph of a state; its word is always shown beside it.
    pub fn state(self, state: RunState) -> (Role, &'static str) {
        let (role, unicode, ascii) = match state {
            RunState::Starting => (Role::Waiting, "◌", "~"),
            RunState::Running => (Role::Good, "●", ">"),
            RunState::Paused => (Role::Waiting, "◐", "="),
            RunState::Parked => (Role::Waiting, "○", "_"),
            RunState::Finished => (Role::Accent, "✓", "+"),
            RunState::Failed => (Role::Bad, "✗", "x"),
            RunState::Stopped => (Role::Quiet, "■", "#"),
            RunState::Lost => (Role::Bad, "?", "?"),
        };
        (role, self.pick(unicode, ascii))
    }

    /// `unicode`, or `ascii` where the terminal has no more.
    pub fn pick<T>(self, unicode: T, ascii: T) -> T {
        match self.charset {
            Charset::Unicode => unicode,
            Charset::Ascii => ascii,
        }
    }

    /// The text in this terminal's characters: dashes and signs that ASCII lacks are spelt.
    pub fn text(self, text: &str) -> String {
        match self.charset {
            Charset::Unicode => text.to_owned(),
            Charset::Ascii => text.chars().map(ascii_of).collect(),
        }
    }

    fn coloured(self, colour: Colour) -> Style {
        let shade = match self.background {
            Background::Dark => colour.dark,
            Background::Light => colour.light,
        };
        match self.depth {
            Depth::Monochrome => Style::new(),
            Depth::Sixteen => Style::new().fg(shade.sixteen),
            Depth::Indexed => Style::new().fg(Color::Indexed(shade.indexed)),
            Depth::True => Style::new().fg(Color::from_u32(shade.rgb)),
        }
    }
}

fn ascii_of(character: char) -> &'static str {
    match character {
        ' '..='~' => {
            let at = character as usize - ' ' as usize;
            &PRINTABLE[at..=at]
        }
        '·' | '─' | '━' | '╍' | '–' | '—' | '−' => "-",
        '│' | '┤' => "|",
        '▌' => ">",
        '≤' => "<=",
        '…' => "...",
        '±' => "+-",
        '→' => "->",
        '←' => "<-",
        '↑' => "^",
        '↓' => "v",
        '×' => "x",
        '“' | '”' => "\"",
        '‘' | '’' => "'",
        '⏎' => "Enter",
        'θ' => "theta",
        '°' => "",
        _ => "?",
    }
}

const PRINTABLE: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// A colour for either ground.
#[derive(Debug, Clone, Copy)]
struct Colour {
    dark: Shade,
    light: Shade,
}

#[derive(Debug, Clone, Copy)]
struct Shade {
    rgb: u32,
    indexed: u8,
    sixteen: Color,
}

const fn shade(rgb: u32, indexed: u8, sixteen: Color) -> Shade {
    Shade {
        rgb,
        indexed,
        sixteen,
    }
}

const SKY: Colour = Colour {
    dark: shade(0x56_b4_e9, 74, Color::Cyan),
    light: shade(0x00_63_9c, 24, Color::Blue),
};
const ORANGE: Colour = Colour {
    dark: shade(0xe6_9f_00, 178, Color::Yellow),
    light: shade(0x8a_5a_00, 94, Color::Yellow),
};
const GREEN: Colour = Colour {
    dark: shade(0x00_b0_83, 36, Color::Green),
    light: shade(0x00_6b_4f, 23, Color::Green),
};
const VERMILION: Colour = Colour {
    dark: shade(0xe5_6b_1f, 166, Color::Red),
    light: shade(0xb0_3f_00, 130, Color::Red),
};
const PURPLE: Colour = Colour {
    dark: shade(0xcc_79_a7, 175, Color::Magenta),
    light: shade(0x8f_3b_6c, 89, Color::Magenta),
};
const GREY: Colour = Colour {
    dark: shade(0x80_80_80, 244, Color::DarkGray),
    light: shade(0x6c_6c_6c, 242, Color::DarkGray),
};
const CURVES: [Colour; 5] = [SKY, ORANGE, GREEN, PURPLE, VERMILION];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Theme {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Theme::of_environment(variable, &Settings::default())
    }

    #[test]
    fn the_environment_says_how_many_colours() {
        assert_eq!(of(&[("TERM", "xterm")]).depth, Depth::Sixteen);
        assert_eq!(of(&[("TERM", "screen-256color")]).depth, Depth::Indexed);
        assert_eq!(of(&[("COLORTERM", "truecolor")]).depth, Depth::True);
        assert_eq!(
            of(&[("COLORTERM", "truecolor"), ("NO_COLOR", "1")]).depth,
            Depth::Monochrome
        );
        assert_eq!(
            of(&[("COLORTERM", "truecolor"), ("NO_COLOR", "")]).depth,
            Depth::True
        );
    }

    #[test]
    fn ascii_is_chosen_where_the_locale_is_not_utf_8() {
        assert_eq!(of(&[("LANG", "de_DE.UTF-8")]).charset, Charset::Unicode);
        assert_eq!(of(&[("LANG", "C.utf8")]).charset, Charset::Unicode);
        assert_eq!(of(&[("LANG", "C")]).charset, Charset::Ascii);
        assert_eq!(of(&[]).charset, Charset::Ascii);
        assert_eq!(
            of(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]).charset,
            Charset::Ascii
        );
    }

    #[test]
    fn ascii_text_has_only_ascii() {
        let theme = Theme {
            depth: Depth::True,
            charset: Charset::Ascii,
            background: Background::Dark,
        };
        assert_eq!(theme.text("a – b ± 1…ü"), "a - b +- 1...?");
    }

    #[test]
    fn without_colours_no_style_has_one() {
        let theme = Theme {
            depth: Depth::Monochrome,
            charset: Charset::Unicode,
            background: Background::Dark,
        };
        for role in [
            Role::Accent,
            Role::Good,
            Role::Bad,
            Role::Curve(3),
            Role::Raw,
        ] {
            assert_eq!(theme.style(role).fg, None);
        }
        assert_eq!(theme.selected().bg, None);
    }

    #[test]
    fn settings_come_before_the_environment() {
        let settings = Settings {
            theme: ThemeChoice::Light,
            colours: ColourChoice::Sixteen,
            ..Settings::default()
        };
        let theme = Theme::of_environment(|_| None, &settings);
        assert_eq!(
            (theme.depth, theme.background),
            (Depth::Sixteen, Background::Light)
        );
        assert_eq!(of(&[("COLORFGBG", "0;15")]).background, Background::Light);
        assert_eq!(of(&[("COLORFGBG", "15;0")]).background, Background::Dark);
    }

    /// The contrast of two colours by WCAG 2.1; text needs 4.5.
    fn contrast(a: u32, b: u32) -> f64 {
        let luminance = |rgb: u32| {
            let linear = |at: u32| {
                let value = f64::from(rgb >> at & 0xff) / 255.0;
                if value <= 0.04045 {
                    value / 12.92
                } else {
                    ((value + 0.055) / 1.055).powf(2.4)
                }
            };
            0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0)
        };
        let (light, dark) = (
            luminance(a).max(luminance(b)),
            luminance(a).min(luminance(b)),
        );
        (light + 0.05) / (dark + 0.05)
    }

    #[test]
    fn every_colour_can_be_read_on_its_ground() {
        assert!((contrast(0xff_ff_ff, 0) - 21.0).abs() < 1e-9);
        for colour in [SKY, ORANGE, GREEN, VERMILION, PURPLE, GREY] {
            let dark = contrast(colour.dark.rgb, 0x1e_1e_1e);
            let light = contrast(colour.light.rgb, 0xff_ff_ff);
            assert!(dark >= 4.0, "{:x} on dark: {dark}", colour.dark.rgb);
            assert!(light >= 4.5, "{:x} on light: {light}", colour.light.rgb);
        }
    }
}
