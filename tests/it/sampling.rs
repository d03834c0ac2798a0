//! Sampling: which image comes when, from sets that are weighted, balanced and merged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use facetui::config::AugmentOptions;
use facetui::data::{
    BatchOrder, Loader, LoaderOptions, Order, Overlap, OverlapAction, OverlapClass, OverlapList,
    PeopleOrder,
};

use crate::loading::{Draw, P_BY_K, batches, by_size, combined, options, shown};

fn list(overlaps: Vec<Overlap>) -> OverlapList {
    OverlapList {
        path: PathBuf::from("overlap.csv"),
        overlaps,
    }
}

fn overlap(a: (&str, u32), action: OverlapAction, b: (&str, u32)) -> Overlap {
    let class = |(set, class): (&str, u32)| OverlapClass {
        set: set.to_owned(),
        class,
        name: String::new(),
    };
    Overlap {
        line: 0,
        a: class(a),
        b: class(b),
        similarity: Some(0.8),
        action: Some(action),
    }
}

fn balanced(sizes: &'static [u8]) -> Draw {
    Draw {
        balanced: true,
        ..by_size(sizes)
    }
}

#[test]
fn every_person_of_a_balanced_set_is_drawn_equally_often() {
    let folder = tempfile::tempdir().unwrap();
    for weights in [None, Some([1.0, 3.0])] {
        let mut draws = [balanced(&[1, 2, 4, 8, 25]), by_size(&[10, 10, 40])];
        if let Some(weights) = weights {
            for (draw, weight) in draws.iter_mut().zip(weights) {
                draw.weight = weight;
            }
        }
        let sets = combined(folder.path(), &draws, None).unwrap();
        let order = Order::new(&sets, 7).unwrap();
        let positions = 13 * 10_000;
        let mut people = BTreeMap::new();
        let mut images = vec![0_u64; 100];
        for image in (0..positions).map(|at| order.at(&sets, at)) {
            *people.entry(sets.class_of(image)).or_insert(0_u64) += 1;
            images[image] += 1;
        }
        // By size, the share of the balanced set is its number of people: 5 to 60 images.
        let first = weights.map_or(positions / 13, |_| positions / 4);
        for person in 0..5 {
            assert!(people[&person].abs_diff(first / 5) <= 1, "{people:?}");
        }
        for (start, size) in [(0, 1), (1, 2), (3, 4), (7, 8), (15, 25)] {
            for count in &images[start..start + size] {
                assert!(count.abs_diff(first / 5 / size as u64) <= 1, "{images:?}");
            }
        }
        for count in &images[40..] {
            assert!(count.abs_diff((positions - first) / 60) <= 1, "{images:?}");
        }
    }
}

#[test]
fn a_person_s_images_all_come_before_any_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let sets = combined(folder.path(), &[balanced(&[3, 7]), by_size(&[5])], None).unwrap();
    let order = Order::new(&sets, 1).unwrap();
    let mut shown: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for image in (0..2000).map(|at| order.at(&sets, at)) {
        shown.entry(sets.class_of(image)).or_default().push(image);
    }
    let mut turns = BTreeSet::new();
    for (class, size) in [(0, 3), (1, 7), (2, 5)] {
        for turn in shown[&class].chunks_exact(size) {
            let distinct: BTreeSet<_> = turn.iter().collect();
            assert_eq!(distinct.len(), size, "class {class}");
            turns.insert(turn.to_vec());
        }
    }
    assert!(turns.len() > 50, "the order changes from turn to turn");
}

#[test]
fn any_position_is_reached_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let sets = combined(folder.path(), &[balanced(&[3, 7]), by_size(&[5])], None).unwrap();
    let order = Order::new(&sets, 1).unwrap();
    let people = PeopleOrder::new(&sets, 8, 4, 1).unwrap();
    let begun = std::time::Instant::now();
    for far in [1_000_000_000_000, 1 << 60] {
        assert!(
            (far..far + 100)
                .map(|at| order.at(&sets, at))
                .all(|image| image < 15)
        );
        assert_eq!(people.at(&sets, far / 8).len(), 8);
    }
    assert!(begun.elapsed().as_secs() < 5);
}

/// Whatever is switched on, a batch follows from seed and step.
#[test]
fn batches_are_the_same_for_any_threads_and_any_start() {
    let folder = tempfile::tempdir().unwrap();
    let list = list(vec![
        overlap(("a", 1), OverlapAction::Merge, ("b", 0)),
        overlap(("a", 0), OverlapAction::Drop, ("b", 2)),
    ]);
    let draws = [balanced(&[3, 7, 2, 6]), by_size(&[5, 9, 4])];
    let sets = Arc::new(combined(folder.path(), &draws, Some(&list)).unwrap());
    let varied = LoaderOptions {
        augment: AugmentOptions {
            crop_jitter: 4,
            brightness: 0.2,
            blur_probability: 0.5,
            blur_sigma: 1.0,
        },
        ..options()
    };
    for order in [BatchOrder::Images, P_BY_K] {
        let varied = LoaderOptions { order, ..varied };
        let expected = batches(&sets, varied, 0..20);
        for threads in [1, 3, 7] {
            let varied = LoaderOptions {
                threads,
                queue: threads,
                ..varied
            };
            assert!(
                batches(&sets, varied, 0..20) == expected,
                "{threads} threads"
            );
            assert!(
                batches(&sets, varied, 13..20) == expected[13..],
                "{threads} threads"
            );
        }
        let other = LoaderOptions { seed: 4, ..varied };
        assert!(batches(&sets, other, 0..20) != expected);
    }
}

#[test]
fn merged_people_are_one_class_and_dropped_ones_never_come() {
    let folder = tempfile::tempdir().unwrap();
    let list = list(vec![
        overlap(("a", 1), OverlapAction::Merge, ("b", 0)),
        overlap(("b", 0), OverlapAction::Merge, ("c", 1)),
        overlap(("a", 2), OverlapAction::Drop, ("b", 2)),
    ]);
    let draws = [by_size(&[3, 7, 2]), by_size(&[5, 9, 4]), balanced(&[2, 3])];
    let sets = Arc::new(combined(folder.path(), &draws, Some(&list)).unwrap());
    assert_eq!((sets.classes(), sets.len()), (5, 31));
    // Set and class to the class among all; the fourth class of all is b's second.
    let expected: BTreeMap<(u8, u8), u32> = [
        ((0, 0), 0),
        ((0, 1), 1),
        ((0, 2), 2),
        ((1, 0), 1),
        ((1, 1), 3),
        ((2, 0), 4),
        ((2, 1), 1),
    ]
    .into();
    let mut seen = BTreeSet::new();
    for batch in batches(&sets, options(), 0..20) {
        for ([set, class, _], label) in shown(&batch).into_iter().zip(&batch.labels) {
            assert_eq!(expected.get(&(set, class)), Some(label));
            seen.insert((set, class));
        }
    }
    assert_eq!(seen.len(), expected.len());

    // A batch of people takes a merged person's images from all three sets.
    let mut merged = BTreeSet::new();
    for batch in batches(
        &sets,
        LoaderOptions {
            order: P_BY_K,
            ..options()
        },
        0..40,
    ) {
        assert_ne!(batch.labels[0], batch.labels[4]);
        for ([set, class, number], label) in shown(&batch).into_iter().zip(&batch.labels) {
            assert_eq!(expected.get(&(set, class)), Some(label));
            if *label == 1 {
                merged.insert((set, number));
            }
        }
    }
    assert_eq!(merged.len(), 7 + 5 + 3);
}

#[test]
fn a_set_that_is_dropped_whole_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let list = list(vec![overlap(("lfw", 12), OverlapAction::Drop, ("b", 0))]);
    let message = combined(folder.path(), &[by_size(&[3]), by_size(&[5])], Some(&list))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("overlap.csv") && message.contains("\"b\""),
        "{message}"
    );
}

#[test]
fn a_batch_of_people_repeats_no_image_unless_it_must() {
    let folder = tempfile::tempdir().unwrap();
    let sets = Arc::new(combined(folder.path(), &[by_size(&[4, 2, 9, 5])], None).unwrap());
    let with_people = LoaderOptions {
        order: P_BY_K,
        batch_size: 12,
        ..options()
    };
    let mut counts = BTreeMap::new();
    for batch in batches(&sets, with_people, 0..40) {
        let images = shown(&batch);
        for (person, labels) in images.chunks(4).zip(batch.labels.chunks(4)) {
            assert!(labels.iter().all(|label| *label == labels[0]));
            let distinct: BTreeSet<_> = person.iter().collect();
            assert_eq!(distinct.len(), if labels[0] == 1 { 2 } else { 4 });
            *counts.entry(labels[0]).or_insert(0) += 1;
        }
        let people: BTreeSet<_> = batch.labels.iter().collect();
        assert_eq!(people.len(), 3);
    }
    assert!(
        counts.values().all(|count| (24..=36).contains(count)),
        "{counts:?}"
    );

    let error = Loader::start(
        sets,
        LoaderOptions {
            batch_size: 20,
            ..with_people
        },
        0,
    )
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("asks for 5 people and the training sets have 4"),
        "{error}"
    );
}
