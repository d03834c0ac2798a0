//! Files that `torch.save` wrote (`tests/golden/pytorch/make.py`), read without executing anything.

use std::path::{Path, PathBuf};

use facetui_worker::model::pytorch::{self, StateValues};
use serde::Deserialize;

fn golden(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/pytorch")).join(name)
}

#[derive(Deserialize)]
struct Expected {
    name: String,
    shape: Vec<usize>,
    floats: bool,
    values: Vec<f64>,
}

/// Every good file, in the order and with the numbers that PyTorch says it has.
#[test]
fn state_dicts_hold_what_pytorch_put_into_them() {
    let text = std::fs::read_to_string(golden("expected.json")).unwrap();
    let files: std::collections::BTreeMap<String, Vec<Expected>> =
        serde_json::from_str(&text).unwrap();
    assert_eq!(files.len(), 10);
    for (file, expected) in files {
        let read = pytorch::read(&golden(&file)).unwrap();
        assert_eq!(read.tensors.len(), expected.len(), "{file}");
        for ((name, tensor), expected) in read.tensors.iter().zip(&expected) {
            assert_eq!(
                (name, &tensor.shape),
                (&expected.name, &expected.shape),
                "{file}"
            );
            match &tensor.values {
                StateValues::Floats(values) => {
                    let wanted: Vec<f32> = expected.values.iter().map(|n| *n as f32).collect();
                    assert!(expected.floats && *values == wanted, "{file} {name}");
                }
                StateValues::Integers(values) => {
                    let wanted: Vec<i64> = expected.values.iter().map(|n| *n as i64).collect();
                    assert!(!expected.floats && *values == wanted, "{file} {name}");
                }
            }
        }
    }
}

#[test]
fn what_is_no_state_dict_is_refused_by_name() {
    let cases = [
        ("bad_system.pt", "posix.system"),
        ("bad_system_old.pt", "posix.system"),
        ("bad_module.pt", "torch.nn.modules.linear.Linear"),
        ("bad_two.pt", "(a, b)"),
        ("bad_list.pt", "no dictionary of tensors"),
        (
            "bad_storage.pt",
            "tensor weight: its storage is larger than the file",
        ),
        ("bad_shape.pt", "reaches beyond its storage of 24 elements"),
        (
            "bad_repeated.pt",
            "tensor weight: more numbers than the file has bytes",
        ),
        ("bad_compressed.pt", "compressed"),
        ("make.py", "neither as an archive"),
        ("missing.pt", "can't read"),
    ];
    for (file, part) in cases {
        let message = pytorch::read(&golden(file)).unwrap_err().to_string();
        assert!(
            message.contains(part) && message.contains(file),
            "{file}: {message}"
        );
    }
}

#[test]
fn files_cut_at_any_byte_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pt");
    for file in ["plain.pt", "plain_old.pt", "views_old.pt"] {
        let bytes = std::fs::read(golden(file)).unwrap();
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(pytorch::read(&path).is_err(), "{file} cut at {length}");
        }
    }
}

/// A changed byte gives an error or other numbers, never a panic, whichever byte it is.
#[test]
fn changed_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.pt");
    for file in ["plain_old.pt", "plain.pt"] {
        let bytes = std::fs::read(golden(file)).unwrap();
        for place in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] ^= change;
                std::fs::write(&path, &bytes).unwrap();
                let _ = pytorch::read(&path);
            }
        }
    }
}
