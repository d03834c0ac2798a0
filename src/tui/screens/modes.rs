//! Every view and everything that can lie over one, at both sizes, in colour, in ASCII and without colours: what is
//! missing here doesn't compile or fails.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Style};

use super::{LARGE, SMALL, buffer, press, rows};
use crate::tui::fixtures;
use crate::tui::keys::{Action, Context, Keys, TABLE};
use crate::tui::model::{Model, View};
use crate::tui::theme::{Charset, Depth};

/// The dashboard where keys count as in a context.
fn shown(context: Context) -> Model {
    let mut model = match context {
        Context::Evaluation => fixtures::figure(Ok(fixtures::scored())),
        Context::Failures | Context::Ask => fixtures::failing_pairs(),
        Context::Errors => fixtures::error_list(),
        Context::Data => fixtures::sets(),
        Context::Runs
        | Context::Live
        | Context::Help
        | Context::Search
        | Context::Question
        | Context::Form
        | Context::Palette => fixtures::busy(),
    };
    press(
        &mut model,
        match context {
            Context::Runs
            | Context::Evaluation
            | Context::Failures
            | Context::Errors
            | Context::Data => "",
            Context::Live => "⏎",
            Context::Help => "?",
            Context::Search => "?/mark",
            Context::Question => "s",
            Context::Form => "n",
            Context::Ask => "m",
            Context::Palette => ":",
        },
    );
    assert_eq!(model.context(), context);
    model
}

/// A mode's name, and how it differs from colours of 24 bits and all of Unicode.
type Mode = (&'static str, fn(&mut Model));

const MODES: [Mode; 3] = [
    ("colour", |_| {}),
    ("ascii", |model| model.theme.charset = Charset::Ascii),
    ("no_color", |model| {
        model.theme.depth = Depth::Monochrome;
        // Half-blocks are nothing but colours: without them the words say so.
        model.graphics = None;
    }),
];

#[test]
fn every_view_at_both_sizes_in_every_mode() {
    for context in Context::ALL {
        for (mode, change) in MODES {
            for (width, height) in [SMALL, LARGE] {
                let mut model = shown(*context);
                change(&mut model);
                let buffer = buffer(&mut model, (width, height));
                let name = format!("{context:?}_{width}x{height}_{mode}").to_lowercase();
                insta::assert_snapshot!(name, styled(&buffer, model.theme.selected().bg));
            }
        }
    }
}

#[test]
fn there_is_no_context_view_or_action_that_the_lists_of_them_lack() {
    let places: Vec<usize> = Context::ALL
        .iter()
        .map(|context| *context as usize)
        .collect();
    let all: Vec<usize> = (0..=Context::Search as usize).collect();
    assert_eq!(places, all);
    for view in View::ALL {
        assert_eq!(view.context().view(), Some(view));
    }
    let views = Context::ALL.iter().filter_map(|context| context.view());
    assert_eq!(views.collect::<Vec<_>>(), View::ALL);
    let mut actions: Vec<usize> = TABLE.iter().map(|line| line.action as usize).collect();
    actions.sort_unstable();
    actions.dedup();
    let all: Vec<usize> = (0..=Action::ClearField as usize).collect();
    assert_eq!(actions, all, "each action has a key");
}

#[test]
fn the_help_of_every_context_says_what_its_keys_do() {
    let mut help = shown(Context::Help);
    let text = rows(&buffer(&mut help, (200, 150))).join("\n");
    let keys = Keys::default();
    for context in Context::ALL {
        let mut own = keys.of(*context).peekable();
        assert!(own.peek().is_some(), "{context:?}");
        for bound in own {
            let line = text.lines().find(|line| {
                let start: String = bound.binding.help.chars().take(40).collect();
                line.contains(&start) && line.contains(&bound.names())
            });
            assert!(line.is_some(), "{context:?}: {}", bound.binding.help);
        }
    }
}

/// A screen's text, and below it a letter for each cell's style, which a list explains.
fn styled(buffer: &Buffer, selected: Option<Color>) -> String {
    let mut text = rows(buffer).join("\n");
    let mut styles: Vec<Style> = Vec::new();
    let mut letters = String::new();
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width)
            .map(|x| letter(&buffer[(x, y)], selected, &mut styles))
            .collect();
        letters += row.trim_end();
        letters.push('\n');
    }
    text += "\n\n";
    text += &letters;
    for (letter, style) in ('a'..).zip(styles) {
        // Writing to a `String` can't fail.
        let _ = write!(text, "{letter}:");
        for (what, colour) in [("", style.fg), ("on ", style.bg)] {
            let _ = colour.map_or(Ok(()), |colour| write!(text, " {what}{colour}"));
        }
        let modifier = style.add_modifier;
        if !modifier.is_empty() {
            let _ = write!(text, " {}", format!("{modifier:?}").to_lowercase());
        }
        text.push('\n');
    }
    text
}

/// The letter of a cell's style; of a picture's cell the same for all, as they are as many as its colours.
fn letter(cell: &Cell, selected: Option<Color>, styles: &mut Vec<Style>) -> char {
    if matches!(cell.bg, Color::Rgb(..)) && Some(cell.bg) != selected {
        return '▀';
    }
    let style = Style {
        fg: Some(cell.fg).filter(|colour| *colour != Color::Reset),
        bg: Some(cell.bg).filter(|colour| *colour != Color::Reset),
        add_modifier: cell.modifier,
        ..Style::default()
    };
    if style == Style::default() {
        return ' ';
    }
    let known = styles.iter().position(|other| *other == style);
    let at = known.unwrap_or_else(|| {
        styles.push(style);
        styles.len() - 1
    });
    char::from(b'a' + at as u8)
}
