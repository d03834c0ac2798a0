//! `facetui eval failures`

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Failure, Made, print_json};
use crate::{
    cli::output::{print, print_columns, say},
    eval::failures::{FailingPair, FailureKind},
    report::{self, Measured, WrittenFailures},
    untrusted::{visible, visible_path},
};

/// The pairs that an evaluation told wrong, as a table and as pictures
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  facetui eval failures eval-lfw\n  \
                        facetui eval failures eval-ytf --out failures --limit 50\n  \
                        facetui eval failures eval-ytf --corrected official --errors my-errors.txt --json\n\n\
                        A pair is judged at the threshold of the fold that tested it; those that no fold tested, at the\n\
                        mean threshold. DIR gets failures.csv with all of them, and a picture of each of the worst.")]
pub(super) struct Failures {
    #[command(flatten)]
    made: Made,
    /// Where to write the table and the pictures
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many pairs of either kind to show and to write pictures of
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print one JSON document, with all failing pairs
    #[arg(long)]
    json: bool,
}

impl Failures {
    pub fn run(self, runs_root: &Path) -> Result<(), Failure> {
        let measured = self.made.open(runs_root)?;
        let failing = report::failures(&measured)?;
        let written = match &self.out {
            Some(out) => Some(report::write_failures(
                &measured, &failing, self.limit, out,
            )?),
            None => None,
        };
        for problem in written.iter().flat_map(|written| &written.problems) {
            say(problem);
        }
        if self.json {
            self.print_json(&measured, &failing, written.as_ref())
        } else {
            self.print(&measured, &failing, written.as_ref())
        }
    }

    fn print(
        &self,
        measured: &Measured,
        failing: &[FailingPair],
        written: Option<&WrittenFailures>,
    ) -> Result<(), Failure> {
        let evaluation = &measured.evaluation;
        print(&format!(
            "{} on {}: {} false rejects, {} false accepts",
            visible(&measured.label()),
            visible(&evaluation.set),
            count(failing, FailureKind::FalseReject),
            count(failing, FailureKind::FalseAccept)
        ))?;
        let head = [
            "",
            "distance",
            "threshold",
            "fold",
            "pair",
            "first",
            "second",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(failing.iter().take(self.limit).map(|pair| {
            let fold = pair
                .fold
                .map_or("untested".to_owned(), |fold| (fold + 1).to_string());
            vec![
                pair.kind.to_string(),
                format!("{:.4}", pair.distance),
                format!("{:.4}", pair.threshold),
                fold,
                (pair.pair + 1).to_string(),
                visible(&pair.a),
                visible(&pair.b),
            ]
        }));
        if !failing.is_empty() {
            print_columns(&rows)?;
        }
        if failing.len() > self.limit {
            print(&format!("… and {} more", failing.len() - self.limit))?;
        }
        if let (Some(out), Some(written)) = (&self.out, written) {
            print(&format!(
                "{}: failures.csv and {} pictures",
                visible_path(out),
                written.pictures
            ))?;
        }
        Ok(())
    }

    fn print_json(
        &self,
        measured: &Measured,
        failing: &[FailingPair],
        written: Option<&WrittenFailures>,
    ) -> Result<(), Failure> {
        let evaluation = &measured.evaluation;
        print_json(&json!({
            "run": measured.run.name(),
            "set": evaluation.set,
            "rule": evaluation.rule,
            "threshold": evaluation.threshold,
            "pairs": evaluation.pairs,
            "provenance": evaluation.provenance,
            "false_rejects": count(failing, FailureKind::FalseReject),
            "false_accepts": count(failing, FailureKind::FalseAccept),
            "untested": failing.iter().filter(|pair| pair.fold.is_none()).count(),
            "out": self.out,
            "pictures": written.map(|written| written.pictures),
            "failures": failing,
        }))
    }
}

fn count(failing: &[FailingPair], kind: FailureKind) -> usize {
    failing.iter().filter(|pair| pair.kind == kind).count()
}
