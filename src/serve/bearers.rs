//! Who may talk to the intake: bearer tokens and their roles, from a file.

use std::fmt;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::secret_file::{self, SecretFileError};
use crate::text::redacted;

/// The fewest characters of a bearer token: what is shorter can be guessed.
const SHORTEST: usize = 16;

/// The longest name that is kept, in bytes.
const NAME_MAX: usize = 100;

/// Why a file of bearer tokens cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BearerFileError {
    /// The file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// One of its lines.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// It holds none.
    #[error(
        "{path} holds no bearer token, so that nobody could talk to the intake; write one and its role a line, as in \
         `TOKEN enqueue`"
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// What somebody may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// That tokens are queued.
    Enqueue,
    /// What became of them, and how the server fares.
    Read,
}

/// A bearer token, as it is known here.
#[derive(Clone)]
pub(super) struct Bearer {
    digest: [u8; 32],
    may_enqueue: bool,
    may_read: bool,
    /// What the trail calls its holder.
    pub(super) name: String,
}

impl Bearer {
    pub(super) fn may(&self, role: Role) -> bool {
        match role {
            Role::Enqueue => self.may_enqueue,
            Role::Read => self.may_read,
        }
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bearer").field(&self.name).finish()
    }
}

/// Every bearer token.
#[derive(Clone, Debug, Default)]
pub(super) struct Bearers(Vec<Bearer>);

impl Bearers {
    /// Reads a file of them.
    pub(super) fn read(path: &Path) -> Result<Self, BearerFileError> {
        let text = secret_file::read(path)?;
        let bearers = Self::parse(&text).map_err(|(line, problem)| BearerFileError::Line {
            path: path.to_owned(),
            line,
            problem,
        })?;
        if bearers.0.is_empty() {
            return Err(BearerFileError::Empty { path: path.to_owned() });
        }
        Ok(bearers)
    }

    fn parse(text: &[u8]) -> Result<Self, (usize, &'static str)> {
        let mut bearers = Bearers::default();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            let line = std::str::from_utf8(line).map_err(|_| (number, "it is no text in UTF-8"))?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bearer = parse_line(line, number).map_err(|problem| (number, problem))?;
            if bearers.0.iter().any(|known| known.digest == bearer.digest) {
                return Err((number, "this token stands on an earlier line already"));
            }
            bearers.0.push(bearer);
        }
        Ok(bearers)
    }

    /// The bearer whose token this is, with its place. Each is looked at, however early one is found: how long that takes
    /// tells nothing.
    pub(super) fn find(&self, presented: &[u8]) -> Option<(usize, &Bearer)> {
        let digest: [u8; 32] = Sha256::digest(presented).into();
        let mut found = None;
        for (index, bearer) in self.0.iter().enumerate() {
            if bool::from(bearer.digest.ct_eq(&digest)) {
                found = Some((index, bearer));
            }
        }
        found
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn parse_line(line: &str, number: usize) -> Result<Bearer, &'static str> {
    let mut words = line.split_whitespace();
    let (Some(token), Some(roles)) = (words.next(), words.next()) else {
        return Err("a token and its role are wanted, as in `TOKEN enqueue`");
    };
    if token.len() < SHORTEST {
        return Err("the token is shorter than 16 characters, and could be guessed");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token holds characters that no header can carry");
    }
    let (mut may_enqueue, mut may_read) = (false, false);
    for role in roles.split(',') {
        match role {
            "enqueue" => may_enqueue = true,
            "read" => may_read = true,
            _ => return Err("the role is none of `enqueue`, `read` and `enqueue,read`"),
        }
    }
    let name = words.next().map_or_else(|| format!("intake-line-{number}"), |name| redacted(name, NAME_MAX));
    if words.next().is_some() {
        return Err("a token, its role and a name are wanted, and no more");
    }
    Ok(Bearer { digest: Sha256::digest(token).into(), may_enqueue, may_read, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# who\n\nfirst-token-of-them enqueue ci\nsecond-token-of-them  read\r\n\
                        third-token-of-them enqueue,read third # no\n";

    #[test]
    fn each_token_has_its_roles_and_a_name() {
        let text = FILE.replace(" # no", "");
        let bearers = Bearers::parse(text.as_bytes()).expect("a good file");
        let of = |token: &str| {
            let (index, bearer) = bearers.find(token.as_bytes())?;
            Some((index, bearer.may(Role::Enqueue), bearer.may(Role::Read), bearer.name.as_str()))
        };
        assert_eq!(of("first-token-of-them"), Some((0, true, false, "ci")));
        assert_eq!(of("second-token-of-them"), Some((1, false, true, "intake-line-4")));
        assert_eq!(of("third-token-of-them"), Some((2, true, true, "third")));
        for stranger in ["", "first-token-of-the", "first-token-of-them2", "# who", "FIRST-TOKEN-OF-THEM"] {
            assert_eq!(of(stranger), None, "{stranger}");
        }
        assert_eq!(bearers.len(), 3);
        assert!(!format!("{bearers:?}").contains("token"), "a token is shown");
    }

    #[test]
    fn a_bad_line_is_refused_by_its_number_and_not_quoted() {
        for (text, line, told) in [
            (FILE, 5, "no more"),
            ("first-token-of-them\n", 1, "its role"),
            ("\nshort-hunter2 read\n", 2, "guessed"),
            ("first-token-of-them write\n", 1, "none of"),
            ("first-token-of-them enqueue,\n", 1, "none of"),
            ("first-tokén-of-them read\n", 1, "header"),
            ("first-token-of-them read\nfirst-token-of-them enqueue\n", 2, "earlier"),
        ] {
            let (number, problem) = Bearers::parse(text.as_bytes()).expect_err("a bad line");
            assert!(number == line && problem.contains(told), "{number}: {problem}");
            assert!(!problem.contains("hunter2") && !problem.contains("first"), "{problem}");
        }
        assert!(Bearers::parse(b"first-token-of-\xff read").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_any_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("tokens");
        std::fs::write(&path, "# nobody\n").expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
        assert!(matches!(Bearers::read(&path), Err(BearerFileError::Empty { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
        assert!(matches!(Bearers::read(&path), Err(BearerFileError::File(SecretFileError::Exposed { .. }))));
    }
}
