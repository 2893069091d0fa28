//! Why there is no mirror, or not all of it: made of what `git` said.

use std::path::{Path, PathBuf};

use super::super::advice;
use super::messages::Messages;

/// Why `git` did not do what it was to do. Its messages hold no token, and are safe to print.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// There is no `git` that can be used.
    #[error("{0}")]
    Program(String),
    /// There is no such repository, or the credential may not know of it.
    #[error(
        "the server has no such repository, or the credential may not see it ({0}); check its name, and what the \
         credential is allowed to read"
    )]
    NotFound(String),
    /// The server does not give it to this credential.
    #[error("the server refuses it with {status} ({message}); {}", advice::of_git(*status, message))]
    Denied {
        /// The HTTP status: 401, 403, 451.
        status: u16,
        /// What the server and `git` said.
        message: String,
    },
    /// There is no credential to show.
    #[error("{0}")]
    Refused(String),
    /// The repository has another address now. Redirects are not followed with a credential.
    #[error("it has another address now ({0}); run again, so that its present name is asked for")]
    Moved(String),
    /// Nothing moved any more.
    #[error("nothing arrived for {0} seconds, and it was given up; run again, or allow more with --timeout")]
    Hung(u64),
    /// It takes more room than it may.
    #[error("it takes more room than it may ({0}); allow more with --max-disk")]
    TooLarge(String),
    /// It has an object that `git` would have to hold in memory, and that is too large for that.
    #[error("it has an object too large to be held in memory ({0}); look at it with a clone of your own")]
    TooMuchMemory(String),
    /// The disk is full.
    #[error("no room is left on the disk of `{0}`; free some, or name another directory")]
    DiskFull(PathBuf),
    /// What is on this disk is damaged.
    #[error("the mirror `{path}` is damaged ({message}); delete it, and run again")]
    Damaged {
        /// The mirror.
        path: PathBuf,
        /// What `git` said.
        message: String,
    },
    /// The server has trouble of its own, or sends what is no repository.
    #[error("the server did not send a whole repository ({0}); run again later")]
    Server(String),
    /// There was no connection, or none that can be trusted.
    #[error("the server cannot be reached ({0}); check the network, the proxy and --ca-cert")]
    Unreachable(String),
    /// The server does not give one of the objects that were asked for.
    #[error("the server no longer has an object that was asked for ({0})")]
    NoSuchObject(String),
    /// Another run is at work on the same mirror.
    #[error("another run is at work on `{0}`; wait for its end, or name another directory with --cache")]
    Busy(PathBuf),
    /// Something is where the mirror should be.
    #[error("no mirror is kept at `{path}`: {reason}; name another directory with --cache")]
    Place {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The run was asked to end.
    #[error("interrupted")]
    Cancelled,
    /// Anything else.
    #[error("git ended with {status} ({message}); run again, and report this if it stays so")]
    Git {
        /// How it ended.
        status: String,
        /// What it said.
        message: String,
    },
}

/// What `git` says where it would ask somebody for a credential, having shown one or none.
const ASKS: [&str; 3] = ["Authentication failed", "could not read Username", "could not read Password"];

/// Words of `git` and of what it stands on, and what they mean. The first that is found decides.
const MEANINGS: &[(&[&str], Meaning)] = &[
    // The last is of a ref whose file was made and could not be filled (files-backend.c): it does not say why.
    (&["No space left on device", "Disk quota exceeded", "couldn't write '"], Meaning::DiskFull),
    (&["attempting to allocate", "Out of memory"], Meaning::Memory),
    (&ASKS, Meaning::Status(401)),
    (&["unable to update url base from redirection"], Meaning::Status(301)),
    (&["cannot read existing object", "did not send all necessary objects"], Meaning::Damaged),
    // What follows of a pack that is none may read like damage on this disk.
    (&["index-pack failed", "invalid index-pack output", "invalid server response"], Meaning::Server),
    (
        &[
            "bad object",
            "missing object",
            "object file",
            "is corrupt",
            "cannot be accessed",
            "not a git repository",
            "does not point to a valid object",
            "does not match index",
            "bad config",
            "unable to read tree",
            "unable to read sha1 file",
            "unexpected line in",
            "expected format",
        ],
        Meaning::Damaged,
    ),
    (
        &[
            "Could not resolve",
            "Couldn't resolve host",
            "Failed to connect",
            "Couldn't connect",
            "Could not connect",
            "Connection refused",
            "Connection timed out",
            "certificate ",
            "SSL ",
            "TLS ",
            "gnutls_",
            "CONNECT tunnel failed",
        ],
        Meaning::Unreachable,
    ),
    (
        &[
            "Operation too slow",
            "early EOF",
            "the remote end hung up",
            "protocol error",
            "unexpected disconnect",
            "is this a git repository?",
            "bad line length",
            "unable to access",
            "RPC failed",
            "expected ",
        ],
        Meaning::Server,
    ),
    (&["' not found"], Meaning::Status(404)),
];

#[derive(Clone, Copy)]
enum Meaning {
    DiskFull,
    Memory,
    Status(u16),
    Damaged,
    Unreachable,
    Server,
}

impl GitError {
    /// Why `git` failed at the mirror in `path`.
    pub(super) fn of(path: &Path, status: &str, said: &Messages) -> GitError {
        let message = said.one_line();
        let message = if message.is_empty() { format!("git ended with {status}") } else { message };
        let by_words = || MEANINGS.iter().find(|(words, _)| words.iter().any(|word| said.contain(word)));
        let meaning =
            http_status(said).map(Meaning::Status).or_else(|| by_words().map(|(_, meaning)| *meaning));
        match meaning {
            Some(Meaning::DiskFull) => GitError::DiskFull(path.to_owned()),
            Some(Meaning::Memory) => GitError::TooMuchMemory(message),
            _ if !said.refused().is_empty() => GitError::NoSuchObject(message),
            Some(Meaning::Status(300..=399)) => GitError::Moved(message),
            Some(Meaning::Status(404 | 410)) => GitError::NotFound(message),
            Some(Meaning::Status(status @ (401 | 403 | 451))) => {
                let message = said.one_line_without(&ASKS);
                let is_told = !message.is_empty();
                let message = if is_told { message } else { "it does not say why".to_owned() };
                GitError::Denied { status, message }
            }
            Some(Meaning::Damaged) => GitError::Damaged { path: path.to_owned(), message },
            Some(Meaning::Unreachable) => GitError::Unreachable(message),
            Some(Meaning::Server | Meaning::Status(_)) => GitError::Server(message),
            None if said.quotes_server() => GitError::Server(message),
            None => GitError::Git { status: status.to_owned(), message },
        }
    }

    /// What an operation on a file of the mirror in `path` ended with.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> GitError {
        use std::io::ErrorKind;
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => GitError::DiskFull(path.to_owned()),
            _ => GitError::Place { path: path.to_owned(), reason: error.to_string() },
        }
    }
}

/// The status of a server's answer, as libcurl has it: `The requested URL returned error: 403`.
fn http_status(said: &Messages) -> Option<u16> {
    (300..600).find(|status| said.contain(&format!("returned error: {status}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: &str) -> GitError {
        GitError::of(Path::new("/m.git"), "exit status: 128", &Messages::read(said.as_bytes(), &|| {}))
    }

    #[test]
    fn what_git_says_is_told_apart() {
        let url = "fatal: unable to access 'https://h/o/r.git/': The requested URL returned error:";
        assert!(matches!(of(&format!("{url} 401")), GitError::Denied { status: 401, .. }));
        assert!(matches!(of(&format!("{url} 403")), GitError::Denied { status: 403, .. }));
        assert!(matches!(of(&format!("{url} 451")), GitError::Denied { status: 451, .. }));
        assert!(matches!(of(&format!("{url} 404")), GitError::NotFound(_)));
        assert!(matches!(of(&format!("{url} 301")), GitError::Moved(_)));
        assert!(matches!(of(&format!("{url} 429")), GitError::Server(_)));
        assert!(matches!(of(&format!("{url} 502")), GitError::Server(_)));
        assert!(matches!(
            of("fatal: could not read Username for 'https://h': terminal prompts disabled"),
            GitError::Denied { status: 401, .. }
        ));
        assert!(matches!(
            of("remote: Repository not found.\nfatal: repository 'https://h/o/r.git/' not found"),
            GitError::NotFound(_)
        ));
        assert!(matches!(
            of("fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack output"),
            GitError::DiskFull(_)
        ));
        assert!(matches!(
            of("fatal: unable to access 'https://h/': Could not resolve host: h"),
            GitError::Unreachable(_)
        ));
        assert!(matches!(
            of("fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none"),
            GitError::Unreachable(_)
        ));
        assert!(matches!(
            of("fatal: attempting to allocate 9999999999 over limit 2147483648"),
            GitError::TooMuchMemory(_)
        ));
        assert!(matches!(
            of("error: refs/heads/x does not point to a valid object!"),
            GitError::Damaged { .. }
        ));
        assert!(matches!(
            of("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output"),
            GitError::Server(_)
        ));
        assert!(matches!(
            of("fatal: pack has bad object at offset 12\nfatal: fetch-pack: invalid index-pack output"),
            GitError::Server(_)
        ));
        // What a server says is no sign of damage here.
        assert!(matches!(of("remote: bad object\nfatal: remote error: is corrupt"), GitError::Server(_)));
        let refused = format!("fatal: remote error: upload-pack: not our ref {}", "a".repeat(40));
        assert!(matches!(of(&refused), GitError::NoSuchObject(_)));
        assert!(matches!(of("fatal: something new"), GitError::Git { .. }));
        assert!(matches!(of(""), GitError::Git { .. }));
    }

    #[test]
    fn a_server_cannot_put_a_token_or_an_escape_into_a_message() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        let message =
            of(&format!("remote: you sent {token}\u{1b}]0;x\u{7}\nfatal: something new")).to_string();
        assert!(!message.contains(&token) && !message.contains('\u{1b}'), "{message:?}");
    }

    #[test]
    fn a_refusal_has_the_advice_that_fits() {
        let denied = |status: u16, said: &str| {
            let url = "fatal: unable to access 'https://h/o/r.git/': The requested URL returned error:";
            of(&format!("remote: {said}\n{url} {status}")).to_string()
        };
        assert!(denied(451, "Unavailable").contains("legal reason"));
        assert!(
            denied(403, "The repository owner has an IP allow list enabled").contains("have this one added")
        );
        assert!(denied(403, "has enabled or enforced SAML SSO").contains("authorize it in the settings"));
        assert!(denied(403, "Write access not granted.").contains("may read the contents"));
        for said in ["", "remote: Invalid username or token.\n"] {
            let asks = "fatal: could not read Username for 'https://h': terminal prompts disabled";
            let text = of(&format!("{said}{asks}")).to_string();
            assert!(text.contains("401") && text.contains("use another one"), "{text}");
            assert!(!text.contains("Username for") && !text.contains("prompts"), "{text}");
            assert!(said.is_empty() || text.contains("Invalid username or token."), "{text}");
        }
    }
}
