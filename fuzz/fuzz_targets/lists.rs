//! Lists of images, of pairs and of faces.
#![no_main]

use std::fs;
use std::path::Path;

use facetui::data::{FaceLandmarks, TrainingImages, UnalignedSource, VerificationImages, inspect};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("list.txt");
    fs::write(&path, data).unwrap();
    if let Ok(set) = TrainingImages::open_list(&path, folder.path()) {
        for image in 0..set.len() {
            assert!(set.class_of(image) < set.classes());
            assert!(!set.name_of_image(image).is_empty());
        }
    }
    if data.first() != Some(&0x80) {
        let root = Some(folder.path());
        let _ = VerificationImages::from_bytes(Path::new("pairs.txt"), data.to_vec(), root);
    }
    let _ = FaceLandmarks::open(&path);
    fs::write(folder.path().join("A.labeled_faces.txt"), data).unwrap();
    fs::write(folder.path().join("1.jpg"), "").unwrap();
    let _ = UnalignedSource::open(folder.path(), None, false);
    let _ = inspect(&path, None);
});
