//! Ctrl-C, and the signal to terminate.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use anyhow::Context as _;

use super::exit::Exit;
use crate::meter::CancelFlag;

/// Whether the first signal ends the process, too. There is one handler for the whole process, and so one of these.
static AT_ONCE: AtomicBool = AtomicBool::new(false);

/// The first signal asks the run to end, and it still reports what it has; the second ends the process. Nothing is lost
/// by that: the ledger has every request before it is sent.
pub(super) fn listen() -> anyhow::Result<CancelFlag> {
    let cancel = CancelFlag::default();
    let flag = cancel.clone();
    ctrlc::set_handler(move || {
        if flag.is_cancelled() || AT_ONCE.load(SeqCst) {
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
        flag.cancel();
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(cancel)
}

/// Does something before which nothing was sent or found: a signal meanwhile ends the process, which has nothing to report.
/// It may be waiting for a ledger that another process has locked.
pub(super) fn at_once<T>(act: impl FnOnce() -> T) -> T {
    AT_ONCE.store(true, SeqCst);
    let done = act();
    AT_ONCE.store(false, SeqCst);
    done
}

/// Hears SIGHUP in this thread and in those that it starts, though it was ignored when the program started: for a server it means
/// to read its files again, also for one that was started with nohup(1).
#[cfg(target_os = "linux")]
pub(super) fn hear_hangup() {
    use nix::sys::signal::{SigSet, Signal};

    let mut hangup = SigSet::empty();
    hangup.add(Signal::SIGHUP);
    // As in `keep_ignored`.
    let _ = hangup.thread_unblock();
}

/// Elsewhere nothing is blocked.
#[cfg(not(target_os = "linux"))]
pub(super) fn hear_hangup() {}

/// Keeps the signals ignored that were so when the program started, as nohup(1) and a shell's `trap ''` have it, although
/// [`listen`] asks for all of them. They are blocked instead, for this thread and those that it starts: a blocked signal
/// reaches no handler.
#[cfg(target_os = "linux")]
pub(super) fn keep_ignored() {
    use nix::sys::signal::{SigSet, Signal};

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = ignored(&status);
    let mut blocked = SigSet::empty();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        if ignored >> (signal as u32 - 1) & 1 == 1 {
            blocked.add(signal);
        }
    }
    // It fails for no set of signals that exist (pthread_sigmask(3)).
    let _ = blocked.thread_block();
}

/// What was ignored cannot be known here.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep_ignored() {}

/// The set of ignored signals, a bit each, in a process's status (`SigIgn`, `proc_pid_status(5)`).
#[cfg(target_os = "linux")]
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::ignored;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        assert_eq!(ignored("Name:\tstanch\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n"), 0x1001);
        assert_eq!(ignored("Name:\tstanch\n"), 0);
    }
}
