//! How busy this machine is: processors, memory, disk, and the GPUs where NVIDIA's library is there.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;
use sysinfo::{CpuRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};

use crate::run::host;
use crate::untrusted::visible;

/// What is busy, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineLoad {
    /// Its name, safe to show.
    pub host: String,
    /// The share of all processors that works, 0..1.
    pub cpu: f64,
    /// How many processors there are.
    pub cores: usize,
    /// Bytes of memory in use.
    pub memory_used: u64,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes free on the disk of the current folder.
    pub disk_free: Option<u64>,
    /// The GPUs.
    pub gpus: Vec<Gpu>,
}

/// A GPU, at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Gpu {
    /// The share of time in which it worked, 0..1.
    pub utilisation: f64,
    /// Bytes of its memory in use.
    pub memory_used: u64,
    /// Bytes of its memory.
    pub memory: u64,
    /// What it takes: says more than the utilisation of how hard it works.
    pub watts: Option<f64>,
    /// How hot it is.
    pub celsius: Option<u32>,
}

/// Bytes as GiB with a decimal.
pub fn gib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / (1_u64 << 30) as f64)
}

/// Looks at this machine every so often.
pub struct Machine {
    system: System,
    nvml: Option<Nvml>,
    looked: Option<Instant>,
}

/// Between two looks: processors are measured over this time.
const TURN: Duration = Duration::from_secs(2);

impl Machine {
    /// Begins to look; without NVIDIA's library there are no GPUs.
    pub fn new() -> Self {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_cpu_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Self {
            system: System::new_with_specifics(what),
            nvml: Nvml::init().ok(),
            looked: None,
        }
    }

    /// How busy it is, where the last look is long enough ago.
    pub fn look(&mut self) -> Option<MachineLoad> {
        if self.looked.is_some_and(|looked| looked.elapsed() < TURN) {
            return None;
        }
        self.looked = Some(Instant::now());
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        Some(MachineLoad {
            host: visible(&host::host_name()),
            cpu: f64::from(self.system.global_cpu_usage()) / 100.0,
            cores: self.system.cpus().len(),
            memory_used: self.system.used_memory(),
            memory: self.system.total_memory(),
            disk_free: disk_free(),
            gpus: self.nvml.as_ref().map(gpus).unwrap_or_default(),
        })
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// What is free on the disk that holds the current folder: that of the longest mount point above it.
fn disk_free() -> Option<u64> {
    let here: PathBuf = std::env::current_dir().ok()?;
    let disks = Disks::new_with_refreshed_list();
    let above = disks
        .iter()
        .filter(|disk| here.starts_with(disk.mount_point()));
    let nearest = above.max_by_key(|disk| disk.mount_point().as_os_str().len())?;
    Some(nearest.available_space())
}

fn gpus(nvml: &Nvml) -> Vec<Gpu> {
    let count = nvml.device_count().unwrap_or(0);
    let of = |nth| {
        let device = nvml.device_by_index(nth).ok()?;
        let memory = device.memory_info().ok()?;
        let milliwatts = device.power_usage().ok();
        Some(Gpu {
            utilisation: f64::from(device.utilization_rates().ok()?.gpu) / 100.0,
            memory_used: memory.used,
            memory: memory.total,
            watts: milliwatts.map(|milliwatts| f64::from(milliwatts) / 1000.0),
            celsius: device.temperature(TemperatureSensor::Gpu).ok(),
        })
    };
    (0..count).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_processors_and_memory_and_is_not_asked_too_often() {
        let mut machine = Machine::new();
        let load = machine.look().unwrap();
        assert!(load.cores > 0 && load.memory > 1 << 20);
        assert!((0.0..=1.0).contains(&load.cpu) && load.memory_used <= load.memory);
        assert_eq!(machine.look(), None);
    }
}
