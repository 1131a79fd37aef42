//! How much memory this process may take: of the machine, of its control group, of its own limits; and how sizes are written.

use std::path::Path;

/// What to assume where nothing can be found out.
const UNKNOWN: u64 = 4 << 30;
/// From here on a limit is none.
const NO_LIMIT: u64 = 1 << 60;
/// The least that is worth working in.
const LEAST: u64 = 256 << 20;

/// What bounds the memory of this process, in bytes; nothing where there is no limit, or none that can be found out.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The memory of the machine.
    pub machine: Option<u64>,
    /// The smallest limit of its control groups.
    pub groups: Option<u64>,
    /// Its address space (`ulimit -v`).
    pub addresses: Option<u64>,
}

/// The limits as they are now.
pub fn limits() -> Limits {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let addresses = rustix::process::getrlimit(rustix::process::Resource::As).current;
    Limits { machine: machine(), groups: group_limit(&groups, Path::new("/sys/fs/cgroup")), addresses }
}

/// Half of the smallest of the machine's memory, the limits of the control groups, and the limit of the address space.
pub fn default_memory() -> u64 {
    let Limits { machine, groups, addresses } = limits();
    ([machine, groups, addresses].into_iter().flatten().min().unwrap_or(UNKNOWN) / 2).max(LEAST)
}

fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib << 10)
}

/// The smallest limit of the group and of all groups around it. `groups` is `/proc/self/cgroup`: a line `0::/path` for version 2, and
/// `n:memory:/path` for version 1. Inside a container the path may lie outside of what is mounted; then the mount's own limit is left.
fn group_limit(groups: &str, mount: &Path) -> Option<u64> {
    let mut least = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (root, file) = match controllers {
            "" => (mount.to_path_buf(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => (mount.join("memory"), "memory.limit_in_bytes"),
            _ => continue,
        };
        let group = root.join(path.trim_start_matches('/'));
        let around = group.ancestors().take_while(|dir| dir.starts_with(&root));
        // No limit is `max`, which is no number, or in version 1 the largest number of pages.
        let limit = |dir: &Path| std::fs::read_to_string(dir.join(file)).ok()?.trim().parse::<u64>().ok();
        let limits = around.filter_map(limit).filter(|limit| *limit < NO_LIMIT);
        least = limits.chain(least).min();
    }
    least
}

/// `512MiB`, `2G`, `1.5GB`, plain bytes.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let scale: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kib" => 1024.0,
        "kb" => 1e3,
        "m" | "mib" => 1024.0 * 1024.0,
        "mb" => 1e6,
        "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "gb" => 1e9,
        "t" | "tib" => 1024.0_f64.powi(4),
        "tb" => 1e12,
        other => return Err(format!("unknown unit `{other}`; write 512MiB or 8GiB")),
    };
    let number: f64 = number.parse().map_err(|_| "not a size; write 512MiB or 8GiB".to_owned())?;
    Ok((number * scale) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_around_counts() {
        let dir = tempfile::tempdir().unwrap();
        let limit = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test's own input")]
            std::fs::write(path, text).unwrap();
        };
        limit("a/memory.max", "1000\n");
        limit("a/b/memory.max", "max\n");
        limit("a/b/c/memory.max", "3000\n");
        let found = |groups: &str| group_limit(groups, dir.path());
        assert_eq!(found("0::/a/b/c\n"), Some(1000), "of a group further out");
        assert_eq!(found("0::/a/b/c/gone"), Some(1000));
        assert_eq!((found("0::/"), found(""), found("nonsense")), (None, None, None));
        limit("memory.max", "700");
        assert_eq!(found("0::/../../outside"), Some(700), "of the container itself");
        limit("memory/x/memory.limit_in_bytes", "500");
        assert_eq!(found("5:cpu,memory:/x/y\n0::/a"), Some(500), "version 1 beside version 2");
        assert_eq!(found("5:cpu:/x"), None);
        limit("memory/free/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(found("5:memory:/free"), None);
    }
}
