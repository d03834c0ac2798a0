//! Which devices the worker has, by asking it: this program knows of none itself.

use std::{ffi::OsStr, fs::File, path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::{LaunchError, answer::Answer};
use crate::{
    config::{DeviceChoice, Precision},
    run::host,
};

/// What the worker says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// The worker's version.
    pub version: String,
    /// The version of burn in it.
    #[serde(default)]
    pub burn: Option<String>,
    /// What LibTorch offers it.
    pub libtorch: LibTorch,
    /// Names for `--device`, best first.
    pub devices: Vec<String>,
}

/// What LibTorch offers the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibTorch {
    /// Whether the worker was built with it.
    pub built: bool,
    /// The version that it was built with.
    #[serde(default)]
    pub version: Option<String>,
    /// Whether that libtorch knows CUDA.
    pub cuda: bool,
    /// CUDA devices that it sees.
    pub cuda_devices: usize,
}

/// The first look at CUDA can take many seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks the worker.
///
/// # Errors
/// There is no worker, or it doesn't run: what it said last.
pub fn ask() -> Result<Devices, LaunchError> {
    let answer = Answer::to([OsStr::new("devices")], PATIENCE)?;
    if answer.status.success() {
        return answer.document();
    }
    Err(answer.failure())
}

/// Sees to it that a device, which [`check`] has passed, computes in a number format.
///
/// # Errors
/// It is the pure-Rust engine, and the format is not its own.
pub fn check_precision(
    asked: DeviceChoice,
    precision: Precision,
    found: &Devices,
) -> Result<(), LaunchError> {
    let is_flex = match asked {
        DeviceChoice::Auto => found.devices.first().is_none_or(|best| best == "flex"),
        asked => asked == DeviceChoice::Flex,
    };
    if precision == Precision::F32 || !is_flex {
        return Ok(());
    }
    let others: Vec<&str> = found
        .devices
        .iter()
        .map(String::as_str)
        .filter(|device| *device != "flex")
        .collect();
    Err(LaunchError::Precision {
        precision: precision.name(),
        instead: if others.is_empty() {
            "build the worker with LibTorch (`./x build`)".to_owned()
        } else {
            format!("use --device {}", others.join(" or "))
        },
    })
}

/// Sees to it that a device can be had before anything is made for it, and says what the worker answered; a worker that
/// runs always has `auto` and `flex`.
///
/// # Errors
/// It can't: what was found instead.
pub fn check(asked: DeviceChoice) -> Result<Devices, LaunchError> {
    let found = ask()?;
    let always = matches!(asked, DeviceChoice::Auto | DeviceChoice::Flex);
    if always || found.devices.contains(&asked.to_string()) {
        return Ok(found);
    }
    Err(refusal(asked, &found, host::nvidia_driver().as_deref()))
}

fn refusal(asked: DeviceChoice, found: &Devices, driver: Option<&str>) -> LaunchError {
    let driver_words = driver.map_or("no NVIDIA driver".to_owned(), |version| {
        format!("NVIDIA driver {version}")
    });
    let libtorch = &found.libtorch;
    let build_words = match (libtorch.built, libtorch.cuda) {
        (false, _) => {
            "a facetui-worker built without LibTorch (cargo feature `libtorch`)".to_owned()
        }
        (true, false) => "a libtorch for the CPU only".to_owned(),
        (true, true) => format!(
            "a libtorch with CUDA that sees {} CUDA devices",
            libtorch.cuda_devices
        ),
    };
    let is_cuda = matches!(asked, DeviceChoice::Cuda(_));
    let remedy = match (is_cuda, libtorch.built, libtorch.cuda) {
        (true, true, true) if driver.is_some() => "",
        (true, _, _) if driver.is_none() => "; CUDA needs an NVIDIA GPU with its driver loaded",
        (true, _, _) => "; `./x setup libtorch cuda` and `./x build` bring CUDA",
        (false, _, _) => "; `./x build` brings LibTorch",
    };
    LaunchError::Device {
        asked,
        found: if is_cuda {
            format!("{driver_words} and {build_words}")
        } else {
            build_words
        },
        instead: format!("--device {}{remedy}", found.devices.join(", ")),
    }
}

/// Whether the CUDA driver's library lies where the loader looks.
pub fn cuda_library() -> bool {
    let usual = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/nvidia/lib64",
        "/usr/lib/wsl/lib",
    ];
    let own = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    usual
        .into_iter()
        .chain(own.split(':').filter(|folder| !folder.is_empty()))
        .any(|folder| File::open(Path::new(folder).join("libcuda.so.1")).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(built: bool, cuda: bool) -> Devices {
        let mut devices = vec!["flex".to_owned()];
        if built {
            devices.insert(0, "cpu".to_owned());
        }
        Devices {
            version: "1".to_owned(),
            burn: None,
            libtorch: LibTorch {
                built,
                version: None,
                cuda,
                cuda_devices: 0,
            },
            devices,
        }
    }

    fn check(asked: &str, found: &Devices, driver: Option<&str>, expected: &str) {
        let error = refusal(asked.parse().unwrap(), found, driver);
        assert!(error.is_wrong_input());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_pure_rust_engine_is_no_place_for_half_precision() {
        let refused = |asked: &str, precision, built| {
            let found = devices(built, false);
            let checked = check_precision(asked.parse().unwrap(), precision, &found);
            checked.err().map(|error| {
                assert!(error.is_wrong_input());
                error.to_string()
            })
        };
        assert_eq!(refused("flex", Precision::F32, true), None);
        assert_eq!(refused("auto", Precision::Bf16, true), None);
        assert_eq!(refused("cpu", Precision::F16, true), None);
        assert_eq!(
            refused("flex", Precision::Bf16, true).as_deref(),
            Some(
                "precision = \"bf16\" needs LibTorch, which device flex is not; use --device cpu, or precision = \"f32\""
            )
        );
        let without = refused("auto", Precision::F16, false).unwrap();
        assert!(
            without.contains("build the worker with LibTorch"),
            "{without}"
        );
    }

    #[test]
    fn a_device_that_is_not_there_says_what_was_found() {
        check(
            "cuda",
            &devices(false, false),
            None,
            "device cuda:0 isn't there: found no NVIDIA driver and a facetui-worker built without LibTorch (cargo \
             feature `libtorch`); use --device flex; CUDA needs an NVIDIA GPU with its driver loaded",
        );
        check(
            "cuda:1",
            &devices(true, false),
            Some("535.1"),
            "device cuda:1 isn't there: found NVIDIA driver 535.1 and a libtorch for the CPU only; use --device cpu, \
             flex; `./x setup libtorch cuda` and `./x build` bring CUDA",
        );
        check(
            "cpu",
            &devices(false, false),
            None,
            "device cpu isn't there: found a facetui-worker built without LibTorch (cargo feature `libtorch`); use \
             --device flex; `./x build` brings LibTorch",
        );
    }
}
