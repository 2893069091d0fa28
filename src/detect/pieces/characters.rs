//! Where the characters of a token come from.

/// The characters of what may be a token, one by one.
pub(in crate::detect) trait Characters {
    /// The next one, if there is one.
    fn next(&mut self) -> Option<u8>;

    /// Where the first one starts.
    fn start(&self) -> usize;

    /// Where the last one ends that was read.
    fn end(&self) -> usize;

    /// How often something else stood between two of them that were read.
    fn cuts(&self) -> usize {
        0
    }
}

/// How many bytes from a token's start on its first characters are read that decide whether it may be one, and how far in front
/// of it these depend on what is there.
pub(in crate::detect) const FIRST: usize = 96;
pub(in crate::detect) const FIRST_LOOKBACK: usize = 64;
