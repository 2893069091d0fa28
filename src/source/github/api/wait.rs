//! What a run waits for, told once to whoever shows it.

use std::fmt;

use jiff::Timestamp;

/// Called when all threads begin to wait for the API, and when they go on.
pub type Watch = Box<dyn Fn(&Wait) + Send + Sync>;

/// A wait that all threads share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing is asked until then.
    Until(Timestamp, WaitReason),
    /// It goes on.
    Over,
}

/// Why nothing is asked for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// The hour's requests are used up: of this resource, as the API calls it.
    Quota(String),
    /// The API asks for a pause: too much at once.
    Pause,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WaitReason::Quota(resource) if resource == "core" => {
                f.write_str("the API's primary rate limit is used up for this credential")
            }
            WaitReason::Quota(resource) => {
                write!(f, "the API's primary rate limit is used up for this credential ({resource})")
            }
            WaitReason::Pause => f.write_str("the API asks for a pause (secondary rate limit)"),
        }
    }
}
