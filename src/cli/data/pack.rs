//! `facetui data pack`

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{Progress, print, print_json, say},
    },
    data::{self, PackOptions},
    untrusted::visible_path,
};

/// Write a training set as RecordIO in InsightFace's layout, which MXNet reads too
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data pack my_faces --out my_faces_packed\n  \
                  facetui data pack train.txt --root vggface2/train --out vgg\n\n\
                  JPEG and PNG files are copied as they are, others become PNG. The folder holds train.rec, train.idx,\n\
                  property and, where people have names, names.txt; it appears when it is complete."
)]
pub(super) struct Pack {
    /// A folder per identity, an image list, or records
    source: PathBuf,
    /// The folder to make
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The folder that a list's paths are relative to; the list's own unless given
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Replace a packed set that is there
    #[arg(long)]
    force: bool,
    /// Leave out images that can't be read, and name them, instead of stopping at the first
    #[arg(long)]
    skip_broken: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Pack {
    pub fn run(self) -> Result<(), Failure> {
        let options = PackOptions {
            source: self.source,
            root: self.root,
            out: self.out,
            replace: self.force,
            skip_broken: self.skip_broken,
        };
        let progress = Progress::new("packing faces");
        let packed = data::pack(&options, &|done, all| progress.show(done, all));
        progress.clear();
        let packed = packed?;
        for left_out in &packed.left_out {
            say(&format!("left out: {left_out}"));
        }
        for note in &packed.notes {
            say(note);
        }
        if self.json {
            return print_json(&packed);
        }
        let converted = if packed.converted > 0 {
            format!(", {} of them made PNG", packed.converted)
        } else {
            String::new()
        };
        print(&format!(
            "{}: {} images of {} people{converted}, {:.1} MB",
            visible_path(&options.out),
            packed.images,
            packed.identities,
            packed.bytes as f64 / 1e6
        ))?;
        if packed.left_out.is_empty() {
            return Ok(());
        }
        print(&format!("  left out {:>12}", packed.left_out.len()))
    }
}
