//! Split lists and error lists.
#![no_main]

use std::fs;

use facetui::data::VideoSet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("list.txt");
    fs::write(&path, data).unwrap();
    if let Ok(set) = VideoSet::without_frames(&path, None) {
        for pair in &set.pairs {
            assert!(pair.a < set.videos.len() && pair.b < set.videos.len());
            assert!(pair.fold < set.folds());
        }
    }
    let splits = folder.path().join("splits.txt");
    fs::write(&splits, "1, 1, A/1, A/2, 1\n").unwrap();
    if let Ok(set) = VideoSet::without_frames(&splits, Some(&path)) {
        let _ = set.is_mislabelled(&set.pairs[0]);
    }
});
