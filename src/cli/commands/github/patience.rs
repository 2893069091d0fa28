//! Tries again what a git server may give a little later: the API has its own patience.

use std::time::{Duration, Instant};

use crate::meter::CancelFlag;
use crate::source::github::GitError;

/// How long a server is left alone that has trouble, before it is asked again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// How soon a run that is to end is noticed.
const POLL: Duration = Duration::from_millis(50);

/// Fetches, and fetches again after a while where the server had trouble or could not be reached.
pub(super) fn patiently<T>(
    cancel: &CancelFlag,
    fetch: impl Fn() -> Result<T, GitError>,
) -> Result<T, GitError> {
    for pause in PAUSES {
        match fetch() {
            Err(GitError::Server(_) | GitError::Unreachable(_)) if !cancel.is_cancelled() => {}
            fetched => return fetched,
        }
        let until = Instant::now() + pause;
        while Instant::now() < until && !cancel.is_cancelled() {
            std::thread::sleep(POLL);
        }
    }
    fetch()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let tried = Cell::new(0);
        let answers = [Err(GitError::Server("503".to_owned())), Ok(7)];
        let cancel = CancelFlag::default();
        let fetched = patiently(&cancel, || {
            tried.set(tried.get() + 1);
            answers[tried.get() - 1].clone()
        });
        assert_eq!((fetched, tried.get()), (Ok(7), 2));
        let gone = || Err::<(), _>(GitError::NotFound(String::new()));
        assert_eq!(patiently(&cancel, gone), gone());
        cancel.cancel();
        let begun = Instant::now();
        let trouble = || Err::<(), _>(GitError::Server(String::new()));
        assert_eq!(patiently(&cancel, trouble), trouble());
        assert!(begun.elapsed() < PAUSES[0]);
    }
}
