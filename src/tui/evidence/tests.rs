use std::fs;

use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

use super::*;
use crate::data::VideoSet;
use crate::data::synthetic::{self, SyntheticOptions};
use crate::eval::scores::{NamedScore, NamedScores};
use crate::eval::{Folds, Provenance, Rule, ScoredPair, verify_in};
use crate::run::{EvaluationSource, VerificationSet};
use crate::tui::fixtures;

/// An evaluation of drawn videos, as a worker leaves it, with scores that tell some pairs wrong.
struct Bench {
    root: TempDir,
    figure: Figure,
    evidence: Evidence,
}

fn bench() -> Bench {
    let root = tempfile::tempdir().unwrap();
    let options = SyntheticOptions {
        identities: 2,
        images_per_identity: 1,
        lfw_pairs: 20,
        ytf_pairs: 60,
        frames_per_video: 3,
        mislabelled_videos: 2,
        ..SyntheticOptions::default()
    };
    let data = root.path().join("data");
    synthetic::generate(&options, &data).unwrap();
    let ytf = data.join("synthetic-ytf");
    let set = VerificationSet::Ytf {
        splits: ytf.join("splits.txt"),
        frames: ytf.clone(),
        errors: Some(ytf.join("error.txt")),
        corrected: Corrected::Official,
        allow_missing: false,
    };
    let run = RunDirectory::create(root.path(), "eval").unwrap();
    fixtures::save_evaluation(&run, set);
    let videos = VideoSet::open(&ytf.join("splits.txt"), &ytf, None).unwrap();
    let rows = videos.pairs.iter().enumerate().map(|(at, pair)| {
        let spread = (at * 17 % 40) as f64 / 40.0;
        NamedScore {
            a: videos.videos[pair.a].name.clone(),
            b: videos.videos[pair.b].name.clone(),
            pair: ScoredPair {
                distance: spread + if pair.same { 0.0 } else { 0.6 },
                same: pair.same,
                fold: Some(pair.fold),
            },
        }
    });
    let scores = NamedScores {
        rows: rows.collect(),
    };
    fs::create_dir_all(run.path().join("results")).unwrap();
    fs::write(run.scores_path("YTF"), scores.to_csv()).unwrap();
    run.save_evaluation_source(&EvaluationSource {
        set: "YTF".to_owned(),
        whole_set: "YTF".to_owned(),
        embeddings: "none".to_owned(),
        missing: Vec::new(),
    })
    .unwrap();
    let evaluation = verify_in(Folds::OfRule, Rule::Exact, &scores.pairs())
        .unwrap()
        .into_evaluation("YTF".to_owned(), 0, 0, Provenance::default());
    run.save_result(&evaluation).unwrap();
    Bench {
        figure: Figure {
            of: FigureOf::of(run.path().to_owned(), &evaluation),
            evaluation,
        },
        evidence: Evidence {
            list: root.path().join("own/ytf-errors.txt"),
            messages: unbounded_channel().0,
            opened: None,
        },
        root,
    }
}

impl Bench {
    fn failing(&mut self, peers: Vec<Figure>) -> Failing {
        let figure = Box::new(self.figure.clone());
        match self.evidence.answer(Request::Failing { figure, peers }) {
            Message::Failing { result, .. } => result.unwrap().as_ref().clone(),
            other => panic!("{other:?}"),
        }
    }

    fn errors(
        &mut self,
        change: Option<Change>,
    ) -> (Result<Arc<Errors>, String>, Option<Refigured>) {
        let figure = Some(Box::new(self.figure.clone()));
        match self.evidence.answer(Request::Errors { change, figure }) {
            Message::Errors { result, refigured } => (result, refigured),
            other => panic!("{other:?}"),
        }
    }

    fn faces(&mut self, of: FacesOf) -> Result<Arc<Vec<Strip>>, String> {
        let figure = Box::new(self.figure.clone());
        match self.evidence.answer(Request::Faces(of, figure)) {
            Message::Faces { result, .. } => result,
            other => panic!("{other:?}"),
        }
    }
}

fn wrong(name: &str, reason: &str) -> Change {
    Change {
        video: name.to_owned(),
        note: Some(Note {
            reason: Some(reason.to_owned()),
            ..Note::default()
        }),
    }
}

#[test]
fn failing_pairs_come_with_what_others_make_of_them() {
    let mut bench = bench();
    let alone = bench.failing(Vec::new());
    assert!(alone.videos && !alone.pairs.is_empty());
    assert_eq!(alone.judged, 60);
    assert!(
        alone
            .pairs
            .is_sorted_by(|a, b| a.pair.missed_by >= b.pair.missed_by)
    );
    let same = bench.figure.clone();
    let mut gone = bench.figure.clone();
    gone.of.run = bench.root.path().join("gone");
    let beside = bench.failing(vec![gone, same]);
    assert_eq!(
        beside.peers,
        ["eval"],
        "one that is gone has nothing to say"
    );
    for failed in &beside.pairs {
        let of_itself = (failed.pair.distance, failed.pair.threshold, false);
        assert_eq!(failed.elsewhere, [of_itself]);
    }
}

#[test]
fn tracks_are_read_frame_by_frame_and_nothing_else_of_the_disk() {
    let mut bench = bench();
    let pair = bench.failing(Vec::new()).pairs[0].pair.clone();
    let of = bench.figure.of.clone();
    let strips = bench.faces(FacesOf::Pair(of.clone(), pair.pair)).unwrap();
    let names: Vec<&str> = strips.iter().map(|strip| strip.name.as_str()).collect();
    assert_eq!(names, [&pair.a, &pair.b]);
    for strip in strips.iter() {
        let numbers: Vec<usize> = strip.frames.iter().map(|frame| frame.number).collect();
        assert_eq!((numbers.as_slice(), strip.total), (&[1, 2, 3][..], 3));
        assert_eq!(strip.frames[0].picture.width, 112);
        // No embeddings are kept, so nobody can tell which frames agree.
        assert!(strip.frames.iter().all(|frame| frame.agrees.is_none()));
    }
    let outside = bench
        .faces(FacesOf::Video(of, "../..".to_owned()))
        .unwrap_err();
    assert!(outside.contains("no video's name"), "{outside}");
}

#[test]
fn a_mark_changes_the_list_and_the_figures_and_is_taken_back() {
    let mut bench = bench();
    let own = fs::read_to_string(bench.root.path().join("data/synthetic-ytf/error.txt")).unwrap();
    let (before, figures_before) = bench.errors(None);
    let before = before.unwrap();
    // The list begins as the run's own, not as the published one of another set.
    assert!(before.is_new);
    assert_eq!(before.entries.len(), ErrorList::parse(&own).len());
    let figures_before = figures_before.unwrap();
    assert_eq!(figures_before.mode, Corrected::Official);

    let listed = |name: &str| before.entries.iter().any(|(listed, _)| listed == name);
    let pairs = bench.failing(Vec::new()).pairs;
    let victim = pairs.iter().map(|failed| failed.pair.a.clone());
    let victim = victim.into_iter().find(|name| !listed(name)).unwrap();
    let (after, figures) = bench.errors(Some(wrong(&victim, "shows another")));
    let after = after.unwrap();
    assert!(!after.is_new);
    let note = &after
        .entries
        .iter()
        .find(|(name, _)| *name == victim)
        .unwrap()
        .1;
    assert_eq!(note.reason.as_deref(), Some("shows another"));
    assert!(note.when.as_ref().unwrap().starts_with("20"));
    let figures = figures.unwrap();
    assert_eq!(figures.listed, figures_before.listed + 1);
    assert!(figures.dropped > figures_before.dropped);
    assert_ne!(figures.accuracy, figures_before.accuracy);

    let undo = Change {
        video: victim,
        note: None,
    };
    let (undone, figures) = bench.errors(Some(undo));
    assert_eq!(undone.unwrap().entries, before.entries);
    assert_eq!(figures.unwrap().accuracy, figures_before.accuracy);
    assert_eq!(
        fs::read_to_string(bench.root.path().join("data/synthetic-ytf/error.txt")).unwrap(),
        own,
        "the run's own list is nobody's to change here"
    );
}

#[test]
fn a_name_that_cant_be_one_is_refused_and_a_list_is_exported() {
    let mut bench = bench();
    let (refused, _) = bench.errors(Some(wrong("a/../b", "x")));
    assert!(refused.unwrap_err().contains("can't be a video's name"));
    bench.errors(Some(wrong("A_B/1", "x,y"))).0.unwrap();
    let path = bench.root.path().join("out.csv");
    let Message::Exported(Ok(told)) = bench.evidence.answer(Request::Export(path.clone())) else {
        panic!("not exported");
    };
    assert!(told.contains("out.csv"), "{told}");
    assert!(fs::read_to_string(path).unwrap().contains("A_B/1,\"x,y\""));
    let wrong = bench.root.path().join("out.doc");
    let Message::Exported(Err(why)) = bench.evidence.answer(Request::Export(wrong)) else {
        panic!("exported as nothing known");
    };
    assert!(why.contains("txt, csv, toml, json"), "{why}");
}

#[test]
fn without_embeddings_nobody_is_suspected_but_the_pairs_are_there() {
    let mut bench = bench();
    let figure = Box::new(bench.figure.clone());
    let Message::Suspects { result, .. } = bench.evidence.answer(Request::Suspects(figure)) else {
        panic!("no answer");
    };
    let known = result.unwrap();
    assert_eq!(known.pairs.len(), 60);
    assert!(known.found.is_err());
}
