//! Buffers for the objects of a pack.

use std::cell::Cell;

use libdeflater::Decompressor;

use super::pack::EntryReader;

/// Buffers of more bytes are freed rather than kept for the next object.
const MAX_SPARE_BUFFER: usize = 4 << 20;

/// How many buffers are kept.
const MAX_SPARE: usize = 4;

/// What a thread needs for each object, and keeps for the next.
pub(super) struct Scratch {
    pub(super) inflater: Decompressor,
    pub(super) reader: EntryReader,
    pub(super) delta: Vec<u8>,
    pub(super) new_bytes: Vec<u8>,
    pub(super) spare: Vec<Vec<u8>>,
}

/// How many bytes of a pack are read at once: entries that follow one another are often needed one after the other.
const READ_AT_ONCE: usize = 4 << 10;

impl Default for Scratch {
    fn default() -> Self {
        Scratch {
            inflater: Decompressor::new(),
            reader: EntryReader::new(READ_AT_ONCE),
            delta: Vec::new(),
            new_bytes: Vec::new(),
            spare: Vec::new(),
        }
    }
}

thread_local! {
    static KEPT: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

impl Scratch {
    /// What the thread has kept.
    pub(super) fn take() -> Box<Self> {
        KEPT.take().unwrap_or_default()
    }

    /// Keeps all of it for the thread's next task.
    pub(super) fn keep(self: Box<Self>) {
        KEPT.set(Some(self));
    }

    /// Keeps a buffer for the next object.
    pub(super) fn recycle(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= MAX_SPARE_BUFFER && self.spare.len() < MAX_SPARE {
            self.spare.push(bytes);
        }
    }
}
