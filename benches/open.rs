//! How long a set of 5.8 million images takes to open, and how much memory it takes then.
//!
//! `cargo bench -p facetui --bench open [-- IMAGES [FOLDER]]`
//!
//! The set is as large as MS1MV2 (5,822,653 images of 85,742 people) in everything but the images themselves, which are
//! a few bytes: opening never looks at them. Each way of opening runs in a process of its own, so that the peak of its
//! memory is its own.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use facetui::data::TrainingImages;
use facetui::data::recordio::RecordWriter;

const IMAGES: u64 = 5_822_653;
const PEOPLE: u64 = 85_742;
const REPEATS: usize = 3;
const WAYS: [&str; 5] = [
    "records with .idx",
    "records without .idx",
    "plain records with .idx",
    "image list",
    "first images of 1000 people",
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["open", way, folder] => open(way, Path::new(folder)),
        [] => measure(IMAGES, &std::env::temp_dir()),
        [images] => measure(images.parse().unwrap(), &std::env::temp_dir()),
        [images, folder] => measure(images.parse().unwrap(), Path::new(folder)),
        _ => eprintln!("open [IMAGES [FOLDER]]"),
    }
}

fn measure(images: u64, place: &Path) {
    let folder = tempfile::tempdir_in(place).unwrap();
    let started = Instant::now();
    write(images, folder.path());
    println!(
        "{images} images written in {:.0} s: train.rec {} MB, train.idx {} MB, list.txt {} MB",
        started.elapsed().as_secs_f64(),
        megabytes(&folder.path().join("set/train.rec")),
        megabytes(&folder.path().join("set/train.idx")),
        megabytes(&folder.path().join("list.txt"))
    );
    println!(
        "{:<30} {:>10} {:>12} {:>12}",
        "", "seconds", "MB open", "MB at most"
    );
    for way in WAYS {
        let mut results: Vec<[f64; 3]> = (0..REPEATS)
            .map(|_| {
                if way == "records without .idx" {
                    fs::remove_file(folder.path().join("set/train.idx")).unwrap();
                }
                let output = Command::new(std::env::current_exe().unwrap())
                    .args(["open", way, folder.path().to_str().unwrap()])
                    .output()
                    .unwrap();
                let text = String::from_utf8(output.stdout).unwrap();
                let numbers: Vec<f64> = text
                    .split_whitespace()
                    .map(|word| word.parse().unwrap())
                    .collect();
                numbers.try_into().unwrap()
            })
            .collect();
        results.sort_by(|a, b| a[0].total_cmp(&b[0]));
        let [seconds, open, most] = results[REPEATS / 2];
        println!("{way:<30} {seconds:>10.2} {open:>12.0} {most:>12.0}");
    }
}

fn megabytes(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len() / 1_000_000
}

/// The records, plain and in InsightFace's layout, and the list.
fn write(images: u64, folder: &Path) {
    let people = (PEOPLE * images / IMAGES).max(1);
    let person_of = |image: u64| image * people / images;
    for (name, has_people) in [("set", true), ("plain", false)] {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        let mut writer = RecordWriter::new(File::create(folder.join("train.rec")).unwrap());
        let mut ranges: Vec<[u64; 2]> = Vec::new();
        for image in 0..images {
            let (key, person) = (image + 1, person_of(image));
            writer.write_image(key, person as f32, b"tiny").unwrap();
            if ranges.len() as u64 == person {
                ranges.push([key, key]);
            }
            ranges[person as usize][1] = key + 1;
        }
        if has_people {
            for (key, range) in (images + 1..).zip(&ranges) {
                writer
                    .write_labels(key, &range.map(|key| key as f32), &[])
                    .unwrap();
            }
            let zero = [images + 1, images + 1 + people];
            writer
                .write_labels(0, &zero.map(|key| key as f32), &[])
                .unwrap();
        }
        let (_, index) = writer.finish().unwrap();
        index
            .write(File::create(folder.join("train.idx")).unwrap())
            .unwrap();
    }
    let mut list = BufWriter::new(File::create(folder.join("list.txt")).unwrap());
    for image in 0..images {
        let person = person_of(image);
        writeln!(list, "m.{person:06x}/{image}.jpg,{person}").unwrap();
    }
    list.flush().unwrap();
}

/// Opens one way, and prints seconds and megabytes.
fn open(way: &str, folder: &Path) {
    let started = Instant::now();
    let set = match way {
        "image list" => TrainingImages::open_list(&folder.join("list.txt"), folder),
        "plain records with .idx" => TrainingImages::open_records(&folder.join("plain")),
        _ => TrainingImages::open_records(&folder.join("set")),
    }
    .unwrap();
    if way == "first images of 1000 people" {
        let mut bytes = Vec::new();
        for person in 0..set.classes().min(1000) {
            let image = set.images_of_class(person)[0] as usize;
            let start = set.read_bytes(image, &mut bytes).unwrap();
            assert_eq!(bytes[start..], *b"tiny");
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    assert!(!set.is_empty());
    println!("{seconds} {} {}", status("VmRSS:"), status("VmHWM:"));
}

/// A line of this process's status, in megabytes.
fn status(name: &str) -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    let kibibytes: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kibibytes * 1024.0 / 1e6
}
