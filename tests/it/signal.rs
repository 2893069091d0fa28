//! A signal ends the run, whatever it is waiting for. Signals that were ignored when the program started, as nohup(1) has it,
//! stay ignored.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::cmd::{Ran, Sandbox};
use crate::support::mint::{Kind, Mint};

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
    await_handler(&child);
    child
}

/// A signal that comes before the handler is there would end the program.
fn await_handler(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let patience = Instant::now() + Duration::from_secs(30);
    while !is_in("SigCgt:", Signal::SIGTERM, &status) {
        assert!(Instant::now() < patience, "no handler");
        thread::sleep(Duration::from_millis(10));
    }
}

fn send(signal: Signal, child: &Child) {
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a process")), signal).expect("a signal");
}

/// How the run ends that gets the signal and then the end of its input.
fn end(mut child: Child, signal: Signal) -> Option<i32> {
    send(signal, &child);
    thread::sleep(Duration::from_millis(100));
    let mut input = child.stdin.take().expect("its input");
    // It may have ended already.
    let _ = input.write_all(b"nothing\n");
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

/// Sends a signal to a run that waits for input. It has to end by itself, although nobody closes what it reads from.
fn interrupt(mut child: Child, signal: Signal) -> Ran {
    // What is there has been read by then.
    thread::sleep(Duration::from_secs(1));
    assert!(child.try_wait().expect("a process").is_none(), "it waits");
    let held_open = child.stdin.take();
    send(signal, &child);
    let patience = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("a process").is_none() {
        if Instant::now() > patience {
            child.kill().expect("killed");
            panic!("it still waits");
        }
        thread::sleep(Duration::from_millis(20));
    }
    drop(held_open);
    Ran::from(child.wait_with_output().expect("its output"))
}

fn waiting(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let mut command = sandbox.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    await_handler(&child);
    child
}

/// The tokens in a report with secrets.
fn tokens(ran: &Ran) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("the report is JSON");
    let findings = report["findings"].as_array().expect("findings");
    let mut tokens: Vec<String> =
        findings.iter().map(|finding| finding["token"].as_str().expect("a token").to_owned()).collect();
    tokens.sort();
    tokens
}

/// Those of the signals that this process does not ignore itself.
fn signals() -> impl Iterator<Item = Signal> {
    [Signal::SIGINT, Signal::SIGTERM].into_iter().filter(|signal| !is_ignored(*signal))
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_wait_for_standard_input_and_what_was_found_is_reported() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(4100));
    let [in_file, piped] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.write("a", &in_file);
    let mut expected = vec![in_file, piped.clone()];
    expected.sort();
    // Less than is handed over at once, and more.
    for padding in [0, 100_000, 1_000_000] {
        for signal in signals() {
            let mut child = waiting(&sandbox, &["scan", "a", "-", "-f", "json", "--show-secrets"]);
            let text = format!("{piped}\n{}", "a line\n".repeat(padding / 7));
            child.stdin.as_mut().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
            let ran = interrupt(child, signal);
            assert!(ran.code == 130 && tokens(&ran) == expected, "{signal}, {padding}: {}", ran.stderr);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_the_wait_for_a_named_pipe() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(4101));
    let [in_file, piped] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.write("a", &in_file);
    sandbox.shell("mkfifo first second");
    let arguments = ["scan", "first", "second", "a", "-j", "1", "-f", "json", "--show-secrets"];
    for signal in signals() {
        let nobody_writes = interrupt(waiting(&sandbox, &arguments), signal);
        assert_eq!((nobody_writes.code, tokens(&nobody_writes)), (130, vec![in_file.clone()]), "{signal}");

        let child = waiting(&sandbox, &arguments);
        let mut writer = std::fs::File::create(sandbox.path().join("second")).expect("it reads");
        writer.write_all(piped.as_bytes()).expect("it reads");
        let somebody_writes = interrupt(child, signal);
        let mut expected = vec![in_file.clone(), piped.clone()];
        expected.sort();
        assert_eq!((somebody_writes.code, tokens(&somebody_writes)), (130, expected), "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_named_pipe_is_read_to_its_end_however_late_the_writer_comes() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(4102));
    let [early, late] = std::array::from_fn(|_| mint.token(Kind::Pat));
    sandbox.shell("mkfifo fifo");
    let child = waiting(&sandbox, &["scan", "fifo", "-f", "json", "--show-secrets"]);
    thread::sleep(Duration::from_millis(500));
    let mut writer = std::fs::File::create(sandbox.path().join("fifo")).expect("it reads");
    writer.write_all(format!("{early}\n").as_bytes()).expect("it reads");
    thread::sleep(Duration::from_millis(500));
    writer.write_all(format!("{late}\n").as_bytes()).expect("it reads");
    drop(writer);
    let ran = Ran::from(child.wait_with_output().expect("its output"));
    let mut expected = vec![early, late];
    expected.sort();
    assert_eq!((ran.code, tokens(&ran)), (1, expected));
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_a_revocation_that_waits_for_its_tokens() {
    let (sandbox, mut mint) = (Sandbox::new(), Mint::new(4103));
    for signal in signals() {
        let mut child = waiting(&sandbox, &["revoke", "--dry-run"]);
        let text = format!("{}\n", mint.token(Kind::Pat));
        child.stdin.as_mut().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
        assert_eq!(interrupt(child, signal).code, 130, "{signal}");
    }
}
