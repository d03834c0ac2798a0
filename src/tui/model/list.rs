//! Which runs are listed, and in what order.

use std::sync::Arc;

use crate::tui::snapshot::RunSnapshot;
use crate::tui::words;

use super::Model;

/// How the runs are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunsPlace {
    /// What a run's name, state, device or note must contain.
    pub filter: String,
    /// Their order.
    pub order: RunOrder,
    /// Whether the selected run's details have the whole pane.
    pub zoomed: bool,
}

/// The order of the runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RunOrder {
    /// The newest first.
    #[default]
    Age,
    /// By name.
    Name,
    /// Those at work first, then by how they ended.
    State,
    /// The best validation first.
    Best,
    /// The furthest first.
    Progress,
}

impl RunOrder {
    /// The next of all.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Age => Self::Name,
            Self::Name => Self::State,
            Self::State => Self::Best,
            Self::Best => Self::Progress,
            Self::Progress => Self::Age,
        }
    }

    /// What it orders by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::Name => "name",
            Self::State => "state",
            Self::Best => "best",
            Self::Progress => "progress",
        }
    }
}

impl Model {
    /// The runs that are listed, in their order.
    pub fn listed(&self) -> Vec<&Arc<RunSnapshot>> {
        let filter = self.list.filter.to_lowercase();
        let contains = |run: &&Arc<RunSnapshot>| {
            if filter.is_empty() {
                return true;
            }
            let details = run.details();
            let state = run.state().map_or("", words::state);
            let device = details.map_or("", |details| &details.status.device);
            let note = details.and_then(|details| details.note.as_deref());
            [run.name.as_str(), state, device, note.unwrap_or("")]
                .iter()
                .any(|text| text.to_lowercase().contains(&filter))
        };
        let mut listed: Vec<&Arc<RunSnapshot>> = self.runs().iter().filter(contains).collect();
        // They come newest first, and sorting is stable.
        match self.list.order {
            RunOrder::Age => {}
            RunOrder::Name => listed.sort_by(|a, b| a.name.cmp(&b.name)),
            RunOrder::State => listed.sort_by_key(|run| match run.state() {
                Some(state) => (usize::from(!state.is_live()), words::state(state)),
                None => (2, ""),
            }),
            RunOrder::Best => {
                let best = |run: &RunSnapshot| {
                    let best = run.details()?.best.first()?;
                    Some(best.accuracy)
                };
                let key = |run: &RunSnapshot| best(run).unwrap_or(f64::NEG_INFINITY);
                listed.sort_by(|a, b| key(b).total_cmp(&key(a)));
            }
            RunOrder::Progress => {
                let share = |run: &RunSnapshot| {
                    let status = run.details().map(|details| &details.status);
                    status.map_or(-1.0, |status| {
                        status.step as f64 / status.steps.max(1) as f64
                    })
                };
                listed.sort_by(|a, b| share(b).total_cmp(&share(a)));
            }
        }
        listed
    }

    /// Its place in the list; `None` where it isn't listed.
    pub fn selected_index(&self) -> Option<usize> {
        let selected = self.selected.as_deref()?;
        self.listed().iter().position(|run| run.path == selected)
    }
}
