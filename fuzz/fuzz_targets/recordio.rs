//! A record file with an index of any bytes, or without one.
#![no_main]

use std::fs;

use facetui::data::TrainingImages;
use facetui::data::recordio::RecordFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte says how much of the rest is the index.
    let Some((split, rest)) = data.split_first() else {
        return;
    };
    let (index, records) = rest.split_at(usize::from(*split).min(rest.len()));
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("train.rec");
    fs::write(&path, records).unwrap();
    if !index.is_empty() {
        fs::write(folder.path().join("train.idx"), index).unwrap();
    }
    if let Ok(set) = TrainingImages::open_records(&path) {
        let mut bytes = Vec::new();
        for image in 0..set.len().min(100) {
            if let Ok(start) = set.read_bytes(image, &mut bytes) {
                assert!(start <= bytes.len());
            }
            assert!(set.class_of(image) < set.classes());
        }
        let members: usize = (0..set.classes())
            .map(|class| set.images_of_class(class).len())
            .sum();
        assert_eq!(members, set.len());
    }
    if let Ok(file) = RecordFile::open(&path) {
        let mut payload = Vec::new();
        if let Ok(index) = file.scan() {
            for (_, offset) in index.entries() {
                // A record that a walk finds is whole.
                file.read(*offset, &mut payload).unwrap();
            }
        }
    }
});
