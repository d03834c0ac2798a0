//! Tables of distances.
#![no_main]

use std::path::Path;

use facetui::eval::scores;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = scores::parse(data, Path::new("scores.csv"));
});
