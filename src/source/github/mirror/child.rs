//! One call of `git` under supervision: it ends by itself, or it is ended, with all that it started.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::error::GitError;
use super::group;
use super::messages::Messages;
use super::watch::Watch;

/// The longest line that is read of what `git` prints.
const LONGEST_LINE: u64 = 64 << 10;

/// The longest pause between two looks at a child.
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// What `git` reads.
pub(super) enum Input<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// Nothing: it only holds the mirror's lock, as long as it lives. If this program is killed, the next run learns by
    /// that when `git` has ended.
    Lock(File),
    /// Nothing.
    Nothing,
}

/// How a call has ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) said: Messages,
}

/// Runs `git` to its end, and hands each line that it prints to `each`.
pub(super) fn run(
    mut command: Command,
    input: Input<'_>,
    mut watch: Watch<'_>,
    each: &mut (dyn FnMut(&[u8]) + Send),
) -> Result<Ended, GitError> {
    let (stdin, bytes) = match input {
        Input::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
        Input::Lock(file) => (Stdio::from(file), None),
        Input::Nothing => (Stdio::null(), None),
    };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    group::alone(&mut command);
    let started = command.spawn();
    // It holds the environment with the credential, and the lock.
    drop(command);
    let mut child = started.map_err(|error| GitError::Program(format!("git cannot be run: {error}")))?;
    let words = AtomicU64::new(0);
    let alive = || {
        words.fetch_add(1, Relaxed);
    };
    thread::scope(|scope| {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        if let (Some(mut stdin), Some(bytes)) = (stdin, bytes) {
            // It breaks where git has ended early, and git says why.
            scope.spawn(move || drop(stdin.write_all(bytes)));
        }
        let printed = scope.spawn(|| stdout.map(|stdout| read_lines(stdout, each, &alive)));
        let said = scope.spawn(|| stderr.map(|stderr| Messages::read(stderr, &alive)).unwrap_or_default());
        let is_read = || printed.is_finished() && said.is_finished();
        let ended = supervise(&mut child, &mut watch, &words, &is_read);
        let said = said.join().unwrap_or_default();
        let status = ended?;
        watch.at_end()?;
        Ok(Ended { status, said })
    })
}

/// Waits for the child and for the end of all it says: what it started holds the same pipes.
fn supervise(
    child: &mut Child,
    watch: &mut Watch<'_>,
    words: &AtomicU64,
    is_read: &dyn Fn() -> bool,
) -> Result<ExitStatus, GitError> {
    let mut pause = Duration::from_millis(1);
    loop {
        if is_read()
            && let Ok(Some(status)) = child.try_wait()
        {
            return Ok(status);
        }
        if let Err(error) = watch.check(words.load(Relaxed), &|| group::worked(child)) {
            group::end(child);
            return Err(error);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Hands on each line, without its end; of a line that is too long, the beginning.
fn read_lines(from: impl Read, each: &mut (dyn FnMut(&[u8]) + Send), alive: &dyn Fn()) {
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    let mut continues = false;
    while let Ok(1..) = from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
        alive();
        let ends = line.last() == Some(&b'\n');
        if !continues {
            each(line.strip_suffix(b"\n").unwrap_or(&line));
        }
        continues = !ends;
        line.clear();
    }
}
