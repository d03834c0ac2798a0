//! `facetui errors`

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Failure, figures,
    output::{print, print_columns, print_json, print_raw, say},
};
use crate::{
    data::VideoSet,
    eval::{
        Evaluation,
        corrected::{Corrected, ErrorList, Note},
        error_list::day_of,
    },
    launch::find,
    report::Measured,
    run::host,
    untrusted::{visible, visible_path},
};

/// The list of mislabelled videos: what is in it, and why
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui errors list\n  \
                        facetui errors add Alma_Powell/2 --reason \"shows Colin Powell\" --list my-errors.txt\n  \
                        facetui errors add Ali_Abbas/2 --reason unsure --list my-errors.txt --run eval-ytf\n  \
                        facetui errors remove Ali_Abbas/2 --list my-errors.txt\n  \
                        facetui errors export --list my-errors.txt --out errors.csv\n\n\
                        A list is a plain file of one name a line, as the published code reads it; FILE.toml beside it\n\
                        holds the reasons. Without --list, the published list that ships with the program is shown.")]
pub(super) struct Errors {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    Add(Add),
    Remove(Remove),
    Export(Export),
}

impl Errors {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        match self.action {
            Action::List(command) => command.run(),
            Action::Add(command) => command.run(runs_root),
            Action::Remove(command) => command.run(runs_root),
            Action::Export(command) => command.run(),
        }
    }
}

/// Show the listed videos with their reasons
#[derive(Debug, Args)]
struct List {
    /// The list [default: the published one]
    #[arg(long = "list", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Warn of names that this split list hasn't
    #[arg(long, value_name = "FILE")]
    splits: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// List a video, or change what is noted of one
#[derive(Debug, Args)]
struct Add {
    /// The video: NAME/NUMBER
    name: String,
    /// What is wrong with it
    #[arg(long, value_name = "R")]
    reason: String,
    /// Who says so
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    #[command(flatten)]
    change: Change,
}

/// Take a video off the list
#[derive(Debug, Args)]
struct Remove {
    /// The video: NAME/NUMBER
    name: String,
    #[command(flatten)]
    change: Change,
}

/// What changes of a list have in common.
#[derive(Debug, Args)]
struct Change {
    /// The list; a new one begins as a copy of the published one
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// Begin a new list with nothing in it
    #[arg(long)]
    empty: bool,
    /// Warn if this split list hasn't the video
    #[arg(long, value_name = "FILE")]
    splits: Option<PathBuf>,
    /// Show what the corrected figures of this evaluation become
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// How the list changes them: reference or official
    #[arg(long, value_name = "M", default_value = "official")]
    corrected: Corrected,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Write the list elsewhere, as what the ending says: .txt, .csv, .toml with reasons, .json
#[derive(Debug, Args)]
struct Export {
    /// The list [default: the published one]
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The file to write [default: the plain list to standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn load(list: Option<&PathBuf>) -> Result<ErrorList, Failure> {
    Ok(match list {
        Some(path) => ErrorList::load(path)?,
        None => ErrorList::published(),
    })
}

impl List {
    fn run(self) -> Result<(), Failure> {
        let errors = load(self.file.as_ref())?;
        if let Some(splits) = &self.splits {
            warn_of_unknown(&errors, splits)?;
        }
        if self.json {
            return print_json(&document(self.file.as_deref(), &errors));
        }
        let rows: Vec<Vec<String>> = errors
            .entries()
            .map(|(name, note)| {
                let note = note.cloned().unwrap_or_default();
                let fields = [note.when, note.by, note.reason];
                let mut row = vec![visible(name)];
                row.extend(fields.map(|field| visible(&field.unwrap_or_default())));
                row
            })
            .collect();
        print_columns(&rows)?;
        say(&format!("{} videos", errors.len()));
        Ok(())
    }
}

impl Add {
    fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let note = Note {
            reason: Some(self.reason),
            by: self.by,
            when: Some(day_of(host::now())),
        };
        self.change.make(runs_root, &self.name, |errors| {
            Ok(if errors.add(&self.name, note)? {
                "added"
            } else {
                "noted"
            })
        })
    }
}

impl Remove {
    fn run(self, runs_root: &Path) -> Result<(), Failure> {
        self.change.make(runs_root, &self.name, |errors| {
            if errors.remove(&self.name) {
                return Ok("removed");
            }
            Err(Failure::Input(format!(
                "{} isn't listed; `facetui errors list` shows what is",
                visible(&self.name)
            )))
        })
    }
}

impl Change {
    fn make(
        &self,
        runs_root: &Path,
        name: &str,
        change: impl FnOnce(&mut ErrorList) -> Result<&'static str, Failure>,
    ) -> Result<(), Failure> {
        let mut measured = match &self.run {
            Some(run) => Some(Measured::open(&find::run(runs_root, run)?, None)?),
            None => None,
        };
        let before = self.begin()?;
        let mut errors = before.clone();
        let done = change(&mut errors)?;
        let mut shown = Vec::new();
        if let Some(measured) = &mut measured {
            for list in [&before, &errors] {
                measured.correct(list, self.corrected)?;
                shown.push(measured.evaluation.clone());
            }
        }
        if let Some(splits) = &self.splits {
            warn_of_unknown(&ErrorList::parse(name), splits)?;
        }
        errors.save(&self.list)?;
        if self.json {
            let mut document = document(Some(&self.list), &errors);
            document["changed"] = json!({ "video": name, "done": done });
            if let [before, after] = shown.as_slice() {
                document["figures"] = json!({ "before": before, "after": after });
            }
            return print_json(&document);
        }
        print(&format!(
            "{done} {}: {} has {} videos",
            visible(name),
            visible_path(&self.list),
            errors.len()
        ))?;
        for (when, evaluation) in ["before", "now"].into_iter().zip(&shown) {
            print(when)?;
            print_figures(evaluation)?;
        }
        Ok(())
    }

    /// The list as it is, or where there is none as it begins.
    fn begin(&self) -> Result<ErrorList, Failure> {
        match fs::metadata(&self.list) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if self.empty {
                    return Ok(ErrorList::default());
                }
                let published = ErrorList::published();
                say(&format!(
                    "{} is new: it begins with the {} videos of the published list (--empty begins with none)",
                    visible_path(&self.list),
                    published.len()
                ));
                Ok(published)
            }
            _ => Ok(ErrorList::load(&self.list)?),
        }
    }
}

impl Export {
    fn run(self) -> Result<(), Failure> {
        let errors = load(self.list.as_ref())?;
        let Some(out) = &self.out else {
            if self.json {
                return print_json(&document(self.list.as_deref(), &errors));
            }
            return print_raw(errors.to_plain().as_bytes());
        };
        let ending = out.extension().and_then(OsStr::to_str).unwrap_or_default();
        errors.export(out, ending)?;
        if self.json {
            print_json(&json!({ "out": out, "videos": errors.len() }))
        } else {
            print(&visible_path(out))
        }
    }
}

fn document(list: Option<&Path>, errors: &ErrorList) -> Value {
    let mut document = errors.to_json();
    document["list"] = list.map_or(json!("published"), |list| json!(list));
    document
}

fn warn_of_unknown(errors: &ErrorList, splits: &Path) -> Result<(), Failure> {
    let set = VideoSet::without_frames(splits, None)?;
    for name in errors.unknown(set.videos.iter().map(|video| video.name.as_str())) {
        say(&format!(
            "{} is in no pair of {}",
            visible(name),
            visible_path(splits)
        ));
    }
    Ok(())
}

fn print_figures(evaluation: &Evaluation) -> Result<(), Failure> {
    figures::print_line(evaluation)?;
    let pairs = &evaluation.pairs;
    print(&format!(
        "  {:<24} {} positive, {} negative; {} tested, {} dropped",
        "", pairs.positive, pairs.negative, pairs.tested, pairs.dropped
    ))
}
