//! Sources as other programs write them, as nobody writes them, and cut short.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use facetui::data::pickle::Pickle;
use facetui::data::recordio::{RecordFile, RecordIndex, RecordWriter, index_text};
use facetui::data::{
    DataError, Image, ListDialect, PairsDialect, RecordLayout, TrainingForm, TrainingImages,
    UnalignedSource, VerificationImages, VideoSet, inspect, write_bin,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use crate::shared::shared;

const MAGIC: [u8; 4] = 0xced7_230a_u32.to_le_bytes();

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/sets")
        .join(name)
}

fn expected() -> Value {
    serde_json::from_slice(&fs::read(golden("expected.json")).unwrap()).unwrap()
}

fn bytes_of(hex: &Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn every_record_that_mxnet_wrote_is_read_as_mxnet_reads_it() {
    for (name, records) in expected()["records"].as_object().unwrap() {
        let file = RecordFile::open(&golden(name).join("train.rec")).unwrap();
        let index =
            RecordIndex::read(&golden(name).join("train.idx"), file.length_bytes()).unwrap();
        assert_eq!(file.scan().unwrap(), index, "{name}");
        let records = records.as_array().unwrap();
        assert_eq!(index.len(), records.len(), "{name}");
        let mut payload = Vec::new();
        for (&(key, offset), record) in index.entries().iter().zip(records) {
            assert_eq!(record["key"], key, "{name}");
            let header = file.header(offset).unwrap();
            let labels: Vec<f32> = serde_json::from_value(record["labels"].clone()).unwrap();
            assert_eq!((header.id, &header.labels), (key, &labels), "{name} {key}");
            file.read(offset, &mut payload).unwrap();
            let image = bytes_of(&record["hex"]);
            assert_eq!(payload[header.image_start..], image, "{name} {key}");
            assert_eq!(header.image_bytes, image.len(), "{name} {key}");
        }
    }
}

#[test]
fn the_people_of_every_layout_are_told_with_and_without_an_index() {
    for (name, layout, classes) in [
        (
            "insightface",
            RecordLayout::Insightface,
            vec![0, 0, 0, 1, 2, 2],
        ),
        (
            "zero_last",
            RecordLayout::Insightface,
            vec![0, 0, 1, 1, 1, 1],
        ),
        // Its identity records hold numbers that f32 had to round.
        (
            "beyond_2_24",
            RecordLayout::Insightface,
            vec![0, 0, 1, 1, 1, 2, 3, 4, 4, 4, 4, 5, 5],
        ),
        ("plain", RecordLayout::Plain, vec![1, 0, 1, 0]),
    ] {
        let copy = tempfile::tempdir().unwrap();
        fs::copy(
            golden(name).join("train.rec"),
            copy.path().join("train.rec"),
        )
        .unwrap();
        for folder in [golden(name), copy.path().to_owned()] {
            let set = TrainingImages::open_records(&folder).unwrap();
            let found: Vec<u32> = (0..set.len()).map(|image| set.class_of(image)).collect();
            assert_eq!(found, classes, "{name}");
            assert_eq!(set.form(), TrainingForm::Records(layout), "{name}");
            for image in 0..set.len() {
                let image = set.read(image).unwrap();
                assert_eq!((image.width, image.height), (6, 8), "{name}");
            }
        }
    }
}

#[test]
fn pickles_of_every_protocol_hold_what_was_pickled() {
    for (name, expected) in expected()["pickles"].as_object().unwrap() {
        let set = VerificationImages::open(&golden(name), None).unwrap();
        let dialect = serde_json::to_value(set.dialect()).unwrap();
        assert_eq!(dialect, expected["dialect"], "{name}");
        let same: Vec<bool> = set.pairs.iter().map(|pair| pair.same).collect();
        assert_eq!(
            serde_json::to_value(same).unwrap(),
            expected["same"],
            "{name}"
        );
        let images = set.pairs.iter().flat_map(|pair| [pair.a, pair.b]);
        for (image, hex) in images.zip(expected["hex"].as_array().unwrap()) {
            let image = set.image(image).unwrap();
            let expected = if set.dialect() == PairsDialect::PixelArrays {
                Image {
                    width: 6,
                    height: 8,
                    rgb: bytes_of(hex),
                }
            } else {
                Image::decode(&bytes_of(hex), "x").unwrap()
            };
            assert_eq!(image, expected, "{name}");
        }
        // Images that several pairs share are there once.
        assert_eq!(
            set.images(),
            if name.starts_with("pixels") { 5 } else { 4 },
            "{name}"
        );
    }
}

#[test]
fn whole_frames_with_lists_of_labelled_faces_are_a_video_set() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("frame_images_DB");
    for frame in [
        "Ann_A/0/0.10.jpg",
        "Ann_A/0/0.9.jpg",
        "Ann_A/1/1.1.jpg",
        "Bob_B/2/2.7.jpg",
    ] {
        let path = root.join(frame);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, gradient(3).to_jpeg(80).unwrap()).unwrap();
    }
    let list = root.join("Ann_A.labeled_faces.txt");
    fs::write(&list, "Ann_A\\0\\0.9.jpg,0,235,155,130,130,0,1\r\n").unwrap();
    let splits = folder.path().join("splits.txt");
    fs::write(
        &splits,
        "1, 1, Ann_A/0, Ann_A/1, 1\r\n1, 2, Ann_A/0, Bob_B/2, 0",
    )
    .unwrap();
    let set = VideoSet::open(&splits, &root, None).unwrap();
    let frames: Vec<_> = set.videos[0]
        .frames
        .iter()
        .map(|frame| frame.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        (frames, set.missing.len()),
        (vec!["0.9.jpg", "0.10.jpg"], 0)
    );
    let unaligned = UnalignedSource::open(&root, None, true).unwrap();
    assert_eq!(unaligned.boxes.count(), 1);
    assert!(unaligned.boxes.of("Ann_A/0/0.9.jpg").is_some());
    let found = inspect(&root, None).unwrap();
    assert_eq!(
        (found.images, found.identities, found.videos),
        (Some(4), Some(2), Some(3))
    );
    // As a training source, the same folder is one class a person.
    let training = TrainingImages::open_folders(&root).unwrap();
    assert_eq!((training.len(), training.classes()), (4, 2));
}

#[test]
fn lfw_pairs_find_their_images_in_every_form_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    for (name, ending) in [
        ("Ann/Ann_0001", "jpg"),
        ("Ann/Ann_0002", "png"),
        ("Bob/Bob_0010", "jpg"),
    ] {
        let path = folder.path().join(format!("{name}.{ending}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, gradient(1).to_png().unwrap()).unwrap();
    }
    let lines = "Ann\t1\t2\nAnn\t1\tBob\t10\nAnn\t2\t1\nBob\t10\tAnn\t2\n";
    for text in [
        format!("2\t1\n{lines}"),
        lines.to_owned(),
        format!("2\t1\n{lines}").replace('\n', "\r\n"),
        lines.replace('\n', "\r\n").trim_end().to_owned(),
        format!("\u{feff}{lines}"),
    ] {
        let list = folder.path().join("pairs.txt");
        fs::write(&list, &text).unwrap();
        let set = VerificationImages::open(&list, Some(folder.path())).unwrap();
        let pairs: Vec<_> = set
            .pairs
            .iter()
            .map(|pair| (pair.a, pair.b, pair.same, pair.fold))
            .collect();
        assert_eq!(
            pairs,
            [
                (0, 1, true, Some(0)),
                (0, 2, false, Some(0)),
                (1, 0, true, Some(1)),
                (2, 1, false, Some(1))
            ],
            "{text:?}"
        );
        assert!(set.image(1).is_ok());
    }
}

fn gradient(seed: u8) -> Image {
    Image {
        width: 5,
        height: 4,
        rgb: (0..60u8).map(|place| place.wrapping_mul(seed)).collect(),
    }
}

/// Bytes with the magic number at any place, aligned or not.
fn awkward_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => vec(any::<u8>(), 0..7),
        2 => Just(MAGIC.to_vec()),
        1 => Just(MAGIC[..3].to_vec()),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn written_records(records: &[(Vec<f32>, Vec<u8>)]) -> (Vec<u8>, RecordIndex) {
    let mut writer = RecordWriter::new(Vec::new());
    for (key, (labels, image)) in (0..).zip(records) {
        match labels[..] {
            [label] => writer.write_image(key, label, image).unwrap(),
            _ => writer.write_labels(key, labels, image).unwrap(),
        }
    }
    writer.finish().unwrap()
}

/// A path of two or three parts as lists have them.
fn listed_path() -> impl Strategy<Value = String> {
    vec("[a-zA-Z0-9_.,() -]{0,6}[a-z]", 2..4).prop_map(|parts| format!("p{}.jpg", parts.join("/")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_are_read_as_written(
        records in vec((vec(any::<f32>(), 1..4), awkward_bytes()), 1..12)
    ) {
        let (bytes, index) = written_records(&records);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.rec");
        fs::write(&path, &bytes).unwrap();
        let file = RecordFile::open(&path).unwrap();
        prop_assert_eq!(&file.scan().unwrap(), &index);
        let mut payload = Vec::new();
        let mut end = 0;
        for ((labels, image), (_, offset)) in records.iter().zip(index.entries()) {
            prop_assert_eq!(*offset, end);
            end = file.read(*offset, &mut payload).unwrap();
            let header = file.header(*offset).unwrap();
            prop_assert_eq!(&payload[header.image_start..], &image[..]);
            let bits = |labels: &[f32]| labels.iter().map(|label| label.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&header.labels), bits(labels));
        }
        prop_assert_eq!(end, bytes.len() as u64);
    }

    #[test]
    fn an_index_is_read_as_written(entries in vec((any::<u64>(), any::<u64>()), 0..40)) {
        let index = RecordIndex::new(entries);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.idx");
        fs::write(&path, index_text(&index)).unwrap();
        prop_assert_eq!(RecordIndex::read(&path, u64::MAX).unwrap(), index);
    }

    #[test]
    fn a_bin_is_read_as_written(
        pairs in vec((vec(any::<u8>(), 0..300), vec(any::<u8>(), 0..300), any::<bool>()), 1..20)
    ) {
        let images: Vec<Vec<u8>> = pairs.iter().flat_map(|(a, b, _)| [a.clone(), b.clone()]).collect();
        let same: Vec<bool> = pairs.iter().map(|(_, _, same)| *same).collect();
        let bytes = write_bin(&images, &same);
        let pickle = Pickle::read(&bytes).unwrap();
        let lists = pickle.members(pickle.root()).unwrap();
        let found: Vec<&[u8]> = pickle
            .members(pickle.get(lists[0]))
            .unwrap()
            .iter()
            .map(|id| pickle.bytes_of(pickle.get(*id)).unwrap())
            .collect();
        prop_assert_eq!(found, images.iter().map(Vec::as_slice).collect::<Vec<_>>());
        prop_assert_eq!(pickle.booleans(pickle.get(lists[1])), Some(same.clone()));
        let set = VerificationImages::from_bytes(Path::new("x.bin"), bytes, None).unwrap();
        let found: Vec<bool> = set.pairs.iter().map(|pair| pair.same).collect();
        prop_assert_eq!(found, same);
        // Equal images have one index, different ones have two.
        for (number, pair) in set.pairs.iter().enumerate() {
            prop_assert_eq!(pair.a == pair.b, images[2 * number] == images[2 * number + 1]);
        }
    }

    #[test]
    fn lists_are_read_as_written(
        lines in vec((listed_path(), 0u32..50), 1..30),
        form in 0usize..6,
        ending in prop_oneof![Just("\n"), Just("\r\n")],
    ) {
        let forms = [
            ListDialect::PathCommaLabel,
            ListDialect::LabelCommaPath,
            ListDialect::PathSpaceLabel,
            ListDialect::LabelSpacePath,
            ListDialect::NumberLabelPath,
            ListDialect::NumberPathLabel,
        ];
        let text: String = lines
            .iter()
            .enumerate()
            .map(|(number, (path, label))| {
                let line = match forms[form] {
                    ListDialect::PathCommaLabel => format!("{path},{label}"),
                    ListDialect::LabelCommaPath => format!("{label},{path}"),
                    ListDialect::PathSpaceLabel => format!("{path} {label}"),
                    ListDialect::LabelSpacePath => format!("{label} {path}"),
                    ListDialect::NumberLabelPath => format!("{number}\t{label}.000000\t{path}"),
                    _ => format!("{number}\t{path}\t{label}"),
                };
                line + ending
            })
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.txt");
        fs::write(&list, text).unwrap();
        let set = TrainingImages::open_list(&list, Path::new("/root")).unwrap();
        prop_assert_eq!(set.form(), TrainingForm::Files(forms[form]));
        let mut labels: Vec<u32> = lines.iter().map(|(_, label)| *label).collect();
        labels.sort_unstable();
        labels.dedup();
        for (image, (path, label)) in lines.iter().enumerate() {
            prop_assert_eq!(set.name_of_image(image), format!("/root/{path}"));
            prop_assert_eq!(labels[set.class_of(image) as usize], *label);
        }
    }

    #[test]
    fn splits_are_read_as_written(
        pairs in vec((1u32..20, "[A-Z][a-z_]{0,8}", 0u32..9, "[A-Z][a-z_]{0,8}", 0u32..9, any::<bool>()), 1..30),
        header in any::<bool>(),
        windows in any::<bool>(),
    ) {
        let mut text = String::new();
        if header {
            text += "split number, pair number in split, first name, second name, is same:\n";
        }
        // Splits are numbered from 1 without gaps, in order.
        let mut pairs = pairs;
        pairs.sort_by_key(|pair| pair.0);
        let mut splits: Vec<u32> = pairs.iter().map(|pair| pair.0).collect();
        splits.dedup();
        for pair in &mut pairs {
            pair.0 = 1 + splits.iter().position(|split| *split == pair.0).unwrap() as u32;
        }
        for (number, (split, a, i, b, j, same)) in pairs.iter().enumerate() {
            writeln!(text, "{split}, {number}, {a}/{i}, {b}/{j}, {}", u8::from(*same)).unwrap();
        }
        if windows {
            text = text.replace('\n', "\r\n");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("splits.txt");
        fs::write(&path, text).unwrap();
        let set = VideoSet::without_frames(&path, None).unwrap();
        prop_assert_eq!(set.pairs.len(), pairs.len());
        for (found, (split, a, i, b, j, same)) in set.pairs.iter().zip(&pairs) {
            prop_assert_eq!((found.fold, found.same), (split - 1, *same));
            prop_assert_eq!(&set.videos[found.a].name, &format!("{a}/{i}"));
            prop_assert_eq!(&set.videos[found.b].name, &format!("{b}/{j}"));
        }
    }

    #[test]
    fn any_bytes_are_an_answer(bytes in vec(any::<u8>(), 0..200), start in 0usize..5) {
        let starts: [&[u8]; 5] = [b"", &MAGIC, b"\x80\x02", b"\x80\x04](", b"1, 1, A/1"];
        let bytes = [starts[start], &bytes].concat();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, bytes).unwrap();
        let _ = inspect(&path, None);
    }
}

/// A small file of every format, with what has to lie beside it.
fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let read = |name: &str| fs::read(golden(name)).unwrap();
    vec![
        ("insightface/train.rec", read("insightface/train.rec")),
        ("beyond/train.rec", read("beyond_2_24/train.rec")),
        ("plain/train.rec", read("plain/train.rec")),
        ("awkward/train.rec", read("awkward/train.rec")),
        ("insightface/train.idx", read("insightface/train.idx")),
        ("plain/train.idx", read("plain/train.idx")),
        ("bytes2.bin", read("bytes_2.bin")),
        ("bytes4.bin", read("bytes_4.bin")),
        ("arrays2.bin", read("arrays_2.bin")),
        ("arrays5.bin", read("arrays_5.bin")),
        ("pixels2.np", read("pixels_2.np")),
        ("pixels4.np", read("pixels_4.np")),
        ("list.txt", b"a/1.png,0\na/2.png,0\nb/1.png,1\n".to_vec()),
        ("label.txt", b"0 a/1.png\r\n1 b/1.png\r\n".to_vec()),
        (
            "mxnet.lst",
            b"0\t0.000000\ta/1.png\n1\t1.000000\tb/1.png\n".to_vec(),
        ),
        ("pairs.txt", b"1\t1\nA\t1\t2\nA\t1\tB\t2\n".to_vec()),
        (
            "quick.txt",
            b"1,a/1.png,a/2.png\n0,a/1.png,b/1.png\n".to_vec(),
        ),
        (
            "splits.txt",
            b"split number, pair\n1, 1, A/1, A/2, 1\n1, 2, A/1, B/2, 0\n".to_vec(),
        ),
        ("error.txt", b"Ali_Abbas/2\nBob/1 # a note\n".to_vec()),
        (
            "config.ini",
            b"[lfw]\nnpdata = x.bin\n[mine]\nfolder = y\n".to_vec(),
        ),
        ("image.jpg", gradient(7).to_jpeg(70).unwrap()),
        ("image.png", gradient(7).to_png().unwrap()),
    ]
}

#[test]
fn files_cut_at_any_byte_are_an_error_or_a_clean_result() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in small_files() {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        inspect(&path, None).unwrap_or_else(|error| panic!("{name}: {error}"));
        for length in 0..bytes.len() {
            // Some file systems take milliseconds to cut a file that is there.
            fs::remove_file(&path).unwrap();
            fs::write(&path, &bytes[..length]).unwrap();
            let outcome = inspect(&path, None);
            let extension = path.extension().unwrap_or_default();
            let is_pickle = extension == "bin" || extension == "np";
            if is_pickle || extension == "jpg" && length + 2 < bytes.len() {
                assert!(outcome.is_err(), "{name} cut to {length}");
            }
            // Whatever can be opened can be walked through: no image of it panics.
            if extension == "rec"
                && let Ok(set) = TrainingImages::open_records(&path)
            {
                for image in 0..set.len() {
                    let outcome = set.read(image);
                    assert!(!matches!(outcome, Err(DataError::Request(_))));
                }
            }
        }
        fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_list_of_labelled_faces_cut_at_any_byte_is_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("A.labeled_faces.txt");
    fs::create_dir_all(folder.path().join("A/0")).unwrap();
    fs::write(
        folder.path().join("A/0/0.1.jpg"),
        gradient(1).to_jpeg(80).unwrap(),
    )
    .unwrap();
    let bytes = b"A\\0\\0.1.jpg,0,235,155,130,130,0,1\r\nA\\0\\0.2.jpg,0,235,155,130,130,0,1\r\n";
    for length in 0..=bytes.len() {
        fs::write(&list, &bytes[..length]).unwrap();
        if let Ok(source) = UnalignedSource::open(folder.path(), None, true) {
            assert!(source.boxes.count() <= 2);
        }
    }
}

#[test]
fn real_files_cut_here_and_there_are_an_answer() {
    for name in [
        "data/formats/small_lfw.bin",
        "data/formats/glint24_numpy_dialect.bin",
        "data/formats/tricky_expected.pkl",
        "data/lists/ytf_splits.txt",
        "data/lists/lfw_pairs.txt",
        "data/formats/pairs_label.txt",
        "data/orl/train.txt",
    ] {
        let Some(path) = shared(name) else { return };
        let bytes = fs::read(&path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join(path.file_name().unwrap());
        for length in (0..bytes.len()).step_by((bytes.len() / 40).max(1) + 1) {
            fs::write(&cut, &bytes[..length]).unwrap();
            let _ = inspect(&cut, None);
        }
    }
}

/// A pickle that would take many times its own size, or for ever, is refused while it is still small.
#[test]
fn pickles_that_are_made_to_swell_are_refused() {
    let repeated = |start: &[u8], step: &[u8], count: usize| [start, &step.repeat(count)].concat();
    for (what, bytes, reason) in [
        (
            "marks in marks",
            repeated(b"\x80\x02", b"(", 2_000_000),
            "in each other",
        ),
        (
            "lists in lists",
            repeated(b"\x80\x02", b"](", 2_000_000),
            "in each other",
        ),
        ("values", repeated(b"\x80\x02", b"N", 5_000_000), "values"),
        (
            "memory slots",
            repeated(b"\x80\x04N", b"\x94", 9_000_000),
            "memory slots",
        ),
        (
            "recalls",
            repeated(b"\x80\x02Nq\0", b"h\0", 9_000_000),
            "memory slots",
        ),
        (
            "a length beyond the file",
            b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fx".to_vec(),
            "ends inside",
        ),
        (
            "a text beyond the file",
            b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffx".to_vec(),
            "ends inside",
        ),
        ("a dictionary", b"\x80\x02}q\0.".to_vec(), "EMPTY_DICT"),
        (
            "an object",
            b"\x80\x02cos\nsystem\n)\x81.".to_vec(),
            "os.system",
        ),
        (
            "a hidden name",
            b"\x80\x02c\x1b[2J\nx\n.".to_vec(),
            "\\x1b[2J.x",
        ),
    ] {
        let message = Pickle::read(&bytes).unwrap_err().to_string();
        assert!(message.contains(reason), "{what}: {message}");
    }
    // Lists that hold themselves, and one large value named very often, are read in time.
    let mut loops = b"\x80\x02]q\0h\0h\0\x86e.".to_vec();
    assert!(Pickle::read(&loops).is_err());
    loops = b"\x80\x02]q\0(h\0h\0e.".to_vec();
    let path = Path::new("x.bin");
    assert!(Pickle::read(&loops).is_ok());
    assert!(VerificationImages::from_bytes(path, loops, None).is_err());
    let mut often = b"\x80\x04](B\x00\x00\x40\x00".to_vec();
    often.extend(vec![7; 1 << 22]);
    often.extend(b"\x94");
    often.extend(b"h\0".repeat(199_999));
    often.extend(b"e](");
    often.extend(vec![0x88; 100_000]);
    often.extend(b"e\x86.");
    let set = VerificationImages::from_bytes(path, often, None).unwrap();
    assert_eq!((set.images(), set.pairs.len()), (1, 100_000));
}

#[test]
fn pipes_and_folders_are_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("train.rec");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    for path in [&pipe, folder.path()] {
        assert!(
            inspect(path, None)
                .unwrap_err()
                .to_string()
                .contains("not a file")
        );
    }
}
