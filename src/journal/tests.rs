use super::*;
use crate::blob::{Fault, FaultKind, Origin};
use crate::coverage::{CoverageRow, RepositoryState};
use crate::finding::{Confidence, Findings, Location, Sighting};
use crate::ledger::KEY_LEN;
use crate::meter::Reading;
use crate::rule;
use crate::token::{Kind, Token};

const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

fn scanned() -> Scanned {
    let findings = Findings::default();
    let origin = Origin {
        path: "a/.env".to_owned(),
        root: Some("octo/a".to_owned()),
        commit: Some("c0ffee".to_owned()),
        author: Some("A <a@example.org>".to_owned()),
        ..Origin::default()
    };
    let sighting = Sighting {
        text: TOKEN.as_bytes(),
        rule: &"github-pat".into(),
        kind: Kind::pat(),
        confidence: Confidence::Likely,
        reason: "for a test",
        owner_id: None,
    };
    findings.add(sighting, Location::new(origin, 7, 2, 3, vec!["base64"]));
    let reason = "torn".to_owned();
    findings.fault(Fault { path: "octo/a/x".to_owned(), kind: FaultKind::Damaged, reason });
    let (findings, faults) = findings.finish();
    let row = CoverageRow::new("octo", "octo/a", RepositoryState::Scanned);
    let read = Reading { files: 1, objects: 2, commits: 3, bytes: 4, ..Reading::default() };
    let own = OwnFiles { config: Some("exclude = []".to_owned()), ignore: None };
    Scanned { row, findings, faults, read, own, is_doubtful: false }
}

#[test]
fn what_was_scanned_is_read_back_with_its_tokens() {
    let parent = tempfile::tempdir().expect("a directory");
    let rules = rule::built_in();
    let before = scanned();
    {
        let journal = Journal::open(parent.path(), "octo").expect("a journal");
        journal.write(("octo/a", "1"), &before, (rules, &[])).expect("room");
    }
    let journal = Journal::open(parent.path(), "octo").expect("the same");
    let after = journal.read("octo/a", "1").expect("an entry");
    assert_eq!((&after.row, &after.faults, after.read), (&before.row, &before.faults, before.read));
    assert_eq!(after.own, before.own);
    assert_eq!(after.findings.len(), 1);
    let (ours, theirs) = (&before.findings[0], &after.findings[0]);
    assert_eq!(ours.locations, theirs.locations);
    assert_eq!((ours.confidence, ours.reason), (theirs.confidence, theirs.reason));
    assert_eq!(ours.token.redacted(), theirs.token.redacted());
    let again = Token::new(Kind::pat(), TOKEN.as_bytes());
    assert!(same_text(&theirs.token, &again), "the token itself, not its redacted form");
    assert!(journal.read("octo/a", "2").is_none(), "somebody pushed");
    assert!(journal.read("octo/b", "1").is_none());
    assert!(Journal::open(parent.path(), "hexo").expect("another").read("octo/a", "1").is_none());
}

/// Whether two tokens seal to texts of the same length: the whole one is longer than its redacted form.
fn same_text(one: &Token, other: &Token) -> bool {
    let key = SealingKey::ephemeral().expect("random numbers");
    let sealer = key.sealer(&LedgerId::default(), QUEUE);
    let length = |token: &Token| sealer.seal(token).map(|sealed| sealed.len()).unwrap_or_default();
    length(one) == length(other)
}

#[test]
fn no_file_holds_a_token() {
    let parent = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(parent.path(), "octo").expect("a journal");
    journal.write(("octo/a", "1"), &scanned(), (rule::built_in(), &[])).expect("room");
    let files = fs::read_dir(&journal.directory).expect("files").flatten();
    let files = files.filter(|entry| entry.path().is_file());
    for file in files {
        let bytes = fs::read(file.path()).expect("a file");
        assert!(!bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()), "{file:?}");
    }
}

#[test]
fn a_torn_entry_is_none() {
    let parent = tempfile::tempdir().expect("a directory");
    let journal = Journal::open(parent.path(), "octo").expect("a journal");
    journal.write(("octo/a", "1"), &scanned(), (rule::built_in(), &[])).expect("room");
    let path = journal.path("octo/a");
    let whole = fs::read(&path).expect("an entry");
    for end in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 3] {
        fs::write(&path, &whole[..end]).expect("room");
        assert!(journal.read("octo/a", "1").is_none(), "{end}");
    }
    fs::write(&path, &whole).expect("room");
    assert!(journal.read("octo/a", "1").is_some());
    fs::write(journal.directory.join("key"), [7; KEY_LEN]).expect("room");
    drop(journal);
    let journal = Journal::open(parent.path(), "octo").expect("the same");
    assert!(journal.read("octo/a", "1").is_none(), "another key");
}

#[test]
fn two_runs_do_not_share_a_journal() {
    let parent = tempfile::tempdir().expect("a directory");
    let first = Journal::open(parent.path(), "octo").expect("a journal");
    assert!(matches!(Journal::open(parent.path(), "octo"), Err(JournalError::Busy { .. })));
    let path = first.directory.clone();
    first.finish();
    assert!(!path.exists());
    assert!(Journal::open(parent.path(), "octo").is_ok());
}

#[test]
fn what_nobody_went_on_with_is_removed() {
    let parent = tempfile::tempdir().expect("a directory");
    let old = Journal::open(parent.path(), "old").expect("a journal");
    let (busy, path) = (Journal::open(parent.path(), "busy").expect("a journal"), old.directory.clone());
    let age = |journal: &Path| {
        let file = fs::File::options().write(true).open(journal.join(files::LOCK)).expect("a lock");
        file.set_modified(SystemTime::now() - 2 * LONGEST).expect("a time");
    };
    drop(old);
    age(&path);
    age(&busy.directory);
    let new = Journal::open(parent.path(), "new").expect("a journal");
    assert_eq!((path.exists(), busy.directory.exists(), new.directory.exists()), (false, true, true));
}
