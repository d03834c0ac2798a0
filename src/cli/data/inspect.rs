//! `facetui data inspect`

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::{
    cli::{
        Failure,
        output::{print, print_json},
    },
    data,
    untrusted::{visible, visible_path},
};

/// Say what a file or folder of faces is, and what is in it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data inspect lfw.bin\n  facetui data inspect faces_vgg_112x112 --json | jq .identities\n  \
                  facetui data inspect splits.txt --root aligned_images_DB"
)]
pub(super) struct Inspect {
    /// A record file or its folder, a .bin or .np, a list, a folder of people, an image, a config.ini
    path: PathBuf,
    /// The folder that a list's paths are relative to; an image list's own folder unless given
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub fn run(self) -> Result<(), Failure> {
        let found = data::inspect(&self.path, self.root.as_deref())?;
        if self.json {
            return print_json(&found);
        }
        let document = serde_json::to_value(&found)
            .map_err(|error| Failure::Failed(format!("cannot write the result: {error}")))?;
        let kind = words(&document["kind"]);
        print(&format!("{}: {kind}", visible_path(&self.path)))?;
        let fields = document.as_object().into_iter().flatten();
        for (key, value) in fields.filter(|(key, _)| *key != "kind") {
            print(&format!("  {:<20} {}", key.replace('_', " "), words(value)))?;
        }
        Ok(())
    }
}

/// A value as people read it.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(key, value)| format!("{} {key}", words(value)));
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
