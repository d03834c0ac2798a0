//! Names that come from files and other people, made safe to show.
//!
//! A person's name can hold an escape sequence that moves the cursor, or a mark that turns the line around.
//! Whatever was read from a file passes through [`visible`] (or its siblings for bytes and paths) on its way to a
//! terminal.

use std::{ffi::OsStr, fmt::Write, path::Path};

/// The text with every character that would steer a terminal or hide itself written as an escape.
///
/// Characters below U+0100 become `\x1b`, others `\u{202e}`; everything else stays as it is.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if !hides(character) {
            shown.push(character);
        } else if u32::from(character) < 0x100 {
            // Writing to a `String` can't fail.
            let _ = write!(shown, "\\x{:02x}", u32::from(character));
        } else {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
    }
    shown
}

/// As [`visible`], for bytes that may not be UTF-8: what isn't becomes `\xff`.
pub fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// As [`visible`], for a file name.
pub fn visible_os(name: &OsStr) -> String {
    visible_bytes(name.as_encoded_bytes())
}

/// As [`visible`], for a path.
pub fn visible_path(path: &Path) -> String {
    visible_os(path.as_os_str())
}

/// Whether a character has no picture of its own but an effect: controls, direction marks, invisible ones.
///
/// The joiners U+200C and U+200D stay: names in Persian and in Indic scripts are spelt with them.
fn hides(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in [
            "Sadie_Frost",
            "Zoë",
            "王小明",
            "Иван",
            "می\u{200c}خواهم",
            "a\\b",
        ] {
            assert_eq!(visible(name), name);
        }
    }

    #[test]
    fn what_steers_a_terminal_is_spelt_out() {
        assert_eq!(visible("a\x1b[2Jb"), "a\\x1b[2Jb");
        assert_eq!(visible("a\nb\rc\td\u{7f}"), "a\\x0ab\\x0dc\\x09d\\x7f");
        assert_eq!(visible("\u{9b}31m"), "\\x9b31m");
        assert_eq!(visible("ab\u{202e}dc\u{2066}"), "ab\\u{202e}dc\\u{2066}");
    }

    #[test]
    fn bytes_that_are_no_text_are_spelt_out() {
        assert_eq!(visible_bytes(b"ab\xff\xc3c\x1b"), "ab\\xff\\xc3c\\x1b");
        assert_eq!(visible_path(Path::new("runs/a\x07")), "runs/a\\x07");
    }
}
