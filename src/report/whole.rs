//! The report folder: table, charts, failing pairs, and one page that shows them all.

use std::collections::BTreeMap;
use std::path::Path;

use super::failures::{captioned, failures};
use super::folder::{NewFolder, plain};
use super::html::Page;
use super::measured::label;
use super::{Measured, ReportError};
use crate::eval::{
    Evaluation,
    failures::{FailingPair, FailureKind, to_csv},
    listing,
    operating::OperatingPoints,
    ranking::Ranking,
    table::Table,
};
use crate::plot::{Chart, DistanceHistogram, RocLine, sheet};
use crate::run::RunDirectory;

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How many evaluations it shows.
    pub evaluations: usize,
    /// Evaluations without charts, since no scores of them are kept.
    pub without_scores: Vec<String>,
    /// What couldn't be shown, and why.
    pub problems: Vec<String>,
}

const PAGE: &str = "report.html";
const TITLE: &str = "Face verification";
/// Failing pairs that a sheet shows of each kind.
const SHOWN_PAIRS: usize = 24;

/// All evaluations of some runs, in the order of the runs and of their results.
///
/// # Errors
/// A run has none, or its documents can't be read.
pub fn evaluations(runs: &[RunDirectory]) -> Result<Vec<(RunDirectory, Evaluation)>, ReportError> {
    let mut all = Vec::new();
    for run in runs {
        let results = run.results()?;
        if let Some(broken) = results.broken.into_iter().next() {
            return Err(broken.into());
        }
        if results.rows.is_empty() {
            return Err(ReportError::NoEvaluation { run: run.name() });
        }
        all.extend(
            results
                .rows
                .into_iter()
                .map(|row| (run.clone(), row.evaluation)),
        );
    }
    Ok(all)
}

/// Writes a report on all evaluations of some runs.
///
/// The folder appears when it is complete; an older report is replaced.
///
/// # Errors
/// There is nothing to report on, the folder holds something else, or the disk refuses.
pub fn report(runs: &[RunDirectory], out: &Path) -> Result<Report, ReportError> {
    let all = evaluations(runs)?;
    let mut writer = Writer {
        folder: NewFolder::begin(out, "a report", is_ours)?,
        page: Page::new(TITLE),
        report: Report {
            evaluations: all.len(),
            without_scores: Vec::new(),
            problems: Vec::new(),
        },
    };
    let figures: Vec<Evaluation> = all.iter().map(|(_, of)| of.clone()).collect();
    writer.tables(&figures)?;
    let mut by_set: BTreeMap<(String, String), Vec<Measured>> = BTreeMap::new();
    for (run, evaluation) in all {
        let place = (evaluation.set.clone(), evaluation.provenance.data.clone());
        let name = format!("{} on {}", label(&evaluation), evaluation.set);
        match Measured::of(&run, evaluation) {
            Ok(measured) => by_set.entry(place).or_default().push(measured),
            Err(ReportError::NoScores { .. }) => writer.report.without_scores.push(name),
            Err(problem) => writer.report.problems.push(format!("{name}: {problem}")),
        }
    }
    let mut number = 0;
    for (nth, ((set, data), measured)) in (1..).zip(&by_set) {
        writer.curves(nth, set, data, measured)?;
        for measured in measured {
            number += 1;
            writer.evaluation(number, measured)?;
        }
    }
    writer.finish()
}

/// The names of a report's files.
fn is_ours(name: &str) -> bool {
    let charts = ["roc-", "det-", "distances-", "failures-"];
    let ends = [".png", ".svg", ".csv"];
    [PAGE, "table.md", "table.csv", "table.json"].contains(&name)
        || charts.iter().any(|start| name.starts_with(start))
            && ends.iter().any(|end| name.ends_with(end))
}

struct Writer {
    folder: NewFolder,
    page: Page,
    report: Report,
}

impl Writer {
    fn tables(&mut self, evaluations: &[Evaluation]) -> Result<(), ReportError> {
        let lines = listing::texts(evaluations);
        let compared = Table::with_published(evaluations)?.texts();
        let markdown = format!(
            "{}\n{}",
            listing::to_markdown(&lines),
            listing::to_markdown(&compared)
        );
        self.folder.write("table.md", markdown.as_bytes())?;
        self.folder
            .write("table.csv", &listing::to_csv(evaluations))?;
        let json = serde_json::to_vec_pretty(evaluations)
            .map_err(|error| ReportError::io("write", Path::new("table.json"))(error.into()))?;
        self.folder.write("table.json", &json)?;
        self.page.paragraph(
            "A pair counts as one person below the threshold. The spread is the population deviation over the folds, \
             as published; 95 % intervals are bootstrap percentiles with the folds' thresholds kept. Only figures with \
             the same set, rule and preprocessing can be compared.",
        );
        self.page.heading("Figures");
        self.page.table(&lines);
        self.page.small_heading("Beside the published ones");
        self.page.table(&compared);
        Ok(())
    }

    /// ROC and DET of all evaluations on a set.
    fn curves(
        &mut self,
        nth: usize,
        set: &str,
        data: &str,
        measured: &[Measured],
    ) -> Result<(), ReportError> {
        self.page.heading(set);
        self.page.paragraph(data);
        let lines: Vec<RocLine> = measured
            .iter()
            .map(|measured| RocLine {
                name: measured.label(),
                points: Ranking::new(&measured.scores.pairs()).roc().collect(),
                negatives: measured.evaluation.pairs.negative,
            })
            .collect();
        let title = |kind: &str| format!("{set}: {kind}");
        let roc = Chart::Roc {
            title: title("true accepts at each false accept rate"),
            lines: lines.clone(),
        };
        let det = Chart::Det {
            title: title("errors of either kind"),
            lines,
        };
        let place = format!("{nth}-{}", plain(set));
        self.charts(&[
            (format!("roc-{place}"), roc, format!("ROC curve on {set}")),
            (format!("det-{place}"), det, format!("DET curve on {set}")),
        ])
    }

    /// Distances, threshold and failing pairs of one evaluation.
    fn evaluation(&mut self, number: usize, measured: &Measured) -> Result<(), ReportError> {
        let evaluation = &measured.evaluation;
        let name = format!("{} on {}", measured.label(), evaluation.set);
        self.page.small_heading(&name);
        let pairs = measured.scores.pairs();
        let points = OperatingPoints::new(&pairs)?;
        let histogram = Chart::Distances(DistanceHistogram {
            title: name.clone(),
            unit: evaluation.provenance.distance.clone(),
            positive: points.positive().to_vec(),
            negative: points.negative().to_vec(),
            threshold: evaluation.threshold,
        });
        let made_by = &evaluation.provenance;
        let step = made_by.step.map(|step| format!("-{step}"));
        let place = format!(
            "{number}-{}{}-{}-{}",
            plain(&made_by.model),
            step.unwrap_or_default(),
            evaluation.rule,
            plain(&evaluation.set)
        );
        let description = "distances of both kinds of pairs".to_owned();
        self.charts(&[(format!("distances-{place}"), histogram, description)])?;
        self.page.slider(&points, evaluation.threshold);
        self.folds(evaluation);
        let failing = failures(measured)?;
        self.folder
            .write(&format!("failures-{place}.csv"), &to_csv(&failing))?;
        for (kind, words) in [
            (FailureKind::FalseReject, "False rejects"),
            (FailureKind::FalseAccept, "False accepts"),
        ] {
            let of_kind: Vec<&FailingPair> =
                failing.iter().filter(|pair| pair.kind == kind).collect();
            self.failing(
                &format!("failures-{place}-{kind}.png"),
                words,
                measured,
                &of_kind,
            )?;
        }
        Ok(())
    }

    fn folds(&mut self, evaluation: &Evaluation) {
        let head = ["fold", "accuracy", "threshold", "positive", "negative"];
        let mut lines = vec![head.map(str::to_owned).to_vec()];
        for (number, fold) in (1..).zip(&evaluation.folds) {
            lines.push(vec![
                number.to_string(),
                format!("{:.5}", fold.accuracy),
                format!("{:.4}", fold.threshold),
                fold.positive.to_string(),
                fold.negative.to_string(),
            ]);
        }
        if let Some(untested) = evaluation.untested {
            lines.push(vec![
                "untested".to_owned(),
                format!("{:.5}", untested.accuracy),
                format!("{:.4}", evaluation.threshold),
                untested.positive.to_string(),
                untested.negative.to_string(),
            ]);
        }
        self.page.table(&lines);
    }

    fn failing(
        &mut self,
        file: &str,
        words: &str,
        measured: &Measured,
        failing: &[&FailingPair],
    ) -> Result<(), ReportError> {
        let shown = &failing[..failing.len().min(SHOWN_PAIRS)];
        let head = match failing.len() {
            0 => format!("{words}: none"),
            all if all > shown.len() => format!("{words}: {all}, the {} worst", shown.len()),
            all => format!("{words}: {all}"),
        };
        self.page.small_heading(&head);
        if shown.is_empty() {
            return Ok(());
        }
        let entries = match captioned(measured, shown) {
            Ok((entries, problems)) => {
                self.report.problems.extend(problems);
                entries
            }
            Err(problem @ (ReportError::Data(_) | ReportError::Changed { .. })) => {
                self.report.problems.push(problem.to_string());
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        if entries.is_empty() {
            self.page.paragraph("The pictures are not there any more.");
            return Ok(());
        }
        let title = format!(
            "{head}: {} on {}",
            measured.label(),
            measured.evaluation.set
        );
        self.folder.write(file, &sheet(&title, &entries)?)?;
        let mut pictures = Vec::with_capacity(entries.len());
        for entry in entries {
            pictures.push((entry.picture.jpeg()?, entry.lines));
        }
        self.page.pictures(&pictures);
        Ok(())
    }

    /// Writes charts as both formats under their names, and shows them beside each other.
    fn charts(&mut self, charts: &[(String, Chart, String)]) -> Result<(), ReportError> {
        let mut shown = Vec::with_capacity(charts.len());
        for (name, chart, description) in charts {
            let svg = chart.svg()?;
            self.folder.write(&format!("{name}.svg"), svg.as_bytes())?;
            self.folder.write(&format!("{name}.png"), &chart.png()?)?;
            shown.push((svg, description.clone()));
        }
        self.page.charts(&shown);
        Ok(())
    }

    fn finish(mut self) -> Result<Report, ReportError> {
        if !self.report.without_scores.is_empty() {
            self.page.heading("Without charts");
            self.page.paragraph(&format!(
                "No scores are kept of what is validated while training: {}.",
                self.report.without_scores.join("; ")
            ));
        }
        self.folder
            .write(PAGE, self.page.finish(TITLE).as_bytes())?;
        self.folder.finish()?;
        Ok(self.report)
    }
}
