//! How the end of a run is told to people who look elsewhere.

use crate::config::NotifyChoice;
use crate::untrusted::visible;

/// What the terminal is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Notify {
    /// Nothing.
    #[default]
    Off,
    /// A bell.
    Bell,
    /// A desktop notification, by the escape sequence that iTerm2 began: OSC 9.
    Osc9,
}

/// More is cut by most desktops.
const MOST_CHARS: usize = 200;

impl From<NotifyChoice> for Notify {
    fn from(choice: NotifyChoice) -> Self {
        match choice {
            NotifyChoice::Off => Self::Off,
            NotifyChoice::Bell => Self::Bell,
            NotifyChoice::Osc9 => Self::Osc9,
        }
    }
}

impl Notify {
    /// What this terminal is sent instead, as the environment tells: inside tmux and screen, which pass no OSC 9 on
    /// unless they are set up to, a bell, of which both make a mark of their own at the window's name.
    #[must_use]
    pub fn understood_by(self, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let multiplexed = set("TMUX") || set("STY");
        match self {
            Self::Osc9 if multiplexed => Self::Bell,
            other => other,
        }
    }

    /// The bytes that tell `text`.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Self::Off => Vec::new(),
            Self::Bell => b"\x07".to_vec(),
            Self::Osc9 => {
                let text: String = visible(text).chars().take(MOST_CHARS).collect();
                // The name comes first, as some terminals take a text that begins with a digit for another order.
                format!("\x1b]9;facetui: {text}\x07").into_bytes()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_has_its_bytes_and_no_text_steers_the_terminal() {
        assert!(Notify::Off.bytes("a").is_empty());
        assert_eq!(Notify::Bell.bytes("a"), b"\x07");
        assert_eq!(
            Notify::Osc9.bytes("a: lost"),
            b"\x1b]9;facetui: a: lost\x07"
        );
        let hostile = Notify::Osc9.bytes("4;1\x07\x1b[2J\u{9c}");
        assert_eq!(hostile, b"\x1b]9;facetui: 4;1\\x07\\x1b[2J\\x9c\x07");
        assert!(Notify::Osc9.bytes(&"n".repeat(5_000)).len() < 300);
    }

    #[test]
    fn inside_a_multiplexer_it_is_a_bell() {
        let inside =
            |name: &'static str| move |asked: &str| (asked == name).then(|| "x".to_owned());
        assert_eq!(Notify::Osc9.understood_by(inside("TMUX")), Notify::Bell);
        assert_eq!(Notify::Osc9.understood_by(inside("STY")), Notify::Bell);
        assert_eq!(Notify::Osc9.understood_by(|_| None), Notify::Osc9);
        assert_eq!(Notify::Off.understood_by(inside("TMUX")), Notify::Off);
    }
}
