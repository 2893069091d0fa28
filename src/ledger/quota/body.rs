//! What is known of the length of requests.

/// How many tokens a request may carry where something on the way limits its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BodyLimit {
    /// At the most, once a request was too long.
    pub(crate) tokens: Option<u32>,
    /// The most that were taken since.
    pub(crate) taken: u32,
}

impl BodyLimit {
    /// A request of `size` tokens was taken.
    pub(super) fn observe_taken(&mut self, size: u32) {
        if self.tokens.is_some() {
            self.taken = self.taken.max(size);
        }
    }

    /// A request of `size` tokens was too long. False where as many were taken before, so that the length is not to blame.
    pub(super) fn observe_too_large(&mut self, size: u32) -> bool {
        if size <= self.taken.max(1) {
            *self = BodyLimit::default();
            return false;
        }
        self.tokens = Some((size / 2).max(self.taken));
        true
    }
}
