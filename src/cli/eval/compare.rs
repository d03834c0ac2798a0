//! `facetui eval compare`

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, print_json};
use crate::{
    cli::output::{print, print_columns},
    eval::compare::ComparedPair,
    launch::find,
    report::{self, Measured, RunComparison},
    untrusted::visible,
};

/// Evaluations of the same pairs beside each other: what the second mends and breaks
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval compare eval-lfw eval-lfw-2\n  \
                        facetui eval compare step-100 step-200 step-300 --set LFW --json\n\n\
                        p is McNemar's exact one: how likely a split of the pairs on which two models differ is, at\n\
                        least as uneven, if neither is better."
)]
pub(super) struct Compare {
    /// Two runs or more
    #[arg(value_name = "RUN", num_args = 2.., required = true)]
    evaluations: Vec<PathBuf>,
    /// Which of their sets [default: the whole one]
    #[arg(long, value_name = "S")]
    set: Option<String>,
    /// How many pairs to show
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print one JSON document, with all pairs that any of them tells wrong
    #[arg(long)]
    json: bool,
}

impl Compare {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let mut measured = Vec::with_capacity(self.evaluations.len());
        for run in &self.evaluations {
            let run = find::run(runs_root, run)?;
            measured.push(Measured::open(&run, self.set.as_deref())?);
        }
        let comparison = report::compare(&measured)?;
        if self.json {
            return print_json(&comparison);
        }
        self.print(&comparison)
    }

    fn print(&self, comparison: &RunComparison) -> Result<(), Failure> {
        print(&visible(&comparison.set))?;
        let head = ["", "run", "model", "rule", "accuracy", "wrong pairs"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend((1..).zip(&comparison.runs).map(|(number, run)| {
            let step = run.step.map(|step| format!(" @{step}"));
            vec![
                number.to_string(),
                visible(&run.run),
                visible(&run.model) + &step.unwrap_or_default(),
                run.rule.to_string(),
                format!("{:.5}", run.accuracy),
                run.wrong.to_string(),
            ]
        }));
        print_columns(&rows)?;
        if let Some(difference) = &comparison.difference {
            print(&format!(
                "2 against 1: {} pairs fixed, {} broken (p = {:.4}); {} wrong in both, {} right in both",
                difference.fixed,
                difference.broken,
                difference.p,
                difference.both_wrong,
                difference.both_right
            ))?;
        }
        let shown: Vec<&ComparedPair> = if comparison.difference.is_some() {
            let differ = |pair: &&ComparedPair| pair.of[0].right != pair.of[1].right;
            comparison.pairs.iter().filter(differ).collect()
        } else {
            comparison.pairs.iter().collect()
        };
        if shown.is_empty() {
            return Ok(());
        }
        let mut head: Vec<String> = ["pair", "same"].map(str::to_owned).to_vec();
        head.extend((1..=comparison.runs.len()).map(|number| format!("distance {number}")));
        head.extend(["first", "second"].map(str::to_owned));
        let mut rows = vec![head];
        rows.extend(shown.iter().take(self.limit).map(|pair| row(pair)));
        print("distances of the pairs that are not right in all; wrong ones are marked ×")?;
        print_columns(&rows)?;
        if shown.len() > self.limit {
            print(&format!("… and {} more", shown.len() - self.limit))?;
        }
        Ok(())
    }
}

fn row(pair: &ComparedPair) -> Vec<String> {
    let mut row = vec![
        (pair.pair + 1).to_string(),
        if pair.same { "yes" } else { "no" }.to_owned(),
    ];
    row.extend(pair.of.iter().map(|of| {
        let mark = if of.right { "" } else { " ×" };
        format!("{:.4}{mark}", of.distance)
    }));
    row.extend([visible(&pair.a), visible(&pair.b)]);
    row
}
