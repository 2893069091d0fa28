//! Files and directories that others could read or change.

use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_directory_that_others_can_write_to_is_refused() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    drop(SqliteLedger::open(&path)?);
    for (mode, allowed) in [(0o777, false), (0o770, false), (0o1777, true), (0o755, true)] {
        fs::set_permissions(home.path(), fs::Permissions::from_mode(mode))?;
        let opened = SqliteLedger::open(&path).map(drop);
        assert_eq!(opened.is_ok(), allowed, "{mode:o}: {opened:?}");
        assert_eq!(SqliteLedger::check_writable(&path).is_ok(), allowed, "{mode:o}");
    }
    Ok(())
}

#[test]
fn where_no_ledger_can_be_made_is_found_out_without_making_one() -> TestResult {
    let home = tempfile::tempdir()?;
    let file = home.path().join("file");
    fs::write(&file, "")?;
    for impossible in [file.join("ledger.db"), file.join("a/b/ledger.db"), home.path().into()] {
        let found = SqliteLedger::check_writable(&impossible);
        assert!(matches!(found, Err(LedgerError::File(_))), "{}: {found:?}", impossible.display());
    }
    // Root may write there, and nobody can make anything.
    #[cfg(target_os = "linux")]
    assert!(SqliteLedger::check_writable(Path::new("/proc/stanch/ledger.db")).is_err());
    SqliteLedger::check_writable(&home.path().join("a/b/ledger.db"))?;
    assert_eq!(fs::read_dir(home.path())?.count(), 1, "something was created");
    Ok(())
}

#[test]
fn a_lost_key_is_found_out_before_anything_is_scanned() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path)?;
    SqliteLedger::check_writable(&path)?;
    let sealer = ledger.sealer(HOST)?;
    ledger.enqueue(HOST, &decision(), &mut std::iter::once(entry(&sealer, 1)?), &now)?;
    SqliteLedger::check_writable(&path)?;
    let key = home.path().join("ledger.db.key");
    fs::write(&key, [7; 32])?;
    assert!(matches!(SqliteLedger::check_writable(&path), Err(LedgerError::KeyMismatch { .. })));
    fs::remove_file(&key)?;
    assert!(matches!(SqliteLedger::check_writable(&path), Err(LedgerError::KeyMissing { .. })));
    Ok(())
}

#[test]
fn a_database_left_in_wal_mode_is_taken_out_of_it() -> TestResult {
    let home = tempfile::tempdir()?;
    let path = home.path().join("ledger.db");
    drop(SqliteLedger::open(&path)?);
    let other = Connection::open(&path)?;
    let _: String = other.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    drop(other);
    drop(SqliteLedger::open_existing(&path)?);
    let other = Connection::open(&path)?;
    let mode: String = other.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    assert_eq!(mode, "delete");
    Ok(())
}
