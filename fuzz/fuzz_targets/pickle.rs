//! A pickle of any bytes.
#![no_main]

use facetui::data::pickle::{Pickle, Value};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for pickle in [Pickle::read(data), Pickle::read_state_dict(data)]
        .into_iter()
        .flatten()
    {
        look_around(&pickle, data);
    }
});

fn look_around(pickle: &Pickle, data: &[u8]) {
    let root = pickle.root();
    let _ = pickle.booleans(root);
    for id in pickle.members(root).into_iter().flatten().take(1000) {
        let value = pickle.get(*id);
        let _ = pickle.booleans(value);
        if let (Value::Array(array), Some(bytes)) = (value, pickle.bytes_of(value)) {
            assert_eq!(array.shape.iter().product::<usize>(), bytes.len());
        }
        if let Some(bytes) = pickle.stored_bytes(value) {
            assert!(bytes.len() <= data.len());
        }
    }
}
