//! Tokens made at run time, with right checksums: none is ever written down in this repository.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use stanch::checksum::{crc32_base62, sha256_base32};
use stanch::rule;
use stanch::token::{self, Token};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// GitHub's kinds of tokens, as the tests know them without asking the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Pat,
    FineGrainedPat,
    OAuth,
    AppUser,
    AppInstallation,
    Refresh,
    Other,
}

impl Kind {
    pub(crate) const GITHUB: [Kind; 6] =
        [Kind::Pat, Kind::FineGrainedPat, Kind::OAuth, Kind::AppUser, Kind::AppInstallation, Kind::Refresh];

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Kind::Pat => "ghp_",
            Kind::FineGrainedPat => "github_pat_",
            Kind::OAuth => "gho_",
            Kind::AppUser => "ghu_",
            Kind::AppInstallation => "ghs_",
            Kind::Refresh => "ghr_",
            Kind::Other => "",
        }
    }

    pub(crate) const fn rule_id(self) -> &'static str {
        match self {
            Kind::Pat => "github-pat",
            Kind::FineGrainedPat => "github-fine-grained-pat",
            Kind::OAuth => "github-oauth",
            Kind::AppUser => "github-app-user-token",
            Kind::AppInstallation => "github-app-installation-token",
            Kind::Refresh => "github-refresh-token",
            Kind::Other => "custom",
        }
    }

    /// The kind of a token's text.
    pub(crate) fn of(text: &str) -> Kind {
        Kind::GITHUB.into_iter().find(|kind| text.starts_with(kind.prefix())).unwrap_or(Kind::Other)
    }

    /// The same kinds, as the tests know them.
    pub(crate) fn of_library(kinds: &[token::Kind]) -> Vec<Kind> {
        kinds.iter().map(|kind| Kind::of(kind.prefix())).collect()
    }

    /// Whether a batch may carry it at github.com.
    pub(crate) const fn batchable(self) -> bool {
        !matches!(self, Kind::AppInstallation | Kind::Other)
    }

    /// The same kind, as the library holds it.
    pub(crate) fn known(self) -> token::Kind {
        rule::kind(self.rule_id()).unwrap_or(token::Kind::OTHER)
    }

    /// A token of this kind, as the library holds it.
    pub(crate) fn secret(self, text: &str) -> Token {
        Token::new(self.known(), text.as_bytes())
    }
}

/// A seeded source of tokens: the same seed makes the same ones.
pub(crate) struct Mint(u64);

impl Mint {
    pub(crate) fn new(seed: u64) -> Self {
        Mint(seed)
    }

    /// The next number (`SplitMix64`).
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// So many random letters and digits.
    pub(crate) fn text(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(BASE62[(self.number() % 62) as usize])).collect()
    }

    /// A valid token.
    pub(crate) fn token(&mut self, kind: Kind) -> String {
        match kind {
            Kind::FineGrainedPat => self.fine_grained(823_277),
            Kind::Refresh => self.classic(kind.prefix(), 70),
            _ => self.classic(kind.prefix(), 30),
        }
    }

    /// A valid token, as the library holds it.
    pub(crate) fn secret(&mut self, kind: Kind) -> Token {
        kind.secret(&self.token(kind))
    }

    fn classic(&mut self, prefix: &str, body: usize) -> String {
        let body = self.text(body);
        format!("{prefix}{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    /// A valid fine-grained token of the user with this id.
    pub(crate) fn fine_grained(&mut self, owner: u32) -> String {
        let bits = u64::from(owner) << 3;
        let id: String = (0..7).map(|n| char::from(BASE32[(bits >> (30 - 5 * n) & 31) as usize])).collect();
        let signed = format!("github_pat_11{id}0{}_{}", self.text(12), self.text(43));
        format!("{signed}{}{}", String::from_utf8_lossy(&sha256_base32(signed.as_bytes())), self.text(8))
    }

    /// A stateless installation token, `ghs_APPID_JWT`.
    pub(crate) fn stateless(&mut self) -> String {
        let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let header = part(r#"{"typ":"JWT","alg":"RS256"}"#);
        let payload = part(&format!(r#"{{"iss":"{}","exp":1790000000}}"#, self.text(8)));
        format!("ghs_12345_{header}.{payload}.{}", self.text(342))
    }

    /// Something that looks like a token of this prefix and is none: its checksum is wrong.
    pub(crate) fn lookalike(&mut self, prefix: &str) -> String {
        let mut token = self.classic(prefix, if prefix == "ghr_" { 70 } else { 30 });
        let last = token.pop();
        token.push(if last == Some('a') { 'b' } else { 'a' });
        token
    }
}
