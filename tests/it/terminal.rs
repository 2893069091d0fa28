//! What a person at a terminal is asked, and Ctrl-C.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;

use crate::signal::is_ignored;
use crate::support::fixture::{Fixture, exists};
use crate::support::github::{Flavour, Misbehaviour, Script};
use crate::support::mint::{Kind, Mint};

/// The program at a terminal of its own.
pub(crate) struct Session {
    child: Child,
    keyboard: File,
    screen: JoinHandle<String>,
}

impl Session {
    pub(crate) fn start(command: &mut Command) -> Session {
        // Wide enough for a line with a path of any machine's: lines break at other places there.
        Session::start_with(command, 240, false)
    }

    /// The same at a terminal of so many columns, which may show standard output, too.
    pub(crate) fn start_with(command: &mut Command, columns: u16, shows_output: bool) -> Session {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).expect("a terminal");
        let slave = File::from(terminal.slave);
        // What is typed would be shown wherever the screen happens to be.
        let mut mode = tcgetattr(&slave).expect("a mode");
        mode.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&slave, SetArg::TCSANOW, &mode).expect("no echo");
        let copy = || slave.try_clone().expect("a copy");
        let (again, output) = (copy(), if shows_output { copy().into() } else { Stdio::null() });
        let child = command
            .env("TERM", "xterm")
            .stdin(slave)
            .stderr(again)
            .stdout(output)
            .spawn()
            .expect("it starts");
        // The command keeps its copies of the other end open, and the screen would never end.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let keyboard = File::from(terminal.master);
        let mut screen = keyboard.try_clone().expect("a copy");
        let screen = thread::spawn(move || {
            let mut shown = Vec::new();
            let mut some = [0; 1024];
            // Ends with an error when the other end is closed.
            while let Ok(read @ 1..) = screen.read(&mut some) {
                shown.extend_from_slice(&some[..read]);
            }
            String::from_utf8_lossy(&shown).replace("\r\n", "\n")
        });
        Session { child, keyboard, screen }
    }

    fn interrupt(&self) {
        let pid = i32::try_from(self.child.id()).expect("a process");
        let signal = if is_ignored(Signal::SIGINT) { Signal::SIGTERM } else { Signal::SIGINT };
        kill(Pid::from_raw(pid), signal).expect("a signal");
    }

    /// Types a line, and gives the exit code and what was shown.
    pub(crate) fn answer(mut self, line: &str) -> (Option<i32>, String) {
        self.keyboard.write_all(line.as_bytes()).expect("typed");
        self.end()
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().expect("it ends").code();
        (code, self.screen.join().expect("read"))
    }
}

fn leak(seed: u64) -> (Fixture, String) {
    let mut fixture = Fixture::new(seed);
    let token = fixture.mint.token(Kind::Pat);
    fixture.sandbox.write("f", format!("{token}\n{}", fixture.mint.token(Kind::OAuth)));
    (fixture, token)
}

#[test]
fn yes_sends_and_the_question_says_what() {
    let (fixture, token) = leak(601);
    let (code, shown) = Session::start(&mut fixture.command(&["scan", "--revoke"])).answer("y\n");
    assert_eq!(code, Some(1), "{shown}");
    for part in ["2 tokens for ", "1 ghp_, 1 gho_", "In 1 request", "cannot be undone", "whole", "[y/N]"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!shown.contains(&token));
    assert_eq!(fixture.github.accepted().len(), 2);
    let trail = fixture.trail();
    let decided = trail.iter().find(|record| record["event"] == "policy").expect("a decision");
    assert_eq!(decided["decision"], "yes at the terminal");
    // What is done is not asked about again.
    let (code, shown) = Session::start(&mut fixture.command(&["scan", "--revoke"])).end();
    assert_eq!(code, Some(1), "{shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
}

#[test]
fn anything_else_is_a_no() {
    let (fixture, _) = leak(602);
    for line in ["\n", "n\n", "yess\n", "\u{4}"] {
        let (code, shown) = Session::start(&mut fixture.command(&["revoke", "f"])).answer(line);
        assert_eq!(code, Some(3), "{line:?}: {shown}");
        assert!(shown.contains("declined: nothing was sent"), "{shown}");
    }
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn ctrl_c_at_the_question_sends_nothing() {
    let (fixture, _) = leak(603);
    let session = Session::start(&mut fixture.command(&["scan", "--revoke"]));
    thread::sleep(Duration::from_millis(1500));
    session.interrupt();
    let (code, shown) = session.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("interrupted: nothing was sent"), "{shown}");
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);
}

#[test]
fn ctrl_c_while_waiting_returns_at_once_and_says_what_remains() {
    let (fixture, _) = leak(604);
    fixture.github.misbehave(Misbehaviour::SecondaryLimit { retry_after: Some(1800) });
    let session = Session::start(&mut fixture.command(&["scan", "--revoke", "--yes", "--wait"]));
    while fixture.github.requests().is_empty() {
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_millis(1500));
    session.interrupt();
    let start = Instant::now();
    let (code, shown) = session.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(shown.contains("2 tokens still wait") && shown.contains("stanch resume"), "{shown}");
    assert!(shown.contains("next request in"), "no progress: {shown}");
    assert_eq!(fixture.status()["queued"], 2);
    fixture.trail();
}

#[test]
fn a_kill_switch_wants_the_slug_typed() {
    let credential = Mint::new(605).token(Kind::Pat);
    let script = Script { credential: credential.clone(), ..Script::of(Flavour::DotCom) };
    let fixture = Fixture::against(606, script);
    let start = || {
        let mut command = fixture.command(&["org", "revoke-all", "octo-org"]);
        Session::start(command.env("GH_TOKEN", &credential))
    };
    for line in ["y\n", "octo\n", "\n"] {
        let (code, shown) = start().answer(line);
        assert_eq!(code, Some(2), "{shown}");
        assert!(shown.contains("Type octo-org to go on") && shown.contains("may be among them"), "{shown}");
    }
    assert!(!exists(&fixture.ledger()));
    assert_eq!(fixture.github.requests().len(), 0);
    let (code, shown) = start().answer("octo-org\n");
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(fixture.github.requests().len(), 1);
}
