//! The largest batch that fits into memory.

use std::fs;

/// Bytes that a step needs, as a line through two measured batches: `fixed + each * images`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepMemory {
    /// Whatever the batch.
    pub fixed: f64,
    /// For every image.
    pub each: f64,
}

impl StepMemory {
    /// The line through two measurements (images, bytes).
    pub fn through(small: (usize, u64), large: (usize, u64)) -> Self {
        let each = (large.1 as f64 - small.1 as f64) / (large.0 as f64 - small.0 as f64);
        // A step whose memory doesn't grow was too small to measure: a byte keeps the line rising.
        let each = each.max(1.0);
        Self {
            fixed: (small.1 as f64 - each * small.0 as f64).max(0.0),
            each,
        }
    }

    /// The most images whose step fits into `bytes`.
    pub fn most(self, bytes: u64) -> usize {
        ((bytes as f64 - self.fixed).max(0.0) / self.each) as usize
    }
}

/// The largest multiple of `unit` up to `most` that fits, found by doubling, then by halving the gap.
///
/// `fits` is asked for a number of images; where it holds for one number it is taken to hold for smaller ones.
/// `None` where not even the smallest fits.
///
/// # Errors
/// Those of `fits`.
pub fn largest<E>(
    unit: usize,
    most: usize,
    mut fits: impl FnMut(usize) -> Result<bool, E>,
) -> Result<Option<usize>, E> {
    let most = most / unit;
    let (mut good, mut next) = (0, 1.min(most));
    let mut bad = most + 1;
    while next > good && next < bad {
        if fits(next * unit)? {
            good = next;
            next = (next * 2).min(bad - 1);
        } else {
            bad = next;
            break;
        }
    }
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle * unit)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok((good > 0).then_some(good * unit))
}

/// The most memory this process has held since the last [`forget_peak`], in bytes; `None` off Linux.
pub fn peak_bytes() -> Option<u64> {
    kilobytes("/proc/self/status", "VmHWM:")
}

/// Begins a new measurement of [`peak_bytes`].
pub fn forget_peak() {
    // Where it can't be reset the older peak stands, and the estimate is on the safe side.
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Memory that can be had without swapping, in bytes, within the control group's limit; `None` off Linux.
pub fn available_bytes() -> Option<u64> {
    let machine = kilobytes("/proc/meminfo", "MemAvailable:")?;
    let read = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let group = read("/sys/fs/cgroup/memory.max")
        .zip(read("/sys/fs/cgroup/memory.current"))
        .map(|(most, used)| most.saturating_sub(used));
    Some(group.map_or(machine, |group| machine.min(group)))
}

fn kilobytes(file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_multiple_that_fits_is_found() {
        for (unit, most, limit, expected) in [
            (1, 1000, 37, Some(37)),
            (4, 1000, 37, Some(36)),
            (4, 30, 37, Some(28)),
            (1, 1000, 1, Some(1)),
            (8, 1000, 7, None),
            (8, 7, 100, None),
            (1, 1000, 1000, Some(1000)),
            (1, 1000, 5000, Some(1000)),
        ] {
            let mut asked = 0;
            let found = largest(unit, most, |images| {
                asked += 1;
                Ok::<_, ()>(images <= limit)
            });
            assert_eq!(
                found,
                Ok(expected),
                "unit {unit}, most {most}, limit {limit}"
            );
            assert!(asked <= 22, "{asked} tries");
        }
    }

    #[test]
    fn a_failure_ends_the_search() {
        assert_eq!(largest(1, 9, |_| Err("gone")), Err("gone"));
    }

    #[test]
    fn memory_grows_along_a_line() {
        let memory = StepMemory::through((4, 1400), (8, 1800));
        assert_eq!(
            memory,
            StepMemory {
                fixed: 1000.0,
                each: 100.0
            }
        );
        assert_eq!(memory.most(11_000), 100);
        assert_eq!(memory.most(10), 0);
    }

    #[test]
    fn this_machine_tells_its_memory() {
        assert!(peak_bytes().unwrap() > 1 << 20);
        assert!(available_bytes().unwrap() > 1 << 20);
    }
}
