//! An encrypted `OpenPGP` message that is not armoured (RFC 9580): a packet with the session key, or with how to make it of a
//! passphrase, and another packet behind it.

/// Public-Key Encrypted Session Key, and Symmetric-Key Encrypted Session Key (RFC 9580, 5).
const PUBLIC: u8 = 1;
const SYMMETRIC: u8 = 3;

/// Whether a message begins so.
pub(super) fn begins(head: &[u8]) -> bool {
    let Some((tag, body, rest)) = packet(head) else { return false };
    let is_key = match tag {
        PUBLIC => is_public(body),
        SYMMETRIC => is_symmetric(body),
        _ => false,
    };
    // More such packets, then the data: old, with integrity, or with authentication; a marker may come between.
    is_key && next_tag(rest).is_none_or(|tag| matches!(tag, 1 | 3 | 9 | 10 | 18 | 20))
}

/// The tag of a packet, its body, and what stands behind it (RFC 9580, 4.2). Only short packets have such tags.
fn packet(head: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (first, rest) = head.split_first()?;
    let (tag, len, rest) = if first & 0x40 != 0 {
        let (len, rest) = rest.split_first()?;
        match len {
            0..192 => (first & 0x3f, usize::from(*len), rest),
            192..224 => {
                let (low, rest) = rest.split_first()?;
                (first & 0x3f, ((usize::from(*len) - 192) << 8) + usize::from(*low) + 192, rest)
            }
            _ => return None,
        }
    } else {
        let tag = first >> 2 & 15;
        match first & 3 {
            0 => (tag, usize::from(*rest.first()?), rest.get(1..)?),
            1 => (tag, usize::from(u16::from_be_bytes(*rest.first_chunk()?)), rest.get(2..)?),
            _ => return None,
        }
    };
    let (body, behind) = rest.split_at(len.min(rest.len()));
    (body.len() == len || body.len() > 256).then_some((tag, body, behind))
}

fn next_tag(rest: &[u8]) -> Option<u8> {
    let first = *rest.first()?;
    Some(match first {
        0xc0.. => first & 0x3f,
        0x80.. => first >> 2 & 15,
        _ => u8::MAX,
    })
}

/// Version 3, the key's id, and as many numbers as its algorithm has (RFC 9580, 5.1); version 6, and whom it is for.
fn is_public(body: &[u8]) -> bool {
    let number =
        |bytes: &[u8]| bytes.first_chunk().map(|bits| 2 + usize::from(u16::from_be_bytes(*bits)).div_ceil(8));
    let numbers = body.get(10..).unwrap_or_default();
    match (body.first(), body.get(9)) {
        // RSA: one number. Elgamal: two. ECDH: a point, and a wrapped key behind its length.
        (Some(3), Some(1 | 2)) => number(numbers) == Some(numbers.len()),
        (Some(3), Some(16)) => number(numbers)
            .and_then(|first| Some((first, number(numbers.get(first..)?)?)))
            .is_some_and(|(first, second)| first + second == numbers.len()),
        (Some(3), Some(18)) => number(numbers)
            .and_then(|point| Some((point, usize::from(*numbers.get(point)?))))
            .is_some_and(|(point, wrapped)| point + 1 + wrapped == numbers.len()),
        // X25519 and X448: a share of 32 or 56 bytes, and a wrapped key behind its length.
        (Some(3), Some(algorithm @ (25 | 26))) => {
            let share = if *algorithm == 25 { 32 } else { 56 };
            numbers.get(share).is_some_and(|wrapped| share + 1 + usize::from(*wrapped) == numbers.len())
        }
        (Some(6), _) => matches!(body, [6, 21, 4, ..] | [6, 33, 6, ..] | [6, 0, 1..=35, ..]),
        _ => false,
    }
}

/// Version 4, a cipher, and how to make a key of a passphrase: simple, salted or iterated (RFC 9580, 5.3 and 3.7); versions 5
/// and 6 state the length of what follows.
fn is_symmetric(body: &[u8]) -> bool {
    match body {
        [4, 1..=13, 0, 1..=14] | [4, 1..=13, 1, 1..=14, ..] if body.len() < 64 => {
            matches!(body.len(), 4 | 12..64)
        }
        [4, 1..=13, 3, 1..=14, ..] => (13..64).contains(&body.len()),
        [4, 1..=13, 4, ..] => (22..80).contains(&body.len()),
        [5, 1..=13, 1..=3, 0 | 1 | 3 | 4, ..] => (13..128).contains(&body.len()),
        [6, count, 1..=13, 1..=3, ..] => usize::from(*count) + 2 < body.len() && body.len() < 128,
        _ => false,
    }
}
