//! What a needle says of what is around it.

use crate::detect::decode::CharEncoding;
use crate::detect::decode::base85::Base85;

/// Which part of a token a needle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum NeedleKind {
    /// The first characters of a token; others may be encoded.
    TokenStart,
    /// Some of the first five characters of a token, its `g` close in front of them; others may be encoded.
    InsidePrefix,
    /// An encoded first or second character.
    Percent,
    /// The digits of an encoded first character, whose start is in front of them.
    Digits,
    /// The start of an encoded first or second character, a letter or bracket in front of its digits: `\u{67}`, `\x68`.
    Escape,
    /// The start of a token of which every character is encoded so.
    Encoded(CharEncoding),
    /// The underscore of a prefix in UTF-16 or UTF-32, of either byte order.
    Utf16,
    /// The first letter of a token as a string literal or character of its own.
    Quoted,
    /// The middle of `github_pat_`, which may be cut in front of it.
    PrefixMiddle,
    /// The end of a prefix that is written backwards, up to its underscore.
    Reversed,
    /// A line end, and the first digits of an offset in a dump.
    DumpLine,
    /// The digits of a first character in a list of numbers.
    Number,
    /// What is encoded as a whole begins here.
    Mark(Mark),
    /// The `h` of a prefix in full-width letters in UTF-16, of either byte order.
    FullWidthUtf16,
}

/// What says that something is encoded as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::detect) enum Mark {
    /// The end of `begin`, and the mode of a uuencoded file.
    Begin,
    /// A prefix in a line of uuencode, or most of it.
    UuencodedPrefix,
    /// `<~` of ASCII85, and the byte before.
    Ascii85,
    /// The end of a line, and what a binary patch of git begins with.
    Patch,
    /// A prefix that is the first group of base85.
    Base85Prefix(Base85),
}

/// What is looked for, and what part of a token it is.
pub(super) type Needle = (&'static [u8], NeedleKind);

/// How many buckets Teddy has.
pub(super) const BUCKETS: usize = 8;
