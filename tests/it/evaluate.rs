//! Evaluations and models on the command line, with the real worker.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use facetui::data::{Image, write_bin};
use facetui::eval::template::{Distance, Mirror, Pooling};
use facetui::run::{RunDirectory, Work};

use crate::support::{Workshop, real_worker};

/// A few steps on drawn faces, two of them with a checkpoint and a validation.
const RECIPE: &str = "steps = 2\nseed = 1\nbatch_size = 4\nvalidate_every = 1\ncheckpoint_every = 1\n\
    validation = [\"lfw\"]\n[[datasets]]\nname = \"faces\"\n[network]\ndepth = 32\n[schedule]\nwarmup_steps = 0\n";

fn face(person: u32, number: u32) -> Image {
    let rgb = (0..112 * 112)
        .flat_map(|pixel: u32| {
            let (row, column) = (pixel / 112, pixel % 112);
            let shade = (row * (number + 1) + column) % 97;
            [person * 60 + shade / 2, 200 - person * 50, shade + number].map(|value| value as u8)
        })
        .collect();
    Image {
        width: 112,
        height: 112,
        rgb,
    }
}

/// A trained run called `net`, `lfw.bin`, and videos with their splits.
pub fn workshop() -> Option<Workshop> {
    let workshop = Workshop::new(real_worker()?);
    let folder = workshop.path();
    for person in 0..3 {
        for number in 0..5 {
            let path = folder.join(format!("faces/p{person}/{number}.png"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, face(person, number).to_png().unwrap()).unwrap();
        }
    }
    let pairs = (0..40_u32).map(|pair| (pair % 3, pair % 2 == 0));
    let images: Vec<_> = pairs
        .clone()
        .flat_map(|(person, same)| {
            let other = if same { person } else { (person + 1) % 3 };
            [face(person, person), face(other, 4)]
        })
        .map(|image| image.to_png().unwrap())
        .collect();
    let same: Vec<bool> = pairs.map(|(_, same)| same).collect();
    fs::write(folder.join("lfw.bin"), write_bin(&images, &same)).unwrap();
    let mut splits = String::new();
    for split in 1..=10_u32 {
        writeln!(splits, "{split}, 1, p0/{split}, p0/{}, 1", split % 10 + 1).unwrap();
        writeln!(splits, "{split}, 2, p0/{split}, p1/{split}, 0").unwrap();
        writeln!(splits, "{split}, 3, p0/{split}, p1/{}, 0", split % 10 + 1).unwrap();
        for person in 0..2 {
            let path = folder.join(format!("frames/p{person}/{split}"));
            fs::create_dir_all(&path).unwrap();
            for frame in 0..3 {
                let image = face(person, frame + split).to_png().unwrap();
                fs::write(path.join(format!("{frame}.png")), image).unwrap();
            }
        }
    }
    fs::write(folder.join("splits.txt"), splits).unwrap();
    fs::write(folder.join("recipe.toml"), RECIPE).unwrap();
    fs::write(
        folder.join("config.ini"),
        "[faces]\ntrain_list = faces.txt\nprefix = faces\n[lfw]\nenable = on\nnpdata = lfw.bin\n",
    )
    .unwrap();
    let mut list = String::new();
    for image in 0..15 {
        writeln!(list, "p{0}/{1}.png {0}", image / 5, image % 5).unwrap();
    }
    fs::write(folder.join("faces.txt"), list).unwrap();
    let config = folder.join("config.ini");
    let train = [
        "train",
        "recipe.toml",
        "--config",
        config.to_str().unwrap(),
        "--name",
        "net",
        "--device",
        "flex",
        "--headless",
    ];
    workshop.run(&train).done();
    Some(workshop)
}

fn kept(folder: &Path) -> usize {
    fs::read_dir(folder.join("runs/.embeddings")).map_or(0, Iterator::count)
}

#[test]
fn options_reach_the_job_and_figures_say_them() {
    let Some(workshop) = workshop() else { return };
    let common = [
        "eval",
        "ytf",
        "--model",
        "net",
        "--splits",
        "splits.txt",
        "--frames",
        "frames",
        "--rule",
        "exact",
        "--json",
    ];
    let options = [
        "--pooling",
        "trimmed",
        "--distance",
        "l2",
        "--mirror",
        "sum",
        "--channels",
        "rgb",
        "--frames-per-video",
        "2",
        "--name",
        "all",
    ];
    let figures = workshop
        .run(&[&common[..], &options].concat())
        .done()
        .json();
    for (field, value) in [
        ("pooling", "trimmed"),
        ("distance", "l2"),
        ("mirror", "sum"),
        ("channels", "rgb"),
        ("crop", "112x96"),
        ("scaling", "(x-127.5)/128"),
        ("model", "net"),
        ("corrected", "none"),
    ] {
        assert_eq!(figures["provenance"][field], value, "{figures}");
    }
    assert_eq!(figures["provenance"]["frames_per_video"], 2);
    assert_eq!(figures["rule"], "exact");
    assert_eq!(figures["pairs"]["missing"], 0);
    let run = RunDirectory::open(&workshop.path().join("runs/all")).unwrap();
    let Work::Eval {
        figures,
        preprocessing,
        ..
    } = run.job().unwrap().work
    else {
        panic!("not an evaluation");
    };
    assert_eq!(figures.pooling, Pooling::Trimmed);
    assert_eq!(figures.distance, Some(Distance::L2));
    assert_eq!(preprocessing.mirror, Some(Mirror::Sum));

    // Pooling and distance alone embed nothing.
    assert_eq!(kept(workshop.path()), 1);
    let other = [
        "--mirror",
        "sum",
        "--channels",
        "rgb",
        "--frames-per-video",
        "2",
    ];
    let outcome = workshop.run(&[&common[..], &other].concat()).done();
    assert_eq!(kept(workshop.path()), 1);
    assert!(
        outcome.stderr.contains("nothing is embedded"),
        "{}",
        outcome.stderr
    );
    let runs = workshop.run(&["runs", "--json"]).done().json().to_string();
    assert!(!runs.contains(".embeddings"), "{runs}");
    let doctor = workshop.run(&["doctor", "--json"]).done().json();
    assert_eq!(doctor["runs"]["kept_embeddings"]["files"], 1);
    assert!(doctor["runs"]["kept_embeddings"]["bytes"].as_u64().unwrap() > 1000);

    fs::remove_dir_all(workshop.path().join("frames/p1/7")).unwrap();
    let refused = workshop.run(&common);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("p1/7"), "{}", refused.stderr);
    let allowed = [&common[..], &["--allow-missing"]].concat();
    let figures = workshop.run(&allowed).done().json();
    assert_eq!(figures["pairs"]["missing"], 2);

    for (option, value, words) in [
        ("--pooling", "best", "unit-mean"),
        ("--distance", "far", "squared-l2"),
        ("--frames-per-video", "0", "from 1"),
        ("--scaling", "127.5", "127.5/128"),
        ("--checkpoint", "worst", "newest, best or a step"),
        ("--checkpoint", "77", "no checkpoint of that step"),
    ] {
        let outcome = workshop.run(&[&common[..], &[option, value]].concat());
        assert_eq!(outcome.code, 2, "{option} {value}");
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
    }
}

#[test]
fn checkpoints_are_chosen_and_models_described() {
    let Some(workshop) = workshop() else { return };
    let info = |arguments: &[&str]| {
        let arguments = [&["model", "info", "--json"], arguments].concat();
        workshop.run(&arguments).done().json()
    };
    let newest = info(&["net"]);
    assert_eq!(newest["form"], "checkpoint");
    assert_eq!(newest["embedding"], 512);
    assert_eq!(newest["input"]["shape"], "[any, 3, 112, 96]");
    assert_eq!(newest["input"]["assumed"], false);
    let architecture = newest["architecture"].as_str().unwrap();
    assert!(architecture.contains("L-ResNet-E-IR 32"), "{architecture}");
    assert_eq!(newest["provenance"][0][1], "2", "the step");
    assert_eq!(info(&["net", "--checkpoint", "1"])["provenance"][0][1], "1");
    let run = RunDirectory::open(&workshop.path().join("runs/net")).unwrap();
    let validated: Vec<f64> = run
        .checkpoints()
        .unwrap()
        .iter()
        .map(|entry| entry.name.rsplit('_').next().unwrap().parse().unwrap())
        .collect();
    let best = if validated[0] > validated[1] {
        "1"
    } else {
        "2"
    };
    let chosen = info(&["net", "--checkpoint", "best"]);
    assert_eq!(chosen["provenance"][0][1], best);

    let weights = run.checkpoints().unwrap()[1]
        .path
        .join("weights.safetensors");
    fs::copy(&weights, workshop.path().join("w.safetensors")).unwrap();
    let copied = info(&["w.safetensors"]);
    assert_eq!(copied["form"], "safetensors");
    assert_eq!(copied["parameters"], newest["parameters"]);
    let text = workshop.run(&["model", "info", "w.safetensors"]).done();
    for words in ["parameters", "bgr, (x-127.5)/128", "512 numbers"] {
        assert!(text.stdout.contains(words), "{}", text.stdout);
    }
    fs::write(workshop.path().join("x.pth"), "PK\x03\x04 and then nothing").unwrap();
    for (model, words) in [
        ("x.pth", "x.pth"),
        ("lfw.bin", "no model that is known"),
        ("nobody", "neither a run"),
    ] {
        let outcome = workshop.run(&["model", "info", model]);
        assert_eq!(outcome.code, 2, "{model}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(words), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
}
