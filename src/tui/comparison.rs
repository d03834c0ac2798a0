//! The comparison table of what the dashboard sees: the published rows, then the evaluations of all runs.

use std::path::PathBuf;

use crate::eval::Evaluation;
use crate::eval::table::{Origin, Row, Table};

use super::model::{EvaluationPlace, Model};
use super::threshold::FigureOf;

/// The table, and the evaluations behind its own rows.
#[derive(Debug, Clone, Default)]
pub struct Comparison {
    /// Rows and columns.
    pub table: Table,
    evaluations: Vec<Evaluation>,
    /// The run of each.
    runs: Vec<PathBuf>,
}

/// The table of a model's runs.
pub fn of(model: &Model) -> Comparison {
    let mut evaluations = Vec::new();
    let mut runs = Vec::new();
    for run in model.runs() {
        if let Some(details) = run.details() {
            evaluations.extend(worth_a_row(&details.results));
            runs.resize(evaluations.len(), run.path.clone());
        }
    }
    // The published rows ship with the program and are checked by its tests.
    let mut table = Table::with_published(&evaluations).unwrap_or_default();
    if let Some(column) = model.evaluation.order {
        let own = table.rows.iter().position(|row| row.origin == Origin::Own);
        let mean = |row: &Row| {
            row.cells
                .get(&column)
                .map_or(f64::NEG_INFINITY, |cell| cell.mean)
        };
        let own = own.unwrap_or(table.rows.len());
        table.rows[own..].sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    }
    Comparison {
        table,
        evaluations,
        runs,
    }
}

impl Comparison {
    /// Rows and columns of figures.
    pub fn size(&self) -> (usize, usize) {
        (self.table.rows.len(), self.table.columns.len())
    }

    /// The cell nearest to a place: rows and columns may have gone since it was chosen.
    pub fn nearest(&self, place: &EvaluationPlace) -> (usize, usize) {
        let (rows, columns) = self.size();
        (
            place.row.min(rows.saturating_sub(1)),
            place.column.min(columns.saturating_sub(1)),
        )
    }

    /// The evaluation behind a cell; `None` for published figures and where nothing was run.
    pub fn evaluation(&self, row: usize, column: usize) -> Option<&Evaluation> {
        self.evaluations.get(self.index(row, column)?)
    }

    /// Which figure of which run a cell is; `None` as for [`Self::evaluation`].
    pub fn figure(&self, row: usize, column: usize) -> Option<FigureOf> {
        let index = self.index(row, column)?;
        let run = self.runs.get(index)?.clone();
        Some(FigureOf::of(run, self.evaluations.get(index)?))
    }

    fn index(&self, row: usize, column: usize) -> Option<usize> {
        let cell = self.table.cell(row, column)?;
        let provenance = cell.provenance.as_ref()?;
        let set = &self.table.columns.get(column)?.set;
        self.evaluations.iter().position(|evaluation| {
            evaluation.set == *set
                && evaluation.rule == cell.rule
                && evaluation.provenance == *provenance
                && evaluation.accuracy.mean.total_cmp(&cell.mean).is_eq()
        })
    }

    /// How many rows are published ones; they come first.
    pub fn published(&self) -> usize {
        let published = |row: &&Row| matches!(row.origin, Origin::Published { .. });
        self.table.rows.iter().take_while(published).count()
    }
}

/// Of a run that validates every so often, the best and the newest of each set and rule: all others would bury them.
fn worth_a_row(results: &[Evaluation]) -> Vec<Evaluation> {
    let alike = |a: &Evaluation, b: &Evaluation| {
        a.set == b.set && a.rule == b.rule && a.provenance.data == b.provenance.data
    };
    let kept = results.iter().filter(|one| {
        let rivals = || results.iter().filter(|other| alike(one, other));
        let best = rivals().all(|other| other.accuracy.mean <= one.accuracy.mean);
        let newest = rivals().all(|other| other.provenance.step <= one.provenance.step);
        best || newest
    });
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixtures;

    #[test]
    fn the_published_table_can_be_read() {
        let comparison = of(&fixtures::empty());
        assert_eq!(comparison.published(), 3);
        assert_eq!(comparison.size(), (3, 3));
    }

    #[test]
    fn a_run_has_a_row_for_its_best_and_its_newest_validation() {
        let at = |step, accuracy| {
            let mut evaluation = fixtures::evaluation("LFW", "run", step);
            evaluation.accuracy.mean = accuracy;
            evaluation
        };
        let results = [at(10, 0.5), at(20, 0.9), at(30, 0.7), at(40, 0.8)];
        let steps: Vec<_> = worth_a_row(&results)
            .iter()
            .filter_map(|evaluation| evaluation.provenance.step)
            .collect();
        assert_eq!(steps, [20, 40]);
    }

    #[test]
    fn the_evaluation_behind_a_cell_is_found() {
        let comparison = of(&fixtures::busy());
        let own = comparison.published();
        let column = comparison.size().1 - 1;
        assert!(comparison.evaluation(0, 0).is_none());
        let found = (own..comparison.size().0).filter_map(|row| comparison.evaluation(row, column));
        assert!(found.count() > 0);
    }
}
