//! Signals that were ignored when the program started, as nohup(1) has it, stay ignored.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::cmd::Sandbox;

/// Whether a signal is in one of the sets of a process (`proc_pid_status(5)`).
fn is_in(set: &str, signal: Signal, status: &str) -> bool {
    let status = std::fs::read_to_string(status).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(set));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as u32 - 1) & 1 == 1
}

/// Whether the tests themselves run with a signal ignored, as a job in the background does, and so the program, too.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    is_in("SigIgn:", signal, "/proc/self/status")
}

/// Starts the program, which reads standard input, with some signals ignored.
fn start(sandbox: &Sandbox, ignored: &str) -> Child {
    let line = format!("{ignored} exec \"$0\" scan -");
    let stanch = sandbox.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &line]).arg(stanch.get_program()).current_dir(sandbox.path());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("a shell");
    // A signal that comes before the handler is there would end it.
    let status = format!("/proc/{}/status", child.id());
    let patience = Instant::now() + Duration::from_secs(30);
    while !is_in("SigCgt:", Signal::SIGTERM, &status) {
        assert!(Instant::now() < patience, "no handler");
        thread::sleep(Duration::from_millis(10));
    }
    child
}

/// How the run ends that gets the signal and then the end of its input.
fn end(mut child: Child, signal: Signal) -> Option<i32> {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process")), signal).expect("a signal");
    thread::sleep(Duration::from_millis(100));
    let mut input = child.stdin.take().expect("its input");
    input.write_all(b"nothing\n").expect("it reads");
    drop(input);
    child.wait().expect("it ends").code()
}

#[cfg(target_os = "linux")]
#[test]
fn ignored_signals_stay_ignored() {
    let sandbox = Sandbox::new();
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        let ignored = format!("trap '' {};", signal.as_str().trim_start_matches("SIG"));
        assert_eq!(end(start(&sandbox, &ignored), signal), Some(0), "{signal} ignored");
        let otherwise = if is_ignored(signal) { 0 } else { 130 };
        assert_eq!(end(start(&sandbox, ""), signal), Some(otherwise), "{signal}");
    }
    assert_eq!(end(start(&sandbox, "trap '' HUP;"), Signal::SIGTERM), Some(130), "another one");
}
