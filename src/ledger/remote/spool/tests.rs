//! What is kept on this machine: private, in order, and for one intake.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::ledger::address::{LedgerAccess, LedgerAddress};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn spool(state_dir: &Path, url: &str) -> Spool {
    let access = LedgerAccess { state_dir: Some(state_dir.into()), ..LedgerAccess::default() };
    match LedgerAddress::parse(url.as_ref()).expect("an address").with_access(access) {
        LedgerAddress::Intake(address) => Spool::of(&address).expect("a directory"),
        other => panic!("{other} is no intake"),
    }
}

fn lines(tokens: &[(&str, &str)]) -> Lines {
    let line = |(sha256, host): &(&str, &str)| {
        format!(r#"{{"sealed":"","sha256":"{sha256}","kind":"github-pat","host":"{host}"}}"#) + "\n"
    };
    Lines { text: tokens.iter().map(line).collect(), count: tokens.len() as u64 }
}

#[test]
fn what_is_written_is_private_and_comes_back_in_order() -> TestResult {
    let home = tempfile::tempdir()?;
    let spool = spool(home.path(), "https://intake.example.test");
    assert_eq!((spool.files()?, spool.status()?.tokens), (Vec::new(), 0));
    assert!(!spool.directory().exists(), "nothing is made for looking");
    let at = |second| Timestamp::from_second(second);
    spool.add(&lines(&[("b", "h")]), at(2000)?)?;
    spool.add(&lines(&[("a", "h"), ("c", "other")]), at(1000)?)?;
    let files = spool.files()?;
    let texts: Vec<_> = files.iter().map(|file| Spool::read(file)).collect::<Result<_, _>>()?;
    assert_eq!(texts, [Some(lines(&[("a", "h"), ("c", "other")]).text), Some(lines(&[("b", "h")]).text)]);
    for (path, mode) in [(spool.directory(), 0o700), (&files[0], 0o600)] {
        assert_eq!(fs::metadata(path)?.permissions().mode() & 0o777, mode);
    }
    let waiting = spool.waiting()?;
    assert_eq!((waiting["h"][&Kind::pat()], waiting["other"][&Kind::pat()]), (2, 1));
    assert!(spool.tokens()?.contains(&("other".to_owned(), "c".to_owned())));
    spool.settle(&files[0], &lines(&[("c", "other")]).text, at(3000)?)?;
    let status = spool.status()?;
    assert_eq!((status.tokens, status.refused), (1, 1));
    assert_eq!(Spool::read(&files[0])?, None);
    Ok(())
}

#[test]
fn each_intake_has_its_own_and_one_hands_over_at_a_time() -> TestResult {
    let home = tempfile::tempdir()?;
    let (one, other) =
        (spool(home.path(), "https://one.example.test"), spool(home.path(), "https://two.example.test"));
    one.add(&lines(&[("a", "h")]), Timestamp::now())?;
    assert_eq!(other.status()?.tokens, 0);
    let held = one.lock()?;
    assert!(held.is_some() && one.lock()?.is_none());
    drop(held);
    assert!(one.lock()?.is_some());
    Ok(())
}

#[test]
fn what_others_could_have_put_there_is_refused() -> TestResult {
    let home = tempfile::tempdir()?;
    let spool = spool(home.path(), "https://intake.example.test");
    spool.add(&lines(&[("a", "h")]), Timestamp::now())?;
    let file = spool.files()?.remove(0);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644))?;
    assert!(Spool::read(&file).is_err() && spool.status().is_err());
    fs::remove_file(&file)?;
    symlink("/etc/hostname", &file)?;
    assert!(Spool::read(&file).is_err());
    fs::remove_file(&file)?;
    fs::set_permissions(spool.directory(), fs::Permissions::from_mode(0o777))?;
    assert!(spool.files().is_err() && spool.add(&lines(&[("a", "h")]), Timestamp::now()).is_err());
    Ok(())
}

#[test]
fn a_key_is_remembered_until_there_is_another() -> TestResult {
    let home = tempfile::tempdir()?;
    let spool = spool(home.path(), "https://intake.example.test");
    assert_eq!(spool.known_key()?, None);
    for key in ["one", "one", "two"] {
        spool.remember_key(key)?;
        assert_eq!(spool.known_key()?.as_deref(), Some(key));
    }
    Ok(())
}

#[test]
fn what_is_kept_back_is_taken_out_and_the_rest_stays_in_its_place() -> TestResult {
    let home = tempfile::tempdir()?;
    let spool = spool(home.path(), "https://intake.example.test");
    let [a, b, c] = ["a", "b", "c"].map(|name| Fingerprint::of(name.as_bytes()));
    let hex = [a, b, c].map(|token| token.hex());
    spool.add(&lines(&[(&hex[0], "h"), (&hex[1], "h")]), Timestamp::from_second(1000)?)?;
    spool.add(&lines(&[(&hex[2], "h")]), Timestamp::from_second(2000)?)?;
    let files = spool.files()?;
    let out = BTreeSet::from([b, c]);
    assert_eq!((spool.take_out(&files[0], &BTreeSet::new())?, spool.status()?.tokens), (0, 3));
    assert_eq!((spool.take_out(&files[0], &out)?, spool.take_out(&files[1], &out)?), (1, 1));
    assert_eq!(spool.files()?, files[..1]);
    assert_eq!(Spool::read(&files[0])?, Some(lines(&[(&hex[0], "h")]).text));
    let left: Vec<_> = spool.each()?.into_iter().map(|token| token.fingerprint).collect();
    assert_eq!((left, spool.take_out(&files[1], &out)?), (vec![Some(a)], 0));
    // A line that nobody can read is for the intake to refuse.
    spool.add(&Lines { text: "garbage\n".to_owned(), count: 1 }, Timestamp::from_second(3000)?)?;
    let damaged = spool.files()?.remove(1);
    assert_eq!((spool.take_out(&damaged, &out)?, spool.status()?.tokens), (0, 2));
    Ok(())
}
