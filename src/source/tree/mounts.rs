//! File systems of the kernel, which a sweep of a disk must not read: `/proc/kcore` has 128 TiB (proc(5)).

use crate::text::path_text;

use std::path::{Path, PathBuf};

/// File systems without a disk behind them, whose files the kernel makes up when they are read (`/proc/filesystems`,
/// `nodev`).
const KERNEL: &[&str] = &[
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "efivarfs",
    "fusectl",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// The mount points of such file systems; none where the system does not list its mounts (proc(5), `/proc/pid/mounts`).
pub(super) fn kernel_mounts() -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    parse(&table)
}

fn parse(table: &str) -> Vec<PathBuf> {
    let mounts = table.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (_device, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
        KERNEL.contains(&kind).then(|| PathBuf::from(point.replace("\\040", " ")))
    });
    mounts.collect()
}

/// Those of `mounts` below `root`, as a walk that starts at `root` will come upon them.
pub(super) fn below(root: &Path, mounts: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(absolute) = root.canonicalize() else { return Vec::new() };
    let inside = mounts.iter().filter_map(|mount| mount.strip_prefix(&absolute).ok());
    inside.filter(|rest| !rest.as_os_str().is_empty()).map(|rest| root.join(rest)).collect()
}

/// The reason of the fault for one that was passed over.
pub(super) fn reason(mount: &Path) -> String {
    let path = path_text(mount.as_os_str().as_encoded_bytes());
    format!(
        "passed over: these are the kernel's answers, no files; name {path} itself to sweep it all the same"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_own_are_passed_over() {
        let table = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\ntmpfs /run tmpfs rw 0 0\nproc /my\\040jail/proc proc rw 0 0\n";
        let mounts = parse(table);
        assert_eq!(mounts, [Path::new("/proc"), Path::new("/my jail/proc")]);
        assert_eq!(below(Path::new("/"), &mounts), mounts);
        assert!(below(Path::new("/usr"), &mounts).is_empty());
    }
}
