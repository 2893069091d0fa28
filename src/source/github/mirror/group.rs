//! A child and all that it starts: one process group, so that all of it can be ended.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

/// How long children have to remove their temporary files once they are asked to end.
const GRACE: Duration = Duration::from_secs(2);

/// Has the command start in a group of its own: a Ctrl-C in the terminal is for this program, which ends the child itself.
pub(super) fn alone(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(not(unix))]
    let _ = command;
}

/// Ends the child and all that it started, and waits for it.
pub(super) fn end(child: &mut Child) {
    signal(child, false);
    let asked = Instant::now();
    while asked.elapsed() < GRACE && (matches!(child.try_wait(), Ok(None)) || is_alive(child)) {
        thread::sleep(Duration::from_millis(5));
    }
    signal(child, true);
    // It fails only where nobody is left to wait for.
    let _ = child.wait();
}

/// Sends the group the signal to terminate, or to be killed. It fails only where nobody is left in it.
#[cfg(unix)]
fn signal(child: &mut Child, kill: bool) {
    use nix::sys::signal::{Signal, killpg};

    let signal = if kill { Signal::SIGKILL } else { Signal::SIGTERM };
    if let Some(group) = group_of(child) {
        let _ = killpg(group, signal);
    }
}

#[cfg(unix)]
fn is_alive(child: &Child) -> bool {
    group_of(child).is_some_and(|group| nix::sys::signal::killpg(group, None).is_ok())
}

#[cfg(unix)]
fn group_of(child: &Child) -> Option<nix::unistd::Pid> {
    i32::try_from(child.id()).ok().map(nix::unistd::Pid::from_raw)
}

/// How long the child and all that it started have computed: their `utime`, `stime`, `cutime` and `cstime` in
/// `/proc/PID/stat` (`proc_pid_stat(5)`), in hundredths of a second.
#[cfg(target_os = "linux")]
pub(super) fn worked(child: &Child) -> Duration {
    let group = child.id().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let hundredths = processes.filter_map(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name of the program is in brackets, and may hold any.
        let (_, behind) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = behind.split_whitespace().collect();
        let is_member = *fields.get(2)? == group;
        is_member.then(|| {
            fields.iter().skip(11).take(4).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>()
        })
    });
    Duration::from_millis(hundredths.sum::<u64>().saturating_mul(10))
}

/// Elsewhere that is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn worked(_child: &Child) -> Duration {
    Duration::ZERO
}

/// Elsewhere what the child started ends when its pipes break.
#[cfg(not(unix))]
fn signal(child: &mut Child, kill: bool) {
    if kill {
        let _ = child.kill();
    }
}

#[cfg(not(unix))]
fn is_alive(_child: &Child) -> bool {
    false
}
