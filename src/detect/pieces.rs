//! Tokens in pieces: wrapped by a terminal, put together from string literals, cut by markup or colours.
//!
//! One walk reads a token's characters from its first one on. Where something else stands, a small table of gaps ([`walk`]) says
//! how far to skip and what that is called. No gap begins with a character of a token, so there is nothing to choose but
//! whether letters in front of a quotation mark belong to it: one walk more. The checksum decides.

mod bytes;
mod characters;
mod codes;
mod dump;
mod line;
mod literal;
mod markup;
mod walk;

pub(super) use characters::{Characters, FIRST, FIRST_LOOKBACK};
pub(super) use codes::Codes;
pub(super) use dump::{Dump, may_be_line as may_be_dump_line};
pub(super) use walk::{Next, Walk, next_in};
