//! `facetui data list`

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{
        Failure,
        output::{print, print_json},
    },
    data,
    untrusted::visible_path,
};

/// Write an image list from folders, with at most so many images of a person
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui data list vggface2/train --out train.txt\n  \
                  facetui data list aligned_images_DB --out ytf.txt --max-per-class 50\n\n\
                  The lines are `path,label`, with paths relative to DIR: in config.ini, train_list is the list and\n\
                  prefix is DIR. Of a person with more images than wanted, they are spread evenly over the person's\n\
                  videos and each video's frames. The same folders give the same list."
)]
pub(super) struct List {
    /// A folder per identity, with or without a folder per video in it
    #[arg(value_name = "DIR")]
    root: PathBuf,
    /// The list to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The most images of a person
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    max_per_class: Option<u64>,
    /// Replace a list that is there
    #[arg(long)]
    force: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl List {
    pub fn run(self) -> Result<(), Failure> {
        let listing = data::write_list(&self.root, &self.out, self.max_per_class, self.force)?;
        if self.json {
            return print_json(&listing);
        }
        let videos = if listing.videos > 0 {
            format!(" in {} videos", listing.videos)
        } else {
            String::new()
        };
        let left_out = if listing.left_out > 0 {
            format!("; {} left out", listing.left_out)
        } else {
            String::new()
        };
        print(&format!(
            "{}: {} images of {} people{videos}{left_out}",
            visible_path(&self.out),
            listing.images,
            listing.identities,
        ))?;
        print("  in config.ini:")?;
        print(&format!("  train_list = {}", absolute(&self.out)))?;
        print(&format!("  prefix = {}", absolute(&self.root)))
    }
}

fn absolute(path: &Path) -> String {
    visible_path(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}
