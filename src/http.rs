//! The one room that speaks HTTP, and the one door through which a token leaves this program.
//!
//! It knows no provider: what is asked, with which headers and of whom, is in the [`Request`]. Nothing here repeats a
//! request: redirects are not followed and no retry policy is in force, because each request was counted against a quota
//! before it left. A connection is used once; those of a [`Client::reading`] are kept.

mod address;
mod certificates;
mod client;
mod downloads;
mod error;
mod exchange;
mod message;
mod secret;
mod stream;
mod trust;

pub use address::{below, is_loopback, is_loopback_host, resolved};
pub use client::{Client, Options, tls_config};
pub use downloads::Downloads;
pub use error::{SetupError, TransportError};
pub use message::{Body, Method, Request, Response};
pub use secret::basic_credential;
pub use stream::{Stream, StreamBody};
