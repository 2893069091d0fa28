//! Connections, put together by the numbers of their bytes: segments come twice, late, and not at all.

use std::collections::HashMap;
use std::net::SocketAddr;

use zeroize::Zeroize as _;

use super::packet::Segment;
use crate::source::unpack::budget::Budget;
use crate::source::unpack::memory::Reservation;

/// How many bytes are reserved at a time.
const STEP: u64 = 1024 * 1024;
/// What a segment costs beside its bytes, and a stream.
const OVERHEAD: u64 = 128;

/// The directions of all connections.
#[derive(Default)]
pub(super) struct Streams {
    by_ports: HashMap<(SocketAddr, SocketAddr), Stream>,
    /// In which order they began.
    begun: u64,
    held: u64,
    reservations: Vec<Reservation>,
}

/// One direction of a connection.
pub(super) struct Stream {
    from: SocketAddr,
    to: SocketAddr,
    begun: u64,
    /// The number of the byte that was seen last, and how far it is from the first one.
    last: (u32, i64),
    segments: Vec<(i64, Vec<u8>)>,
}

impl Streams {
    /// Takes a segment; whether there is no more room, and a stream that ended because another one began between the same ports.
    pub(super) fn take(&mut self, segment: &Segment<'_>, budget: &Budget) -> (bool, Option<Stream>) {
        let key = (segment.from, segment.to);
        let mut replaced = None;
        if segment.syn && self.by_ports.get(&key).is_some_and(|stream| !stream.segments.is_empty()) {
            replaced = self.by_ports.remove(&key);
        }
        if segment.data.is_empty() && !segment.syn {
            return (false, replaced);
        }
        let begun = self.begun;
        let stream = self.by_ports.entry(key).or_insert_with(|| {
            self.begun += 1;
            self.held += OVERHEAD;
            Stream { from: key.0, to: key.1, begun, last: (segment.sequence, 0), segments: Vec::new() }
        });
        // The number of a segment that begins a connection is that of a byte that is none.
        let sequence = segment.sequence.wrapping_add(u32::from(segment.syn));
        let step = sequence.wrapping_sub(stream.last.0).cast_signed();
        let at = stream.last.1 + i64::from(step);
        stream.last = (sequence, at);
        let is_new = |(before, data): &(i64, Vec<u8>)| *before != at || data.len() < segment.data.len();
        // Repeated at once, most often.
        if !segment.data.is_empty() && stream.segments.last().is_none_or(is_new) {
            stream.segments.push((at, segment.data.to_vec()));
            self.held += segment.data.len() as u64 + OVERHEAD;
        }
        // Once for what is kept, and once for what is put together of it.
        while self.reservations.len() as u64 * STEP < 2 * self.held {
            let Ok(reservation) = budget.reserve(STEP) else { return (true, replaced) };
            self.reservations.push(reservation);
        }
        (false, replaced)
    }

    /// All streams, in the order in which they began; none is left.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Stream> + use<> {
        let mut streams: Vec<Stream> = self.by_ports.drain().map(|(_, stream)| stream).collect();
        streams.sort_by_key(|stream| stream.begun);
        self.held = 0;
        self.reservations.clear();
        streams.into_iter()
    }
}

impl Stream {
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.from, self.to)
    }

    /// Its bytes in their order, each once; where some were not captured, a zero stands.
    pub(super) fn join(mut self) -> zeroize::Zeroizing<Vec<u8>> {
        self.segments.sort_by_key(|(at, _)| *at);
        let len = self.segments.iter().map(|(_, data)| data.len() + 1).sum();
        let mut joined = zeroize::Zeroizing::new(Vec::with_capacity(len));
        let mut end = self.segments.first().map_or(0, |(at, _)| *at);
        for (at, data) in &self.segments {
            if *at > end {
                joined.push(0);
                end = *at;
            }
            let known = usize::try_from(end - at).unwrap_or(0);
            let new = data.get(known..).unwrap_or_default();
            joined.extend_from_slice(new);
            end += i64::try_from(new.len()).unwrap_or(0);
        }
        joined
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.segments.iter_mut().for_each(|(_, data)| data.zeroize());
    }
}
