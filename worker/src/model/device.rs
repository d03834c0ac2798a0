//! Which engine computes: chosen once, then a value.

use burn::tensor::Device;
use facetui::config::DeviceChoice;
use serde::Serialize;
use thiserror::Error;

use super::libtorch;

/// A device and the name under which it is shown: `flex`, `cpu`, `cuda:0`.
#[derive(Debug, Clone)]
pub struct NamedDevice {
    /// The device, without automatic differentiation.
    pub device: Device,
    /// Its name.
    pub name: String,
}

/// What this worker can compute on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Devices {
    /// The worker's version.
    pub version: &'static str,
    /// burn's, where the build knew it.
    pub burn: Option<&'static str>,
    /// What LibTorch offers.
    pub libtorch: LibTorchReport,
    /// Names for `--device`, best first.
    pub devices: Vec<String>,
}

/// What LibTorch offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LibTorchReport {
    /// Whether the worker was built with it.
    pub built: bool,
    /// The version that it was built with.
    pub version: Option<&'static str>,
    /// Whether that libtorch knows CUDA.
    pub cuda: bool,
    /// CUDA devices that it sees.
    pub cuda_devices: usize,
    /// The NVIDIA driver's version, if one is loaded.
    pub driver: Option<String>,
}

/// Why a device can't be had.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DeviceError {
    /// LibTorch is asked for and not in this build.
    #[error(
        "device {asked} needs LibTorch, and this worker was built without it; run `./x build` (it sets LibTorch up), or use --device flex"
    )]
    NotBuilt {
        /// What was asked for.
        asked: String,
    },
    /// CUDA is asked for and not there.
    #[error("device {asked} is not there: {found}; use --device cpu or flex, or mend the driver")]
    NoCuda {
        /// What was asked for.
        asked: String,
        /// What was found instead.
        found: String,
    },
}

/// Looks at what is there.
pub fn available() -> Devices {
    let libtorch = libtorch::probe();
    let mut devices: Vec<String> = (0..libtorch.cuda_devices)
        .map(|index| format!("cuda:{index}"))
        .collect();
    if libtorch.built {
        devices.push("cpu".to_owned());
    }
    devices.push("flex".to_owned());
    Devices {
        version: env!("CARGO_PKG_VERSION"),
        burn: option_env!("FACETUI_BURN_VERSION"),
        libtorch: LibTorchReport {
            built: libtorch.built,
            version: option_env!("FACETUI_LIBTORCH_VERSION"),
            cuda: libtorch.cuda_built,
            cuda_devices: libtorch.cuda_devices,
            driver: facetui::run::host::nvidia_driver(),
        },
        devices,
    }
}

/// Turns a choice into a device.
///
/// # Errors
/// The device is not there; the message says what was found.
pub fn open(choice: DeviceChoice) -> Result<NamedDevice, DeviceError> {
    let named = |device: Device, name: String| NamedDevice { device, name };
    let flex = || named(Device::flex(), "flex".to_owned());
    match choice {
        DeviceChoice::Flex => Ok(flex()),
        DeviceChoice::Cpu => libtorch::cpu()
            .map(|device| named(device, "cpu".to_owned()))
            .ok_or(DeviceError::NotBuilt {
                asked: choice.to_string(),
            }),
        DeviceChoice::Cuda(index) => libtorch::cuda(index)
            .map(|device| named(device, choice.to_string()))
            .ok_or_else(|| no_cuda(choice)),
        DeviceChoice::Auto => Ok(libtorch::cuda(0)
            .map(|device| named(device, "cuda:0".to_owned()))
            .or_else(|| libtorch::cpu().map(|device| named(device, "cpu".to_owned())))
            .unwrap_or_else(flex)),
    }
}

fn no_cuda(choice: DeviceChoice) -> DeviceError {
    let Devices { libtorch, .. } = available();
    let driver = match libtorch.driver {
        Some(version) => format!("NVIDIA driver {version}"),
        None => "no NVIDIA driver".to_owned(),
    };
    let build = match (libtorch.built, libtorch.cuda) {
        (false, _) => "a worker built without LibTorch (feature `libtorch`)",
        (true, false) => "a libtorch built for the CPU (`./x setup libtorch cuda` gets the other)",
        (true, true) => "a libtorch built for CUDA",
    };
    DeviceError::NoCuda {
        asked: choice.to_string(),
        found: format!("{driver}, {build}, {} CUDA devices", libtorch.cuda_devices),
    }
}
