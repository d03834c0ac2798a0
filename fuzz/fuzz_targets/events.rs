//! TensorBoard's event files.
#![no_main]

use std::fs;

use facetui::run::EventTail;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("events.out.tfevents.1.host");
    // Read while it grows, as a run's is.
    fs::write(&path, &data[..data.len() / 2]).unwrap();
    let Ok(mut tail) = EventTail::open(folder.path()) else {
        return;
    };
    let _ = tail.poll();
    fs::write(&path, data).unwrap();
    if let Ok(events) = tail.poll() {
        assert!(events.len() <= data.len());
    }
});
