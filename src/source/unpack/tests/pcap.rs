//! Captures: connections put together from packets of every link.

use super::pack;
use super::support::*;
use crate::blob::FaultKind;
use crate::source::unpack::Limits;

/// A segment from one of two hosts to the other.
#[derive(Clone)]
struct Segment {
    from_server: bool,
    sequence: u32,
    syn: bool,
    data: Vec<u8>,
    v6: bool,
}

impl Segment {
    fn new(sequence: u32, data: &[u8]) -> Self {
        Segment { from_server: true, sequence, syn: false, data: data.to_vec(), v6: false }
    }

    fn ports(&self) -> [u8; 4] {
        let (client, server) = (40_000_u16.to_be_bytes(), 80_u16.to_be_bytes());
        let [from, to] = if self.from_server { [server, client] } else { [client, server] };
        [from[0], from[1], to[0], to[1]]
    }

    fn tcp(&self) -> Vec<u8> {
        let flags = [0x60, if self.syn { 2 } else { 0x10 }];
        // Six words of header: one of options.
        [&self.ports()[..], &self.sequence.to_be_bytes(), &[0; 4], &flags, &[0; 6], &[1; 4], &self.data]
            .concat()
    }

    fn ip(&self) -> Vec<u8> {
        let tcp = self.tcp();
        let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
        let [from, to] = if self.from_server { [server, client] } else { [client, server] };
        if self.v6 {
            let wide = |host: [u8; 4]| [&[0xfd, 0][..], &[0; 10], &host].concat();
            let len = u16::try_from(tcp.len() + 8).unwrap_or(0).to_be_bytes();
            // Behind a header of destination options.
            let options = [6, 0, 1, 4, 0, 0, 0, 0];
            return [&[0x60, 0, 0, 0][..], &len, &[60, 64], &wide(from), &wide(to), &options, &tcp].concat();
        }
        let len = u16::try_from(tcp.len() + 20).unwrap_or(0).to_be_bytes();
        [&[0x45, 0][..], &len, &[0, 1, 0x40, 0, 64, 6, 0, 0], &from, &to, &tcp].concat()
    }
}

/// A packet over a link of this number.
fn packet(link: u32, segment: &Segment) -> Vec<u8> {
    let kind: &[u8] = if segment.v6 { b"\x86\xdd" } else { b"\x08\x00" };
    let ip = segment.ip();
    match link {
        // Ethernet fills short packets up.
        1 => [&[2; 12][..], b"\x81\x00\x00\x05", kind, &ip, &[0; 6]].concat(),
        0 => [&[2, 0, 0, 0][..], &ip].concat(),
        113 => [&[0; 14][..], kind, &ip].concat(),
        276 => [kind, &[0; 18], &ip].concat(),
        _ => ip,
    }
}

fn pcap(link: u32, big: bool, segments: &[Segment]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut out =
        [number(0xa1b2_c3d4), number(0x0004_0002), [0; 4], [0; 4], number(65_535), number(link)].concat();
    for segment in segments {
        let packet = packet(link, segment);
        let len = number(u32::try_from(packet.len()).unwrap_or(0));
        out.extend([&number(1)[..], &number(2), &len, &len, &packet].concat());
    }
    out
}

fn pcapng(link: u32, big: bool, segments: &[Segment]) -> Vec<u8> {
    let number = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let padded = [body, &[0; 3][..(4 - body.len() % 4) % 4]].concat();
        let len = number(u32::try_from(padded.len() + 12).unwrap_or(0));
        [&number(kind)[..], &len, &padded, &len].concat()
    };
    let half = |value: u16| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut out = block(0x0a0d_0d0a, &[&number(0x1a2b_3c4d)[..], &[0; 4], &[0xff; 8]].concat());
    out.extend(block(0x0bad, b"a block that nobody knows"));
    out.extend(block(1, &[&half(u16::try_from(link).unwrap_or(0))[..], &[0; 2], &number(0)].concat()));
    for (n, segment) in segments.iter().enumerate() {
        let packet = packet(link, segment);
        let len = number(u32::try_from(packet.len()).unwrap_or(0));
        out.extend(if n % 2 == 0 {
            block(6, &[&number(0)[..], &[0; 8], &len, &len, &packet, &[0; 4]].concat())
        } else {
            block(3, &[&len[..], &packet].concat())
        });
    }
    out
}

const STREAM: &str = "a.pcap!10.0.0.2:80-10.0.0.1:40000";

/// A text in segments of eleven bytes, from this number on.
fn segments(text: &[u8], first: u32) -> Vec<Segment> {
    let numbers = (0..).map(|n: u32| first.wrapping_add(n * 11));
    numbers.zip(text.chunks(11)).map(|(sequence, part)| Segment::new(sequence, part)).collect()
}

#[track_caller]
fn found_as(bytes: &[u8], path: &str) {
    for form in FORMS {
        let outcome = unpack_as(form, "a.pcap", bytes, Limits::default()).faultless();
        assert_eq!(outcome.found, [Found::content(path, OFFSET, LINE)], "{form:?}");
        let nested = pack::gzip(&pack::tar(&[("a.pcap", bytes)]));
        let outcome = unpack_as(form, "t.tgz", &nested, Limits::default()).faultless();
        assert_eq!(outcome.found.len(), 1, "nested, {form:?}");
    }
}

#[test]
fn connections_over_every_link() {
    let parts = segments(&text(1), 1000);
    for link in [0, 1, 101, 113, 276] {
        for big in [false, true] {
            found_as(&pcap(link, big, &parts), STREAM);
            found_as(&pcapng(link, big, &parts), STREAM);
        }
    }
    let v6: Vec<_> = parts.into_iter().map(|part| Segment { v6: true, ..part }).collect();
    for link in [0, 1, 101, 113, 276] {
        found_as(&pcap(link, false, &v6), "a.pcap![fd00::a00:2]:80-[fd00::a00:1]:40000");
    }
}

#[test]
fn segments_come_twice_and_late_and_the_numbers_wrap() {
    let mut parts = segments(&text(1), u32::MAX - 40);
    let syn = Segment { syn: true, ..Segment::new(u32::MAX - 41, b"") };
    parts.swap(3, 4);
    parts.swap(5, 7);
    let again = parts[2].clone();
    parts.insert(4, again.clone());
    parts.push(again);
    // One that overlaps two.
    let all = text(1);
    parts.insert(1, Segment::new((u32::MAX - 40).wrapping_add(5), &all[5..30]));
    parts.insert(0, syn);
    // And what the other side says in between.
    parts.insert(3, Segment { from_server: false, ..Segment::new(7, b"GET / HTTP/1.0\r\n\r\n") });
    found_as(&pcap(1, false, &parts), STREAM);
}

#[test]
fn another_connection_between_the_same_ports_is_one_of_its_own() {
    let mut parts = segments(&text(1), 1000);
    parts.push(Segment { syn: true, ..Segment::new(1010, b"") });
    parts.extend(segments(&text(2), 1011));
    let outcome = unpack("a.pcap", &pcap(1, false, &parts)).faultless();
    assert_eq!(outcome.found, [STREAM; 2].map(|path| Found::content(path, OFFSET, LINE)));
}

#[test]
fn http_in_a_connection_is_read() {
    let body = pack::gzip(&text(1));
    let response = [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        format!("{:x}\r\n", body.len()).into_bytes(),
        body,
        b"\r\n0\r\n\r\n".to_vec(),
    ]
    .concat();
    found_as(&pcap(1, false, &segments(&response, 5)), &format!("{STREAM}!body 1"));
}

#[test]
fn a_gap_joins_nothing() {
    let mut parts = segments(&text(1), 1000);
    parts.remove(4);
    for form in FORMS {
        let outcome = unpack_as(form, "a.pcap", &pcap(1, false, &parts), Limits::default()).faultless();
        assert_eq!(outcome.found, []);
    }
    let whole = segments(&text(1), 1000);
    let wireless = pcap(105, false, &whole);
    let outcome = unpack("a.pcap", &wireless);
    assert!(outcome.found.is_empty());
    assert_eq!(outcome.faults.len(), 1, "a link that is not known is told of");
}

#[test]
fn a_capture_that_needs_more_memory_than_there_may_be_is_reported() {
    let parts: Vec<_> = (0..3000)
        .map(|n: u32| Segment::new(n * 1400, &noise(1400)))
        .chain(segments(&text(1), 3000 * 1400))
        .collect();
    let limits = Limits { max_memory: 4 << 20, ..Limits::default() };
    let outcome = unpack_as(Form::File(700), "a.pcap", &pcap(1, false, &parts), limits);
    assert_eq!(outcome.found.iter().map(|at| at.path.as_str()).collect::<Vec<_>>(), [STREAM]);
    assert!(outcome.faults.iter().any(|(_, kind, _)| *kind == FaultKind::CutShort), "{:?}", outcome.faults);
}

#[test]
fn what_is_cut_or_changed_anywhere_ends_all_the_same() {
    let parts = segments(&text(1), 1000);
    for bytes in [pcap(1, false, &parts), pcapng(276, true, &parts)] {
        for len in (0..bytes.len()).step_by(3) {
            unpack_as(FORMS[len % 4], "a.pcap", &bytes[..len], Limits::default());
        }
        let random = noise(4 * bytes.len());
        for (n, change) in random.chunks(4).enumerate() {
            let mut changed = bytes.clone();
            let len = changed.len();
            changed[n % len] = change[0];
            changed[usize::from(change[1]) * 7 % len] ^= change[2];
            unpack_as(FORMS[n % 4], "a.pcap", &changed, Limits::default());
        }
    }
}
