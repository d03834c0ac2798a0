//! Loading: images of every kind and size, variations, files that break or vanish, and the merge list of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use facetui::config::{AugmentOptions, ChannelOrder, Crop, DataConfig, Recipe, WrongSize};
use facetui::data::recordio::RecordWriter;
use facetui::data::{
    Batch, BatchOrder, Combined, CombinedSet, DataError, Image, Loader, LoaderOptions, OverlapList,
    TrainingImages, write_bin,
};

/// An image of one colour: its set, its class and its number among all images of the set, which its pixels tell.
fn plain(set: u8, class: u8, number: u8) -> Vec<u8> {
    sized(set, class, number, 112, 112)
}

fn sized(set: u8, class: u8, number: u8, width: u32, height: u32) -> Vec<u8> {
    let rgb = [set, class, number].repeat((width * height) as usize);
    Image { width, height, rgb }.to_png().unwrap()
}

/// What a batch shows, image by image: set, class, number.
pub fn shown(batch: &Batch) -> Vec<[u8; 3]> {
    let images = batch.images.chunks_exact(batch.height * batch.width * 3);
    images.map(|image| [image[0], image[1], image[2]]).collect()
}

/// Writes a set of classes of these sizes as records.
fn write_set(folder: &Path, set: u8, sizes: &[u8]) {
    let mut writer = RecordWriter::new(Vec::new());
    let mut number = 0;
    for (class, size) in sizes.iter().enumerate() {
        for _ in 0..*size {
            let image = plain(set, class as u8, number);
            writer
                .write_image(u64::from(number), class as f32, &image)
                .unwrap();
            number += 1;
        }
    }
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("train.rec"), writer.finish().unwrap().0).unwrap();
}

/// How a set is drawn from.
pub struct Draw {
    pub sizes: &'static [u8],
    pub weight: f64,
    pub balanced: bool,
}

pub fn by_size(sizes: &'static [u8]) -> Draw {
    Draw {
        sizes,
        weight: -1.0,
        balanced: false,
    }
}

/// Sets named a, b, c.
pub fn combined(
    folder: &Path,
    draws: &[Draw],
    overlaps: Option<&OverlapList>,
) -> Result<Combined, DataError> {
    let sets = ["a", "b", "c"]
        .iter()
        .zip(draws)
        .zip(0..)
        .map(|((name, draw), number)| {
            let folder = folder.join(name);
            write_set(&folder, number, draw.sizes);
            CombinedSet {
                name: (*name).to_owned(),
                images: TrainingImages::open_records(&folder).unwrap(),
                weight: draw.weight,
                balanced: draw.balanced,
            }
        });
    Combined::new(sets.collect(), overlaps)
}

pub fn options() -> LoaderOptions {
    LoaderOptions {
        crop: Crop::Reference,
        channels: ChannelOrder::Rgb,
        mirror: true,
        wrong_size: WrongSize::Resize,
        augment: AugmentOptions::default(),
        batch_size: 8,
        seed: 3,
        threads: 2,
        queue: 3,
        max_broken: 100,
        order: BatchOrder::Images,
    }
}

pub const P_BY_K: BatchOrder = BatchOrder::People {
    images_per_person: 4,
};

pub fn batches(
    sets: &Arc<Combined>,
    options: LoaderOptions,
    steps: std::ops::Range<u64>,
) -> Vec<Batch> {
    let mut loader = Loader::start(Arc::clone(sets), options, steps.start).unwrap();
    let taken = steps.map(|_| {
        let batch = loader.next().unwrap();
        // Memory is used again, whatever was in it.
        loader.give_back(batch.clone());
        batch
    });
    taken.collect()
}

#[test]
fn images_of_every_kind_are_the_rgb_that_others_make_of_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/images");
    let expected = fs::read(folder.join("expected.json")).unwrap();
    let expected: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&expected).unwrap();
    assert_eq!(expected.len(), 17);
    for (name, expected) in expected {
        let image = Image::open(&folder.join(&name)).unwrap();
        assert_eq!((image.width, image.height), (16, 16), "{name}");
        let room = expected["room"].as_u64().unwrap() as u8;
        let hex = expected["rgb"].as_str().unwrap();
        assert_eq!(hex.len(), 2 * image.rgb.len());
        for (at, found) in image.rgb.iter().enumerate() {
            let wanted = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
            assert!(
                found.abs_diff(wanted) <= room,
                "{name}: byte {at} is {found}, not {wanted}"
            );
        }
    }
}

#[test]
fn variations_change_pixels_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let sets = Arc::new(combined(folder.path(), &[by_size(&[30, 30])], None).unwrap());
    let plain = batches(&sets, options(), 0..15);
    let augment = AugmentOptions {
        brightness: 0.25,
        ..AugmentOptions::default()
    };
    let varied = batches(
        &sets,
        LoaderOptions {
            augment,
            ..options()
        },
        0..15,
    );
    let mut changed = 0;
    for (plain, varied) in plain.iter().zip(&varied) {
        assert_eq!(plain.labels, varied.labels);
        for (before, after) in shown(plain).iter().zip(shown(varied)) {
            let [_, _, number] = before.map(f64::from);
            assert!((f64::from(after[2]) - number).abs() <= 0.25 * number + 0.5);
            changed += u32::from(*before != after);
        }
    }
    assert!(changed > 60, "{changed} of 120");
}

/// A folder per person; `broken` of them hold no image.
fn write_folders(folder: &Path, people: u8, images: u8, broken: &[(u8, u8)]) {
    for person in 0..people {
        let folder = folder.join(format!("p{person}"));
        fs::create_dir_all(&folder).unwrap();
        for number in 0..images {
            let bytes = if broken.contains(&(person, number)) {
                b"\xff\xd8 not a picture".to_vec()
            } else {
                plain(0, person, number)
            };
            fs::write(folder.join(format!("{number}.png")), bytes).unwrap();
        }
    }
}

fn folders(folder: &Path) -> Arc<Combined> {
    let set = CombinedSet {
        name: "faces".to_owned(),
        images: TrainingImages::open_folders(folder).unwrap(),
        weight: -1.0,
        balanced: false,
    };
    Arc::new(Combined::new(vec![set], None).unwrap())
}

#[test]
fn a_broken_image_is_replaced_by_one_that_is_not_in_the_batch_yet() {
    let folder = tempfile::tempdir().unwrap();
    write_folders(folder.path(), 6, 6, &[(0, 2), (3, 0), (3, 5)]);
    let sets = folders(folder.path());
    // Nine divides an epoch's 36 images, so that no batch has images of two epochs.
    for (order, batch_size) in [(BatchOrder::Images, 9), (P_BY_K, 8)] {
        let mut problems = BTreeSet::new();
        for batch in batches(
            &sets,
            LoaderOptions {
                order,
                batch_size,
                ..options()
            },
            0..60,
        ) {
            let distinct: BTreeSet<_> = shown(&batch).into_iter().collect();
            assert_eq!(
                (batch.labels.len(), distinct.len()),
                (batch_size, batch_size)
            );
            problems.extend(batch.broken.iter().map(|broken| broken.problem.clone()));
            if order == P_BY_K {
                assert!(
                    batch
                        .labels
                        .chunks(4)
                        .all(|labels| labels.iter().all(|label| *label == labels[0]))
                );
            }
        }
        let problems: Vec<String> = problems.into_iter().collect();
        assert_eq!(problems.len(), 3, "{problems:?}");
        for (problem, name) in problems.iter().zip(["p0/2.png", "p3/0.png", "p3/5.png"]) {
            assert!(problem.contains(name), "{problem}");
        }
    }
}

#[test]
fn files_that_vanish_are_named_and_replaced_until_too_many_have() {
    let folder = tempfile::tempdir().unwrap();
    write_folders(folder.path(), 8, 10, &[]);
    let sets = folders(folder.path());
    let few = LoaderOptions {
        queue: 1,
        max_broken: 20,
        ..options()
    };
    let mut loader = Loader::start(sets, few, 0).unwrap();
    for _ in 0..5 {
        assert!(loader.next().unwrap().broken.is_empty());
    }
    // One person's folder goes: ten images, which the limit allows.
    fs::remove_dir_all(folder.path().join("p3")).unwrap();
    let mut named = BTreeSet::new();
    for _ in 0..40 {
        let batch = loader.next().unwrap();
        assert_eq!(
            (batch.labels.len(), batch.images.len()),
            (8, 8 * 112 * 96 * 3)
        );
        named.extend(batch.broken.iter().map(|broken| broken.index));
        for broken in &batch.broken {
            assert!(
                broken.problem.contains("/p3/") && broken.problem.contains("No such file"),
                "{}",
                broken.problem
            );
        }
    }
    assert_eq!((named.len(), loader.broken()), (10, 10));
    // The disk goes.
    for person in 0..8 {
        let _ = fs::remove_dir_all(folder.path().join(format!("p{person}")));
    }
    let error = (0..40).find_map(|_| loader.next().err()).unwrap();
    assert!(
        matches!(error, DataError::TooManyBroken { limit: 20, .. }),
        "{error}"
    );
    let message = error.to_string();
    assert!(
        message.contains(".png") && message.contains("max_broken_images"),
        "{message}"
    );
}

#[test]
fn a_record_file_that_is_cut_while_it_is_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let sets = Arc::new(combined(folder.path(), &[by_size(&[40, 40])], None).unwrap());
    let few = LoaderOptions {
        queue: 1,
        max_broken: 30,
        ..options()
    };
    let mut loader = Loader::start(sets, few, 0).unwrap();
    loader.next().unwrap();
    let file = fs::File::options()
        .write(true)
        .open(folder.path().join("a/train.rec"))
        .unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let error = (0..40).find_map(|_| loader.next().err()).unwrap();
    assert!(matches!(error, DataError::TooManyBroken { .. }), "{error}");
    assert!(error.to_string().contains("train.rec"), "{error}");
}

#[test]
fn wrong_sizes_are_cropped_or_resized_and_counted_by_set() {
    let folder = tempfile::tempdir().unwrap();
    write_folders(&folder.path().join("right"), 1, 6, &[]);
    let wrong = folder.path().join("wrong/p0");
    fs::create_dir_all(&wrong).unwrap();
    // Red tells the column and green the row: the middle of a cropped image is where it was.
    let rgb = (0..128 * 130)
        .flat_map(|pixel| [(pixel % 128) as u8, (pixel / 128) as u8, 77])
        .collect();
    let large = Image {
        width: 128,
        height: 130,
        rgb,
    };
    fs::write(wrong.join("0.png"), large.to_png().unwrap()).unwrap();
    fs::write(wrong.join("1.png"), sized(9, 9, 9, 56, 56)).unwrap();
    fs::write(wrong.join("2.png"), plain(9, 9, 9)).unwrap();
    let set = |name: &str| CombinedSet {
        name: name.to_owned(),
        images: TrainingImages::open_folders(&folder.path().join(name)).unwrap(),
        weight: -1.0,
        balanced: false,
    };
    let sets = Arc::new(Combined::new(vec![set("right"), set("wrong")], None).unwrap());
    for wrong_size in [WrongSize::Crop, WrongSize::Resize] {
        let options = LoaderOptions {
            wrong_size,
            mirror: false,
            batch_size: 9,
            ..options()
        };
        let mut loader = Loader::start(Arc::clone(&sets), options, 0).unwrap();
        let batch = loader.next().unwrap();
        let of_large = batch
            .images
            .chunks_exact(112 * 96 * 3)
            .find(|image| image[2] == 77);
        let image = of_large.unwrap();
        let middle = &image[(56 * 96 + 48) * 3..][..3];
        let corner = &image[..3];
        if wrong_size == WrongSize::Crop {
            assert_eq!((corner, middle), (&[16, 9, 77][..], &[64, 65, 77][..]));
        } else {
            // Eight sevenths as large: the corner lies further out.
            assert!(
                corner[0] < 11 && corner[1] < 3 && middle[0].abs_diff(64) < 2,
                "{corner:?} {middle:?}"
            );
        }
        loader.next().unwrap();
        let counts: Vec<(u64, u64)> = loader
            .counts()
            .iter()
            .map(|count| (count.images, count.wrong_size))
            .collect();
        assert_eq!(counts, [(12, 0), (6, 4)]);
    }
}

#[test]
fn a_set_of_images_that_are_smaller_than_the_crop_is_refused_before_there_is_a_run() {
    let place = place();
    let folder = place.path();
    let small = |number: u8| sized(7, 0, number, 92, 112);
    for (name, first) in [("small", small(0)), ("large", sized(7, 0, 0, 120, 112))] {
        fs::create_dir_all(folder.join(name).join("p")).unwrap();
        fs::write(folder.join(name).join("p/0.png"), first).unwrap();
        fs::write(folder.join(name).join("p/1.png"), small(1)).unwrap();
    }
    let pairs = write_bin(&[small(2), small(3)], &[true]);
    fs::write(folder.join("pairs.bin"), pairs).unwrap();
    let frames = folder.join("frames/p");
    for video in ["1", "2"] {
        fs::create_dir_all(frames.join(video)).unwrap();
        fs::write(frames.join(video).join("0.png"), small(4)).unwrap();
    }
    fs::write(folder.join("splits.txt"), "1, 1, p/1, p/2, 1\n").unwrap();
    let config = "[small]\nfolder = small\n[large]\nfolder = large\n[lfw]\nnpdata = pairs.bin\n\
                  [ytf]\nprefix = frames\nsplits = splits.txt\n";
    fs::write(folder.join("config.ini"), config).unwrap();
    let recipe = |set: &str, validation: &str| {
        let text =
            format!("steps = 10\nvalidation = [{validation}]\n[[datasets]]\nname = \"{set}\"\n");
        fs::write(folder.join("recipes/r.toml"), text).unwrap();
    };
    let crop = ["--set", "input.wrong_size=crop"];
    for (set, validation, image) in [
        ("small", "", "small/p/0.png in [small]"),
        ("large", "\"lfw\"", "#0 in [lfw]"),
        ("large", "\"ytf\"", "frames/p/1/0.png in [ytf]"),
    ] {
        recipe(set, validation);
        let (code, message) = train(folder, "r", &crop);
        assert_eq!(code, Some(2), "{message}");
        for words in ["input.wrong_size", image, "92x112", "112x112", "\"resize\""] {
            assert!(message.contains(words), "{words:?} isn't in: {message}");
        }
        assert!(!folder.join("runs/r").exists());
        let (code, message) = train(folder, &format!("resized-{set}{}", validation.len()), &[]);
        assert_eq!(code, Some(0), "{message}");
        fs::remove_dir_all(folder.join("runs")).unwrap();
    }
    // A small image among others is no reason.
    recipe("large", "");
    let (code, message) = train(folder, "r", &crop);
    assert_eq!(code, Some(0), "{message}");
}

/// A recipe and its data, with a worker that does nothing.
fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    write_set(&folder.join("a"), 0, &[2, 3]);
    write_set(&folder.join("b"), 1, &[4, 2]);
    fs::write(
        folder.join("config.ini"),
        "[a]\nmxrec = a\n[b]\nmxrec = b\n",
    )
    .unwrap();
    fs::create_dir(folder.join("recipes")).unwrap();
    let recipe = "steps = 10\nmerge = \"lists/o.csv\"\n[[datasets]]\nname = \"a\"\nbalanced = true\n[[datasets]]\nname = \"b\"\n";
    fs::write(folder.join("recipes/r.toml"), recipe).unwrap();
    fs::create_dir(folder.join("recipes/lists")).unwrap();
    list_at(folder, "a,1,,b,0,,0.9,merge\na,0,,b,1,,0.4,\n");
    let worker = folder.join("worker");
    let answer = r#"{"version":"0","libtorch":{"built":false,"cuda":false,"cuda_devices":0},"devices":["flex"]}"#;
    fs::write(
        &worker,
        format!("#!/bin/sh\n[ $1 = run ] || echo '{answer}'\n"),
    )
    .unwrap();
    fs::set_permissions(&worker, fs::Permissions::from_mode(0o755)).unwrap();
    place
}

fn list_at(folder: &Path, rows: &str) {
    let header = "set_a,class_a,name_a,set_b,class_b,name_b,similarity,action\n";
    fs::write(
        folder.join("recipes/lists/o.csv"),
        format!("{header}{rows}"),
    )
    .unwrap();
}

fn train(folder: &Path, name: &str, more: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_facetui"))
        .args([
            "train",
            "recipes/r.toml",
            "--name",
            name,
            "--device",
            "flex",
            "--detach",
        ])
        .args(more)
        .current_dir(folder)
        .env("FACETUI_WORKER", folder.join("worker"))
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_run_keeps_its_own_copy_of_the_merge_list() {
    let place = place();
    let (code, message) = train(place.path(), "r", &[]);
    assert_eq!(code, Some(0), "{message}");
    // The list changes, and the run is moved: it stays what it was.
    list_at(place.path(), "");
    let run = place.path().join("elsewhere");
    fs::rename(place.path().join("runs/r"), &run).unwrap();
    let recipe = Recipe::load(&run.join("recipe.toml")).unwrap();
    assert!(recipe.datasets[0].balanced && !recipe.datasets[1].balanced);
    let config = DataConfig::load(&run.join("config.ini")).unwrap();
    let sets = Combined::open(&recipe, &config).unwrap();
    assert_eq!(sets.classes(), 3);
    // What a worker writes back after a `set` still names the copy.
    let again = Recipe::parse(&recipe.as_run().to_toml(), &run.join("recipe.toml")).unwrap();
    assert_eq!(again, recipe);

    // Given as an argument, the path is relative to the folder one is in.
    let given = ["--set", "merge=recipes/lists/o.csv"];
    let (code, message) = train(place.path(), "given", &given);
    assert_eq!(code, Some(0), "{message}");
    assert!(place.path().join("runs/given/overlap.csv").is_file());
}

#[test]
fn a_merge_list_that_does_not_fit_leaves_no_run_behind() {
    let place = place();
    for (rows, words) in [
        (
            "a,0,,b,0,,0.9,merge\na,1,,q,0,,0.9,merge\n",
            "o.csv, line 3: set_b is \"q\"",
        ),
        ("a,2,,b,0,,0.9,merge\n", "o.csv, line 2: class_a is 2"),
        ("a,0,,b,0,,0.9,join\n", "o.csv, line 2: action is \"join\""),
        (
            "a,0,,b,0,,0.9,drop\nb,0,,b,1,,0.9,drop\n",
            "drops every class of \"b\"",
        ),
    ] {
        list_at(place.path(), rows);
        let (code, message) = train(place.path(), "r", &[]);
        assert_eq!(code, Some(2), "{message}");
        assert!(message.contains(words), "{message}");
    }
    fs::remove_file(place.path().join("recipes/lists/o.csv")).unwrap();
    let (code, message) = train(place.path(), "r", &[]);
    assert_eq!(code, Some(2), "{message}");
    assert!(message.contains("recipes/lists/o.csv"), "{message}");
    assert!(!place.path().join("runs/r").exists());
}
