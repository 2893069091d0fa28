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

/// File systems on which a read of a file ends early only where the file does, or where a block cannot be read
/// (`filemap_read` in Linux, which all of them read by). On those of a network or of a program it may end anywhere (`fuse(4)`:
/// `direct_io`), and the layers of `overlay` may be such.
const BLOCKS: &[&str] = &["btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs"];

/// The system's table of mounts; empty where it does not list them (proc(5), `/proc/pid/mounts`).
pub(super) fn table() -> String {
    std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()
}

/// Whether all that a walk comes to that starts at `root` and follows no link lies on such file systems.
pub(super) fn read_by_blocks(root: &Path, table: &str) -> bool {
    root.canonicalize().is_ok_and(|root| all_by_blocks(&root, table))
}

fn all_by_blocks(root: &Path, table: &str) -> bool {
    let passed_over = kernel_mounts(table);
    let mut around = None;
    for (point, kind) in mounts(table) {
        let is_kernels =
            passed_over.iter().any(|kernel| point.starts_with(kernel) && !root.starts_with(kernel));
        let is_by_blocks = BLOCKS.contains(&kind);
        if root.starts_with(&point) {
            // Of two in one place, the later hides the other.
            around = around.filter(|(longest, _)| *longest > point).or(Some((point, is_by_blocks)));
        } else if !is_by_blocks && !is_kernels && (point.starts_with(root) || has_escape(&point)) {
            return false;
        }
    }
    around.is_some_and(|(_, is_by_blocks)| is_by_blocks)
}

/// Whether a name is not what it looks like in the table: there, unusual characters are octal.
fn has_escape(point: &Path) -> bool {
    point.as_os_str().as_encoded_bytes().contains(&b'\\')
}

/// The mount points of the kernel's file systems.
pub(super) fn kernel_mounts(table: &str) -> Vec<PathBuf> {
    mounts(table).filter(|(_, kind)| KERNEL.contains(kind)).map(|(point, _)| point).collect()
}

/// Mount points, and the types of the file systems.
fn mounts(table: &str) -> impl Iterator<Item = (PathBuf, &str)> {
    table.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let (_device, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
        Some((PathBuf::from(point.replace("\\040", " ")), kind))
    })
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
        let mounts = kernel_mounts(table);
        assert_eq!(mounts, [Path::new("/proc"), Path::new("/my jail/proc")]);
        assert_eq!(below(Path::new("/"), &mounts), mounts);
        assert!(below(Path::new("/usr"), &mounts).is_empty());
    }

    #[test]
    fn a_short_read_is_trusted_only_where_every_file_system_below_is_known() {
        let table = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\nsystemd /proc/sys/fs autofs rw 0 0\n\
                     tmpfs /run tmpfs rw 0 0\nsshfs /home/me/far fuse.sshfs rw 0 0\nnas /srv nfs4 rw 0 0\n\
                     /dev/vdb /srv/disk xfs rw 0 0\nlayers /over overlay rw 0 0\n";
        for (root, expected) in [
            ("/usr", true),
            ("/run", true),
            ("/srv/disk/x", true),
            ("/", false),
            ("/home", false),
            ("/home/me/far", false),
            ("/home/me/farther", true),
            ("/srv", false),
            ("/srv/data", false),
            ("/over", false),
            ("/proc/sys", false),
        ] {
            assert_eq!(all_by_blocks(Path::new(root), table), expected, "{root}");
        }
        assert!(all_by_blocks(
            Path::new("/"),
            "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\nx /proc/x fuse rw 0 0\n"
        ));
        assert!(!all_by_blocks(Path::new("/usr"), "/dev/vda / ext4 rw 0 0\nx /usr/a\\011b fuse rw 0 0\n"));
        assert!(
            !all_by_blocks(Path::new("/usr"), "/dev/vda / ext4 rw 0 0\nnas / nfs rw 0 0\n"),
            "mounted over"
        );
        assert!(!all_by_blocks(Path::new("/usr"), ""), "no table");
    }
}
