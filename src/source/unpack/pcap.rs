//! Captures of a network: pcap (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/>) and pcapng
//! (<https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/>). What each TCP connection carried is put together, one member for
//! each direction; the packets themselves are scanned as they are.

mod packet;
mod records;
mod streams;

use std::io;

use super::bounded_reader::StreamError;
use super::format::{Format, Reader, Signature};
use super::input::Input;
use super::limits::Limit;
use super::open_container::{Content, MemberName, OpenContainer, Region};
use super::twice::scan_and_read;
use crate::blob::Body;
use records::Records;
use streams::Streams;

/// Its row in the table of formats.
pub(super) static FORMAT: Format = Format {
    name: "pcap",
    first_bytes: &[0xa1, 0xd4, 0x4d, 0x0a],
    begins: records::begins,
    signature: Signature::Strong,
    at_end: None,
    reader: Reader::Archive(open),
    merges_with_compressor: false,
    member_path: "a.pcap!10.0.0.1:1234-10.0.0.2:80",
};

/// Hands on what connections carried.
pub(super) fn open(container: &OpenContainer<'_>, body: Body<'_>) {
    scan_and_read(container, body, |quiet, input| {
        // A capture that was cut off is read up to there, and reported.
        let read = read_packets(quiet, container, input);
        if let Err(error) = &read {
            container.report(Region::Raw(0), StreamError::Damaged(error.to_string()), None);
        }
        read.is_ok()
    });
}

fn read_packets(
    quiet: &OpenContainer<'_>,
    loud: &OpenContainer<'_>,
    input: &mut Input<'_>,
) -> io::Result<()> {
    let mut streams = Streams::default();
    let mut records = Records::new(input)?;
    let mut outcome = Ok(());
    let mut is_cut = false;
    while quiet.may_continue() {
        match records.next(input) {
            Ok(None) => break,
            Ok(Some((link, packet))) => {
                let Some(segment) = packet::tcp(link, &packet) else { continue };
                let (full, replaced) = streams.take(&segment, quiet.budget);
                if let Some(replaced) = replaced {
                    hand_over(quiet, replaced);
                }
                if full {
                    // What is there is handed on, and what comes later stands for itself.
                    is_cut = true;
                    streams.drain().for_each(|stream| hand_over(quiet, stream));
                }
            }
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    streams.drain().for_each(|stream| hand_over(quiet, stream));
    if is_cut {
        loud.report(Region::Raw(0), StreamError::LimitReached(Limit::Memory), None);
    }
    if records.has_unknown_link() {
        let reason = "connections over a kind of link that is not known were not put together".to_owned();
        loud.report_unreadable(Region::Raw(0), reason);
    }
    outcome
}

/// Hands on one direction of a connection.
fn hand_over(container: &OpenContainer<'_>, stream: streams::Stream) {
    let name = MemberName::from_text(stream.name());
    let bytes = stream.join();
    if !bytes.is_empty() && container.begin_member(&name) {
        container.hand_over(Region::Member(&name), Content::Memory(&bytes));
    }
}
