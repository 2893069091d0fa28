//! What can be wrong with a ledger, each with what to do next.

mod file;

pub use file::FileError;

use super::remote::IntakeFault;
use super::seal::KeyFileError;

/// Why the ledger cannot be used. Whatever it is, nothing is sent that is not written down.
///
/// `ledger` is the [description](super::Ledger::description) of the ledger: a path where it is a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process holds it for longer than we wait.
    #[error("the ledger {ledger} is locked by another process; try again when that one is done")]
    Locked {
        /// The ledger.
        ledger: String,
    },
    /// Its content is not a ledger's (any more).
    #[error(
        "the ledger {ledger} is damaged ({detail}). Go back to a copy of it and its `.key`, if there is one; `stanch ledger check` \
         tells more. Moved away (its `.key` with it), it is begun anew, and a new scan queues what it finds; that costs what it knew: \
         which tokens were accepted (they are sent again), how many requests the last hour had (wait for an hour), and the trail"
    )]
    Damaged {
        /// The ledger.
        ledger: String,
        /// The backend's own message.
        detail: String,
    },
    /// The key is there, and what it belongs to is not.
    #[error(
        "the ledger {ledger} is gone, or empty, and its key {key} is still there: what waited, what was sent and how many requests \
         the last hour had is lost with it. Put the ledger back from a copy. To begin anew, move the key away, and wait for an \
         hour before anything is sent: tokens that were accepted are sent again where they are found"
    )]
    Lost {
        /// The ledger.
        ledger: String,
        /// Its key.
        key: String,
    },
    /// A database, but another application's.
    #[error("{ledger} is a database, but not a ledger of stanch; name another path with --ledger")]
    Foreign {
        /// The database.
        ledger: String,
    },
    /// Written by a newer version.
    #[error("the ledger {ledger} has schema {found}, and this version knows up to {known}; update stanch")]
    TooNew {
        /// The ledger.
        ledger: String,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// Cannot be written.
    #[error(
        "the ledger {ledger} cannot be written; make the file and its directory writable, or name another with \
         --ledger or STANCH_LEDGER"
    )]
    ReadOnly {
        /// The ledger.
        ledger: String,
    },
    /// The storage is full.
    #[error(
        "no space is left for the ledger {ledger}; free some and run the same command again: nothing is sent twice"
    )]
    Full {
        /// The ledger.
        ledger: String,
    },
    /// The storage does not do what it is asked.
    #[error(
        "the ledger {ledger} cannot be read or written ({detail}); look at the disk, and run the same command again"
    )]
    Storage {
        /// The ledger.
        ledger: String,
        /// The backend's own message.
        detail: String,
    },
    /// The key is gone while tokens are sealed with it.
    #[error(
        "the key {key} is missing, and the tokens that wait in the ledger cannot be opened without it; \
         put it back, or move the ledger away and scan again"
    )]
    KeyMissing {
        /// Where the key is kept.
        key: String,
    },
    /// The key is not the one the ledger was made with.
    #[error(
        "the key {key} is not the one this ledger was made with; put the right one back, \
         or move both away and scan again. Where the right one is lost, move this one alone away, and `stanch ledger rekey` holds \
         back what it opened"
    )]
    KeyMismatch {
        /// Where the key is kept.
        key: String,
    },
    /// Another process made a new key meanwhile.
    #[error("the ledger {ledger} was given a new key meanwhile; run the same command again")]
    Rekeyed {
        /// The ledger.
        ledger: String,
    },
    /// The address names a backend that this version does not have.
    #[error(
        "no ledger can be opened at {scheme}://: name a path, postgres://USER@HOST/DB, or the https:// address of a \
         `stanch serve` with --ledger"
    )]
    UnknownScheme {
        /// The scheme of the address. Not the address itself, which may hold a password.
        scheme: String,
    },
    /// The address is that of an intake elsewhere, without TLS.
    #[error(
        "http://{host} is not this machine, and tokens go to an intake elsewhere over TLS only: name its https:// address"
    )]
    PlainHttp {
        /// The host and its port, without the rest of the address.
        host: String,
    },
    /// The address holds a password, which others on this machine can read there.
    #[error(
        "the ledger's address holds a password, which belongs into PGPASSWORD, a passfile or the user's configuration for \
         {scheme}://, and into STANCH_INTAKE_TOKEN for an intake; leave it out of the address"
    )]
    PasswordInAddress {
        /// The scheme of the address.
        scheme: String,
    },
    /// A database or an intake does not answer.
    #[error(
        "the ledger {ledger} cannot be reached ({detail}); try again when it can, nothing is lost and nothing was sent that is \
         not written down"
    )]
    Unreachable {
        /// The ledger.
        ledger: String,
        /// What went wrong on the way.
        detail: String,
    },
    /// A database that is no ledger yet.
    #[error("{ledger} has no tables of a ledger yet; `stanch ledger init` makes them")]
    NotPrepared {
        /// The ledger.
        ledger: String,
    },
    /// The tables are those of an older version.
    #[error(
        "the ledger {ledger} has schema {found}, and this version needs {known}; `stanch ledger init` brings it there"
    )]
    TooOld {
        /// The ledger.
        ledger: String,
        /// Its schema.
        found: i64,
        /// The schema needed here.
        known: i64,
    },
    /// The user of the database, or the bearer of the token, may not do this.
    #[error(
        "the ledger {ledger} does not let this be done ({detail}); ask for the right role, see docs/fleet.md"
    )]
    Denied {
        /// The ledger.
        ledger: String,
        /// The backend's own message.
        detail: String,
    },
    /// Tokens are sealed to a public key, and the private one was not named.
    #[error(
        "the tokens that wait in {ledger} open with the private key {key} alone: name its file with --key or \
         STANCH_LEDGER_KEY_FILE; a runner without it can queue with --enqueue-only"
    )]
    NoPrivateKey {
        /// The ledger.
        ledger: String,
        /// The id of the key.
        key: String,
    },
    /// Nobody has said yet to which key tokens are sealed.
    #[error(
        "the ledger {ledger} has no public key to seal tokens to; `stanch ledger keygen FILE` makes one, and \
         `stanch ledger init --seal-to FILE.pub` puts it there"
    )]
    NoPublicKey {
        /// The ledger.
        ledger: String,
    },
    /// Only a database keeps a public key; a file has a key of its own.
    #[error(
        "{ledger} is no database: a ledger in a file seals with a key of its own beside it, and takes no --seal-to"
    )]
    NotSealedTo {
        /// The ledger.
        ledger: String,
    },
    /// A new key is wanted, and none was named.
    #[error(
        "name the public half of the new key of {ledger} with --new-key FILE.pub; `stanch ledger keygen` makes one"
    )]
    NoNewKey {
        /// The ledger.
        ledger: String,
    },
    /// A new key is wanted, and tokens wait under one that is not at hand.
    #[error(
        "{tokens} of the tokens that wait in {ledger} are sealed to the key {key}, whose private half was not named: nothing was \
         changed. Name its file with --key, beside the others; where it is lost, `stanch queue withdraw` takes back what waits, \
         and a new scan queues it anew"
    )]
    KeyNotNamed {
        /// The ledger.
        ledger: String,
        /// The id of the key.
        key: String,
        /// How many tokens wait under it.
        tokens: u64,
    },
    /// A ledger that has a key was to be given another one.
    #[error(
        "the ledger {ledger} has its tokens sealed to the key {found}, and --seal-to names {named}: nothing was changed. \
         `stanch ledger rekey --new-key` gives it a new key"
    )]
    HasKey {
        /// The ledger.
        ledger: String,
        /// Its key.
        found: String,
        /// The one that was named.
        named: String,
    },
    /// The ledger asks for another key than the pinned one.
    #[error(
        "the ledger {ledger} has tokens sealed to the key {found}, and --seal-to names {pinned}; nothing was queued. Find out who \
         changed it"
    )]
    NotPinned {
        /// The ledger.
        ledger: String,
        /// The ledger's key.
        found: String,
        /// The one that was named.
        pinned: String,
    },
    /// A ledger is to be moved to itself.
    #[error(
        "{from} and {to} are the same ledger, and nothing was changed: what waits there waits where it should. Name another one to \
         move it to"
    )]
    SameLedger {
        /// One name of it.
        from: String,
        /// The other.
        to: String,
    },
    /// An intake takes tokens and tells of them, no more.
    #[error("{ledger} is an intake, which takes tokens and tells their state; {action} where its ledger is")]
    IntakeOnly {
        /// The ledger.
        ledger: String,
        /// What to do there, as in "look at the trail".
        action: &'static str,
    },
    /// An intake does not do what a runner asks of it.
    #[error(transparent)]
    Intake(#[from] IntakeFault),
    /// No home directory, so no default address.
    #[error("no home directory is known to keep the ledger in; name a path with --ledger or STANCH_LEDGER")]
    NoHome,
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers, without which no token is sealed: {0}")]
    Randomness(String),
    /// A batch that was never written down was settled.
    #[error("batch {0} is not in the ledger")]
    NoSuchBatch(u64),
    /// A file of a ledger that is kept in files.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of a key that tokens are sealed to.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Anything else the backend reports.
    #[error("the ledger {ledger} cannot be used: {detail}")]
    Backend {
        /// The ledger.
        ledger: String,
        /// The backend's own message.
        detail: String,
    },
}

impl LedgerError {
    /// Whether the same call may succeed in a moment, without anybody changing the ledger itself: another process holds it,
    /// its file system was mounted read-only, its disk is full.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            LedgerError::Locked { .. }
                | LedgerError::ReadOnly { .. }
                | LedgerError::Full { .. }
                | LedgerError::Storage { .. }
                | LedgerError::Unreachable { .. }
        )
    }
}
