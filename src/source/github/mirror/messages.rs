//! What `git` says on standard error: bounded, and without its progress.

use std::collections::BTreeSet;
use std::io::Read;

use crate::text::{MESSAGE_LIMIT, one_line};

/// No more of one line is kept.
const LONGEST_LINE: usize = 4096;

/// How many lines are kept of the beginning, and as many of the end.
const MOST_LINES: usize = 16;

/// How many ids that a server refused are kept.
const MOST_IDS: usize = 10_000;

/// What stands before what matters; the rest is progress and the list of what was fetched.
const PREFIXES: [&str; 4] = ["fatal: ", "error: ", "remote: ", "warning: "];

/// What stands before a server's own words in one of git's lines.
const QUOTE: &str = "remote error: ";

/// What `git` said.
#[derive(Debug, Default)]
pub(super) struct Messages {
    first: Vec<String>,
    last: Vec<String>,
    refused: BTreeSet<String>,
    speaks_git: bool,
}

impl Messages {
    /// Reads to the end, and tells `alive` after each read.
    pub(super) fn read(mut from: impl Read, alive: &dyn Fn()) -> Messages {
        let mut messages = Messages::default();
        let (mut line, mut buffer) = (Vec::new(), [0; 8192]);
        while let Ok(len @ 1..) = from.read(&mut buffer) {
            alive();
            for &byte in &buffer[..len] {
                if byte == b'\n' || byte == b'\r' {
                    messages.add(&line);
                    line.clear();
                } else if line.len() < LONGEST_LINE {
                    line.push(byte);
                }
            }
        }
        messages.add(&line);
        messages
    }

    fn add(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        self.speaks_git |= is_packet(line);
        if !PREFIXES.iter().any(|prefix| line.starts_with(prefix)) || is_progress(line) {
            return;
        }
        if is_refusal(line) {
            let free = MOST_IDS.saturating_sub(self.refused.len());
            self.refused.extend(ids(line).take(free).map(str::to_owned));
        }
        if self.first.len() < MOST_LINES {
            self.first.push(line.to_owned());
            return;
        }
        if self.last.len() == MOST_LINES {
            self.last.remove(0);
        }
        self.last.push(line.to_owned());
    }

    /// Whether git itself says this: what it repeats of a server does not count.
    pub(super) fn contain(&self, what: &str) -> bool {
        let mut own = self.lines().filter(|line| !line.starts_with("remote: ") && !line.contains(QUOTE));
        own.any(|line| line.contains(what))
    }

    /// Whether git ended with what a server told it to say.
    pub(super) fn quotes_server(&self) -> bool {
        self.lines().any(|line| line.contains(QUOTE))
    }

    /// Whether the server was seen to speak git's protocol; only a traced call can tell.
    pub(super) fn speaks_git(&self) -> bool {
        self.speaks_git
    }

    /// The ids of objects that the server does not give.
    pub(super) fn refused(&self) -> &BTreeSet<String> {
        &self.refused
    }

    fn lines(&self) -> impl Iterator<Item = &str> {
        self.first.iter().chain(&self.last).map(String::as_str)
    }

    /// All of it as one line that is safe to print: what the server said first, then git's own words.
    pub(super) fn one_line(&self) -> String {
        self.one_line_without(&[])
    }

    /// The same without the lines of git that have one of these words.
    pub(super) fn one_line_without(&self, words: &[&str]) -> String {
        let is_told =
            |line: &&str| line.starts_with("remote: ") || !words.iter().any(|word| line.contains(word));
        let (theirs, own): (Vec<&str>, Vec<&str>) =
            self.lines().filter(is_told).partition(|line| line.starts_with("remote: "));
        let said = theirs.iter().map(|line| line.trim_start_matches("remote: "));
        let said = said.chain(own.iter().map(|line| {
            let plain = line.trim_start_matches("fatal: ");
            plain.trim_start_matches("error: ")
        }));
        one_line(&said.collect::<Vec<_>>().join("; "), MESSAGE_LIMIT)
    }
}

/// Whether a line tells of a packet that the server sent, as `GIT_TRACE_PACKET` has it (git(1)).
fn is_packet(line: &str) -> bool {
    !line.starts_with("remote: ") && line.contains(" packet: ") && line.contains("git< ")
}

/// Whether a server says by this that it does not give an object: git-upload-pack's words, and those of the client where
/// the server speaks the older protocol.
fn is_refusal(line: &str) -> bool {
    line.contains("not our ref") || line.contains("unadvertised object")
}

/// The object ids in a line.
fn ids(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| matches!(word.len(), 40 | 64) && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a line of the server counts something: `remote: Counting objects: 12% (3/25)`.
fn is_progress(line: &str) -> bool {
    let Some(said) = line.strip_prefix("remote: ") else { return false };
    if said.starts_with("Total ") {
        return true;
    }
    let Some((words, number)) = said.split_once(':') else { return false };
    let counts = number.trim_start().starts_with(|c: char| c.is_ascii_digit());
    counts && words.ends_with("objects")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_free_of_progress() {
        let mut text =
            "remote: Counting objects:  12% (3/25)\rremote: Counting objects: 100% (25/25), done.\n"
                .to_owned();
        text.push_str("Receiving objects: 50%\rFrom https://github.com/octo/hello\n * [new ref] x -> x\n");
        text.push_str("remote: Write access\u{1b}[2J not granted.\nfatal: first\n");
        text.extend((0..10_000).map(|number| format!("error: number {number}\n")));
        text.extend(["error: ", &"x".repeat(1 << 20), "\nfatal: the end"]);
        let reads = std::cell::Cell::new(0);
        let messages = Messages::read(text.as_bytes(), &|| reads.set(reads.get() + 1));
        assert!(reads.get() > 1);
        assert_eq!(messages.lines().count(), 2 * MOST_LINES);
        assert!(messages.lines().all(|line| line.len() <= LONGEST_LINE));
        assert!(!messages.contain("Counting") && !messages.contain("new ref") && messages.contain("the end"));
        let line = messages.one_line();
        assert!(line.starts_with("Write access [2J not granted.; first; number 0"), "{line}");
        assert!(line.chars().count() <= MESSAGE_LIMIT);
    }

    #[test]
    fn ids_that_are_refused_are_told_apart() {
        let (a, b) = ("a".repeat(40), "b".repeat(64));
        let text = format!(
            "fatal: remote error: upload-pack: not our ref {a}\n\
             error: Server does not allow request for unadvertised object {b}\nerror: {}\n",
            "c".repeat(40)
        );
        let messages = Messages::read(text.as_bytes(), &|| {});
        assert_eq!(messages.refused().iter().collect::<Vec<_>>(), [&a, &b]);
    }

    #[test]
    fn a_server_cannot_say_that_it_speaks_git() {
        let read = |text: &str| Messages::read(text.as_bytes(), &|| {}).speaks_git();
        assert!(read("20:01:02.345678 pkt-line.c:85    packet:   git< version 2\n"));
        assert!(!read("remote: x packet: git< version 2\nfatal: not found\n"));
        assert!(!read(""));
    }
}
