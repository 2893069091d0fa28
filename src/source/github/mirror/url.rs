//! Addresses that are cloned from. They come from a server, and become an argument of `git`.

use std::fmt;

use crate::http::is_loopback_host;
use crate::text::{MESSAGE_LIMIT, redacted};

/// Where a repository is cloned from: `https`, or `http` on this machine; without a user, a password or a query.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CloneUrl {
    text: String,
    /// The length of `SCHEME://HOST[:PORT]/`.
    base: usize,
}

/// An address that nothing is cloned from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no address to clone from: it has to be https://HOST/PATH (http:// only on this machine), without a user or \
     a password in it"
)]
pub struct BadUrl(String);

impl CloneUrl {
    /// The address that a text is.
    pub fn parse(text: &str) -> Result<CloneUrl, BadUrl> {
        let bad = || BadUrl(redacted(text, MESSAGE_LIMIT));
        let (scheme, rest) = text.split_once("://").ok_or_else(bad)?;
        let (authority, path) = rest.split_once('/').ok_or_else(bad)?;
        let host = host_of(authority).ok_or_else(bad)?;
        let allowed = match scheme {
            "https" => true,
            "http" => is_loopback_host(host),
            _ => false,
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"'<>?#@%`{}|^*".contains(&byte);
        let leads_elsewhere = path.split('/').any(|part| matches!(part, "" | "." | ".."));
        if !allowed || !path.bytes().all(plain) || leads_elsewhere {
            return Err(bad());
        }
        Ok(CloneUrl { text: text.to_owned(), base: scheme.len() + 3 + authority.len() + 1 })
    }

    /// The address itself.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its `HOST[:PORT]`: whoever adds a credential sees to it that it is for this one.
    pub fn authority(&self) -> &str {
        self.base().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
    }

    /// The address of the repository's wiki: `CLONE_URL` with `.wiki.git`.
    #[must_use]
    pub fn wiki(&self) -> CloneUrl {
        let stem = self.text.strip_suffix(".git").unwrap_or(&self.text);
        CloneUrl { text: format!("{stem}.wiki.git"), base: self.base }
    }

    /// `SCHEME://HOST[:PORT]/`: what a credential is for.
    pub(super) fn base(&self) -> &str {
        &self.text[..self.base]
    }

    /// Whether it stays on this machine, unencrypted.
    pub(super) fn is_cleartext(&self) -> bool {
        self.text.starts_with("http://")
    }
}

impl fmt::Display for CloneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The host of `HOST[:PORT]`, if it is one.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_name = !host.is_empty() && host.bytes().all(plain) && !host.starts_with(['-', '.']);
    let is_address = inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    (port_fits && (is_name || is_address)).then(|| inner.unwrap_or(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_for_the_host_and_nothing_below() {
        for (text, base) in [
            ("https://github.com/octo/hello.git", "https://github.com/"),
            ("https://ghe.example.com:8443/octo/hello.git", "https://ghe.example.com:8443/"),
            ("http://127.0.0.1:8080/octo/hello.git", "http://127.0.0.1:8080/"),
            ("http://[::1]:8080/x.git", "http://[::1]:8080/"),
        ] {
            assert_eq!(CloneUrl::parse(text).unwrap().base(), base);
        }
        let url = CloneUrl::parse("https://github.com/octo/hello.git").unwrap();
        assert_eq!(url.wiki().as_str(), "https://github.com/octo/hello.wiki.git");
        assert_eq!(url.wiki().base(), "https://github.com/");
        assert_eq!(CloneUrl::parse("http://[::1]:8080/x.git").unwrap().authority(), "[::1]:8080");
    }

    #[test]
    fn addresses_that_could_hurt_are_refused() {
        for text in [
            "",
            "https://github.com",
            "https://github.com/",
            "http://github.com/octo/hello.git",
            "http://127.0.0.1.evil.example/x",
            "https://me:secret@github.com/octo/hello",
            "https://github.com/octo/../../x",
            "https://github.com//x",
            "https://github.com/octo/he llo",
            "https://github.com/octo/hello\n",
            "https://github.com/octo/hello?x=y",
            "https://github.com/octo/%2e%2e/x",
            "https://github.com:port/x",
            "https://-x/y",
            "ext::sh -c id",
            "ssh://git@github.com/octo/hello.git",
            "file:///srv/x.git",
            "--upload-pack=x",
        ] {
            assert!(CloneUrl::parse(text).is_err(), "{text:?}");
        }
    }
}
