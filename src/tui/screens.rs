//! Snapshots of whole screens, at both sizes, with and without colours and Unicode.

use crossterm::event::{KeyCode, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use crate::run::Command;

use super::fixtures;
use super::form::Outcome;
use super::marks::MarkKind;
use super::message::{KeyOf, Message};
use super::model::{Access, Model, Overlay};
use super::picture;
use super::theme::{Charset, Depth};
use super::update::update;
use super::view::{self, ViewCache};

mod modes;

const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 50);

fn buffer(model: &mut Model, size: (u16, u16)) -> Buffer {
    update(model, Message::Resized(size.0, size.1));
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    let mut cache = ViewCache::default();
    // The second frame has the pictures that the first one wanted.
    for _ in 0..2 {
        terminal
            .draw(|frame| view::draw(model, &mut cache, frame))
            .unwrap();
        for wanted in cache.pictures.take_wanted() {
            cache.pictures.keep(picture::encode(&wanted));
        }
    }
    terminal.backend().buffer().clone()
}

fn screen(model: &mut Model, size: (u16, u16)) -> String {
    rows(&buffer(model, size)).join("\n")
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let row = |y| {
        let row: String = (0..buffer.area.width)
            .map(|x| buffer[(x, y)].symbol())
            .collect();
        row.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

fn press(model: &mut Model, keys: &str) {
    for key in keys.chars() {
        let code = match key {
            '⏎' => KeyCode::Enter,
            '↓' => KeyCode::Down,
            '→' => KeyCode::Right,
            character => KeyCode::Char(character),
        };
        let event = crossterm::event::KeyEvent::new(code, KeyModifiers::NONE);
        update(model, Message::Key(event));
    }
}

/// Both sizes of the screen after some keys.
macro_rules! both_sizes {
    ($name:literal, $model:expr, $keys:literal) => {{
        let mut model = $model;
        press(&mut model, $keys);
        insta::assert_snapshot!(concat!($name, "_80x24"), screen(&mut model, SMALL));
        insta::assert_snapshot!(concat!($name, "_200x50"), screen(&mut model, LARGE));
    }};
}

#[test]
fn runs() {
    both_sizes!("runs_none", fixtures::empty(), "");
    both_sizes!("runs_zoomed", fixtures::busy(), "z");
    both_sizes!("runs_noted", fixtures::busy(), "jjjjjjj");
    both_sizes!("runs_failed_selected", fixtures::busy(), "jjjjjj");
    both_sizes!("runs_broken_selected", fixtures::busy(), "jjjjjjjjj");
}

#[test]
fn live() {
    both_sizes!("live_last_chart", fixtures::busy(), "⏎G");
    both_sizes!("live_zoomed_smoothed_log", fixtures::busy(), "⏎zeey");
    both_sizes!("live_accuracy_zoomed", fixtures::busy(), "⏎↓↓z");
    both_sizes!("live_starting", fixtures::busy(), "j⏎");
    both_sizes!("live_failed", fixtures::busy(), "jjjjjj⏎");
    both_sizes!("live_evaluation", fixtures::busy(), "jjjj⏎");
    both_sizes!("live_none", fixtures::empty(), "2");
    both_sizes!("live_cursor", fixtures::busy(), "⏎.<<");
    both_sizes!("live_part_by_time", fixtures::busy(), "⏎x++o");
    both_sizes!("live_log_log", fixtures::busy(), "⏎zXy");
    both_sizes!("live_compared", fixtures::compared(), "");
    both_sizes!("live_compared_zoomed", fixtures::compared(), "z.<<<");
    let mut devices = fixtures::busy();
    press(&mut devices, "⏎d");
    update(&mut devices, Message::Machine(fixtures::machine()));
    both_sizes!("live_devices", devices, "");
}

#[test]
fn data() {
    both_sizes!("data_zoomed", fixtures::sets(), "z");
    both_sizes!("data_broken_selected", fixtures::sets(), "j");
}

#[test]
fn forms() {
    let keys = |recipe: &[(&str, &str, Option<&str>)]| -> Vec<KeyOf> {
        let key = |(key, given, default): &(&str, &str, Option<&str>)| KeyOf {
            key: (*key).to_owned(),
            given: (*given).to_owned(),
            default: default.map(str::to_owned),
        };
        recipe.iter().map(key).collect()
    };
    let mut model = fixtures::busy();
    press(&mut model, "nr.toml");
    let Some(Overlay::Launch(form)) = &model.overlay else {
        panic!("the form is open");
    };
    let edit = form.edit;
    let keys = keys(&[
        ("steps", "1000", None),
        ("seed", "1", Some("1")),
        ("batch_size", "256", Some("512")),
        ("network.depth", "32", Some("50")),
        ("schedule.learning_rate", "0.1", Some("0.1")),
        ("loss.scale", "64", Some("64")),
    ]);
    let result = Ok("1,000 steps of 256 images from vgg, depth 32, on auto".to_owned());
    let checked = Message::Checked {
        edit,
        keys: Some(keys),
        result,
    };
    update(&mut model, checked);
    both_sizes!("launch_keys", model.clone(), "");
    press(&mut model, "↓↓↓↓↓↓7");
    let Some(Overlay::Launch(form)) = &mut model.overlay else {
        panic!("the form is open");
    };
    form.outcome = Outcome::Wrong(vec![
        "--set seed=17: seed: found 17; allowed: less".to_owned(),
    ]);
    both_sizes!("launch_key_changed", model, "");
    both_sizes!("evaluate", fixtures::busy(), "3n");
    both_sizes!("archive", fixtures::busy(), "jjjA");
    both_sizes!("runs_filtered", fixtures::busy(), "o/fin⏎");
}

#[test]
fn evaluation() {
    both_sizes!("evaluation", fixtures::busy(), "3");
    both_sizes!("evaluation_own", fixtures::busy(), "3G→→→");
    both_sizes!("evaluation_published_only", fixtures::empty(), "3");
}

#[test]
fn thresholds() {
    let scored = || fixtures::figure(Ok(fixtures::scored()));
    both_sizes!("threshold_moved", scored(), "{{[");
    both_sizes!("roc", scored(), "r");
    both_sizes!("evaluation_zoomed", scored(), "z");
    both_sizes!("evaluation_ordered", scored(), "o");
    let missing = "this figure's scores were not kept: measure it anew with `facetui eval`";
    let missing = || fixtures::figure(Err(missing.to_owned()));
    both_sizes!("threshold_missing", missing(), "]");
}

#[test]
fn faces() {
    both_sizes!("pairs_zoomed", fixtures::failing_pairs(), "z→");
    both_sizes!("pairs_by_kind", fixtures::failing_pairs(), "oof");
    both_sizes!("pairs_none", fixtures::empty(), "4");
    both_sizes!("errors_suspects", fixtures::error_list(), "f");
    let mut words = fixtures::failing_pairs();
    words.graphics = None;
    insta::assert_snapshot!("pairs_without_pictures_80x24", screen(&mut words, SMALL));
}

#[test]
fn half_blocks_of_a_terminal_with_256_colours_are_of_its_palette() {
    let mut model = fixtures::failing_pairs();
    model.theme.depth = Depth::Indexed;
    let buffer = buffer(&mut model, SMALL);
    let blocks = buffer.content.iter().filter(|cell| cell.symbol() == "▀");
    let colours: Vec<Color> = blocks.flat_map(|cell| [cell.fg, cell.bg]).collect();
    assert!(colours.len() > 100);
    let stray = colours
        .iter()
        .find(|colour| !matches!(colour, Color::Indexed(_)));
    assert_eq!(stray, None);
}

#[test]
fn overlays() {
    both_sizes!("palette_typed", fixtures::busy(), ":run↓");
    both_sizes!("launch_without_recipe", fixtures::busy(), "n⏎");
}

#[test]
fn a_command_shows_from_sending_to_its_acknowledgement() {
    let mut model = fixtures::busy();
    press(&mut model, "⏎p");
    let sent = screen(&mut model, SMALL);
    assert!(sent.contains("pause sent…"), "{sent}");
    let runs = fixtures::obeyed(model.runs(), "margin-centre", &Command::Pause, 120);
    update(&mut model, Message::Runs(runs));
    let obeyed = screen(&mut model, SMALL);
    assert!(
        obeyed.contains("margin-centre: paused at step 120"),
        "{obeyed}"
    );
    assert!(!obeyed.contains("pause sent"), "{obeyed}");
}

#[test]
fn readonly_says_so_and_offers_no_command() {
    let mut model = fixtures::busy();
    model.access = Access::ReadOnly;
    let text = screen(&mut model, SMALL);
    assert!(text.contains("read-only"), "{text}");
    for label in ["pause", "park", "stop", "checkpoint ", " new"] {
        let footer = text.lines().last().unwrap();
        assert!(!footer.contains(label), "{footer}");
    }
}

/// Every view there is, by the keys that lead to it.
const VIEWS: [&str; 11] = [
    "",
    "⏎",
    "⏎z",
    "j⏎",
    "jjjjjj⏎",
    "3",
    "?",
    "?/e",
    ":",
    "s",
    "n",
];

/// A model in every view, and with the threshold of a figure.
fn views() -> Vec<Model> {
    let mut models = vec![
        fixtures::figure(Ok(fixtures::scored())),
        fixtures::failing_pairs(),
        fixtures::error_list(),
    ];
    let mut zoomed = fixtures::failing_pairs();
    press(&mut zoomed, "z");
    let mut asked = fixtures::failing_pairs();
    press(&mut asked, "m");
    models.extend([zoomed, asked, fixtures::compared()]);
    let mut devices = fixtures::compared();
    press(&mut devices, "zd.");
    update(&mut devices, Message::Machine(fixtures::machine()));
    let mut roc = fixtures::figure(Ok(fixtures::scored()));
    press(&mut roc, "r");
    let mut evaluate = fixtures::busy();
    press(&mut evaluate, "3n");
    models.extend([devices, roc, evaluate, fixtures::sets()]);
    models.extend(VIEWS.map(|keys| {
        let mut model = fixtures::busy();
        press(&mut model, keys);
        model
    }));
    models
}

#[test]
fn ascii_screens_have_only_ascii() {
    for mut model in views() {
        model.theme.charset = Charset::Ascii;
        for size in [SMALL, LARGE] {
            let text = screen(&mut model, size);
            let stray = text.chars().find(|character| !character.is_ascii());
            assert_eq!(stray, None, "{text}");
        }
    }
}

#[test]
fn without_colours_no_cell_has_one_and_the_text_is_the_same() {
    for mut coloured in views() {
        // Half-blocks are nothing but colours: without them the words say so.
        coloured.graphics = None;
        let mut plain = coloured.clone();
        plain.theme.depth = Depth::Monochrome;
        for size in [SMALL, LARGE] {
            assert_eq!(screen(&mut coloured, size), screen(&mut plain, size));
            let buffer = buffer(&mut plain, size);
            let coloured =
                |cell: &&ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
            assert_eq!(buffer.content.iter().find(coloured), None);
        }
    }
}

#[test]
fn any_size_draws() {
    for mut model in views() {
        for width in [0, 1, 39, 40, 41, 63, 79, 100, 300] {
            for height in [0, 1, 7, 8, 9, 13, 23, 80] {
                screen(&mut model, (width, height));
            }
        }
    }
}

#[test]
fn a_zoomed_chart_lists_the_newest_marks_and_the_help_says_what_they_are() {
    let mut model = fixtures::busy();
    press(&mut model, "⏎z");
    let text = screen(&mut model, LARGE);
    assert!(text.contains("Δ       400   2m  schedule.learning_rate set to 0.0005"));
    press(&mut model, "?");
    let text = screen(&mut model, (200, 130));
    for kind in MarkKind::ALL {
        assert!(text.contains(kind.meaning()), "{kind:?}");
    }
}

#[test]
fn charts_of_histograms_show_how_the_values_spread() {
    // The cosines and their spread, the eleventh and the twelfth chart.
    both_sizes!("live_cosine", fixtures::busy(), "⏎→→→→→→→→→z");
    both_sizes!("live_spread", fixtures::busy(), "⏎→→→→→→→→→→z");
    let mut ascii = fixtures::busy();
    ascii.theme.charset = Charset::Ascii;
    press(&mut ascii, "⏎→→→→→→→→→→z");
    insta::assert_snapshot!("live_spread_ascii_80x24", screen(&mut ascii, SMALL));
}
