use zeroize::Zeroizing;

use super::*;
use crate::checksum::crc32_base62;
use crate::ledger;
use crate::serve::intake::line::plain;

const HOST: &str = "https://api.example.test";

fn item(number: u32, by: &str) -> Item {
    let body: String = format!("{:030}", u64::from(number) * 7_919);
    let text = format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())));
    Item {
        host: HOST.to_owned(),
        by: by.to_owned(),
        confidence: Confidence::Certain,
        place: format!("a/{number}"),
        secret: plain(&Zeroizing::new(text)).expect("a token"),
    }
}

fn submission(items: Vec<Item>) -> Submission {
    Submission { items, reply: oneshot::channel().0 }
}

fn ledger(home: &tempfile::TempDir) -> Box<dyn Ledger> {
    ledger::open(&LedgerAddress::Sqlite(home.path().join("l/ledger.db"))).expect("a ledger")
}

fn written(answers: Vec<Answer>) -> Vec<Vec<Written>> {
    answers.into_iter().map(|answer| answer.expect("written")).collect()
}

#[test]
fn many_requests_are_one_transaction_for_each_decision_and_each_gets_its_own_answer() {
    use Written::{Known, Queued};
    let home = tempfile::tempdir().expect("a directory");
    let mut ledger = ledger(&home);
    let group = [
        submission(vec![item(1, "a"), item(2, "a"), item(1, "a")]),
        submission(vec![item(2, "a"), item(3, "b")]),
        submission(vec![item(4, "a")]),
    ];
    let before = ledger.head().expect("a head").seq;
    assert_eq!(
        written(commit_all(ledger.as_mut(), "run", &group)),
        [vec![Queued, Queued, Known], vec![Known, Queued], vec![Queued]]
    );
    assert_eq!(ledger.head().expect("a head").seq, before + 2, "a record each");
    // The same again changes nothing.
    let again = written(commit_all(ledger.as_mut(), "run", &group));
    assert!(again.iter().flatten().all(|written| *written == Known), "{again:?}");
    assert_eq!(ledger.count(HOST, State::Queued).expect("a count"), 4);
}

#[test]
fn what_was_set_aside_is_queued_again_and_what_waits_is_known() {
    let home = tempfile::tempdir().expect("a directory");
    let mut ledger = ledger(&home);
    let group = [submission(vec![item(1, "a"), item(2, "a"), item(3, "a")])];
    drop(written(commit_all(ledger.as_mut(), "run", &group)));
    for (number, state) in [(0, State::Held), (1, State::Withdrawn)] {
        let token = [group[0].items[number].fingerprint()];
        let selection = ledger::Selection::Tokens(&token);
        let change = ledger::StateChange { host: HOST, selection, state, reason: "a test" };
        ledger.change_state(&change, &Timestamp::now).expect("changed");
    }
    assert_eq!(ledger.count(HOST, State::Queued).expect("a count"), 1);
    assert_eq!(
        written(commit_all(ledger.as_mut(), "run", &group)),
        [vec![Written::Queued, Written::Queued, Written::Known]]
    );
    assert_eq!(ledger.count(HOST, State::Queued).expect("a count"), 3);
}

#[test]
fn trouble_is_told_to_all_who_have_a_part_in_it() {
    for error in [
        LedgerError::Locked { ledger: "l".to_owned() },
        LedgerError::Backend { ledger: "l".to_owned(), detail: "x".to_owned() },
    ] {
        let may_pass = error.may_pass();
        let answers = failed(error, 3);
        assert_eq!(answers.len(), 3);
        assert!(
            answers.iter().all(|answer| answer.as_ref().is_err_and(|error| error.may_pass() == may_pass))
        );
    }
}

#[test]
fn a_ledger_that_is_none_is_an_answer_and_the_writer_goes_on() {
    let home = tempfile::tempdir().expect("a directory");
    std::fs::write(home.path().join("file"), "").expect("a file");
    let address = LedgerAddress::Sqlite(home.path().join("file/ledger.db"));
    let writer = Writer::new(&address, 1, "run");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for number in 0..2 {
        let answer = runtime.block_on(writer.write(vec![item(number, "a")]));
        assert!(matches!(answer, Err(Unanswered::Ledger(_))));
    }
    std::fs::remove_file(home.path().join("file")).expect("removed");
    let answer = runtime.block_on(writer.write(vec![item(9, "a")]));
    assert_eq!(answer.expect("written"), [Written::Queued]);
}
