//! How busy the worker and its GPU are, for those who watch from another machine.

use std::time::{Duration, Instant};

use nvml_wrapper::{Nvml, enum_wrappers::device::TemperatureSensor};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Between two looks; a processor's share is measured over this time.
const TURN: Duration = Duration::from_secs(5);

/// Looks at this process, and at its GPU where it has one.
pub(super) struct Load {
    system: System,
    pid: Pid,
    gpu: Option<(Nvml, Gpu)>,
    looked: Instant,
}

/// How NVIDIA's library is asked for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Gpu {
    Index(u32),
    Uuid(String),
}

impl Load {
    /// Begins to look, at the GPU that has this name (`cuda:0`) too.
    pub(super) fn of(device: &str) -> Self {
        let mut load = Self {
            system: System::new(),
            pid: Pid::from_u32(std::process::id()),
            gpu: gpu(
                device,
                std::env::var("CUDA_VISIBLE_DEVICES").ok().as_deref(),
            )
            .and_then(|gpu| Some((Nvml::init().ok()?, gpu))),
            looked: Instant::now(),
        };
        load.refresh();
        load
    }

    fn refresh(&mut self) {
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[self.pid]),
            false,
            ProcessRefreshKind::nothing().with_cpu().with_memory(),
        );
    }

    /// What is told of it, by tag; nothing where the last look is not long ago.
    ///
    /// Processors that are kept at work, bytes of memory; of the GPU the share of time in which it works, 0..1, bytes of
    /// its memory in use, watts and °C.
    pub(super) fn look(&mut self) -> Vec<(&'static str, f64)> {
        if self.looked.elapsed() < TURN {
            return Vec::new();
        }
        self.looked = Instant::now();
        self.refresh();
        let mut told = Vec::new();
        if let Some(process) = self.system.process(self.pid) {
            told.extend([
                (
                    "device/cpu_utilisation",
                    f64::from(process.cpu_usage()) / 100.0,
                ),
                ("device/memory_bytes", process.memory() as f64),
            ]);
        }
        let gpu = self.gpu.as_ref().and_then(|(nvml, gpu)| match gpu {
            Gpu::Index(index) => nvml.device_by_index(*index).ok(),
            Gpu::Uuid(uuid) => nvml.device_by_uuid(uuid.as_str()).ok(),
        });
        if let Some(gpu) = gpu {
            let utilisation = gpu.utilization_rates().ok();
            let values = [
                (
                    "device/gpu_utilisation",
                    utilisation.map(|rates| f64::from(rates.gpu) / 100.0),
                ),
                (
                    "device/gpu_memory_bytes",
                    gpu.memory_info().ok().map(|memory| memory.used as f64),
                ),
                (
                    "device/gpu_power_watts",
                    gpu.power_usage()
                        .ok()
                        .map(|milliwatts| f64::from(milliwatts) / 1000.0),
                ),
                (
                    "device/gpu_temperature",
                    gpu.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
                ),
            ];
            told.extend(
                values
                    .into_iter()
                    .filter_map(|(tag, value)| Some((tag, value?))),
            );
        }
        told
    }
}

/// The GPU of a device's name; CUDA counts those that `visible` lists, NVIDIA's library all.
fn gpu(device: &str, visible: Option<&str>) -> Option<Gpu> {
    let index: u32 = device.strip_prefix("cuda:")?.parse().ok()?;
    let Some(visible) = visible.filter(|visible| !visible.trim().is_empty()) else {
        return Some(Gpu::Index(index));
    };
    let entry = visible.split(',').nth(index as usize)?.trim();
    Some(match entry.parse() {
        Ok(index) => Gpu::Index(index),
        Err(_) => Gpu::Uuid(entry.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_is_not_asked_too_often() {
        let mut load = Load::of("cpu");
        assert_eq!(load.look(), []);
        load.looked = Instant::now().checked_sub(2 * TURN).unwrap();
        let told = load.look();
        let tags: Vec<&str> = told.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, ["device/cpu_utilisation", "device/memory_bytes"]);
        assert!(
            told[0].1 >= 0.0 && told[1].1 > f64::from(1 << 20),
            "{told:?}"
        );
        assert_eq!(load.look(), []);
    }

    #[test]
    fn a_gpu_is_the_one_that_cuda_counts() {
        let uuid = "GPU-8e1";
        for (device, visible, expected) in [
            ("cpu", None, None),
            ("cuda:1", None, Some(Gpu::Index(1))),
            ("cuda:1", Some("2, 3"), Some(Gpu::Index(3))),
            ("cuda:0", Some(uuid), Some(Gpu::Uuid(uuid.to_owned()))),
            ("cuda:2", Some("0,1"), None),
        ] {
            assert_eq!(gpu(device, visible), expected, "{device} {visible:?}");
        }
    }
}
