//! What an owner's file holds beside its lock: the last answer that came in.
//!
//! A line of the answer as JSON behind the SHA-256 of it, so that a file torn by a failing power holds none. The rest of the
//! file is blank, and there from the beginning: writing an answer takes no room that a full disk could refuse.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::ledger::settlement::{KeptAnswer, Settlement};
use crate::ledger::trust::check_file;
use crate::token::Fingerprint;

/// The length of the file: an answer with a message of 500 characters, each of them escaped, and room to spare.
const LEN: usize = 4096;

/// Takes the room for an answer.
pub(super) fn make_room(mut file: &File) -> io::Result<()> {
    file.write_all(&[b'\n'; LEN])?;
    file.sync_all()
}

/// Writes an answer in the place of the one before, durably.
pub(super) fn write(mut file: &File, answer: &KeptAnswer) -> io::Result<()> {
    let line = match line(answer) {
        Some(line) => line,
        // Better without the server's words than not at all.
        None => line(&without_message(answer)).ok_or(io::ErrorKind::InvalidInput)?,
    };
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&line)?;
    file.sync_data()
}

fn without_message(answer: &KeptAnswer) -> KeptAnswer {
    let settlement = Settlement { message: String::new(), ..answer.settlement.clone() };
    KeptAnswer { settlement, ..answer.clone() }
}

/// The content of the file; none where the answer does not fit.
fn line(answer: &KeptAnswer) -> Option<Vec<u8>> {
    let json = serde_json::to_string(answer).ok()?;
    let mut line = format!("{} {json}\n", Fingerprint::of(json.as_bytes()).hex()).into_bytes();
    let fits = line.len() <= LEN;
    line.resize(LEN, b'\n');
    fits.then_some(line)
}

/// The answer in an owner's file, if there is a whole one.
pub(super) fn read(path: &Path) -> Option<KeptAnswer> {
    // In a directory that others may write to, another user may have put it there.
    check_file(path).ok()?;
    let mut content = Vec::with_capacity(LEN);
    File::open(path).ok()?.take(LEN as u64).read_to_end(&mut content).ok()?;
    parse(&content)
}

fn parse(content: &[u8]) -> Option<KeptAnswer> {
    let line = std::str::from_utf8(content.split(|byte| *byte == b'\n').next()?).ok()?;
    let (hash, json) = line.split_once(' ')?;
    if Fingerprint::of(json.as_bytes()).hex() != hash {
        return None;
    }
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::ledger::settlement::BatchOutcome;
    use crate::revocation::RateLimit;

    fn answer(message: &str) -> KeptAnswer {
        KeptAnswer {
            batch: 7,
            at: 1_795_000_000_123,
            settlement: Settlement {
                outcome: BatchOutcome::TooLarge,
                verdict: "denied".into(),
                status: Some(413),
                request_id: Some("AAAA:1".into()),
                message: message.into(),
                rate_limit: RateLimit {
                    limit: Some(60),
                    remaining: Some(3),
                    reset: Some(Timestamp::UNIX_EPOCH),
                    retry_after: Some(Duration::from_secs(9)),
                },
                hold: Some(Duration::from_millis(1500)),
            },
        }
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() -> io::Result<()> {
        let home = tempfile::tempdir()?;
        let path = home.path().join("owner");
        let file = crate::ledger::paths::create_new(&path)?;
        make_room(&file)?;
        assert_eq!(read(&path), None);
        // A long one leaves nothing behind that a short one could be taken for.
        for message in ["\u{7}".repeat(500), "too\nlarge".to_owned(), String::new()] {
            write(&file, &answer(&message))?;
            assert_eq!(read(&path), Some(answer(&message)));
            assert_eq!(file.metadata()?.len(), LEN as u64);
        }
        write(&file, &answer(&"x".repeat(200_000)))?;
        assert_eq!(read(&path), Some(answer("")));
        Ok(())
    }

    #[test]
    fn a_torn_answer_is_none() {
        let whole = line(&answer("no")).unwrap_or_default();
        assert!(parse(&whole).is_some());
        let end = whole.iter().position(|byte| *byte == b'\n').unwrap_or_default();
        for cut in 0..end {
            let torn = [&whole[..cut], &vec![b'\n'; LEN - cut][..]].concat();
            assert_eq!(parse(&torn), None, "cut at {cut}");
        }
    }
}
