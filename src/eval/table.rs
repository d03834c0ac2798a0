//! The comparison table: published rows and this project's own, one column a set.
//!
//! A figure stands only in the column of the very set it was measured on; every other cell of its row says
//! "not run". Two sets of one name but with other pairs are two columns.

use std::collections::BTreeMap;

use serde::Deserialize;
use unicode_width::UnicodeWidthStr;

use super::{EvalError, Evaluation, Provenance, Rule};
use crate::untrusted::visible;

/// The whole table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns: those of the published rows first, then others by name.
    pub columns: Vec<Column>,
    /// The rows: published ones as published, then own ones by model and step.
    pub rows: Vec<Row>,
}

/// A verification set, told apart from others of its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// The set's name.
    pub set: String,
    /// How many pairs its list has, whatever became of them.
    pub pairs: usize,
    /// Where it lies; `None` for the published sets.
    pub data: Option<String>,
    /// The column's head: the name, with what tells it apart where another has the same name.
    pub head: String,
}

/// One model's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The model.
    pub model: String,
    /// The step of the model, where it has one.
    pub step: Option<u64>,
    /// Who measured it.
    pub origin: Origin,
    /// The network's input, as its maker writes it.
    pub image: Option<String>,
    /// By the index of the column.
    pub cells: BTreeMap<usize, Cell>,
}

/// Who measured a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A publication.
    Published {
        /// Which.
        source: String,
    },
    /// This program.
    Own,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Mean accuracy over the folds, 0..1.
    pub mean: f64,
    /// Population standard deviation over the folds.
    pub std: f64,
    /// The rule that made it.
    pub rule: Rule,
    /// What made it; `None` for published figures.
    pub provenance: Option<Provenance>,
}

/// What a cell without a figure says.
pub const NOT_RUN: &str = "not run";

impl Table {
    /// The published rows followed by `evaluations`.
    ///
    /// # Errors
    /// When the published rows that ship with the program are broken.
    pub fn with_published(evaluations: &[Evaluation]) -> Result<Self, EvalError> {
        let mut table = published()?;
        table.add(evaluations);
        Ok(table)
    }

    /// Adds this program's own evaluations; those of one model by one rule share a row.
    pub fn add(&mut self, evaluations: &[Evaluation]) {
        let mut sorted: Vec<&Evaluation> = evaluations.iter().collect();
        sorted.sort_by_key(|evaluation| {
            let made_by = &evaluation.provenance;
            (
                &made_by.model,
                made_by.step,
                evaluation.rule,
                &evaluation.set,
            )
        });
        for evaluation in sorted {
            let column = self.column_of(evaluation);
            let cell = Cell {
                mean: evaluation.accuracy.mean,
                std: evaluation.accuracy.std,
                rule: evaluation.rule,
                provenance: Some(evaluation.provenance.clone()),
            };
            let row = self.rows.iter_mut().find(|row| row.takes(column, &cell));
            if let Some(row) = row {
                row.cells.insert(column, cell);
            } else {
                self.rows.push(Row {
                    model: evaluation.provenance.model.clone(),
                    step: evaluation.provenance.step,
                    origin: Origin::Own,
                    image: evaluation.provenance.crop.clone(),
                    cells: BTreeMap::from([(column, cell)]),
                });
            }
        }
        self.name_columns();
    }

    /// The figure in a row and a column; `None` where it was not run.
    pub fn cell(&self, row: usize, column: usize) -> Option<&Cell> {
        self.rows.get(row)?.cells.get(&column)
    }

    /// The table as texts that may be shown: the head, then one line a row; all lines have as many fields.
    pub fn texts(&self) -> Vec<Vec<String>> {
        let mut head = vec!["model".to_owned(), "image".to_owned(), "from".to_owned()];
        head.extend(self.columns.iter().map(|column| visible(&column.head)));
        let mut lines = vec![head];
        for (index, row) in self.rows.iter().enumerate() {
            let step = row.step.map(|step| format!(" @{step}")).unwrap_or_default();
            let mut line = vec![
                visible(&row.model) + &step,
                visible(row.image.as_deref().unwrap_or("-")),
                match row.origin {
                    Origin::Published { .. } => "published".to_owned(),
                    Origin::Own => "own".to_owned(),
                },
            ];
            line.extend((0..self.columns.len()).map(|column| {
                self.cell(index, column)
                    .map_or_else(|| NOT_RUN.to_owned(), Cell::text)
            }));
            lines.push(line);
        }
        lines
    }

    /// The table as lines of text with aligned columns.
    pub fn aligned(&self) -> String {
        let lines = self.texts();
        let width_of = |column: usize| lines.iter().map(|line| line[column].width()).max();
        let widths: Vec<usize> = (0..lines[0].len()).filter_map(width_of).collect();
        let mut text = String::new();
        for line in &lines {
            let mut shown = String::new();
            for (field, width) in line.iter().zip(&widths) {
                shown.push_str(field);
                shown.push_str(&" ".repeat(width - field.width() + 2));
            }
            text.push_str(shown.trim_end());
            text.push('\n');
        }
        text
    }

    /// Where the column of an evaluation's set is; it is made where there is none.
    fn column_of(&mut self, evaluation: &Evaluation) -> usize {
        let pairs = evaluation.pairs;
        let pairs = pairs.positive + pairs.negative + pairs.missing + pairs.dropped;
        let data = &evaluation.provenance.data;
        let found = self.columns.iter().position(|column| {
            column.set == evaluation.set
                && column.pairs == pairs
                && column.data.as_ref().is_none_or(|other| other == data)
        });
        found.unwrap_or_else(|| {
            self.columns.push(Column {
                set: evaluation.set.clone(),
                pairs,
                data: Some(data.clone()),
                head: evaluation.set.clone(),
            });
            self.columns.len() - 1
        })
    }

    /// Gives columns of one name heads that tell them apart.
    fn name_columns(&mut self) {
        let all = self.columns.clone();
        for (index, column) in self.columns.iter_mut().enumerate() {
            let rivals = || {
                let set = column.set.clone();
                all.iter()
                    .enumerate()
                    .filter(move |(other, rival)| *other != index && rival.set == set)
                    .map(|(_, rival)| rival)
            };
            column.head = match &column.data {
                _ if rivals().next().is_none() => column.set.clone(),
                Some(data) if rivals().any(|rival| rival.pairs == column.pairs) => {
                    format!("{} ({} pairs, {data})", column.set, column.pairs)
                }
                _ => format!("{} ({} pairs)", column.set, column.pairs),
            };
        }
    }
}

impl Row {
    /// Whether a figure belongs in this row: of the same model and rule, measured alike, its place still free.
    fn takes(&self, column: usize, cell: &Cell) -> bool {
        let Some(made_by) = &cell.provenance else {
            return false;
        };
        !self.cells.contains_key(&column)
            && self.cells.values().all(|own| {
                own.rule == cell.rule
                    && own.provenance.as_ref().is_some_and(|own| {
                        own.model == made_by.model
                            && own.step == made_by.step
                            && own.channels == made_by.channels
                            && own.crop == made_by.crop
                            && own.mirror == made_by.mirror
                    })
            })
    }
}

impl Cell {
    /// Mean ± deviation and the rule: `0.99467 ± 0.00386 reference`.
    pub fn text(&self) -> String {
        format!("{:.5} ± {:.5} {}", self.mean, self.std, self.rule)
    }
}

/// The published rows alone.
///
/// # Errors
/// When `assets/published.toml` is broken.
pub fn published() -> Result<Table, EvalError> {
    parse_published(include_str!("../../assets/published.toml"))
}

fn parse_published(text: &str) -> Result<Table, EvalError> {
    let file: PublishedFile = toml::from_str(text).map_err(|error| EvalError::Published {
        reason: error.to_string(),
    })?;
    let columns: Vec<Column> = file
        .pairs
        .into_iter()
        .map(|(set, pairs)| Column {
            head: set.clone(),
            set,
            pairs,
            data: None,
        })
        .collect();
    let mut rows = Vec::new();
    for row in file.row {
        let mut cells = BTreeMap::new();
        for (set, [mean, std]) in row.figures {
            let column = columns.iter().position(|column| column.set == set);
            let column = column.ok_or_else(|| EvalError::Published {
                reason: format!("row {}: the set {set} is not in [pairs]", row.model),
            })?;
            let rule = file.rule;
            cells.insert(
                column,
                Cell {
                    mean,
                    std,
                    rule,
                    provenance: None,
                },
            );
        }
        rows.push(Row {
            model: row.model,
            step: None,
            origin: Origin::Published {
                source: file.source.clone(),
            },
            image: Some(row.image),
            cells,
        });
    }
    Ok(Table { columns, rows })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedFile {
    source: String,
    rule: Rule,
    pairs: BTreeMap<String, usize>,
    row: Vec<PublishedRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishedRow {
    model: String,
    image: String,
    figures: BTreeMap<String, [f64; 2]>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{ScoredPair, verify};

    fn evaluation(set: &str, model: &str, data: &str, pairs: u32, rule: Rule) -> Evaluation {
        let scored: Vec<_> = (0..pairs)
            .map(|i| ScoredPair {
                distance: f64::from(i % 2),
                same: i % 2 == 0,
                fold: None,
            })
            .collect();
        let provenance = Provenance {
            model: model.to_owned(),
            step: Some(100),
            data: data.to_owned(),
            ..Provenance::default()
        };
        verify(rule, &scored)
            .unwrap()
            .into_evaluation(set.to_owned(), 0, 0, provenance)
    }

    fn heads(table: &Table) -> Vec<&str> {
        table.columns.iter().map(|c| c.head.as_str()).collect()
    }

    #[test]
    fn the_published_rows_are_there_with_their_source() {
        let table = published().unwrap();
        assert_eq!(heads(&table), ["LFW", "YTF", "YTF-corrected"]);
        assert_eq!(table.rows.len(), 3);
        let texts = table.texts();
        assert_eq!(texts[1][0], "vgg-triplet/iter_426000");
        assert_eq!(texts[1][3], "0.99467 ± 0.00386 reference");
        assert_eq!(texts[2][5], "0.97531 ± 0.00537 reference");
        assert!(
            matches!(&table.rows[0].origin, Origin::Published { source } if source.contains("2018"))
        );
    }

    #[test]
    fn a_row_says_not_run_wherever_it_was_not_run() {
        let own = [
            evaluation("faces.bin", "a", "d/faces.bin", 600, Rule::Reference),
            evaluation("LFW", "b", "lfw.bin", 6000, Rule::Reference),
        ];
        let table = Table::with_published(&own).unwrap();
        assert_eq!(heads(&table), ["LFW", "YTF", "YTF-corrected", "faces.bin"]);
        let texts = table.texts();
        assert_eq!(texts[1][6], NOT_RUN);
        assert_eq!(texts[4][3..6], [NOT_RUN, NOT_RUN, NOT_RUN]);
        assert_eq!(texts[4][6], "1.00000 ± 0.00000 reference");
        assert_eq!(texts[5][3], "1.00000 ± 0.00000 reference");
        assert_eq!(texts[5][6], NOT_RUN);
    }

    #[test]
    fn aligned_columns_begin_below_their_heads() {
        let own = [evaluation("LFW", "\u{1b}[2J名", "x", 6000, Rule::Reference)];
        let text = Table::with_published(&own).unwrap().aligned();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 5);
        let place = lines[0].find("YTF-corrected").unwrap();
        assert!(
            lines[1]
                .chars()
                .skip(place)
                .collect::<String>()
                .starts_with("0.")
        );
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn another_set_of_the_same_name_is_another_column() {
        let own = [
            evaluation("LFW", "a", "synthetic/lfw.bin", 600, Rule::Reference),
            evaluation("LFW", "a", "other/lfw.bin", 600, Rule::Reference),
        ];
        let table = Table::with_published(&own).unwrap();
        assert_eq!(
            heads(&table)[..],
            [
                "LFW (6000 pairs)",
                "YTF",
                "YTF-corrected",
                "LFW (600 pairs, synthetic/lfw.bin)",
                "LFW (600 pairs, other/lfw.bin)"
            ]
        );
        assert!(table.rows[3].cells.keys().eq(&[3, 4]));
    }

    #[test]
    fn one_models_figures_by_one_rule_share_a_row() {
        let own = [
            evaluation("x", "a", "x", 600, Rule::Exact),
            evaluation("y", "a", "y", 600, Rule::Exact),
            evaluation("x", "a", "x", 600, Rule::Reference),
        ];
        let mut table = Table::default();
        table.add(&own);
        assert_eq!(table.rows.len(), 2);
        assert_eq!(table.rows[0].cells.len(), 1);
        assert_eq!(table.rows[1].cells.len(), 2);
    }
}
