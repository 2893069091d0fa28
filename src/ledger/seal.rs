//! Pending tokens at rest: each is sealed with ChaCha20-Poly1305 (RFC 8439), so that a copy of the ledger alone reveals no
//! token.
//!
//! - *Version 1* of the envelope is of a ledger that is used where it is kept: a [`SealingKey`] in a file of its own seals and
//!   opens.
//! - *Version 2* is of a ledger that machines share: runners seal to a [`PublicKey`] (HPKE, RFC 9180), and only who drains
//!   has the [`PrivateKey`]. A dump of the database and everything that a runner has open no token.
//!
//! The associated data is the beginning of the envelope, and all that says where the token belongs: in version 1 the ledger's
//! random id, and in both the base of the API it is to be sent to, its kind and its fingerprint. A text that was moved to
//! another row, another queue or another ledger does not open, nor does one whose queue was given another name.
//!
//! Sealing and opening are two types, so that whoever queues tokens need not be able to read the queue.
//!
//! Nonces are random. With 96 bits, two of 2^32 tokens under one key collide with a chance below 2^-32 (the birthday
//! bound); a ledger of a billion pending tokens is beyond what 60 requests an hour can ever send.

mod envelope;
mod hybrid;
mod key_file;
mod key_id;
mod key_ring;
mod key_text;
mod open_error;
mod opener;
mod private_key;
mod public_key;
mod sealer;
mod symmetric;
#[cfg(test)]
mod tests;

pub use envelope::key_id_of;
pub use key_file::KeyFileError;
pub(super) use key_file::read_private as read_private_text;
pub use key_id::KeyId;
pub use key_ring::KeyRing;
pub use key_text::KeyTextError;
pub use open_error::OpenError;
pub use opener::Opener;
pub use private_key::PrivateKey;
pub use public_key::PublicKey;
pub use sealer::Sealer;
pub(crate) use symmetric::{KEY_LEN, LedgerId, RowMac, SealingKey, new_key, new_ledger_id};
