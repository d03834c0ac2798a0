//! Faces on terminals of every kind. The test plays the terminal: it answers as such a terminal does, and decodes what
//! it is sent back to pixels.

use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use facetui::config::DataConfig;
use facetui::data::TrainingImages;
use facetui::data::synthetic::{SyntheticOptions, generate};
use image::RgbImage;
use image::imageops::{FilterType, resize};

use crate::terminal::{Dashboard, Manner, PATIENCE, Session, facetui};

/// A set of faces, and the first one of its first person.
fn faces(root: &Path) -> RgbImage {
    let options = SyntheticOptions {
        identities: 3,
        images_per_identity: 2,
        lfw_pairs: 20,
        ytf_pairs: 20,
        frames_per_video: 1,
        mislabelled_videos: 1,
        ..SyntheticOptions::default()
    };
    generate(&options, root).unwrap();
    let config = DataConfig::load(&root.join("config.ini")).unwrap();
    let (_, set) = config.training.iter().next().unwrap();
    let images = TrainingImages::open(set).unwrap();
    let first = images.read(images.images_of_class(0)[0] as usize).unwrap();
    RgbImage::from_raw(first.width, first.height, first.rgb).unwrap()
}

/// What the terminal was sent from the beginning of a picture on, until it was complete.
fn shown(
    root: &Path,
    manner: Manner,
    environment: &[(&str, &str)],
    (head, tail): (&[u8], &[u8]),
) -> Vec<u8> {
    let mut dashboard = open(root, manner, environment);
    let begun = Instant::now();
    let mut sent = Vec::new();
    loop {
        sent.extend(dashboard.take_bytes());
        let start = sent.windows(head.len()).position(|part| part == head);
        let rest = start.map_or(&[][..], |start| &sent[start..]);
        if rest.windows(tail.len()).any(|part| part == tail) {
            return rest.to_vec();
        }
        let contents = dashboard.screen().contents();
        assert!(begun.elapsed() < PATIENCE, "no picture on:\n{contents}");
        dashboard.read(Duration::from_millis(50));
    }
}

/// The dashboard on the faces of a folder.
fn open(root: &Path, manner: Manner, environment: &[(&str, &str)]) -> Dashboard {
    let mut command = facetui([] as [&str; 0]);
    command.cwd(root);
    for name in [
        "TERM_PROGRAM",
        "LC_TERMINAL",
        "WEZTERM_EXECUTABLE",
        "KONSOLE_VERSION",
    ] {
        command.env_remove(name);
    }
    for (name, value) in environment {
        command.env(name, value);
    }
    let mut dashboard = Dashboard::start_in(command, Session::OfTheTerminal, PATIENCE, manner);
    dashboard.wait_for("No runs");
    dashboard.type_keys("6");
    dashboard
}

fn manner(answers: &'static str) -> Manner {
    Manner {
        columns: 100,
        rows: 40,
        answers,
    }
}

/// That a picture is the face, up to a terminal's colours.
fn assert_same(picture: &RgbImage, face: &RgbImage, most: f64) {
    let (width, height) = picture.dimensions();
    let expected = if (width, height) == face.dimensions() {
        face.clone()
    } else {
        resize(face, width, height, FilterType::Triangle)
    };
    let differences = picture.as_raw().iter().zip(expected.as_raw());
    let sum: f64 = differences.map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    let mean = sum / picture.as_raw().len() as f64;
    assert!(mean <= most, "{mean} of 255 away from the face");
}

/// What lies between two marks, the first such part.
fn between<'a>(bytes: &'a [u8], begin: &[u8], end: &[u8]) -> (&'a [u8], &'a [u8]) {
    let start = bytes.windows(begin.len()).position(|part| part == begin);
    let rest = &bytes[start.expect("it begins") + begin.len()..];
    let length = rest.windows(end.len()).position(|part| part == end);
    rest.split_at(length.expect("it ends"))
}

#[test]
fn kitty_gets_the_faces_pixels() {
    let root = tempfile::tempdir().unwrap();
    let face = faces(root.path());
    let answers = "\x1b_Gi=31;OK\x1b\\\x1b[?62c\x1b[6;16;8t";
    let sent = shown(
        root.path(),
        manner(answers),
        &[],
        (b"\x1b_Gq=2,", "\u{10EEEE}".as_bytes()),
    );
    let (mut rest, mut data, mut control) = (sent.as_slice(), Vec::new(), String::new());
    loop {
        let (chunk, after) = between(rest, b"\x1b_Gq=2,", b"\x1b\\");
        let text = String::from_utf8(chunk.to_vec()).unwrap();
        let (keys, payload) = text.split_once(';').unwrap();
        assert!(payload.len() <= 4_096, "the protocol's longest piece");
        data.extend(STANDARD.decode(payload).unwrap());
        control.push_str(keys);
        rest = after;
        if keys.ends_with("m=0") {
            break;
        }
        control.push(',');
    }
    let number = |key: &str| -> u32 {
        let found = control.split(',').find_map(|part| part.strip_prefix(key));
        found.unwrap().parse().unwrap()
    };
    assert!(control.contains("a=T,U=1,f=32"), "{control}");
    let (width, height) = (number("s="), number("v="));
    let rgb: Vec<u8> = data
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    assert_same(&RgbImage::from_raw(width, height, rgb).unwrap(), &face, 0.0);
}

#[test]
fn a_sixel_terminal_gets_the_face_in_its_palette() {
    let root = tempfile::tempdir().unwrap();
    let face = faces(root.path());
    let answers = "\x1b[?62;4c\x1b[6;16;8t";
    let sent = shown(root.path(), manner(answers), &[], (b"\x1bP", b"\x1b\\"));
    let (picture, _) = between(&sent, b"\x1bP", b"\x1b\\");
    let text = String::from_utf8(picture.to_vec()).unwrap();
    let (_, body) = text.split_once('q').unwrap();
    assert_same(&sixels(body), &face, 6.0);
}

#[test]
fn iterm2_gets_the_face_as_a_file() {
    let root = tempfile::tempdir().unwrap();
    let face = faces(root.path());
    let answers = "\x1b[?62;4c\x1b[6;16;8t";
    let program = [("TERM_PROGRAM", "iTerm.app")];
    let sent = shown(
        root.path(),
        manner(answers),
        &program,
        (b"\x1b]1337;File=", b"\x07"),
    );
    let (file, _) = between(&sent, b"\x1b]1337;File=", b"\x07");
    let text = String::from_utf8(file.to_vec()).unwrap();
    let (keys, payload) = text.split_once(':').unwrap();
    let png = STANDARD.decode(payload).unwrap();
    assert!(keys.contains("inline=1") && keys.contains(&format!("size={}", png.len())));
    let picture = image::load_from_memory(&png).unwrap().to_rgb8();
    assert!(keys.contains(&format!(
        "width={}px;height={}px",
        picture.width(),
        picture.height()
    )));
    assert_same(&picture, &face, 0.0);
}

#[test]
fn others_and_tmux_get_half_blocks_alone() {
    let root = tempfile::tempdir().unwrap();
    faces(root.path());
    let kitty = "\x1b_Gi=31;OK\x1b\\\x1b[?62;4c\x1b[6;16;8t";
    let inside = [
        ("TMUX", "/tmp/tmux-0/default,1,0"),
        ("COLORTERM", "truecolor"),
    ];
    for (answers, environment) in [("", &inside[1..]), (kitty, &inside[..])] {
        let mut dashboard = open(root.path(), manner(answers), environment);
        dashboard.wait_for("▀▀▀▀▀▀▀▀");
        let sent = dashboard.take_bytes();
        for other in [&b"\x1b_Gq=2,"[..], b"\x1bP", b"]1337"] {
            assert!(!sent.windows(other.len()).any(|part| part == other));
        }
        let colours = b"38;2;";
        assert!(sent.windows(colours.len()).any(|part| part == colours));
    }
}

/// Decodes DEC's sixels (VT330/VT340 Programmer Reference Manual, chapter 14): colours, repeats, rows of six.
fn sixels(body: &str) -> RgbImage {
    let mut characters = body.chars().peekable();
    let numbers = |characters: &mut std::iter::Peekable<std::str::Chars>| -> Vec<u32> {
        let mut all = vec![0];
        while let Some(next) = characters.next_if(|next| next.is_ascii_digit() || *next == ';') {
            match next.to_digit(10) {
                Some(digit) => {
                    let last = all.last_mut().unwrap();
                    *last = *last * 10 + digit;
                }
                None => all.push(0),
            }
        }
        all
    };
    let mut palette = std::collections::HashMap::new();
    let mut picture = RgbImage::new(0, 0);
    let (mut x, mut band, mut colour, mut times) = (0, 0, 0, 1);
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                let size = numbers(&mut characters);
                picture = RgbImage::new(size[2], size[3]);
            }
            '#' => {
                let told = numbers(&mut characters);
                colour = told[0];
                if let [_, 2, red, green, blue] = told[..] {
                    let byte = |share: u32| (share * 255 / 100) as u8;
                    palette.insert(colour, image::Rgb([red, green, blue].map(byte)));
                }
            }
            '!' => times = numbers(&mut characters)[0],
            '$' => x = 0,
            '-' => (x, band) = (0, band + 6),
            '?'..='~' => {
                let bits = character as u32 - '?' as u32;
                for _ in 0..std::mem::replace(&mut times, 1) {
                    for row in (0..6).filter(|row| bits >> row & 1 == 1) {
                        if x < picture.width() && band + row < picture.height() {
                            picture.put_pixel(x, band + row, palette[&colour]);
                        }
                    }
                    x += 1;
                }
            }
            _ => {}
        }
    }
    picture
}
