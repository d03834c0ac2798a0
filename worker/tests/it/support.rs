//! What several tests need.

use burn::tensor::Device;
use facetui_worker::model::libtorch;

/// Every engine of this build, by name.
pub fn engines() -> Vec<(&'static str, Device)> {
    let mut engines = vec![("flex", Device::flex())];
    match libtorch::cpu() {
        Some(device) => engines.push(("libtorch", device)),
        None => eprintln!("LibTorch is not in this build: only flex is tested"),
    }
    engines
}
