//! This machine, its clock and its processes, as run documents name them.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds after 1970, by the system's clock.
pub fn now() -> f64 {
    // A clock before 1970 is told as 0: no document needs to fail for it.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |elapsed| elapsed.as_secs_f64())
}

/// Seconds after this machine's boot: a clock that never jumps, and the same for all its processes.
pub fn uptime() -> Option<f64> {
    let text = fs::read_to_string("/proc/uptime").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// This machine's name.
pub fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// When a process of this machine started, in clock ticks after boot; `None` where there is none of that pid.
pub fn process_start(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program's name, in parentheses, may itself hold spaces and parentheses.
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

/// The version of the loaded NVIDIA driver, or nothing where none is loaded.
pub fn nvidia_driver() -> Option<String> {
    let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    // "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug ..."
    let version =
        text.lines().next()?.split_whitespace().find(|word| {
            word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit())
        });
    Some(version.unwrap_or("of unknown version").to_owned())
}

/// The running kernel's release.
pub fn kernel() -> String {
    rustix::system::uname()
        .release()
        .to_string_lossy()
        .into_owned()
}

/// The name of the user that this process acts for; the number where the system tells no name.
pub fn user_name() -> String {
    let id = rustix::process::geteuid().as_raw();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == id.to_string()).then(|| name.to_owned())
    });
    // Users of a directory service are in no file.
    let set = || std::env::var("USER").ok().filter(|name| !name.is_empty());
    named.or_else(set).unwrap_or_else(|| id.to_string())
}

/// The NVIDIA GPUs that the loaded driver drives, by model.
pub fn nvidia_gpus() -> Vec<String> {
    let folders = fs::read_dir("/proc/driver/nvidia/gpus")
        .into_iter()
        .flatten()
        .flatten();
    let mut paths: Vec<_> = folders
        .map(|entry| entry.path().join("information"))
        .collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| field_of(path, "Model"))
        .collect()
}

/// The processor's model.
pub fn processor() -> Option<String> {
    field_of(Path::new("/proc/cpuinfo"), "model name")
}

/// The first value of a field in one of the system's `name: value` files.
fn field_of(path: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (field, value) = line.split_once(':')?;
        (field.trim() == name).then(|| value.trim().to_owned())
    })
}

/// Lets all other work of the machine go before the calling thread, which does what nobody waits for.
pub fn give_way() {
    // Where the system refuses, the work is done at the usual priority.
    let _ = rustix::process::nice(19);
}

/// Bytes that this user may still write to the file system of a folder; `None` where it doesn't tell.
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(folder).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_and_has_a_start() {
        assert!(now() > 1.7e9);
        assert!(uptime().unwrap() > 0.0);
        assert!(!host_name().is_empty());
        assert!(process_start(std::process::id()).unwrap() > 0);
        assert_eq!(process_start(u32::MAX), None);
        assert!(free_bytes(Path::new("/")).is_some());
        assert_eq!(free_bytes(Path::new("/there/is/no/such/folder")), None);
    }
}
