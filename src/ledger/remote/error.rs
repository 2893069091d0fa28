//! What can go wrong with an intake, and not with a ledger of one's own.

/// Why an intake does not do what a runner asks of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IntakeFault {
    /// Nobody gets in without a bearer token.
    #[error(
        "the intake {intake} wants a bearer token: set STANCH_INTAKE_TOKEN to the one that its operator gave you"
    )]
    NoToken {
        /// The intake.
        intake: String,
    },
    /// The bearer token is none that a header can carry.
    #[error(
        "the bearer token for the intake {intake} holds a character that no header can carry: look at STANCH_INTAKE_TOKEN"
    )]
    BadToken {
        /// The intake.
        intake: String,
    },
    /// No connection can be prepared.
    #[error("no connection to the intake {intake} can be made: {detail}")]
    Setup {
        /// The intake.
        intake: String,
        /// The message of what failed.
        detail: String,
    },
    /// What answers is no intake.
    #[error("what answers at {intake} is no intake of a `stanch serve` ({detail}): look at the address")]
    NoIntake {
        /// The address.
        intake: String,
        /// What was wrong with the answer.
        detail: String,
    },
    /// It has no queue for the host.
    #[error(
        "the intake {intake} has no queue for {host}, and nothing was queued; it has queues for {known}: --host names another \
         host, and its operator can add this one"
    )]
    NoQueue {
        /// The intake.
        intake: String,
        /// The API base that was asked for.
        host: String,
        /// Those that it serves.
        known: String,
    },
    /// It can take no sealed tokens.
    #[error(
        "the intake {intake} has no public key that tokens are sealed to, and nothing was queued: its operator makes one with \
         `stanch ledger keygen` and names it to `stanch ledger init --seal-to`"
    )]
    NoKey {
        /// The intake.
        intake: String,
    },
    /// It took some of the tokens and not the others.
    #[error("the intake {intake} did not take {tokens} of the tokens: {reasons}. The others are queued")]
    LinesRefused {
        /// The intake.
        intake: String,
        /// How many it did not take.
        tokens: u64,
        /// Why, for the first of them.
        reasons: String,
    },
    /// It is away, and what was to be queued could not be kept for it.
    #[error(
        "the intake {intake} cannot be reached ({detail}), and what was to be queued could not be kept on this machine until \
         then ({why}): run the same command again, or revoke by another ledger"
    )]
    NotSpooled {
        /// The intake.
        intake: String,
        /// What went wrong on the way.
        detail: String,
        /// Why nothing could be kept.
        why: String,
    },
}
