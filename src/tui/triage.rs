//! What the views of failing pairs and of the error list know and where they stand: who was told wrong, by how much,
//! which videos are listed as mislabelled, and what the figures are without them. Strings in it are safe to show.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::eval::Accuracy;
use crate::eval::compare::Comparison;
use crate::eval::corrected::{Corrected, Note};
use crate::eval::failures::{FailingPair, FailureKind};
use crate::eval::suspects::Suspects;
use crate::report::Strip;

use super::model::Known;
use super::threshold::FigureOf;

/// All that the two views share.
#[derive(Debug, Clone, Default)]
pub struct Triage {
    /// The evaluation that is looked into.
    pub figure: Option<FigureOf>,
    /// Its failing pairs.
    pub failing: Option<Known<Failing>>,
    /// Its videos by how much they look mislabelled.
    pub suspects: Option<Known<Suspected>>,
    /// One's own error list.
    pub errors: Option<Known<Errors>>,
    /// The figures that it leaves, and those before its last change.
    pub refigured: Option<Refigured>,
    /// The figures before the last change of the list.
    pub before: Option<Refigured>,
    /// What takes the changes of this sitting back, the newest last.
    pub undo: Vec<Change>,
    /// Where the view of failing pairs stands.
    pub pairs: PairsPlace,
    /// Where the view of the list stands.
    pub list: ListPlace,
    /// The frame that is shown of each track, and whether it goes on by itself.
    pub player: Player,
    /// Pictures that were read, the oldest first.
    pub faces: VecDeque<(FacesOf, Known<Vec<Strip>>)>,
    /// Whether the pictures have the whole pane.
    pub zoomed: bool,
}

/// The pairs that an evaluation told wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Failing {
    /// Model, step and rule.
    pub label: String,
    /// The set.
    pub set: String,
    /// Whether it is of videos: an error list can name them.
    pub videos: bool,
    /// Mean accuracy over the folds.
    pub accuracy: Accuracy,
    /// All pairs that were judged.
    pub judged: usize,
    /// Those told wrong, the worst first.
    pub pairs: Vec<FailedPair>,
    /// Other evaluations of the same pairs, in the order of [`FailedPair::elsewhere`].
    pub peers: Vec<String>,
}

/// A pair that was told wrong, and what other models make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedPair {
    /// The pair.
    pub pair: FailingPair,
    /// Distance, threshold and whether it was told right, by each peer.
    pub elsewhere: Vec<(f64, f64, bool)>,
}

/// What is known of an evaluation's videos.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspected {
    /// By how much each looks mislabelled; or why nobody can tell.
    pub found: Result<Suspects, String>,
    /// The pairs that they are in.
    pub pairs: Vec<JudgedPair>,
}

/// A pair of videos, and what the evaluation made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedPair {
    /// The one.
    pub a: String,
    /// The other.
    pub b: String,
    /// Whether it is one person by the set's list.
    pub same: bool,
    /// Their distance.
    pub distance: f64,
    /// Whether it was told right.
    pub right: bool,
}

/// An error list as it is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct Errors {
    /// The file.
    pub path: String,
    /// Whether it is there yet; else it begins, with the first change, as what is shown.
    pub is_new: bool,
    /// Its videos in the order of the alphabet, with what is noted of each.
    pub entries: Vec<(String, Note)>,
}

/// Figures without the listed videos.
#[derive(Debug, Clone, PartialEq)]
pub struct Refigured {
    /// Of which evaluation.
    pub of: FigureOf,
    /// How the list changes them.
    pub mode: Corrected,
    /// Videos on the list.
    pub listed: usize,
    /// Pairs left out.
    pub dropped: usize,
    /// Mean accuracy over the folds of the others.
    pub accuracy: Accuracy,
}

/// A change of the error list: what is noted of a video from now on; `None` takes it off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The video.
    pub video: String,
    /// What is noted.
    pub note: Option<Note>,
}

/// How two evaluations of the same pairs differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Differences {
    /// How many pairs each tells right, and whether that can be chance.
    pub counts: Comparison,
    /// The pairs that one tells right and the other wrong; `true` where the second one does.
    pub pairs: Vec<(bool, String, String)>,
}

/// What pictures are of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FacesOf {
    /// Both sides of a pair of an evaluation.
    Pair(FigureOf, usize),
    /// A video of its set.
    Video(FigureOf, String),
    /// A person of a set to train on: the set's section, and the person's class.
    Person(String, u32),
}

/// Where the view of failing pairs stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PairsPlace {
    /// The selected line.
    pub row: usize,
    /// The side of the pair that a mark is for: 0 or 1.
    pub side: usize,
    /// The order of the lines.
    pub order: PairOrder,
    /// The kind that is shown; `None` shows both.
    pub kind: Option<FailureKind>,
    /// What a line's names or fold must contain.
    pub filter: String,
}

/// In which order failing pairs are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PairOrder {
    /// Those that missed by most first.
    #[default]
    Margin,
    /// False rejects, then false accepts.
    Kind,
    /// By the fold that tested them.
    Fold,
    /// By the first one's name.
    Person,
}

/// Where the view of the error list stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPlace {
    /// The selected line.
    pub row: usize,
    /// Which videos are shown.
    pub shown: Shown,
    /// What a line's name or reason must contain.
    pub filter: String,
}

/// Which videos the list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shown {
    /// The listed ones.
    #[default]
    Listed,
    /// Those that look mislabelled and aren't listed.
    Suspects,
    /// Both.
    Both,
}

/// Which frame is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Player {
    /// Whether it goes on by itself.
    pub playing: bool,
    /// The frame; tracks that are shorter begin anew.
    pub frame: usize,
}

/// Pictures of so many pairs or videos are kept.
pub const KEPT_FACES: usize = 12;

impl Triage {
    /// The failing pairs, where they are here.
    pub fn failing(&self) -> Option<&Failing> {
        self.failing.as_ref()?.ready()
    }

    /// The error list, where it is here.
    pub fn errors(&self) -> Option<&Errors> {
        self.errors.as_ref()?.ready()
    }

    /// What is known of the videos, where it is here.
    pub fn suspected(&self) -> Option<&Suspected> {
        self.suspects.as_ref()?.ready()
    }

    /// The failing pairs that are shown, in their order.
    pub fn lines(&self) -> Vec<&FailedPair> {
        let Some(failing) = self.failing() else {
            return Vec::new();
        };
        let filter = self.pairs.filter.to_lowercase();
        let shown = |failed: &&FailedPair| {
            let pair = &failed.pair;
            let fold = pair.fold.map_or_else(
                || "untested".to_owned(),
                |fold| format!("fold {}", fold + 1),
            );
            self.pairs.kind.is_none_or(|kind| kind == pair.kind)
                && [&pair.a, &pair.b, &fold]
                    .iter()
                    .any(|text| text.to_lowercase().contains(&filter))
        };
        let mut lines: Vec<&FailedPair> = failing.pairs.iter().filter(shown).collect();
        // Sorting is stable: within a kind, fold or person those that missed by most stay first.
        match self.pairs.order {
            PairOrder::Margin => {}
            PairOrder::Kind => lines.sort_by_key(|failed| match failed.pair.kind {
                FailureKind::FalseReject => 0,
                FailureKind::FalseAccept => 1,
            }),
            PairOrder::Fold => {
                lines.sort_by_key(|failed| failed.pair.fold.unwrap_or(usize::MAX));
            }
            PairOrder::Person => lines.sort_by(|one, other| one.pair.a.cmp(&other.pair.a)),
        }
        lines
    }

    /// The selected failing pair.
    pub fn selected_pair(&self) -> Option<&FailedPair> {
        let lines = self.lines();
        let last = lines.len().checked_sub(1)?;
        Some(lines[self.pairs.row.min(last)])
    }

    /// Whether the chosen evaluation is known to be of images, not of videos.
    pub fn is_of_images(&self) -> bool {
        let failing = self.failing.as_ref().and_then(Known::ready);
        failing.is_some_and(|failing| !failing.videos)
    }

    /// The videos that the list shows.
    pub fn videos(&self) -> Vec<VideoLine<'_>> {
        let suspects = self.suspected().and_then(|known| known.found.as_ref().ok());
        let listed = self.errors().map_or(&[][..], |errors| &errors.entries);
        let note_of = |name: &str| {
            let place = listed.binary_search_by(|(listed, _)| listed.as_str().cmp(name));
            place.ok().map(|place| &listed[place].1)
        };
        let mut lines: Vec<VideoLine> = Vec::new();
        if self.list.shown != Shown::Suspects {
            lines.extend(listed.iter().map(|(name, note)| VideoLine {
                name,
                note: Some(note),
                suspect: None,
            }));
        }
        for suspect in suspects.iter().flat_map(|suspects| &suspects.videos) {
            let line = lines.iter_mut().find(|line| line.name == suspect.video);
            if let Some(line) = line {
                line.suspect = Some(suspect);
            } else if self.list.shown != Shown::Listed
                && suspect.evidence > 0.0
                && note_of(&suspect.video).is_none()
            {
                lines.push(VideoLine {
                    name: &suspect.video,
                    note: None,
                    suspect: Some(suspect),
                });
            }
        }
        let filter = self.list.filter.to_lowercase();
        lines.retain(|line| {
            let reason = line.note.and_then(|note| note.reason.as_deref());
            line.name.to_lowercase().contains(&filter)
                || reason.unwrap_or("").to_lowercase().contains(&filter)
        });
        lines
    }

    /// The selected video of the list.
    pub fn selected_video(&self) -> Option<VideoLine<'_>> {
        let mut lines = self.videos();
        let last = lines.len().checked_sub(1)?;
        Some(lines.swap_remove(self.list.row.min(last)))
    }

    /// Whether a video is on the list.
    pub fn is_listed(&self, video: &str) -> bool {
        self.note(video).is_some()
    }

    /// What is noted of a video.
    pub fn note(&self, video: &str) -> Option<&Note> {
        let entries = &self.errors()?.entries;
        let place = entries.binary_search_by(|(listed, _)| listed.as_str().cmp(video));
        place.ok().map(|place| &entries[place].1)
    }

    /// Pictures, as far as they were read.
    pub fn faces_of(&self, of: &FacesOf) -> Option<&Known<Vec<Strip>>> {
        let found = self.faces.iter().find(|(known, _)| known == of);
        found.map(|(_, faces)| faces)
    }

    /// Keeps pictures, or that they are being read; the oldest go where there are many.
    pub fn keep_faces(&mut self, of: FacesOf, faces: Known<Vec<Strip>>) {
        self.faces.retain(|(known, _)| *known != of);
        self.faces.push_back((of, faces));
        if self.faces.len() > KEPT_FACES {
            self.faces.pop_front();
        }
    }

    /// Looks into another evaluation from now on.
    pub fn turn_to(&mut self, figure: Option<FigureOf>) {
        self.figure = figure;
        self.failing = None;
        self.suspects = None;
        self.refigured = None;
        self.before = None;
        self.pairs.row = 0;
        self.player = Player::default();
    }
}

/// A line of the error list's view.
#[derive(Debug, Clone, Copy)]
pub struct VideoLine<'a> {
    /// The video.
    pub name: &'a str,
    /// What is noted of it; `None` where it isn't listed.
    pub note: Option<&'a Note>,
    /// The evidence, where there is some.
    pub suspect: Option<&'a crate::eval::suspects::Suspect>,
}

impl PairOrder {
    /// The next of all orders.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Margin => Self::Kind,
            Self::Kind => Self::Fold,
            Self::Fold => Self::Person,
            Self::Person => Self::Margin,
        }
    }

    /// What it orders by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Margin => "margin",
            Self::Kind => "kind",
            Self::Fold => "fold",
            Self::Person => "person",
        }
    }
}

impl Shown {
    /// The next choice.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Listed => Self::Suspects,
            Self::Suspects => Self::Both,
            Self::Both => Self::Listed,
        }
    }

    /// What is shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Suspects => "suspects",
            Self::Both => "listed and suspects",
        }
    }
}

/// Pictures that are here, shared with whoever encodes them.
pub type Pictures = Arc<Vec<Strip>>;
