//! Offline proof: the checksums that GitHub builds into its tokens, and what else a token contains.
//!
//! GitHub describes the checksum of classic tokens in
//! <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>. The format of fine-grained tokens is not
//! documented: what is stated of it here was derived from published tokens, such as those in the tests below.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Digits, capitals, small letters: GitHub's alphabet for base62, which no standard defines.
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// RFC 4648, section 6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// How many characters of a classic token are its checksum.
const CRC_LEN: usize = 6;

/// The six characters that end a classic token: base62 of the CRC-32 (IEEE 802.3) of its body, padded with `0` on the left.
pub fn crc32_base62(body: &[u8]) -> [u8; CRC_LEN] {
    let mut rest = crc32fast::hash(body);
    let mut out = [b'0'; CRC_LEN];
    for digit in out.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

/// Whether a classic token's last six characters are the checksum of what is between them and `prefix`.
pub fn classic_holds(token: &[u8], prefix: &[u8]) -> bool {
    token
        .strip_prefix(prefix)
        .and_then(|body| body.split_last_chunk::<CRC_LEN>())
        .is_some_and(|(body, sum)| crc32_base62(body) == *sum)
}

/// The eight characters that start sixteen before the end of a fine-grained token: base32 of the first 40 bits of the SHA-256
/// of all before them.
pub fn sha256_base32(signed: &[u8]) -> [u8; 8] {
    base32_8(*Sha256::digest(signed).first_chunk().unwrap_or(&[0; 5]))
}

/// Whether a fine-grained token's built-in checksum holds.
pub fn fine_grained_holds(token: &[u8]) -> bool {
    token.split_last_chunk::<16>().is_some_and(|(signed, tail)| sha256_base32(signed) == tail[..8])
}

fn base32_8(bytes: [u8; 5]) -> [u8; 8] {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    std::array::from_fn(|at| BASE32[(bits >> (35 - 5 * at) & 31) as usize])
}

/// The owner's numeric user id, which a fine-grained token carries in base32 (big-endian) from its third character on.
pub fn owner_id(token: &[u8]) -> Option<u32> {
    let encoded = token.strip_prefix(b"github_pat_")?.get(2..9)?;
    let mut bits = 0_u64;
    for character in encoded {
        let value = BASE32.iter().position(|letter| letter == character)?;
        bits = bits << 5 | value as u64;
    }
    // Seven characters are 35 bits: the id, and three bits of the field behind it.
    u32::try_from(bits >> 3).ok()
}

/// Whether `jwt` has the three parts of a JWT in JWS compact serialization (RFC 7519, section 3; RFC 7515, section 7.1), the
/// first two of which decode to JSON objects.
pub fn jwt_holds(jwt: &[u8]) -> bool {
    let mut parts = jwt.split(|byte| *byte == b'.');
    let (Some(header), Some(payload), Some(_signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    [header, payload].into_iter().all(is_jwt_object)
}

/// Whether a part of a JWT decodes to a JSON object, as its header and its payload do (base64url without padding).
pub fn is_jwt_object(part: &[u8]) -> bool {
    URL_SAFE_NO_PAD
        .decode(part)
        .is_ok_and(|json| serde_json::from_slice::<serde_json::Map<_, _>>(&json).is_ok())
}

/// How many characters at the end of a fine-grained token no checksum covers.
const UNCOVERED_LEN: usize = 8;

/// What people write over a secret, in small letters.
const MASKS: [&[u8]; 6] = [b"redacted", b"removed", b"masked", b"hidden", b"example", b"secret"];

/// Whether the end of a fine-grained token was written over: the checksum before it holds still, and the secret is gone.
///
/// That is a run of six equal or consecutive characters, no more than two different ones, four `x` in a row, or a word such
/// as `REDACTED`. Eight random characters look so about once in 10^5, nearly always for the `x`.
pub fn fine_grained_is_masked(token: &[u8]) -> bool {
    let Some(tail) = token.last_chunk::<UNCOVERED_LEN>() else { return false };
    let tail = tail.to_ascii_lowercase();
    let mut distinct = tail.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let holds = |mask: &[u8]| tail.windows(mask.len()).any(|part| part == mask);
    has_run(&tail) || distinct.len() <= 2 || holds(b"xxxx") || MASKS.iter().any(|mask| holds(mask))
}

/// Whether a text holds a run of six equal or consecutive characters.
fn has_run(text: &[u8]) -> bool {
    const RUN: usize = 6;
    [0, 1, u8::MAX].into_iter().any(|step| {
        let mut run = 1;
        text.windows(2).any(|pair| {
            run = if pair[0].wrapping_add(step) == pair[1] { run + 1 } else { 1 };
            run >= RUN
        })
    })
}

/// Whether a token's body was written by a person rather than generated: a run of six equal or consecutive characters
/// (`xxxxxx`, `123456`, `ABCDEF`), few distinct ones, or no mix of digits and letters of both cases.
///
/// Random base62 text of 36 characters holds such a run about once in 10^8.
pub fn looks_made_up(body: &[u8]) -> bool {
    let mut occurs = [false; 256];
    for byte in body {
        occurs[usize::from(*byte)] = true;
    }
    let distinct = occurs.iter().filter(|occurs| **occurs).count();
    let mixed = body.iter().any(u8::is_ascii_digit)
        && body.iter().any(u8::is_ascii_uppercase)
        && body.iter().any(u8::is_ascii_lowercase);
    !mixed || distinct < 12 || has_run(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_tokens_hold() {
        // Published by GitHub and long revoked; without their underscores, so that no scanner takes this file for a leak.
        for (prefix, body) in [
            ("ghp", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"),
            ("ghp", "vKdQ4XtRZOBFd16YZEgyLKyQ8Cee4g2NJ0mT"),
            ("gho", "vr0nUtGPA6FMaUb56n4uJwJAoWuVfV4OdycX"),
            ("ghu", "TIOHHEVefAwRonSMALCFfWMYK0un1R1dj2rn"),
            ("ghs", "DCASJRv332FYglZzXPw7n0onKEqqt50ugSfn"),
            ("ghr", "xgrrGzSbbGRL34Wp39JU9nxtN27Pr1v1He8FjE7x7wbExGGs7nfJszJDAmZuoKasxZ0KxJ1HSzgc"),
        ] {
            let prefix = format!("{prefix}_");
            let token = format!("{prefix}{body}");
            assert!(classic_holds(token.as_bytes(), prefix.as_bytes()), "{prefix}");
        }
    }

    #[test]
    fn published_fine_grained_tokens_hold_and_name_their_owner() {
        for (body, owner) in [
            ("11AAGI73I0HFY8wJru4mTw_ZlpxaViSYQuKETGMTXMkbWFrZCqjas5OpXSUP6g5zbrE2PRUI7CfRZ3m3z3", 823_277),
            ("11AAYCBDQ0tjwxY3uiVv5v_lo8vfONwp06Vaq9ORB7pSxWM1UT5wSEuqxoxNv15mbAJTNMO62SdeYHLyzV", 3_154_062),
        ] {
            let token = ["github_pat_", body].concat();
            assert!(fine_grained_holds(token.as_bytes()));
            assert_eq!(owner_id(token.as_bytes()), Some(owner));
        }
    }

    #[test]
    fn published_placeholders_do_not_hold() {
        let token = ["ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"].concat();
        assert!(!classic_holds(token.as_bytes(), b"ghp_"));
        let body = "0A1B2C3D4E5F6G7H8I9J0K_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456";
        assert!(!fine_grained_holds(["github_pat_", body].concat().as_bytes()));
        assert!(looks_made_up(body.as_bytes()));
        assert!(looks_made_up(b"1234567890abcdef1234567890abcdef12345678"));
        assert!(looks_made_up(b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        assert!(!looks_made_up(b"zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"));
    }

    #[test]
    fn a_generated_body_mixes_digits_and_letters_of_both_cases() {
        assert!(!looks_made_up(b"a7Kd9Qx2Zp4M"), "twelve different characters are enough");
        for body in ["a7Kd9Qx2Zp4a", "aqKdwQxeZpMr", "a7kd9qx2zp4m", "A7KD9QX2ZP4M"] {
            assert!(looks_made_up(body.as_bytes()), "{body}");
        }
        assert!(looks_made_up(b"a7Kd9Qx2Zp4M123456"));
    }

    #[test]
    fn a_mask_over_what_no_checksum_covers_is_seen() {
        let covered = "11AAGI73I0HFY8wJru4mTw_ZlpxaViSYQuKETGMTXMkbWFrZCqjas5OpXSUP6g5zbrE2PRUI7C";
        let masked = |tail: &str| {
            let token = ["github_pat_", covered, tail].concat();
            assert!(fine_grained_holds(token.as_bytes()), "{tail}");
            fine_grained_is_masked(token.as_bytes())
        };
        for tail in [
            "XXXXXXXX", "xxxxxxxx", "XxXxXxXx", "00000000", "aaaaaaaa", "12345678", "01234567", "87654321",
            "abcdefgh", "ABCDEFGH", "REDACTED", "redacted", "xREMOVED", "m3XXXX9z", "3mXXXXXX", "abababab",
            "a1000000",
        ] {
            assert!(masked(tail), "{tail}");
        }
        for tail in ["fRZ3m3z3", "aYHLyzV1", "12345a78", "xxx0xxx1", "aabbccdd", "aaaaab2c"] {
            assert!(!masked(tail), "{tail}");
        }
        assert!(!fine_grained_is_masked(b"XXXX"));
    }

    #[test]
    fn short_sums_are_padded() {
        let padded = (0_u32..2000).map(|n| crc32_base62(&n.to_le_bytes())).find(|sum| sum[0] == b'0');
        assert!(padded.is_some());
        assert!((0_u32..2000).all(|n| (b'0'..=b'4').contains(&crc32_base62(&n.to_le_bytes())[0])));
    }

    #[test]
    fn a_jwt_is_two_objects_and_a_signature() {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let good = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(r#"{"iss":1}"#));
        assert!(jwt_holds(good.as_bytes()));
        let not_an_object = format!("{}.{}.c2ln", part("1"), part(r#"{"iss":1}"#));
        assert!(!jwt_holds(not_an_object.as_bytes()));
        assert!(!jwt_holds(b"eyJ.eyJ"));
    }
}
