//! Looks into evaluations on a thread of its own: failing pairs, suspects, faces, and the error list with the figures
//! that it leaves. Everything that it says is safe to show.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;

use crate::eval::Evaluation;
use crate::eval::corrected::{Corrected, ErrorList, Note};
use crate::eval::error_list::day_of;
use crate::report::{self, Faces, Measured, ReportError, Strip};
use crate::run::{Embeddings, RunDirectory, host};
use crate::untrusted::{visible, visible_path};

use super::message::Message;
use super::threshold::FigureOf;
use super::triage::{
    Change, Differences, Errors, FacesOf, FailedPair, Failing, JudgedPair, Refigured, Suspected,
};

/// A figure and all of its evaluation, as the screen has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Which one.
    pub of: FigureOf,
    /// All of it.
    pub evaluation: Evaluation,
}

/// What the screen asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// The failing pairs of an evaluation, and what others make of them.
    Failing {
        /// The evaluation.
        figure: Box<Figure>,
        /// Others on the same set.
        peers: Vec<Figure>,
    },
    /// The videos of an evaluation that look mislabelled.
    Suspects(Box<Figure>),
    /// Faces of an evaluation's set.
    Faces(FacesOf, Box<Figure>),
    /// The error list, perhaps after a change, and the figures that it leaves.
    Errors {
        /// What to change first.
        change: Option<Change>,
        /// What to work out anew.
        figure: Option<Box<Figure>>,
    },
    /// How two evaluations of the same pairs differ.
    Compare(Box<[Figure; 2]>),
    /// Write the error list elsewhere.
    Export(PathBuf),
}

/// Frames of a video that are shown, at most.
const FRAMES: usize = 48;

/// Starts the thread; it ends when the request sender is dropped. `list` is one's own error list.
pub fn start(list: PathBuf, messages: UnboundedSender<Message>) -> Sender<Request> {
    let (sender, requests) = channel();
    let mut evidence = Evidence {
        list,
        messages,
        opened: None,
    };
    thread::spawn(move || evidence.serve(&requests));
    sender
}

struct Evidence {
    list: PathBuf,
    messages: UnboundedSender<Message>,
    /// The evaluation that was last looked into: most questions are about one.
    opened: Option<Opened>,
}

struct Opened {
    figure: Figure,
    measured: Measured,
    faces: Option<Faces>,
    /// Where they are kept.
    embeddings: Option<Embeddings>,
}

impl Evidence {
    fn serve(&mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            let message = self.answer(request);
            if self.messages.send(message).is_err() {
                return;
            }
        }
    }

    fn answer(&mut self, request: Request) -> Message {
        match request {
            Request::Failing { figure, peers } => Message::Failing {
                result: self.failing(&figure, &peers).map(Arc::new),
                of: figure.of,
            },
            Request::Suspects(figure) => Message::Suspects {
                result: self.suspects(&figure).map(Arc::new),
                of: figure.of,
            },
            Request::Faces(of, figure) => Message::Faces {
                result: self.faces(&of, &figure).map(Arc::new),
                of,
            },
            Request::Errors { change, figure } => {
                let list = self.errors(change.as_ref(), figure.as_deref());
                let refigured = match (&list, figure) {
                    (Ok((list, _)), Some(figure)) => self.refigured(&figure, list),
                    _ => None,
                };
                Message::Errors {
                    result: list.map(|(_, errors)| Arc::new(errors)),
                    refigured,
                }
            }
            Request::Compare(figures) => Message::Compared {
                result: compared(&figures).map(Arc::new),
                first: figures[0].of.clone(),
                second: figures[1].of.clone(),
            },
            Request::Export(path) => Message::Exported(self.export(&path)),
        }
    }

    fn open(&mut self, figure: &Figure) -> Result<&mut Opened, String> {
        let is_open = self
            .opened
            .as_ref()
            .is_some_and(|opened| opened.figure == *figure);
        if !is_open {
            self.opened = None;
            let run = RunDirectory::open(&figure.of.run).map_err(told)?;
            let measured = measured(&run, &figure.evaluation)?;
            self.opened = Some(Opened {
                figure: figure.clone(),
                embeddings: measured.embeddings().ok(),
                measured,
                faces: None,
            });
        }
        self.opened
            .as_mut()
            .ok_or_else(|| "the evaluation is closed".to_owned())
    }

    fn failing(&mut self, figure: &Figure, peers: &[Figure]) -> Result<Failing, String> {
        let measured = &self.open(figure)?.measured;
        let pairs = report::failures(measured).map_err(told)?;
        let mut pairs: Vec<FailedPair> = pairs
            .into_iter()
            .map(|pair| FailedPair {
                pair,
                elsewhere: Vec::new(),
            })
            .collect();
        let mut names = Vec::new();
        for peer in peers {
            // One whose scores went away, or that is of other pairs, has nothing to say.
            if add_peer(measured, peer, &mut pairs).is_some() {
                let run = peer.of.run.file_name().unwrap_or_default();
                let step = peer.of.step.map(|step| format!(" @{step}"));
                let name = visible(&run.to_string_lossy());
                names.push(format!("{name}{}", step.unwrap_or_default()));
            }
        }
        for failed in &mut pairs {
            for name in [&mut failed.pair.a, &mut failed.pair.b] {
                *name = visible(name);
            }
        }
        Ok(Failing {
            label: visible(&measured.label()),
            set: visible(&measured.evaluation.set),
            videos: is_of_videos(measured),
            accuracy: measured.evaluation.accuracy,
            judged: measured.scores.rows.len(),
            pairs,
            peers: names,
        })
    }

    fn suspects(&mut self, figure: &Figure) -> Result<Suspected, String> {
        let path = self.list.clone();
        let measured = &self.open(figure)?.measured;
        if !is_of_videos(measured) {
            return Err("this set is of images: only videos are looked at for wrong labels".into());
        }
        let list = read_list(&path, Some(measured))?.0;
        let mut found = report::suspects(measured, &list).map_err(told);
        for video in found.iter_mut().flat_map(|found| &mut found.videos) {
            video.video = visible(&video.video);
            video.other = video.other.as_deref().map(visible);
        }
        let verdicts = measured.judge().map_err(told)?.verdicts;
        let rows = measured.scores.rows.iter().zip(verdicts);
        let pairs = rows.map(|(row, verdict)| JudgedPair {
            a: visible(&row.a),
            b: visible(&row.b),
            same: row.pair.same,
            distance: row.pair.distance,
            right: verdict.right,
        });
        Ok(Suspected {
            pairs: pairs.collect(),
            found,
        })
    }

    fn faces(&mut self, of: &FacesOf, figure: &Figure) -> Result<Vec<Strip>, String> {
        let opened = self.open(figure)?;
        let measured = &opened.measured;
        let faces = match &opened.faces {
            Some(faces) => faces,
            None => opened.faces.insert(Faces::open(measured).map_err(told)?),
        };
        let embeddings = opened.embeddings.as_ref();
        let mut strips = match of {
            FacesOf::Pair(_, pair) => faces
                .strips(measured, *pair, FRAMES, embeddings)
                .map(Vec::from),
            FacesOf::Video(_, name) => {
                let strip = faces.strip(measured, name, FRAMES, embeddings);
                strip.map(|strip| vec![strip])
            }
            FacesOf::Person(..) => return Err("this person is of no evaluation".to_owned()),
        }
        .map_err(told)?;
        for strip in &mut strips {
            strip.name = visible(&strip.name);
        }
        Ok(strips)
    }

    fn errors(
        &mut self,
        change: Option<&Change>,
        figure: Option<&Figure>,
    ) -> Result<(ErrorList, Errors), String> {
        let path = self.list.clone();
        let measured = figure.and_then(|figure| Some(&self.open(figure).ok()?.measured));
        let (mut list, mut is_new) = read_list(&path, measured)?;
        if let Some(change) = change {
            match &change.note {
                Some(note) => {
                    list.add(&change.video, signed(note)).map_err(told)?;
                }
                None => {
                    list.remove(&change.video);
                }
            }
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|error| format!("can't make {}: {error}", visible_path(folder)))?;
            }
            list.save(&path).map_err(told)?;
            is_new = false;
        }
        let entries = list.entries().map(|(name, note)| {
            let note = note.cloned().unwrap_or_default();
            let shown = |text: Option<String>| text.as_deref().map(visible);
            let note = Note {
                reason: shown(note.reason),
                by: shown(note.by),
                when: shown(note.when),
            };
            (visible(name), note)
        });
        let mut entries: Vec<(String, Note)> = entries.collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        let errors = Errors {
            path: visible_path(&path),
            is_new,
            entries,
        };
        Ok((list, errors))
    }

    fn refigured(&mut self, figure: &Figure, list: &ErrorList) -> Option<Refigured> {
        let measured = &self.open(figure).ok()?.measured;
        let told = figure.evaluation.provenance.corrected.as_deref();
        let mode = match told.and_then(|mode| mode.parse().ok()) {
            None | Some(Corrected::None) => Corrected::Official,
            Some(mode) => mode,
        };
        let mut corrected = measured.clone();
        corrected.correct(list, mode).ok()?;
        Some(Refigured {
            of: figure.of.clone(),
            mode,
            listed: list.len(),
            dropped: corrected.evaluation.pairs.dropped,
            accuracy: corrected.evaluation.accuracy,
        })
    }

    fn export(&self, path: &Path) -> Result<String, String> {
        let measured = self.opened.as_ref().map(|opened| &opened.measured);
        let (list, _) = read_list(&self.list, measured)?;
        let ending = path.extension().and_then(|ending| ending.to_str());
        list.export(path, ending.unwrap_or("")).map_err(told)?;
        Ok(format!("{} videos in {}", list.len(), visible_path(path)))
    }
}

fn compared(figures: &[Figure; 2]) -> Result<Differences, String> {
    let open = |figure: &Figure| {
        let run = RunDirectory::open(&figure.of.run).map_err(told)?;
        measured(&run, &figure.evaluation)
    };
    let both = [open(&figures[0])?, open(&figures[1])?];
    let compared = report::compare(&both).map_err(told)?;
    let one_right = compared
        .pairs
        .iter()
        .filter(|pair| pair.of[0].right != pair.of[1].right);
    let pairs = one_right.map(|pair| (pair.of[1].right, visible(&pair.a), visible(&pair.b)));
    Ok(Differences {
        pairs: pairs.collect(),
        counts: compared.difference.ok_or("two evaluations are needed")?,
    })
}

/// The list at `path`; where there is none, what it begins as: the evaluation's own list, else the published one.
fn read_list(path: &Path, measured: Option<&Measured>) -> Result<(ErrorList, bool), String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let own = measured.and_then(|measured| measured.own_errors().ok());
            Ok((own.unwrap_or_else(ErrorList::published), true))
        }
        _ => Ok((ErrorList::load(path).map_err(told)?, false)),
    }
}

/// A note with who wrote it and when, where it doesn't say.
fn signed(note: &Note) -> Note {
    let user = || std::env::var("USER").ok().filter(|user| !user.is_empty());
    Note {
        reason: note.reason.clone(),
        by: note.by.clone().or_else(user),
        when: note.when.clone().or_else(|| Some(day_of(host::now()))),
    }
}

/// Adds what another evaluation makes of each pair; `None`, and nothing is added, where it can't be asked.
fn add_peer(measured: &Measured, peer: &Figure, pairs: &mut [FailedPair]) -> Option<()> {
    let run = RunDirectory::open(&peer.of.run).ok()?;
    let other = self::measured(&run, &peer.evaluation).ok()?;
    let compared = report::compare(&[measured.clone(), other]).ok()?;
    for failed in pairs {
        let place = compared
            .pairs
            .binary_search_by_key(&failed.pair.pair, |pair| pair.pair)
            .expect("what the first tells wrong is among what either does");
        let judgement = compared.pairs[place].of[1];
        failed
            .elsewhere
            .push((judgement.distance, judgement.threshold, judgement.right));
    }
    Some(())
}

fn measured(run: &RunDirectory, evaluation: &Evaluation) -> Result<Measured, String> {
    // What the screen knows is made safe to show: the document itself is found by what no name is part of.
    let rows = run.results().map_err(told)?.rows;
    let same = |other: &Evaluation| {
        visible(&other.set) == evaluation.set
            && other.rule == evaluation.rule
            && other.provenance.step == evaluation.provenance.step
    };
    let row = rows.into_iter().find(|row| same(&row.evaluation));
    let row = row.ok_or("the run has no such evaluation any more")?;
    Measured::of(run, row.evaluation).map_err(told)
}

fn is_of_videos(measured: &Measured) -> bool {
    matches!(measured.set, crate::run::VerificationSet::Ytf { .. })
}

fn told(error: impl Into<ReportError>) -> String {
    visible(&error.into().to_string())
}

#[cfg(test)]
mod tests;
