//! Tokens minted at run time, from a seed: valid ones of every kind with right checksums, and lookalikes. None
//! stands in the source, so that no scanner takes this repository for a leak.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stanch::checksum::{crc32_base62, sha256_base32};
use stanch::token::{Kind, Token};

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A source of tokens; the same seed gives the same ones.
pub struct Mint(u64);

impl Mint {
    pub fn new(seed: u64) -> Self {
        Mint(seed)
    }

    /// A valid token of this kind; a fine-grained one belongs to user 823277.
    pub fn of(&mut self, kind: Kind) -> String {
        match kind {
            Kind::FineGrainedPat => self.fine_grained(823_277),
            Kind::Refresh => self.classic(kind, 70),
            _ => self.classic(kind, 30),
        }
    }

    /// As [`Mint::of`], as the library holds it.
    pub fn token(&mut self, kind: Kind) -> Token {
        Token::new(kind, self.of(kind).as_bytes())
    }

    /// A `github_pat_` of the user with this id.
    pub fn fine_grained(&mut self, owner: u32) -> String {
        let id: String = (0..7)
            .map(|at| {
                char::from(BASE32[usize::try_from(u64::from(owner) << 3 >> (30 - 5 * at) & 31).unwrap()])
            })
            .collect();
        let signed = format!("github_pat_11{id}{}_{}", self.text(13), self.text(43));
        let sum = sha256_base32(signed.as_bytes());
        format!("{signed}{}{}", std::str::from_utf8(&sum).unwrap(), self.text(8))
    }

    /// A `ghs_` in the long form of 2026.
    pub fn installation_jwt(&mut self, app: u32) -> String {
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let header = part(r#"{"typ":"JWT","alg":"ES256"}"#.to_owned());
        let payload = part(format!(r#"{{"jti":"{}","iss":{app}}}"#, self.text(180)));
        format!("ghs_{app}_{header}.{payload}.{}", self.text(160))
    }

    /// Right shape, wrong checksum.
    pub fn lookalike(&mut self, kind: Kind) -> String {
        let mut token = self.of(kind).into_bytes();
        // Both checksums cover the body's first character.
        let first = &mut token[kind.prefix().len()];
        *first = if *first == b'z' { b'y' } else { b'z' };
        String::from_utf8(token).unwrap()
    }

    fn classic(&mut self, kind: Kind, len: usize) -> String {
        let body = self.text(len);
        let sum = crc32_base62(body.as_bytes());
        format!("{}{body}{}", kind.prefix(), std::str::from_utf8(&sum).unwrap())
    }

    fn text(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(ALPHANUMERIC[usize::try_from(self.next() % 62).unwrap()])).collect()
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

#[test]
fn what_is_minted_holds() {
    use stanch::checksum::{classic_holds, fine_grained_holds, jwt_holds, owner_id};
    let mut mint = Mint::new(1);
    for kind in Kind::GITHUB {
        for _ in 0..50 {
            let holds = |token: &str| match kind {
                Kind::FineGrainedPat => fine_grained_holds(token.as_bytes()),
                _ => classic_holds(token.as_bytes(), kind.prefix().as_bytes()),
            };
            let (token, lookalike) = (mint.of(kind), mint.lookalike(kind));
            assert!(holds(&token) && !holds(&lookalike), "{kind:?}");
            assert_eq!(token.len(), lookalike.len());
        }
    }
    assert_eq!(mint.of(Kind::Refresh).len(), 80);
    assert_eq!(mint.of(Kind::FineGrainedPat).len(), 93);
    assert_eq!(owner_id(mint.fine_grained(3_154_062).as_bytes()), Some(3_154_062));
    let long = mint.installation_jwt(123_456);
    assert!(jwt_holds(&long.as_bytes()["ghs_123456_".len()..]));
    assert!((450..600).contains(&long.len()));
}

#[test]
fn a_seed_is_a_seed() {
    let (mut one, mut same, mut other) = (Mint::new(7), Mint::new(7), Mint::new(8));
    let token = one.token(Kind::Pat).fingerprint();
    assert_eq!(token, same.token(Kind::Pat).fingerprint());
    assert_ne!(token, other.token(Kind::Pat).fingerprint());
    assert_ne!(token, one.token(Kind::Pat).fingerprint());
}
