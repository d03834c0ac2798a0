//! `facetui eval scores`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, RuleOption, figures, print_json};
use crate::{
    cli::output::say,
    eval::{self, Provenance, Rule},
};

/// The figures of scores alone, without a model
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  facetui eval scores distances.csv\n  facetui eval scores distances.csv --rule exact --json\n\n\
                        The file is CSV with the header kind,distance or kind,distance,fold; kind is positive or 1 for\n\
                        a pair of one person, negative or 0 for two. A smaller distance means more alike."
)]
pub(super) struct Scores {
    /// The scores
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    rule: RuleOption,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Scores {
    pub fn run(self) -> Result<(), Failure> {
        let pairs = eval::scores::read(&self.file)?;
        let rule = self.rule.rule.into();
        if let (Rule::Reference | Rule::Insightface, Some(pair)) =
            (rule, eval::scores::out_of_order(&pairs))
        {
            say(&format!(
                "the folds are not in order (at pair {pair}); the {rule} rule makes its own by position and doesn't look at them"
            ));
        }
        let found = eval::verify(rule, &pairs)?;
        let set = self
            .file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let evaluation = found.into_evaluation(
            set,
            0,
            0,
            Provenance {
                data: self.file.to_string_lossy().into_owned(),
                distance: "as given".to_owned(),
                ..Provenance::default()
            },
        );
        if self.json {
            print_json(&evaluation)
        } else {
            figures::print_whole(&evaluation)
        }
    }
}
