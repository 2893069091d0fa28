//! Where people reach the host of an API.

/// The address of a host's pages, by that of its REST API
/// (<https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api>).
pub fn web_base(api_base: &str) -> String {
    let api_base = api_base.trim_end_matches('/');
    // A server has its API below its own address.
    if let Some(host) = api_base.strip_suffix("/api/v3") {
        return host.to_owned();
    }
    let Some((scheme, rest)) = api_base.split_once("://") else { return api_base.to_owned() };
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.to_ascii_lowercase();
    match host.strip_prefix("api.") {
        Some(host) if host == "github.com" || host.ends_with(".ghe.com") => format!("{scheme}://{host}"),
        _ => format!("{scheme}://{authority}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_pages_beside_its_api() {
        for (api, web) in [
            ("https://api.github.com", "https://github.com"),
            ("https://API.github.com/", "https://github.com"),
            ("https://api.octo.ghe.com", "https://octo.ghe.com"),
            ("https://github.example.org/api/v3", "https://github.example.org"),
            ("https://github.example.org:8443/api/v3/", "https://github.example.org:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080"),
            ("https://api.example.org", "https://api.example.org"),
        ] {
            assert_eq!(web_base(api), web, "{api}");
        }
    }
}
