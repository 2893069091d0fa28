//! Where bytes come from: each source is drained into a [`Sink`](crate::blob::Sink).

pub mod unpack;
