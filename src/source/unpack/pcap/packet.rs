//! From a packet to the segment of TCP in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::records::Link;

/// A segment of TCP (RFC 9293, 3.1).
#[derive(Debug, PartialEq)]
pub(super) struct Segment<'p> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) sequence: u32,
    /// Whether it begins a connection.
    pub(super) syn: bool,
    pub(super) data: &'p [u8],
}

/// The protocols behind Ethernet's type field (IEEE 802 numbers): IPv4, IPv6, and what carries another type behind a tag.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
const TCP: u8 = 6;

/// No packet has more tags or headers.
const MAX_HEADERS: usize = 8;

/// The segment in a packet, if there is one.
pub(super) fn tcp(link: Link, packet: &[u8]) -> Option<Segment<'_>> {
    let ip = match link {
        Link::Ip => packet,
        // The family differs between systems; the version of the address stands in the packet.
        Link::Loopback => packet.get(4..)?,
        Link::Ethernet => behind_type(packet, 12)?,
        Link::Cooked => behind_type(packet, 14)?,
        Link::Cooked2 => {
            let kind = be16(packet, 0)?;
            (kind == IPV4 || kind == IPV6).then(|| packet.get(20..))??
        }
        Link::Unknown => return None,
    };
    match ip.first()? >> 4 {
        4 => ipv4(ip),
        6 => ipv6(ip),
        _ => None,
    }
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What stands behind a type field and its tags (IEEE 802.1Q).
fn behind_type(packet: &[u8], mut at: usize) -> Option<&[u8]> {
    for _ in 0..MAX_HEADERS {
        let kind = be16(packet, at)?;
        if kind == IPV4 || kind == IPV6 {
            return packet.get(at + 2..);
        }
        if !VLAN.contains(&kind) {
            return None;
        }
        at += 4;
    }
    None
}

/// RFC 791, 3.1.
fn ipv4(ip: &[u8]) -> Option<Segment<'_>> {
    let header = usize::from(ip.first()? & 15) * 4;
    let total = usize::from(be16(ip, 2)?);
    // Only a whole one, or the first fragment, begins with TCP's header.
    let is_first = be16(ip, 6)?.trailing_zeros() >= 13;
    if *ip.get(9)? != TCP || header < 20 || !is_first {
        return None;
    }
    let address = |at: usize| Some(IpAddr::V4(Ipv4Addr::from(*ip.get(at..)?.first_chunk::<4>()?)));
    // Cards that cut segments themselves leave a length of 0.
    let end = if total == 0 { ip.len() } else { total.min(ip.len()) };
    segment(ip.get(header..end)?, address(12)?, address(16)?)
}

/// RFC 8200, 3 and 4.
fn ipv6(ip: &[u8]) -> Option<Segment<'_>> {
    let len = usize::from(be16(ip, 4)?);
    let end = if len == 0 { ip.len() } else { (40 + len).min(ip.len()) };
    let address = |at: usize| Some(IpAddr::V6(Ipv6Addr::from(*ip.get(at..)?.first_chunk::<16>()?)));
    let (mut next, mut at) = (*ip.get(6)?, 40);
    for _ in 0..MAX_HEADERS {
        match next {
            TCP => return segment(ip.get(at..end)?, address(8)?, address(24)?),
            // Hop-by-hop options, routing, destination options.
            0 | 43 | 60 => {
                next = *ip.get(at)?;
                at += 8 + usize::from(*ip.get(at + 1)?) * 8;
            }
            // The first fragment.
            44 if be16(ip, at + 2)? & 0xfff8 == 0 => {
                next = *ip.get(at)?;
                at += 8;
            }
            _ => return None,
        }
    }
    None
}

fn segment(tcp: &[u8], from: IpAddr, to: IpAddr) -> Option<Segment<'_>> {
    let header = usize::from(tcp.get(12)? >> 4) * 4;
    if header < 20 {
        return None;
    }
    Some(Segment {
        from: SocketAddr::new(from, be16(tcp, 0)?),
        to: SocketAddr::new(to, be16(tcp, 2)?),
        sequence: u32::from_be_bytes(*tcp.get(4..)?.first_chunk()?),
        syn: tcp.get(13)? & 2 != 0,
        data: tcp.get(header..)?,
    })
}
