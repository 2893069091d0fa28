//! Where a response leads: the `Location` of a redirect, the target of a link.

use reqwest::Url;

/// Where a reference leads that was found at `from`, as an absolute URL. A user or a password in it is refused: what is
/// shown to whom is decided here, not by a server.
pub fn resolved(from: &str, reference: &str) -> Option<String> {
    let url = Url::parse(from).ok()?.join(reference.trim()).ok()?;
    let bare = url.username().is_empty() && url.password().is_none();
    (bare && url.host_str().is_some()).then(|| without_fragment(url))
}

fn without_fragment(mut url: Url) -> String {
    url.set_fragment(None);
    url.into()
}

/// The rest of a URL behind the root of an API: a path that begins with a slash. None for what is elsewhere: another
/// scheme, host or port, or outside of the root's path.
pub fn below(base: &str, url: &str) -> Option<String> {
    let (base, url) = (Url::parse(base).ok()?, Url::parse(url).ok()?);
    if base.origin() != url.origin() || !base.origin().is_tuple() {
        return None;
    }
    let path = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    path.starts_with('/').then(|| format!("{path}{query}"))
}

/// Whether an `http://` URL leads to this machine and nowhere else.
pub fn is_loopback(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    is_loopback_host(url.host_str().unwrap_or_default().trim_matches(['[', ']']))
}

/// The same of a host: a name, or an address without brackets.
pub fn is_loopback_host(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_as_a_browser_does() {
        let of = |reference: &str| resolved("https://api.example/v3/a/b?x=1", reference);
        assert_eq!(of("/c?d#e").as_deref(), Some("https://api.example/c?d"));
        assert_eq!(of("../c").as_deref(), Some("https://api.example/v3/c"));
        assert_eq!(of("//other.example/c").as_deref(), Some("https://other.example/c"));
        for bad in ["https://me:secret@api.example/", "https://me@api.example/", "data:x", "https://"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_elsewhere_is_not_below_a_root() {
        let base = "https://ghes.example/api/v3";
        for (url, path) in [
            ("https://ghes.example/api/v3/repos/a?page=2", Some("/repos/a?page=2")),
            ("https://GHES.example:443/api/v3/x", Some("/x")),
            ("https://ghes.example/api/v3", None),
            ("https://ghes.example/api/v3x/y", None),
            ("https://ghes.example/api/v3/../../login", None),
            ("https://ghes.example/api/v3/%2e%2e/%2e%2e/login", None),
            ("http://ghes.example/api/v3/x", None),
            ("https://ghes.example:8443/api/v3/x", None),
            ("https://evil.example/api/v3/x", None),
            ("https://ghes.example@evil.example/api/v3/x", None),
            ("no url", None),
        ] {
            assert_eq!(below(base, url).as_deref(), path, "{url}");
        }
        assert_eq!(below("http://127.0.0.1:1", "http://127.0.0.1:1/x").as_deref(), Some("/x"));
        assert_eq!(below("http://127.0.0.1:1", "http://127.0.0.1:2/x"), None);
    }

    #[test]
    fn loopback_is_this_machine() {
        for (url, here) in [
            ("http://127.0.0.1:80/x", true),
            ("http://localhost/x", true),
            ("http://[::1]:9/x", true),
            ("http://127.0.0.1.evil.example/", false),
            ("http://localhost.evil.example/", false),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
        ] {
            assert_eq!(is_loopback(url), here, "{url}");
        }
    }
}
