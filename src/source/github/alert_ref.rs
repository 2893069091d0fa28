//! What is remembered of an alert, so that it can be resolved when its token is revoked.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names::RepositoryName;
use crate::token::Fingerprint;

/// An open alert that holds a token. It can be written down: it holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AlertRef {
    /// Where it is.
    #[serde(serialize_with = "name_to_text", deserialize_with = "name_from_text")]
    pub repository: RepositoryName,
    /// Its number there.
    pub number: u64,
    /// Where it is in a browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The tokens in its secret: nearly always one. It is dealt with when all of them are.
    #[serde(serialize_with = "tokens_to_text", deserialize_with = "tokens_from_text")]
    pub tokens: Vec<Fingerprint>,
}

fn name_to_text<S: Serializer>(name: &RepositoryName, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(name)
}

fn name_from_text<'de, D: Deserializer<'de>>(input: D) -> Result<RepositoryName, D::Error> {
    let text = String::deserialize(input)?;
    RepositoryName::parse(&text).ok_or_else(|| serde::de::Error::custom("not the name of a repository"))
}

fn tokens_to_text<S: Serializer>(tokens: &[Fingerprint], out: S) -> Result<S::Ok, S::Error> {
    out.collect_seq(tokens.iter().map(Fingerprint::hex))
}

fn tokens_from_text<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Fingerprint>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    let token = |text: &String| Fingerprint::from_hex(text);
    let tokens: Option<Vec<Fingerprint>> = texts.iter().map(token).collect();
    tokens.ok_or_else(|| serde::de::Error::custom("not the hash of a token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_is_read_again() {
        let alert = AlertRef {
            repository: RepositoryName::parse("octo/hello").expect("a name"),
            number: 7,
            url: Some("https://github.com/octo/hello/security/secret-scanning/7".to_owned()),
            tokens: vec![Fingerprint::of(b"one"), Fingerprint::of(b"two")],
        };
        let text = serde_json::to_string(&alert).expect("JSON");
        assert_eq!(serde_json::from_str::<AlertRef>(&text).expect("the same"), alert);
        for bad in [text.replace("octo/hello\"", "../x\""), text.replace(&alert.tokens[0].hex(), "0")] {
            assert!(serde_json::from_str::<AlertRef>(&bad).is_err(), "{bad}");
        }
    }
}
