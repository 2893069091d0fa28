//! The packets of a capture, one behind the other.

use std::io;

use crate::source::unpack::input::Input;

/// No packet is longer: the largest snapshot length that tools take is 256 KiB (`MAXIMUM_SNAPLEN` in libpcap), and USB captures a
/// megabyte.
const LONGEST: u32 = 1024 * 1024;

/// No section has more interfaces.
const MAX_INTERFACES: usize = 4096;

/// What a packet begins with: a link type (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Link {
    /// The address family in four bytes: the loopback of BSD.
    Loopback,
    Ethernet,
    /// IPv4 or IPv6.
    Ip,
    /// Linux's cooked captures, version 1 and 2: of the interface `any`.
    Cooked,
    Cooked2,
    Unknown,
}

impl Link {
    fn of(number: u32) -> Link {
        match number & 0xffff {
            0 | 108 => Link::Loopback,
            1 => Link::Ethernet,
            12 | 14 | 101 | 228 | 229 => Link::Ip,
            113 => Link::Cooked,
            276 => Link::Cooked2,
            _ => Link::Unknown,
        }
    }
}

/// Whether a capture begins so: the magic number in either byte order, with microseconds, nanoseconds, or longer headers; or
/// pcapng's section header, and its byte order.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(
        head,
        [0xa1, 0xb2, 0xc3, 0xd4, ..]
            | [0xd4, 0xc3, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0x3c, 0x4d, ..]
            | [0x4d, 0x3c, 0xb2, 0xa1, ..]
            | [0xa1, 0xb2, 0xcd, 0x34, ..]
            | [0x34, 0xcd, 0xb2, 0xa1, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d, ..]
            | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a, ..]
    )
}

/// Reads packets.
pub(super) struct Records {
    big: bool,
    /// The links of the interfaces; one for a whole pcap.
    links: Vec<Link>,
    /// How long the header of a packet is, where they have no blocks.
    packet_header: Option<usize>,
    met_unknown: bool,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Records {
    /// Reads the file's header.
    pub(super) fn new(input: &mut Input<'_>) -> io::Result<Records> {
        let mut records = Records { big: false, links: Vec::new(), packet_header: None, met_unknown: false };
        if input.peek(4)? == [0x0a, 0x0d, 0x0d, 0x0a] {
            return Ok(records);
        }
        let header = input.read_bytes(24)?;
        records.big = header.first() == Some(&0xa1);
        let modified =
            header.starts_with(&[0xa1, 0xb2, 0xcd, 0x34]) || header.starts_with(&[0x34, 0xcd, 0xb2, 0xa1]);
        records.packet_header = Some(if modified { 24 } else { 16 });
        // The upper bits state a frame check sequence.
        records.links.push(Link::of(records.number(&header, 20)));
        Ok(records)
    }

    /// Whether there were packets of a link that is not known.
    pub(super) fn has_unknown_link(&self) -> bool {
        self.met_unknown
    }

    fn number(&self, bytes: &[u8], at: usize) -> u32 {
        let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied().unwrap_or_default();
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// The next packet, and what it begins with; none at the end.
    pub(super) fn next(&mut self, input: &mut Input<'_>) -> io::Result<Option<(Link, Vec<u8>)>> {
        loop {
            if input.peek(1)?.is_empty() {
                return Ok(None);
            }
            let found = match self.packet_header {
                Some(len) => {
                    let header = input.read_bytes(len)?;
                    let len = self.number(&header, 8);
                    if len > LONGEST {
                        return Err(damaged("a packet longer than any"));
                    }
                    Some((0, input.read_bytes(len as usize)?))
                }
                None => self.read_block(input)?,
            };
            let Some((interface, packet)) = found else { continue };
            match self.links.get(interface) {
                Some(Link::Unknown) | None => self.met_unknown = true,
                Some(link) => return Ok(Some((*link, packet))),
            }
        }
    }

    /// Reads one block of pcapng; the interface and the packet, where it is one.
    fn read_block(&mut self, input: &mut Input<'_>) -> io::Result<Option<(usize, Vec<u8>)>> {
        let head = input.peek(12)?.to_vec();
        if head.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]) {
            // Each section has a byte order and interfaces of its own.
            self.big = head.get(8) == Some(&0x1a);
            self.links.clear();
        }
        let (kind, len) = (self.number(&head, 0), self.number(&head, 4));
        if len < 12 || len % 4 != 0 {
            return Err(damaged("a block of no length"));
        }
        if !matches!(kind, 1 | 2 | 3 | 6) || len > LONGEST + 4096 {
            // Blocks that nobody here asks for, and a packet that is none.
            return if input.skip(len.into())? { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        let block = input.read_bytes(len as usize)?;
        let half = |at: usize| {
            let word = self.number(&block, at);
            if self.big { word >> 16 } else { word & 0xffff }
        };
        let (interface, captured, at) = match kind {
            1 => {
                if self.links.len() < MAX_INTERFACES {
                    self.links.push(Link::of(half(8)));
                }
                return Ok(None);
            }
            // The obsolete packet block, the simple one, and the enhanced one.
            2 => (half(8), self.number(&block, 20), 28_usize),
            3 => (0, self.number(&block, 8), 12),
            _ => (self.number(&block, 8), self.number(&block, 20), 28),
        };
        let end = block.len().saturating_sub(4);
        let end = at.saturating_add(captured as usize).min(end);
        Ok(block.get(at..end).map(|packet| (interface as usize, packet.to_vec())))
    }
}
