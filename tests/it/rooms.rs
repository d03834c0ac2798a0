//! Which room may use which: the paths that the sources name, against the table of the house.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A room and the paths it may name. A room that isn't here may not be.
type Table = &'static [(&'static str, &'static [&'static str])];

/// The rooms of this package. Only `main` uses `cli`, and only what people see starts jobs.
const FACETUI: Table = &[
    ("atomic", &[]),
    ("untrusted", &[]),
    ("config", &["untrusted"]),
    ("data", &["atomic", "config", "untrusted"]),
    ("eval", &["atomic", "untrusted"]),
    ("run", &["atomic", "config", "eval", "untrusted"]),
    ("launch", &["config", "data", "eval", "run", "untrusted"]),
    ("plot", &["atomic", "eval", "run", "untrusted"]),
    (
        "report",
        &["atomic", "data", "eval", "plot", "run", "untrusted"],
    ),
    (
        "tui",
        &[
            "atomic",
            "config",
            "data",
            "eval",
            "launch",
            "plot",
            "report",
            "run",
            "untrusted",
        ],
    ),
    (
        "cli",
        &[
            "config",
            "data",
            "eval",
            "launch",
            "plot",
            "report",
            "run",
            "tui",
            "untrusted",
        ],
    ),
    ("main", &["facetui::cli"]),
];

/// The worker's rooms, and what they may use of this package: nothing there draws, starts jobs or reads commands.
const WORKER: Table = &[
    (
        "model",
        &[
            "facetui::config",
            "facetui::data::pickle",
            "facetui::run",
            "facetui::untrusted",
        ],
    ),
    (
        "train",
        &[
            "model",
            "facetui::atomic",
            "facetui::config",
            "facetui::data",
            "facetui::run",
            "facetui::untrusted",
        ],
    ),
    (
        "embed",
        &[
            "model",
            "train::checkpoint",
            "facetui::atomic",
            "facetui::config",
            "facetui::data",
            "facetui::eval",
            "facetui::run",
            "facetui::untrusted",
        ],
    ),
    (
        "align",
        &[
            "model",
            "facetui::atomic",
            "facetui::data",
            "facetui::run",
            "facetui::untrusted",
        ],
    ),
    (
        "job",
        &[
            "model",
            "train",
            "embed",
            "facetui::atomic",
            "align",
            "facetui::config",
            "facetui::data",
            "facetui::eval",
            "facetui::run",
            "facetui::untrusted",
        ],
    ),
    (
        "command_line",
        &["embed", "job", "model", "facetui::config", "facetui::run"],
    ),
    ("main", &["facetui_worker::command_line"]),
];

#[test]
fn rooms_of_facetui_use_only_what_they_may() {
    check("src", FACETUI);
}

#[test]
fn rooms_of_the_worker_use_only_what_they_may() {
    check("worker/src", WORKER);
}

fn check(sources: &str, table: Table) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources);
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let texts: Vec<(PathBuf, String)> = files
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect();
    let test_modules: BTreeSet<PathBuf> = texts
        .iter()
        .flat_map(|(path, text)| test_files(path, text))
        .collect();
    let mut problems = Vec::new();
    let mut named = 0;
    for (path, text) in &texts {
        let inside = path.strip_prefix(&folder).unwrap();
        let room = inside.iter().next().unwrap().to_str().unwrap();
        let room = room.trim_end_matches(".rs");
        if room == "lib" || test_modules.contains(path) {
            continue;
        }
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == room) else {
            problems.push(format!(
                "{}: the table has no room {room}",
                inside.display()
            ));
            continue;
        };
        let code = without_tests(text);
        // It would leave the room without naming where to.
        if room != "main" && inside.components().count() == 2 && code.contains("super::super") {
            problems.push(format!("{}: names super::super", inside.display()));
        }
        for used in paths(&code) {
            named += 1;
            let covers = |allowed: &str| {
                used.strip_prefix(allowed)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
            };
            if !covers(room) && !allowed.iter().any(|allowed| covers(allowed)) {
                problems.push(format!("{}: {room} may not use {used}", inside.display()));
            }
        }
    }
    assert_eq!(problems, Vec::<String>::new());
    assert!(named > 20, "the sources are read: {named} paths");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The files of the `#[cfg(test)] mod NAME;` that a file declares.
fn test_files(path: &Path, text: &str) -> Vec<PathBuf> {
    let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    };
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|after| {
        let (declaration, _) = after.split_once(['\n', '{'])?;
        let (_, name) = declaration.strip_suffix(';')?.rsplit_once("mod ")?;
        Some(folder.join(name).with_extension("rs"))
    });
    declared.collect()
}

/// The code without comment lines and without test items: those end with a brace at the beginning of a line.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            if lines.next().is_some_and(|item| item.ends_with('{')) {
                lines.find(|line| *line == "}");
            }
        } else if !line.trim_start().starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

/// Every path that begins with `crate::`, without it, or with the name of a package of ours, with it.
fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (start, prefix) in [
        ("crate::", ""),
        ("facetui::", "facetui::"),
        ("facetui_worker::", "facetui_worker::"),
    ] {
        for (at, _) in code.match_indices(start) {
            let goes_on = |before: char| before.is_alphanumeric() || "_:\"`".contains(before);
            if !code[..at].ends_with(goes_on) {
                expand(&code[at + start.len()..], prefix, &mut found);
            }
        }
    }
    found
}

/// Writes out `a::{b, c::d}` as `a::b` and `a::c::d`, and gives what comes after it.
fn expand<'a>(text: &'a str, prefix: &str, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest =
                rest.trim_start_matches(|between: char| between.is_whitespace() || between == ',');
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            rest = expand(rest, prefix, found);
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            rest = &rest[end..];
            if rest.is_empty() {
                return rest;
            }
        }
    }
    let end = text
        .find(|after: char| !after.is_alphanumeric() && after != '_' && after != '*')
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let path = format!("{prefix}{name}");
    match rest.strip_prefix("::") {
        Some(inner)
            if inner.starts_with(|next: char| next.is_alphabetic() || "_{*".contains(next)) =>
        {
            expand(inner, &format!("{path}::"), found)
        }
        _ => {
            found.push(path);
            rest
        }
    }
}

#[test]
fn use_trees_are_written_out() {
    let code = "use crate::{config::{self, Crop}, run::host as machine};\nlet x = crate::data::size_of::<u8>(y);\nfacetui::cli::run()";
    let expected = [
        "config::self",
        "config::Crop",
        "run::host",
        "data::size_of",
        "facetui::cli::run",
    ];
    assert_eq!(paths(code), expected);
}
