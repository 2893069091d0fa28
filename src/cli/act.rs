//! What a run does with the tokens that it plans to revoke, in words.

/// What is done with tokens that are to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// They are sent.
    Send,
    /// They are queued, for a `stanch serve` to send.
    Queue,
}

impl Act {
    /// The verb.
    pub(super) const fn verb(self) -> &'static str {
        match self {
            Act::Send => "send",
            Act::Queue => "queue",
        }
    }

    /// Its participle.
    pub(super) const fn done(self) -> &'static str {
        match self {
            Act::Send => "sent",
            Act::Queue => "queued",
        }
    }
}
