//! The passwords of a passfile (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).

use std::fs;
use std::path::Path;

use zeroize::Zeroizing;

use crate::ledger::error::{FileError, LedgerError};
use crate::ledger::trust::check_file;

/// Which password is looked for.
pub(super) struct Wanted<'a> {
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

/// The password of the first line that matches. A file that others can read is refused.
pub(super) fn find(path: &Path, wanted: &Wanted<'_>) -> Result<Option<Zeroizing<String>>, LedgerError> {
    check_file(path)?;
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|source| FileError::Io {
        action: "read",
        path: path.into(),
        source,
    })?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).find_map(|line| password(line, wanted)))
}

fn password(line: &str, wanted: &Wanted<'_>) -> Option<Zeroizing<String>> {
    let fields = fields(line);
    let [host, port, database, user, password] = &fields[..] else { return None };
    let is = |field: &str, value: &str| field == "*" || field == value;
    let matches = is(host, wanted.host)
        && is(port, &wanted.port.to_string())
        && is(database, wanted.database)
        && is(user, wanted.user);
    matches.then(|| password.clone())
}

/// The fields of a line, in which `\` stands before a colon or a backslash that is part of one.
fn fields(line: &str) -> Vec<Zeroizing<String>> {
    let mut fields = vec![Zeroizing::new(String::with_capacity(line.len()))];
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (char, fields.last_mut()) {
            (':', _) => fields.push(Zeroizing::new(String::with_capacity(line.len()))),
            ('\\', Some(field)) => field.extend(chars.next()),
            (char, Some(field)) => field.push(char),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted<'_> = Wanted { host: "db", port: 5432, database: "ledger", user: "stanch" };

    fn found(line: &str) -> Option<String> {
        password(line, &WANTED).map(|password| password.to_string())
    }

    #[test]
    fn the_first_line_that_matches_has_the_password() {
        assert_eq!(found("db:5432:ledger:stanch:a\\:b\\\\c").as_deref(), Some("a:b\\c"));
        assert_eq!(found("*:*:*:*:x").as_deref(), Some("x"));
        for other in [
            "other:5432:ledger:stanch:x",
            "db:1:ledger:stanch:x",
            "db:5432:l:stanch:x",
            "db:5432:ledger:root:x",
            "db:5432:ledger:stanch",
            "",
        ] {
            assert_eq!(found(other), None, "{other}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_can_read_is_refused() -> Result<(), Box<dyn std::error::Error>> {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir()?;
        let path = home.path().join("pgpass");
        fs::write(&path, "#db:*:*:*:no\ndb:*:*:*:yes\n")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        assert!(find(&path, &WANTED).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        assert_eq!(find(&path, &WANTED)?.map(|password| password.to_string()).as_deref(), Some("yes"));
        Ok(())
    }
}
