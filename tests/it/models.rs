//! `facetui model` with the real worker: what models are, and models written in other forms.

use std::fs;

use crate::evaluate::workshop;

#[test]
fn models_are_written_in_every_form_and_read_again() {
    let Some(workshop) = workshop() else { return };
    let json = |arguments: &[&str]| {
        workshop
            .run(&[arguments, &["--json"]].concat())
            .done()
            .json()
    };
    let net = json(&["model", "info", "net"]);
    assert_eq!(net["network"]["depth"], 32);

    let imported = json(&["model", "import", "net", "--checkpoint", "1"]);
    assert_eq!(imported["path"], "net.safetensors");
    let info = json(&["model", "info", "net.safetensors"]);
    assert_eq!(info["form"], "safetensors");
    assert_eq!(info["parameters"], net["parameters"]);
    let provenance = |info: &serde_json::Value, key: &str| {
        let pairs = info["provenance"].as_array().unwrap();
        let found = pairs.iter().find(|pair| pair[0] == key);
        found.map_or(String::new(), |pair| pair[1].as_str().unwrap().to_owned())
    };
    for (key, value) in [
        ("run", "net"),
        ("step", "1"),
        ("stage", "margin-centre"),
        ("classes", "3"),
    ] {
        assert_eq!(provenance(&info, key), value);
    }

    for (name, form, format) in [
        ("face.pt", "PyTorch state dict", "pytorch"),
        ("face.onnx", "ONNX", "onnx"),
        ("face.safetensors", "safetensors", "safetensors"),
    ] {
        let written = json(&["model", "export", "net", "--out", name]);
        assert_eq!(written["format"], format);
        let bytes = fs::metadata(workshop.path().join(name)).unwrap().len();
        assert_eq!(written["bytes"], bytes);
        let outcome = workshop.run(&["model", "info", name, "--json"]);
        if form == "ONNX" && outcome.stderr.contains("need ONNX Runtime") {
            continue;
        }
        let info = outcome.done().json();
        assert_eq!(info["form"], form);
        assert_eq!(info["embedding"], 512);
        assert_eq!(info["input"]["assumed"], false);
        assert_eq!(info["input"]["channels"], "bgr");
        assert_eq!(info["input"]["scaling"], "(x-127.5)/128");
        assert_eq!(provenance(&info, "run"), "net", "{name}");
    }

    // The same figures from the run and from what was written of it.
    let accuracy = |model: &str| {
        let figures = json(&[
            "eval", "lfw", "--model", model, "--data", "lfw.bin", "--device", "flex",
        ]);
        figures["accuracy"]["mean"].as_f64().unwrap()
    };
    let expected = accuracy("net");
    for model in ["face.pt", "face.safetensors"] {
        assert!((accuracy(model) - expected).abs() < 1e-9, "{model}");
    }
}

#[test]
fn trainings_start_from_weights_of_every_form() {
    let Some(workshop) = workshop() else { return };
    for (task, out) in [
        ("import", "net.safetensors"),
        ("export", "face.pt"),
        ("export", "face.onnx"),
    ] {
        workshop.run(&["model", task, "net", "--out", out]).done();
    }
    let recipe = "faces.toml";
    let text = fs::read_to_string(workshop.path().join("recipe.toml")).unwrap();
    fs::write(
        workshop.path().join(recipe),
        text.replace("steps = 2", "steps = 1"),
    )
    .unwrap();
    let config = workshop.path().join("config.ini");
    let train = |from: &str, sets: &[&str]| {
        let common = [
            "train",
            recipe,
            "--config",
            config.to_str().unwrap(),
            "--device",
            "flex",
            "--headless",
            "--from",
            from,
        ];
        workshop.run(&[&common[..], sets].concat())
    };
    train("net.safetensors", &["--name", "again"]).done();
    let journal = fs::read_to_string(workshop.path().join("runs/again/journal.jsonl")).unwrap();
    assert!(
        journal.contains("net.safetensors, class weights included"),
        "{journal}"
    );
    // A state dict of arcface_torch's layout is another network than the recipe's.
    let refused = train("face.pt", &["--name", "other"]).ended(2);
    for part in [
        "face.pt: was trained with",
        "network.shortcut = projection",
        "network.flatten = chw",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    assert!(!workshop.path().join("runs/other").exists());
    train(
        "face.pt",
        &[
            "--name",
            "other",
            "--set",
            "network.shortcut=projection",
            "--set",
            "network.flatten=chw",
        ],
    )
    .done();
    let refused = train("face.onnx", &["--name", "graph"]);
    if !refused.stderr.contains("need ONNX Runtime") {
        assert!(
            refused
                .ended(2)
                .stderr
                .contains("can be evaluated and not trained")
        );
    }
}

#[test]
fn what_can_not_be_written_says_why() {
    let Some(workshop) = workshop() else { return };
    fs::create_dir(workshop.path().join("folder")).unwrap();
    fs::write(workshop.path().join("net.safetensors"), "taken").unwrap();
    fs::write(workshop.path().join("x.index"), "no index at all").unwrap();
    let cases: [(&[&str], &str); 8] = [
        (
            &["export", "net", "--out", "face.bin"],
            "its ending is of no form",
        ),
        (
            &["export", "net", "--out", "nowhere/face.pt"],
            "its folder isn't there",
        ),
        (
            &["export", "net", "--out", "folder", "--format", "onnx"],
            "is a folder",
        ),
        (
            &["export", "net", "--out", "face.pt", "--format", "keras"],
            "safetensors, pytorch or onnx",
        ),
        (
            &["export", "net", "--out", "face.pt", "--flatten", "chw"],
            "--flatten and --epsilon are for bare weights",
        ),
        (&["export", "nobody", "--out", "face.pt"], "neither a run"),
        (&["import", "net"], "net.safetensors is there already"),
        (
            &["import", "x", "--out", "y.safetensors"],
            "x.index isn't the whole index",
        ),
    ];
    for (arguments, words) in cases {
        let outcome = workshop.run(&[&["model"], arguments].concat()).ended(2);
        assert!(
            outcome.stderr.contains(words),
            "{arguments:?}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.stdout, "");
    }
    assert_eq!(
        fs::read_to_string(workshop.path().join("net.safetensors")).unwrap(),
        "taken"
    );
}
