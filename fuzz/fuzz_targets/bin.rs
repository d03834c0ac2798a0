//! A `.bin` or `.np` of any bytes.
#![no_main]

use std::path::Path;

use facetui::data::VerificationImages;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let pickle = [b"\x80", data].concat();
    for bytes in [pickle, data.to_vec()] {
        if bytes.first() != Some(&0x80) {
            continue;
        }
        let Ok(set) = VerificationImages::from_bytes(Path::new("x.bin"), bytes, None) else {
            continue;
        };
        for pair in &set.pairs {
            assert!(pair.a < set.images() && pair.b < set.images());
        }
        for image in 0..set.images().min(20) {
            if let Ok(image) = set.image(image) {
                assert_eq!(image.rgb.len(), 3 * image.width as usize * image.height as usize);
            }
        }
    }
});
