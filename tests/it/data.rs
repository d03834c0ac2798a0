//! Data: files that other programs wrote.

use facetui::data::pickle::{Pickle, Value};
use facetui::data::recordio::{RecordFile, RecordIndex, RecordWriter, index_text};
use facetui::data::{
    Image, ListDialect, PairsDialect, RecordLayout, SourceKind, TrainingForm, TrainingImages,
    VerificationImages, VideoSet, inspect, write_bin,
};

use crate::shared::shared;

#[test]
fn records_written_by_mxnet_have_their_payloads_put_together() {
    let Some(folder) = shared("data/formats") else {
        return;
    };
    let records = RecordFile::open(&folder.join("tricky.rec")).unwrap();
    let index = RecordIndex::read(&folder.join("tricky.idx"), records.length_bytes()).unwrap();
    assert_eq!(records.scan().unwrap(), index);

    let bytes = std::fs::read(folder.join("tricky_expected.pkl")).unwrap();
    let expected = Pickle::read(&bytes).unwrap();
    let expected: Vec<Vec<u8>> = expected
        .members(expected.root())
        .unwrap()
        .iter()
        .map(|id| expected.bytes_of(expected.get(*id)).unwrap().to_vec())
        .chain([b"lab2".to_vec()])
        .collect();
    assert_eq!(expected.len(), index.len());
    let mut payload = Vec::new();
    for (&(key, offset), expected) in index.entries().iter().zip(expected) {
        records.read(offset, &mut payload).unwrap();
        let start = records.header(offset).unwrap().image_start;
        assert_eq!(payload[start..], expected, "record {key}");
    }
}

#[test]
fn training_sets_written_by_mxnet_open_and_decode() {
    for (name, images, people) in [
        ("data/faces_glint18", 3446, 18),
        ("data/formats/faces_glint24", 942, 24),
    ] {
        let Some(folder) = shared(name) else { return };
        let set = TrainingImages::open_records(&folder).unwrap();
        assert_eq!((set.len(), set.classes()), (images, people));
        assert_eq!(set.form(), TrainingForm::Records(RecordLayout::Insightface));
        assert!(!set.index_rebuilt());
        let names = std::fs::read_to_string(folder.join("names.txt")).unwrap();
        assert_eq!(set.name_of_class(3), names.lines().nth(3));
        assert_eq!(
            (0..people)
                .map(|class| set.images_of_class(class).len())
                .sum::<usize>(),
            images
        );
        for index in (0..images).step_by(97) {
            let image = set.read(index).unwrap();
            assert_eq!((image.width, image.height), (112, 112));
        }
    }
}

#[test]
fn identity_ranges_agree_with_the_labels_of_the_images() {
    let Some(folder) = shared("data/formats/faces_glint24") else {
        return;
    };
    let set = TrainingImages::open_records(&folder).unwrap();
    let records = RecordFile::open(&folder.join("train.rec")).unwrap();
    let index = RecordIndex::read(&folder.join("train.idx"), records.length_bytes()).unwrap();
    for image in 0..set.len() {
        let offset = index.offset(image as u64 + 1).unwrap();
        let label = records.header(offset).unwrap().labels[0];
        assert!(
            (label - set.class_of(image) as f32).abs() < 0.5,
            "image {image}"
        );
    }
}

#[test]
fn a_missing_index_is_rebuilt_to_the_same_set() {
    let Some(folder) = shared("data/formats/faces_glint24") else {
        return;
    };
    let copy = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("train.rec"), copy.path().join("train.rec")).unwrap();
    let set = TrainingImages::open_records(copy.path()).unwrap();
    assert!(set.index_rebuilt() && set.len() == 942 && set.classes() == 24);
    assert_eq!(
        RecordIndex::read(&copy.path().join("train.idx"), u64::MAX).unwrap(),
        RecordIndex::read(&folder.join("train.idx"), u64::MAX).unwrap()
    );
}

#[test]
fn verification_sets_of_every_dialect_open() {
    let cases = [
        ("data/heldout_glint6.bin", 600, 300, PairsDialect::BinBytes),
        (
            "data/formats/glint24_py3.bin",
            600,
            300,
            PairsDialect::BinBytes,
        ),
        (
            "data/formats/glint24_numpy_dialect.bin",
            20,
            20,
            PairsDialect::BinArrays,
        ),
        (
            "data/formats/small_lfw.bin",
            10,
            10,
            PairsDialect::BinArrays,
        ),
        (
            "data/formats/lfw_style_py2.np",
            40,
            20,
            PairsDialect::PixelArrays,
        ),
        (
            "data/formats/lfw_style_py3.np",
            40,
            20,
            PairsDialect::PixelArrays,
        ),
    ];
    for (name, pairs, same, dialect) in cases {
        let Some(path) = shared(name) else { return };
        let set = VerificationImages::open(&path, None).unwrap();
        let counted = set.pairs.iter().filter(|pair| pair.same).count();
        assert_eq!(
            (set.pairs.len(), counted, set.dialect()),
            (pairs, same, dialect),
            "{name}"
        );
        for index in (0..set.images()).step_by(7) {
            let image = set.image(index).unwrap();
            assert_eq!(
                (image.width, image.height, image.rgb.len()),
                (112, 112, 112 * 112 * 3),
                "{name}"
            );
        }
    }
}

#[test]
fn both_protocols_of_np_hold_the_same_pixels() {
    let (Some(old), Some(new)) = (
        shared("data/formats/lfw_style_py2.np"),
        shared("data/formats/lfw_style_py3.np"),
    ) else {
        return;
    };
    let old = VerificationImages::open(&old, None).unwrap();
    let new = VerificationImages::open(&new, None).unwrap();
    for (old_pair, new_pair) in old.pairs.iter().zip(&new.pairs) {
        assert_eq!(
            old.image(old_pair.a).unwrap(),
            new.image(new_pair.a).unwrap()
        );
    }
}

#[test]
fn the_official_lists_are_read() {
    let Some(lists) = shared("data/lists") else {
        return;
    };
    let set = VideoSet::without_frames(
        &lists.join("ytf_splits.txt"),
        Some(&lists.join("ytf-error.txt")),
    )
    .unwrap();
    assert_eq!(
        (
            set.pairs.len(),
            set.folds(),
            set.mislabelled.len(),
            set.videos.len()
        ),
        (5000, 10, 35, 3226)
    );
    for fold in 0..10 {
        let pairs = set.pairs.iter().filter(|pair| pair.fold == fold);
        assert_eq!(pairs.clone().filter(|pair| pair.same).count(), 250);
        assert_eq!(pairs.count(), 500);
    }
    let kept = set
        .pairs
        .iter()
        .filter(|pair| pair.same && !set.is_mislabelled(pair))
        .count();
    assert_eq!(kept, 2438);
}

#[test]
fn lfw_pairs_without_their_images_say_how_many_are_missing() {
    let Some(lists) = shared("data/lists") else {
        return;
    };
    let message = VerificationImages::open(&lists.join("lfw_pairs.txt"), Some(&lists))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("7701 of the 7701") && message.contains("Abel_Pacheco"),
        "{message}"
    );
}

#[test]
fn video_folders_are_found_with_their_frames_in_order() {
    let Some(folder) = shared("data/ytf_glint") else {
        return;
    };
    let set = VideoSet::open(
        &folder.join("splits.txt"),
        &folder.join("112x112"),
        Some(&folder.join("error.txt")),
    )
    .unwrap();
    assert_eq!(
        (set.pairs.len(), set.folds(), set.missing.len()),
        (240, 10, 0)
    );
    let video = set
        .videos
        .iter()
        .find(|video| video.name == "Daniel_Radcliffe/3")
        .unwrap();
    let numbers: Vec<u32> = video
        .frames
        .iter()
        .map(|frame| {
            frame
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .rsplit('.')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect();
    assert!(numbers.is_sorted() && numbers.len() > 5, "{numbers:?}");
}

#[test]
fn image_lists_and_folders_of_the_same_images_agree() {
    let Some(folder) = shared("data/orl") else {
        return;
    };
    let list = TrainingImages::open_list(&folder.join("train.txt"), &folder).unwrap();
    let folders = TrainingImages::open_folders(&folder).unwrap();
    assert_eq!((list.len(), list.classes()), (400, 40));
    assert_eq!(
        list.form(),
        TrainingForm::Files(ListDialect::PathCommaLabel)
    );
    assert_eq!(
        (folders.len(), folders.name_of_class(39)),
        (400, Some("s40"))
    );
    let image = list.read(399).unwrap();
    assert_eq!((image.width, image.height), (92, 112));
}

#[test]
fn pairs_with_a_flag_find_their_images() {
    let Some(folder) = shared("data/orl") else {
        return;
    };
    let temporary = tempfile::tempdir().unwrap();
    let list = temporary.path().join("quick.txt");
    std::fs::write(&list, "1,s01/1.png,s01/2.png\n0,s01/1.png,s02/1.png\n").unwrap();
    let set = VerificationImages::open(&list, Some(&folder)).unwrap();
    assert_eq!((set.pairs.len(), set.images()), (2, 3));
    assert!(set.image(2).is_ok());
}

#[test]
fn a_genuine_pickle_cut_anywhere_is_an_error() {
    let Some(path) = shared("data/formats/tricky_expected.pkl") else {
        return;
    };
    let bytes = std::fs::read(path).unwrap();
    assert!(matches!(
        Pickle::read(&bytes).unwrap().root(),
        Value::List(_)
    ));
    for length in 0..bytes.len() {
        assert!(Pickle::read(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn inspect_knows_every_file_of_the_shared_material() {
    let cases = [
        (
            "data/faces_glint18",
            SourceKind::Recordio,
            Some(3446),
            Some(18),
            None,
        ),
        (
            "data/faces_glint18/train.rec",
            SourceKind::Recordio,
            Some(3446),
            Some(18),
            None,
        ),
        (
            "data/faces_glint18/train.idx",
            SourceKind::Recordio,
            Some(3446),
            Some(18),
            None,
        ),
        (
            "data/formats/tricky.rec",
            SourceKind::Recordio,
            Some(9),
            Some(8),
            None,
        ),
        ("data/orl", SourceKind::Folders, Some(400), Some(40), None),
        (
            "data/orl/train.txt",
            SourceKind::ImageList,
            Some(400),
            Some(40),
            None,
        ),
        (
            "data/ytf_glint/112x112",
            SourceKind::Folders,
            None,
            Some(24),
            None,
        ),
        (
            "data/ytf_glint/splits.txt",
            SourceKind::SplitList,
            None,
            None,
            Some(240),
        ),
        (
            "data/ytf_glint/error.txt",
            SourceKind::ErrorList,
            None,
            None,
            None,
        ),
        (
            "data/lists/lfw_pairs.txt",
            SourceKind::PairList,
            Some(7701),
            None,
            Some(6000),
        ),
        (
            "data/lists/ytf_splits.txt",
            SourceKind::SplitList,
            None,
            None,
            Some(5000),
        ),
        (
            "data/formats/pairs_label.txt",
            SourceKind::PairList,
            None,
            None,
            Some(600),
        ),
        (
            "data/heldout_glint6.bin",
            SourceKind::Bin,
            None,
            None,
            Some(600),
        ),
        (
            "data/formats/lfw_style_py2.np",
            SourceKind::Np,
            None,
            None,
            Some(40),
        ),
        ("data/orl/s01/1.png", SourceKind::Image, Some(1), None, None),
    ];
    for (name, kind, images, identities, pairs) in cases {
        let Some(path) = shared(name) else { return };
        let found = inspect(&path, None).unwrap();
        assert_eq!(found.kind, kind, "{name}");
        assert_eq!(images.or(found.images), found.images, "{name}");
        assert_eq!(identities, found.identities, "{name}");
        assert_eq!(
            pairs,
            found.pairs.map(|pairs| pairs.positive + pairs.negative),
            "{name}"
        );
    }
}

#[test]
fn inspect_says_what_is_not_there_or_not_known() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("prose.txt", b"Dear diary,\nall is well.\n"),
        ("noise", b"\0\x01\x02"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let message = inspect(&path, None).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
    assert!(
        inspect(folder.path(), None)
            .unwrap_err()
            .to_string()
            .contains("train.rec")
    );
    assert!(
        inspect(&folder.path().join("missing"), None)
            .unwrap_err()
            .to_string()
            .contains("cannot read")
    );
}

/// Whatever a byte is changed to, a reader answers with a set or an error.
#[test]
fn changed_bytes_never_panic() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = |shade: u8| {
        Image {
            width: 2,
            height: 2,
            rgb: vec![shade; 12],
        }
        .to_png()
        .unwrap()
    };
    let mut writer = RecordWriter::new(Vec::new());
    for key in 1..4u8 {
        writer.write_image(u64::from(key), 0.0, &tiny(key)).unwrap();
    }
    writer.write_labels(4, &[1.0, 4.0], &[]).unwrap();
    writer.write_labels(0, &[4.0, 5.0], &[]).unwrap();
    let (records, index) = writer.finish().unwrap();
    let files = [
        ("train.rec", records),
        ("x.bin", write_bin(&[tiny(1), tiny(2)], &[true])),
        ("pairs.txt", b"1\t1\nA\t1\t2\nA\t1\tB\t2\n".to_vec()),
        ("list.txt", b"a/1.png,0\nb/2.png,1\n".to_vec()),
        (
            "splits.txt",
            b"1, 1, A/1, A/2, 1\n1, 2, A/1, B/2, 0\n".to_vec(),
        ),
    ];
    // With an index at hand nothing is written back, which would take most of the time.
    std::fs::write(folder.path().join("train.idx"), index_text(&index)).unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                std::fs::write(&path, changed).unwrap();
                let _ = inspect(&path, None);
            }
        }
    }
}
