//! What the charts mark below their curves: entries of a run's journal, each at its step.

use std::fmt;

use crate::run::{Command, Entry, JournalEvent, RunState, Scalars};

use super::along::Along;
use super::snapshot::{Curves, RunSnapshot};
use super::theme::{Role, Theme};
use super::widget::axis::AxisMark;

/// What is marked. Where marks meet, the later one of this order is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// A checkpoint is on disk.
    Checkpoint,
    /// A set was verified.
    Validation,
    /// The run went on from a checkpoint.
    Resumed,
    /// The run stood still, or went on after it had.
    Pause,
    /// A rate or a weight was changed.
    Set,
    /// A sign that training goes wrong.
    Lint,
    /// Something failed.
    Error,
}

/// An entry of the journal that the charts mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What is marked.
    pub kind: MarkKind,
    /// Its step, where the entry says so.
    pub step: Option<u64>,
    /// The entry, safe to show.
    pub entry: Entry,
}

/// The marks of a run, in the order in which they were written.
#[derive(Clone, Default, PartialEq)]
pub struct Marks {
    list: Vec<Mark>,
    /// A command was obeyed that the next change of state comes from.
    asked: bool,
    paused: bool,
}

/// More than any chart has columns for; the oldest of the least important kind goes first.
const MOST: usize = 2_000;

impl Marks {
    /// Takes the next entry of the journal into account.
    ///
    /// What a resume undid is no longer marked, as its points are no longer drawn; what was set holds on, and an error
    /// may be why.
    pub fn add(&mut self, entry: &Entry) {
        if let JournalEvent::Resumed { step } = &entry.what {
            self.list.retain(|mark| {
                matches!(mark.kind, MarkKind::Set | MarkKind::Error)
                    || mark.step.is_none_or(|at| at <= *step)
            });
        }
        let Some((kind, step)) = self.judge(&entry.what) else {
            return;
        };
        self.list.push(Mark {
            kind,
            step,
            entry: entry.clone(),
        });
        if self.list.len() > MOST
            && let Some(least) = self.list.iter().map(|mark| mark.kind).min()
            && let Some(at) = self.list.iter().position(|mark| mark.kind == least)
        {
            self.list.remove(at);
        }
    }

    /// The marks, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Mark> + ExactSizeIterator {
        self.list.iter()
    }

    /// The newest of a kind.
    pub fn newest(&self, kind: MarkKind) -> Option<&Mark> {
        self.iter().rev().find(|mark| mark.kind == kind)
    }

    fn judge(&mut self, what: &JournalEvent) -> Option<(MarkKind, Option<u64>)> {
        Some(match what {
            JournalEvent::Checkpoint { step, .. } => (MarkKind::Checkpoint, Some(*step)),
            JournalEvent::Validation { step, .. } => (MarkKind::Validation, Some(*step)),
            JournalEvent::Lint { step, .. } => (MarkKind::Lint, Some(*step)),
            JournalEvent::Error { .. } => (MarkKind::Error, None),
            JournalEvent::Resumed { step } => (MarkKind::Resumed, Some(*step)),
            JournalEvent::Command { command, step } => match command {
                Command::Set { .. } => (MarkKind::Set, Some(*step)),
                Command::Checkpoint => return None,
                Command::Pause | Command::Unpause | Command::Park | Command::Stop { .. } => {
                    self.asked = true;
                    (MarkKind::Pause, Some(*step))
                }
            },
            JournalEvent::State { state, .. } => {
                let by_itself = !std::mem::take(&mut self.asked);
                let went_on = *state == RunState::Running && self.paused;
                let stands = matches!(state, RunState::Paused | RunState::Parked);
                self.paused = *state == RunState::Paused;
                if !(by_itself && (stands || went_on)) {
                    return None;
                }
                (MarkKind::Pause, None)
            }
            JournalEvent::Rejected { .. } | JournalEvent::Note { .. } => return None,
        })
    }
}

/// Short, because snapshots are compared by what they read like.
impl fmt::Debug for Marks {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let newest = self.list.last().map(|mark| mark.entry.number);
        write!(formatter, "{} marks to {newest:?}", self.list.len())
    }
}

impl Mark {
    /// Its step; of an entry that tells none, the step that was done by then. `None` before the first.
    pub fn place(&self, scalars: &Scalars) -> Option<u64> {
        self.step.or_else(|| step_at(scalars, self.entry.time))
    }
}

impl MarkKind {
    /// Every kind, the most important first.
    pub const ALL: [Self; 7] = [
        Self::Error,
        Self::Lint,
        Self::Set,
        Self::Pause,
        Self::Resumed,
        Self::Validation,
        Self::Checkpoint,
    ];

    /// Its role and glyph.
    pub fn look(self, theme: Theme) -> (Role, &'static str) {
        let (role, unicode, ascii) = match self {
            Self::Checkpoint => (Role::Quiet, "◆", "o"),
            Self::Validation => (Role::Accent, "▲", "^"),
            Self::Resumed => (Role::Good, "↻", "@"),
            Self::Pause => (Role::Waiting, "◐", "="),
            Self::Set => (Role::Strong, "Δ", "*"),
            Self::Lint => (Role::Waiting, "!", "!"),
            Self::Error => (Role::Bad, "✗", "x"),
        };
        (role, theme.pick(unicode, ascii))
    }

    /// A sentence on what it marks.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Checkpoint => "A checkpoint is on disk.",
            Self::Validation => "A set was verified.",
            Self::Resumed => "The run went on from a checkpoint; what came after that was undone.",
            Self::Pause => "Paused, went on, parked or stopped.",
            Self::Set => "A rate or a weight was set.",
            Self::Lint => "A sign that training goes wrong.",
            Self::Error => "Something failed.",
        }
    }
}

/// A run's marks as its charts draw them: the most important last, so that it covers others.
pub fn on_axis(run: &RunSnapshot, curves: &Curves, along: &Along, theme: Theme) -> Vec<AxisMark> {
    let Some(details) = run.details() else {
        return Vec::new();
    };
    let mut marks: Vec<&Mark> = details.marks.iter().collect();
    marks.sort_by_key(|mark| mark.kind);
    let drawn = marks.into_iter().filter_map(|mark| {
        let (role, glyph) = mark.kind.look(theme);
        Some(AxisMark {
            at: along.of_mark(mark, &curves.scalars)?,
            glyph,
            role,
            loud: mark.kind >= MarkKind::Set,
        })
    });
    drawn.collect()
}

/// The last step whose scalars were logged by a time.
fn step_at(scalars: &Scalars, time: f64) -> Option<u64> {
    let longest = scalars.curves().max_by_key(|curve| curve.len())?;
    let done = longest.partition_point(|point| point.wall_time <= time);
    Some(longest.point(done.checked_sub(1)?)?.step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Event, What};

    fn marks(events: Vec<JournalEvent>) -> Marks {
        let mut marks = Marks::default();
        for (number, what) in (1..).zip(events) {
            let time = number as f64;
            marks.add(&Entry { number, time, what });
        }
        marks
    }

    fn told(marks: &Marks) -> Vec<(MarkKind, Option<u64>)> {
        marks.iter().map(|mark| (mark.kind, mark.step)).collect()
    }

    fn state(state: RunState) -> JournalEvent {
        JournalEvent::State { state, phase: None }
    }

    fn command(command: Command, step: u64) -> JournalEvent {
        JournalEvent::Command { command, step }
    }

    fn checkpoint(step: u64) -> JournalEvent {
        let name = format!("step-{step:08}");
        JournalEvent::Checkpoint { name, step }
    }

    #[test]
    fn a_pause_is_marked_once_whether_it_was_asked_for_or_not() {
        let asked = marks(vec![
            state(RunState::Running),
            command(Command::Pause, 7),
            state(RunState::Paused),
            command(Command::Unpause, 7),
            state(RunState::Running),
            command(Command::Park, 9),
            state(RunState::Parked),
        ]);
        let pause = |step| (MarkKind::Pause, step);
        assert_eq!(
            told(&asked),
            [pause(Some(7)), pause(Some(7)), pause(Some(9))]
        );
        let by_the_clock = marks(vec![
            state(RunState::Running),
            state(RunState::Paused),
            state(RunState::Running),
            state(RunState::Parked),
        ]);
        assert_eq!(told(&by_the_clock), [pause(None), pause(None), pause(None)]);
    }

    #[test]
    fn what_a_resume_undid_is_no_longer_marked() {
        let rate = Command::Set {
            key: "schedule.learning_rate".to_owned(),
            value: 0.1,
        };
        let error = JournalEvent::Error {
            message: "NaN".to_owned(),
        };
        let marks = marks(vec![
            checkpoint(10),
            command(rate, 15),
            checkpoint(20),
            error,
            JournalEvent::Resumed { step: 10 },
        ]);
        let expected = [
            (MarkKind::Checkpoint, Some(10)),
            (MarkKind::Set, Some(15)),
            (MarkKind::Error, None),
            (MarkKind::Resumed, Some(10)),
        ];
        assert_eq!(told(&marks), expected);
        assert_eq!(marks.newest(MarkKind::Checkpoint).unwrap().step, Some(10));
    }

    #[test]
    fn what_tells_no_step_is_placed_by_its_time() {
        let mut scalars = Scalars::default();
        for step in 1..=20_000 {
            scalars.add(Event {
                wall_time: 1e9 + step as f64 / 4.0,
                step,
                what: What::Scalars(vec![("loss/total".to_owned(), 1.0)]),
            });
        }
        let at = |time| step_at(&scalars, time);
        assert_eq!(at(1e9), None);
        assert_eq!(at(1e9 + 0.25), Some(1));
        assert_eq!(at(1e9 + 2500.3), Some(10_001));
        assert_eq!(at(2e9), Some(20_000));
        assert_eq!(step_at(&Scalars::default(), 2e9), None);
    }

    #[test]
    fn of_very_many_marks_the_important_ones_stay() {
        let mut events = vec![JournalEvent::Error {
            message: "early".to_owned(),
        }];
        events.extend((0..3_000).map(checkpoint));
        let marks = marks(events);
        assert_eq!(marks.iter().len(), MOST);
        assert_eq!(told(&marks)[0], (MarkKind::Error, None));
        assert_eq!(
            told(&marks).last().unwrap(),
            &(MarkKind::Checkpoint, Some(2_999))
        );
    }
}
