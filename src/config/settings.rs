//! How the dashboard looks and which keys it obeys: `settings.toml`.

use std::path::{Path, PathBuf};

use super::error::{ConfigErrors, Place, read_text};
use super::reader::{Mistakes, Need, Reader};
use super::tree::Table;

/// All that a person can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Colours for a dark or a light background.
    pub theme: ThemeChoice,
    /// How many colours are shown.
    pub colours: ColourChoice,
    /// Whether only ASCII is drawn.
    pub ascii: bool,
    /// How pictures are shown: one of the words of `--images`.
    pub images: ImageChoice,
    /// Whether the dashboard takes the mouse; where it doesn't, the terminal selects text with it.
    pub mouse: bool,
    /// The most frames a second.
    pub frames_per_second: u64,
    /// What the terminal is sent at the end of a run.
    pub notify: NotifyChoice,
    /// One's own list of mislabelled videos; `None` for the one in the folder of runs.
    pub error_list: Option<PathBuf>,
    /// Keys of actions that have others than usual.
    pub keys: Vec<KeySetting>,
}

/// Colours for which background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThemeChoice {
    /// As the terminal says; dark where it says nothing.
    Auto,
    /// Light text on a dark background.
    Dark,
    /// Dark text on a light background.
    Light,
}

/// How many colours are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourChoice {
    /// As many as the environment says.
    Auto,
    /// 24 bits.
    True,
    /// xterm's palette.
    Indexed,
    /// The sixteen that have names.
    Sixteen,
    /// None.
    None,
}

/// How pictures are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImageChoice {
    /// What the terminal says it can; half-blocks inside tmux and screen.
    #[default]
    Auto,
    /// kitty's graphics protocol.
    Kitty,
    /// DEC's sixels.
    Sixel,
    /// iTerm2's inline images.
    Iterm2,
    /// Two pixels a cell.
    HalfBlocks,
    /// None: names and scores alone.
    Off,
}

/// What the terminal is sent at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotifyChoice {
    /// Nothing.
    Off,
    /// A bell.
    Bell,
    /// A desktop notification.
    Osc9,
}

/// Keys of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySetting {
    /// The action, by its name in the command palette: `toggle-pause`.
    pub action: String,
    /// The keys: `P`, `ctrl-p`, `f5`.
    pub keys: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: ThemeChoice::Auto,
            colours: ColourChoice::Auto,
            ascii: false,
            images: ImageChoice::Auto,
            mouse: true,
            frames_per_second: 60,
            notify: NotifyChoice::Off,
            error_list: None,
            keys: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads a settings file; relative paths in it are relative to its folder.
    ///
    /// # Errors
    /// All that is wrong with it, each with its line.
    pub fn load(path: &Path) -> Result<Self, ConfigErrors> {
        Self::parse(&read_text(path)?, path)
    }

    /// Reads settings from their text; `path` is what messages name.
    ///
    /// # Errors
    /// All that is wrong with it, each with its line.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigErrors> {
        let table = Table::parse(text, path)?;
        let mistakes = Mistakes::default();
        let settings = read(&table, path, &mistakes);
        mistakes.check()?;
        Ok(settings)
    }
}

fn read(table: &Table, path: &Path, mistakes: &Mistakes) -> Settings {
    let default = Settings::default();
    let reader = Reader::new(table, "", mistakes);
    let themes = [
        ("auto", ThemeChoice::Auto),
        ("dark", ThemeChoice::Dark),
        ("light", ThemeChoice::Light),
    ];
    let colours = [
        ("auto", ColourChoice::Auto),
        ("24-bit", ColourChoice::True),
        ("256", ColourChoice::Indexed),
        ("16", ColourChoice::Sixteen),
        ("none", ColourChoice::None),
    ];
    let images = [
        ("auto", ImageChoice::Auto),
        ("kitty", ImageChoice::Kitty),
        ("sixel", ImageChoice::Sixel),
        ("iterm2", ImageChoice::Iterm2),
        ("half-blocks", ImageChoice::HalfBlocks),
        ("off", ImageChoice::Off),
    ];
    let notify = [
        ("off", NotifyChoice::Off),
        ("bell", NotifyChoice::Bell),
        ("osc9", NotifyChoice::Osc9),
    ];
    let rate = Need::Default(default.frames_per_second);
    let relative = |text: &str| {
        let folder = path.parent().unwrap_or(Path::new(""));
        (!text.is_empty()).then(|| folder.join(text))
    };
    let settings = Settings {
        theme: reader.choice("theme", &themes, default.theme).value,
        colours: reader.choice("colours", &colours, default.colours).value,
        ascii: reader.flag("ascii", default.ascii).value,
        images: reader.choice("images", &images, default.images).value,
        mouse: reader.flag("mouse", default.mouse).value,
        frames_per_second: reader.whole("frames_per_second", 1..=240, rate).value,
        notify: reader.choice("notify", &notify, default.notify).value,
        error_list: reader.optional("error_list", "a file", relative).value,
        keys: reader
            .lists(
                "keys",
                "a key, such as \"P\", \"ctrl-p\" or \"f5\", or a list of them",
            )
            .into_iter()
            .map(|(action, keys, place)| KeySetting {
                action,
                keys,
                place,
            })
            .collect(),
    };
    reader.finish();
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings, ConfigErrors> {
        Settings::parse(text, Path::new("/home/ada/settings.toml"))
    }

    #[test]
    fn nothing_set_is_the_default_and_everything_can_be_set() {
        assert_eq!(parse("").unwrap(), Settings::default());
        let all = parse(
            "theme = \"light\"\ncolours = \"256\"\nascii = true\nmouse = false\nimages = \"half-blocks\"\n\
             frames_per_second = 20\nnotify = \"bell\"\nerror_list = \"mine.txt\"\n\
             [keys]\npark = \"K\"\nquit = [\"q\", \"ctrl-q\"]\n",
        )
        .unwrap();
        assert_eq!(all.theme, ThemeChoice::Light);
        assert_eq!(all.colours, ColourChoice::Indexed);
        assert_eq!(all.images, ImageChoice::HalfBlocks);
        assert_eq!((all.frames_per_second, all.ascii), (20, true));
        assert!(!all.mouse);
        assert_eq!(all.error_list, Some(PathBuf::from("/home/ada/mine.txt")));
        let keys: Vec<_> = all
            .keys
            .iter()
            .map(|one| (one.action.as_str(), one.keys.len()))
            .collect();
        assert_eq!(keys, [("park", 1), ("quit", 2)]);
    }

    #[test]
    fn all_mistakes_are_told_with_their_lines() {
        let wrong = parse(
            "theme = \"blue\"\nframes_per_second = 0\nimage = \"off\"\n[keys]\npark = 3\nquit = [\"q\", 4]\n",
        )
        .unwrap_err();
        let told: Vec<String> = wrong.list().iter().map(ToString::to_string).collect();
        let told = told.join("\n");
        for part in [
            "settings.toml:1: theme: found \"blue\"; allowed: \"auto\", \"dark\", \"light\"",
            "settings.toml:2: frames_per_second: found 0",
            "settings.toml:3: image: unknown key; did you mean images?",
            "settings.toml:5: keys.park: found 3",
            "settings.toml:6: keys.quit",
        ] {
            assert!(told.contains(part), "{part} is not in:\n{told}");
        }
    }
}
