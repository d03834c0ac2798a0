//! What is written to files and to the clipboard.

use std::path::{Path, PathBuf};

use crate::tui::charts;
use crate::tui::effect::Effect;
use crate::tui::export::{self, CurvesToExport};
use crate::tui::keys::Action;
use crate::tui::line::TextLine;
use crate::tui::model::{Ask, Asked, Model, Overlay, SMOOTHINGS, Tone, View};
use crate::tui::snapshot::Curves;
use crate::untrusted::visible_os;

use super::say;

pub(super) fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Copy => {
            let Some(text) = export::copied(model) else {
                say(
                    model,
                    Tone::Refused,
                    "nothing is selected to copy".to_owned(),
                );
                return Vec::new();
            };
            say(
                model,
                Tone::Done,
                format!("copied: {}", text.replace('\t', "  ")),
            );
            return vec![Effect::Copy(text)];
        }
        Action::ExportChart => {
            let chart = charts::of(model).into_iter().nth(model.live.kept.chart);
            let title = chart.map_or_else(|| "chart".to_owned(), |chart| chart.title);
            ask(model, Asked::ExportChart, &format!("{}.png", plain(&title)));
        }
        Action::ExportView => {
            let name = model.view.name().to_lowercase();
            let ending = if model.view == View::Live {
                "png"
            } else {
                "csv"
            };
            ask(model, Asked::ExportView, &format!("{name}.{ending}"));
        }
        _ => {}
    }
    Vec::new()
}

fn ask(model: &mut Model, about: Asked, text: &str) {
    model.overlay = Some(Overlay::Ask(Ask {
        about,
        line: TextLine::new(text),
    }));
}

/// A title as a file's name.
fn plain(title: &str) -> String {
    let letters = title.chars().map(|letter| match letter {
        '.' | '-' | '_' => letter,
        _ if letter.is_alphanumeric() => letter,
        _ => '-',
    });
    letters.collect()
}

/// Draws the chosen chart.
pub(super) fn chart(model: &mut Model, file: &Path) -> Vec<Effect> {
    let chart = charts::of(model).into_iter().nth(model.live.kept.chart);
    // A stack's parts are the tags of its last curve.
    let tags = chart.map_or_else(Vec::new, |chart| {
        let mut tags: Vec<String> = chart
            .curves
            .into_iter()
            .flat_map(|(_, tags)| tags)
            .collect();
        tags.sort();
        tags.dedup();
        tags
    });
    curves(model, tags, file)
}

/// Writes the view: its table or, live, all its curves as numbers; else the screen, as the ending says.
pub(super) fn view(model: &mut Model, file: &Path) -> Vec<Effect> {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or("").to_lowercase();
    match ending.as_str() {
        "png" | "svg" => vec![Effect::ExportScreen(file.to_owned())],
        "csv" if model.view == View::Live => {
            let run = model.selected.clone();
            let all = run.and_then(|run| {
                let curves = model.curves_of(&run)?;
                Some(curves.scalars.tags().map(str::to_owned).collect())
            });
            curves(model, all.unwrap_or_default(), file)
        }
        "csv" => {
            let Some(text) = export::table(model) else {
                say(
                    model,
                    Tone::Refused,
                    "this view has no table yet".to_owned(),
                );
                return Vec::new();
            };
            vec![Effect::ExportText(text, file.to_owned())]
        }
        _ => {
            let text = "the ending says what to write; allowed are .png, .svg and .csv".to_owned();
            say(model, Tone::Refused, text);
            Vec::new()
        }
    }
}

fn curves(model: &mut Model, tags: Vec<String>, file: &Path) -> Vec<Effect> {
    let selected = model.selected_run();
    let title = selected.map(|run| run.name.clone()).unwrap_or_default();
    let mut runs: Vec<(String, Curves)> = Vec::new();
    if let Some(run) = selected
        && let Some(curves) = model.curves_of(&run.path)
    {
        runs.push((run.name.clone(), curves.clone()));
        // Those beside it in the order of their colours.
        for (path, curves) in &model.beside {
            let name = path.file_name().map(visible_os).unwrap_or_default();
            runs.push((name, curves.clone()));
        }
    }
    if runs.is_empty() || tags.is_empty() {
        say(model, Tone::Refused, "there are no curves yet".to_owned());
        return Vec::new();
    }
    let export = CurvesToExport {
        runs,
        tags,
        title,
        smoothing: SMOOTHINGS[model.live.kept.smoothing],
    };
    vec![Effect::ExportCurves(Box::new(export), PathBuf::from(file))]
}
