use std::path::PathBuf;

use crossterm::event::KeyModifiers;

use super::*;
use crate::config::Place;

#[test]
fn every_key_of_the_table_does_what_its_line_says() {
    let keys = Keys::default();
    for binding in TABLE {
        assert!(!binding.keys.is_empty() && !binding.help.is_empty());
        for context in binding.contexts {
            for press in binding.keys {
                let found = keys.action(*context, press.event());
                assert_eq!(
                    found,
                    Some(binding.action),
                    "{} in {context:?}",
                    press.name()
                );
            }
        }
    }
}

#[test]
fn a_capital_is_the_same_with_and_without_shift() {
    let keys = Keys::default();
    let with = KeyEvent::new(KeyCode::Char('P'), KeyModifiers::SHIFT);
    assert_eq!(keys.action(Runs, with), Some(Action::Park));
    let control = KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL);
    assert_eq!(keys.action(Runs, control), None);
}

fn set(settings: &[(&str, &[&str])]) -> Result<Keys, ConfigErrors> {
    let settings: Vec<KeySetting> = (1..)
        .zip(settings)
        .map(|(line, (action, keys))| KeySetting {
            action: (*action).to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            place: Place::Line(PathBuf::from("settings.toml"), line),
        })
        .collect();
    Keys::with(&settings)
}

#[test]
fn keys_that_are_set_hold_and_the_old_ones_do_not() {
    let keys = set(&[("park", &["ctrl-p", "f5"]), ("quit", &["Q"])]).unwrap();
    let press = |text| Press::parse(text).unwrap().event();
    assert_eq!(keys.action(Runs, press("ctrl-p")), Some(Action::Park));
    assert_eq!(keys.action(Runs, press("F5")), Some(Action::Park));
    assert_eq!(keys.action(Runs, press("P")), None);
    assert_eq!(keys.action(Runs, press("Q")), Some(Action::Quit));
    // Out of everything there is always a way.
    assert_eq!(keys.action(Form, press("ctrl-c")), Some(Action::Quit));
    assert_eq!(press("shift-tab").code, KeyCode::BackTab);
    assert_eq!(press("space").code, KeyCode::Char(' '));
    assert_eq!(press("-").code, KeyCode::Char('-'));
    assert_eq!(press("ctrl--").code, KeyCode::Char('-'));
}

#[test]
fn wrong_keys_are_told_with_their_lines() {
    let wrong = set(&[
        ("prak", &["x"]),
        ("park", &["hyper-x", "f99"]),
        ("checkpoint", &["s"]),
    ]);
    let told = wrong.unwrap_err().to_string();
    for part in [
        "settings.toml:1: keys.prak: is no action",
        "settings.toml:2: keys.park: found \"hyper-x\"",
        "found \"f99\"",
        "settings.toml:3: keys.checkpoint: s is the key of stop too",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
}
