//! Memory for a batch: what training takes, and what is free.

use std::{fs, path::Path};

use models::{Backend, Classifier, values_kept};

use crate::Error;

/// Images share vectors of so many.
const LANES: usize = 16;

/// Copies of the weights in training: themselves, as the kernels want them, gradients, and what the optimiser keeps.
const COPIES: usize = 5;

/// Refuses batches for whose steps there is no room: an allocation that fails, or a system that ends the program, says nothing of it.
///
/// What is compared is what a step keeps at least, so that nothing is refused that would run.
///
/// # Errors
/// [`Error::MemoryTooSmall`].
pub(crate) fn check(
    network: &Classifier,
    backend: &Backend,
    size: [usize; 2],
    images: usize,
) -> Result<(), Error> {
    let (Backend::Cpu(_), Some(free)) = (backend, free_memory()) else { return Ok(()) };
    let Some(values) = values_kept(network.architecture(), network.classes(), size) else { return Ok(()) };
    let weights: usize = network.parameters().values().map(|weight| weight.elem_count()).sum();
    Needed { of_image: 4 * values as u64, of_network: (4 * COPIES * weights) as u64 }.check(images, free)
}

/// Bytes that a step keeps.
struct Needed {
    of_image: u64,
    of_network: u64,
}

impl Needed {
    fn check(&self, images: usize, free: u64) -> Result<(), Error> {
        let needed = self.of(images);
        if needed <= free {
            return Ok(());
        }
        // A sixth less than what would fit just so: the system and what operations need beside want some, too.
        let room = (free / 6 * 5).saturating_sub(self.of_network);
        let most = (room / self.of_image.max(1)) as usize / LANES * LANES;
        Err(Error::MemoryTooSmall {
            images,
            needed,
            free,
            fits: Some(most.min(images)).filter(|&most| most > 0),
        })
    }

    fn of(&self, images: usize) -> u64 {
        self.of_network.saturating_add(self.of_image.saturating_mul(images.next_multiple_of(LANES) as u64))
    }
}

/// Bytes that this process may still take: what the machine has free, and what limits leave it. Nothing where the system does not say.
fn free_memory() -> Option<u64> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let of_machine = of_machine(&read("/proc/meminfo"));
    let of_process = of_process(&read("/proc/self/limits"), &read("/proc/self/status"));
    let of_group = of_groups(&read("/proc/self/cgroup"), Path::new("/sys/fs/cgroup"));
    [of_machine, of_process, of_group].into_iter().flatten().min()
}

/// What programs can have without others being ended, and what can be moved out.
fn of_machine(meminfo: &str) -> Option<u64> {
    Some(kilobytes(meminfo, "MemAvailable:")?.saturating_add(kilobytes(meminfo, "SwapFree:").unwrap_or(0)))
}

/// What `ulimit -v` leaves.
fn of_process(limits: &str, status: &str) -> Option<u64> {
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    let limit: u64 = limit.split_whitespace().next()?.parse().ok()?;
    Some(limit.saturating_sub(kilobytes(status, "VmSize:")?))
}

/// What the control groups of the process and those above them leave, as containers and schedulers have them.
fn of_groups(own: &str, root: &Path) -> Option<u64> {
    let number = |path: &Path| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let left = |folder: &Path, [limit, used]: [&str; 2]| {
        let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
        // Pages of files that the system drops when it needs room.
        let dropped = stat.lines().find_map(|line| line.strip_prefix("inactive_file "));
        let dropped = dropped.and_then(|bytes| bytes.parse().ok()).unwrap_or(0);
        Some(number(&folder.join(limit))?.saturating_sub(number(&folder.join(used))?).saturating_add(dropped))
    };
    let each = own.lines().filter_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let (root, names) = match controllers {
            "" => (root.to_owned(), ["memory.max", "memory.current"]),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (root.join("memory"), ["memory.limit_in_bytes", "memory.usage_in_bytes"])
            }
            _ => return None,
        };
        let path = Path::new(path.trim_start_matches('/'));
        path.ancestors().filter_map(|folder| left(&root.join(folder), names)).min()
    });
    each.min()
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_fits_is_named() {
        let needed = Needed { of_image: 1000, of_network: 50_000 };
        assert!(needed.check(100, 162_000).is_ok(), "112 images, in sixteens");
        match needed.check(100, 161_999) {
            Err(Error::MemoryTooSmall { images: 100, needed: 162_000, free: 161_999, fits: Some(fits) }) => {
                assert_eq!(fits, 80);
                assert!(needed.check(fits, 161_999).is_ok());
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(needed.check(16, 60_000), Err(Error::MemoryTooSmall { fits: None, .. })));
    }

    #[test]
    fn the_system_says_what_is_free() {
        let meminfo = "MemTotal:       16000 kB\nMemAvailable:    9000 kB\nSwapFree:        1000 kB\n";
        assert_eq!(of_machine(meminfo), Some(10_000 * 1024));
        let status = "VmPeak:\t  300 kB\nVmSize:\t  200 kB\n";
        let limits = |soft: &str| {
            format!("Max cpu time  unlimited\nMax address space         {soft}   unlimited  bytes\n")
        };
        assert_eq!(of_process(&limits("1048576"), status), Some(1_048_576 - 200 * 1024));
        assert_eq!(of_process(&limits("unlimited"), status), None);
    }

    #[test]
    fn the_narrowest_group_counts() -> std::io::Result<()> {
        let root = tempfile::tempdir()?;
        let write = |folder: &str, files: &[(&str, &str)]| -> std::io::Result<()> {
            fs::create_dir_all(root.path().join(folder))?;
            files.iter().try_for_each(|(name, text)| fs::write(root.path().join(folder).join(name), text))
        };
        write(
            "a",
            &[("memory.max", "5000\n"), ("memory.current", "3000\n"), ("memory.stat", "inactive_file 500\n")],
        )?;
        write("a/b", &[("memory.max", "max\n"), ("memory.current", "10\n")])?;
        assert_eq!(of_groups("0::/a/b\n", root.path()), Some(2500));
        write("memory/c", &[("memory.limit_in_bytes", "900"), ("memory.usage_in_bytes", "100")])?;
        assert_eq!(of_groups("7:cpu,memory:/c\n3:pids:/c\n", root.path()), Some(800));
        assert_eq!(of_groups("0::/elsewhere\n", root.path()), None);
        Ok(())
    }
}
