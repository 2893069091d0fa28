//! Blobs by their ids, for a sink: a small one whole, a large one as a stream, one that is too large not at all.

use std::io::Read;

use gix::oid;

use super::error::ReadError;
use super::object::{Kind, compute_id};
use super::object_parts::{blob_origin, scan_bytes, scan_object, scan_stream};
use super::repo::Repo;
use super::visitor::STREAM_THRESHOLD;
use crate::blob::{Origin, Sink};

impl Repo {
    /// Passes the blob `id` to `sink`, and counts it; of a pointer to Git LFS, the content, too. How large it is, is known
    /// before it is read.
    pub(super) fn scan_blob(
        &self,
        id: &oid,
        sink: &dyn Sink,
        origin: &dyn Fn() -> Origin,
    ) -> Result<(), ReadError> {
        let (kind, size) = self.store.header(id)?;
        if kind != Kind::Blob {
            return Err(ReadError::Damaged);
        }
        if self.max_blob_size.skips(id, size, sink) {
            return Ok(());
        }
        if size > STREAM_THRESHOLD {
            return self.store.stream(id, &mut |inflated: &mut dyn Read| scan_stream(sink, inflated, origin));
        }
        let mut bytes = Vec::new();
        self.read_as(Kind::Blob, id, &mut bytes)?;
        sink.meter().objects(1, bytes.len() as u64);
        scan_bytes(sink, &bytes, origin);
        self.lfs.scan(&bytes, self.max_blob_size.bytes(), sink, origin);
        Ok(())
    }

    /// Passes an object to `sink` of which one copy is damaged: from another one, if that is sound.
    pub(super) fn scan_sound_copy(&self, id: &oid, sink: &dyn Sink) -> Result<(), ReadError> {
        if matches!(self.store.header(id)?, (Kind::Blob, size) if size > STREAM_THRESHOLD) {
            return self.scan_blob(id, sink, &|| blob_origin(id));
        }
        let is_sound = |kind: Kind, bytes: &[u8]| {
            compute_id(kind, bytes, self.hash()).is_some_and(|found| *found == *id)
        };
        let (kind, bytes) = self.store.read_sound(id, &is_sound).ok_or(ReadError::Damaged)?;
        if kind == Kind::Blob && self.max_blob_size.skips(id, bytes.len(), sink) {
            return Ok(());
        }
        sink.meter().objects(1, bytes.len() as u64);
        sink.meter().commits(u64::from(kind == Kind::Commit));
        scan_object(sink, kind, id, &bytes);
        if kind == Kind::Blob {
            self.lfs.scan(&bytes, self.max_blob_size.bytes(), sink, &|| blob_origin(id));
        }
        Ok(())
    }
}
