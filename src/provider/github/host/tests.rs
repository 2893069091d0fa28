use proptest::prelude::*;

use super::*;

fn choose(host: &str, api_url: &str) -> Result<Host, HostError> {
    Host::choose(&HostChoice {
        host: Some(host.to_owned()),
        api_url: Some(api_url.to_owned()),
        ..HostChoice::default()
    })
}

#[test]
fn names_lead_to_their_api() {
    use Flavour::{GheCom, GitHubCom, Server};
    for (name, flavour, label, base) in [
        ("", GitHubCom, "github.com", "https://api.github.com"),
        ("github.com", GitHubCom, "github.com", "https://api.github.com"),
        ("GitHub.com.", GitHubCom, "github.com", "https://api.github.com"),
        ("api.github.com", GitHubCom, "github.com", "https://api.github.com"),
        ("github.com:443", GitHubCom, "github.com", "https://api.github.com"),
        ("octocorp.ghe.com", GheCom, "octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("api.octocorp.ghe.com", GheCom, "octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("github.example.com", Server, "github.example.com", "https://github.example.com/api/v3"),
        ("notgithub.com", Server, "notgithub.com", "https://notgithub.com/api/v3"),
        ("github.com.example.org", Server, "github.com.example.org", "https://github.com.example.org/api/v3"),
        ("Ghes:8443", Server, "ghes:8443", "https://ghes:8443/api/v3"),
        ("10.0.0.7", Server, "10.0.0.7", "https://10.0.0.7/api/v3"),
        ("[::1]:8443", Server, "[::1]:8443", "https://[::1]:8443/api/v3"),
        ("xn--bcher-kva.example", Server, "xn--bcher-kva.example", "https://xn--bcher-kva.example/api/v3"),
    ] {
        let host = choose(name, "").unwrap();
        assert_eq!(
            (host.flavour(), host.label(), host.api_base().as_str()),
            (flavour, label, base),
            "{name}"
        );
        assert!(!host.cleartext());
    }
}

#[test]
fn a_url_shows_its_flavour_where_it_can() {
    use Flavour::{GheCom, GitHubCom, Server};
    for (url, flavour, label, base) in [
        ("https://api.github.com/", GitHubCom, "github.com", "https://api.github.com"),
        ("https://api.octocorp.ghe.com", GheCom, "octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://ghes.example/api/v3/", Server, "ghes.example", "https://ghes.example/api/v3"),
        ("http://127.0.0.1:8080/api/v3", Server, "127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"),
        ("http://127.0.0.1:8080", GitHubCom, "127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("HTTP://LOCALHOST", GitHubCom, "localhost", "http://localhost"),
        ("http://[::1]:9/", GitHubCom, "[::1]:9", "http://[::1]:9"),
    ] {
        let host = choose("", url).unwrap();
        assert_eq!((host.flavour(), host.label(), host.api_base().as_str()), (flavour, label, base), "{url}");
    }
}

#[test]
fn a_host_decides_the_flavour_and_a_url_the_address() {
    for (name, flavour) in [
        ("github.com", Flavour::GitHubCom),
        ("octocorp.ghe.com", Flavour::GheCom),
        ("ghes.example", Flavour::Server),
    ] {
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/api/v3"] {
            let host = choose(name, url).unwrap();
            assert_eq!((host.flavour(), host.label(), host.api_base().as_str()), (flavour, name, url));
        }
    }
}

#[test]
fn a_server_is_never_looked_for_at_github_com() {
    for (name, url) in [
        ("ghes.example", "https://api.github.com"),
        ("github.com", "https://api.octocorp.ghe.com"),
        ("octocorp.ghe.com", "https://api.other.ghe.com"),
    ] {
        assert!(matches!(choose(name, url), Err(HostError::Contradiction { .. })), "{name} {url}");
    }
    for url in ["https://api.github.com/api/v3", "https://github.com/api/v3", "https://x.ghe.com/api/v3"] {
        assert!(matches!(choose("", url), Err(HostError::Malformed { .. })), "{url}");
        assert!(choose("ghes.example", url).is_err(), "{url}");
    }
}

#[test]
fn a_host_may_be_named_together_with_its_own_api() {
    for (name, url) in [
        ("github.com", "https://api.github.com"),
        ("octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("ghes.example", "https://ghes.example/api/v3"),
    ] {
        let host = choose(name, url).unwrap();
        assert_eq!((host.label(), host.api_base().as_str()), (name, url));
    }
}

/// What the ledger's queues go by, and what people are told to give to `--host`, is the same host again.
#[test]
fn what_a_host_is_given_as_leads_back_to_it() {
    for (text, given) in [
        ("GitHub.com", "github.com"),
        ("octocorp.ghe.com", "octocorp.ghe.com"),
        ("ghes.example:8443", "ghes.example:8443"),
        ("https://ghes.example/api/v3/", "ghes.example"),
        // The name alone would lead elsewhere.
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.0.0.1:8080/api/v3", "http://127.0.0.1:8080/api/v3"),
        ("https://gateway.example/github/api/v3", "https://gateway.example/github/api/v3"),
    ] {
        let host = Host::parse(text).unwrap();
        assert_eq!(host.given(), given, "{text}");
        assert_eq!(Host::parse(given).unwrap(), host, "{text}");
    }
    assert!(Host::parse("user@ghes.example").is_err() && Host::parse("ftp://ghes.example").is_err());
}

#[test]
fn flags_go_before_the_environment() {
    let choice = |host: &str, api_url: &str, gh_host: &str, server_url: &str| {
        let text = |text: &str| Some(text.to_owned());
        let choice = HostChoice {
            host: text(host),
            api_url: text(api_url),
            gh_host: text(gh_host),
            server_url: text(server_url),
        };
        let host = Host::choose(&choice).unwrap();
        (host.label().to_owned(), host.api_base(), host.flavour())
    };
    assert_eq!(choice("a.example", "", "b.example", "https://c.example").0, "a.example");
    assert_eq!(choice("", "", "b.example", "https://c.example").0, "b.example");
    assert_eq!(choice("", "", "", "https://c.example").1, "https://c.example/api/v3");
    assert_eq!(choice("", "", "", "https://github.com").0, "github.com");
    assert_eq!(choice("", "", "", "http://localhost:3000").1, "http://localhost:3000/api/v3");
    assert_eq!(choice("", "", "", "").0, "github.com");
    // A URL that shows its flavour is not overruled by the environment, one that does not is.
    assert_eq!(choice("", "http://[::1]/api/v3", "github.com", "").2, Flavour::Server);
    assert_eq!(choice("", "http://[::1]:1", "b.example", "").2, Flavour::Server);
    assert_eq!(choice("", "http://[::1]:1", "", "https://x.ghe.com").2, Flavour::GheCom);
}

#[test]
fn malformed_names_are_refused() {
    for name in [
        "user@github.com",
        "github.com/path",
        "https://github.com",
        "git hub.com",
        "github.com\n",
        "\u{7}",
        "..",
        "a..b",
        "-a.example",
        "a-.example",
        "ghe.com",
        "api.ghe.com",
        "github.com:8443",
        "x:0",
        "x:65536",
        "x:",
        "x:+1",
        ":1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "1.2.3.4.5",
        "::1",
        "[::1",
        "[fe80::1%eth0]",
        "bücher.example",
        "a_b.example",
        "a?b",
        "a#b",
        "a%2eb",
        "a\\b",
        "*",
    ] {
        assert!(matches!(choose(name, ""), Err(HostError::Malformed { .. })), "{name:?}");
    }
    assert!(choose(&format!("{}.example", "a".repeat(64)), "").is_err());
    assert!(choose(&"a.".repeat(127), "").is_ok());
    assert!(choose(&"a.".repeat(128), "").is_err());
}

#[test]
fn malformed_urls_are_refused() {
    for url in [
        "api.github.com",
        "ftp://127.0.0.1",
        "https://u:p@ghes.example/api/v3",
        "https://ghes.example?x=1",
        "https://ghes.example/#x",
        "https://ghes.example/%2e%2e",
        "https://ghes.example/a/../b",
        "https://",
        "https:///api/v3",
        "https://ghes.example\\api",
        "http://127.0.0.1:8080/ api",
    ] {
        assert!(matches!(choose("", url), Err(HostError::Malformed { .. })), "{url:?}");
    }
}

#[test]
fn cleartext_stays_on_this_machine() {
    for url in [
        "http://ghes.example/api/v3",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
    ] {
        assert!(matches!(choose("", url), Err(HostError::Cleartext { .. })), "{url}");
    }
    assert!(choose("", "http://127.255.255.254").unwrap().cleartext());
    let server = HostChoice { server_url: Some("http://ghes.example".to_owned()), ..HostChoice::default() };
    assert!(matches!(Host::choose(&server), Err(HostError::Cleartext { .. })));
}

#[test]
fn what_is_refused_is_not_repeated_whole() {
    let error = choose("octocat:hunter2@github.com", "").unwrap_err().to_string();
    assert!(!error.contains("hunter2") && error.contains("without a user"), "{error}");
    let error = choose("github.com/path", "").unwrap_err().to_string();
    assert!(error.contains("without scheme and path"), "{error}");
    let error = choose("", "https://octocat:hunter2@github.com").unwrap_err().to_string();
    assert!(!error.contains("hunter2"), "{error}");
}

proptest! {
    #[test]
    fn no_name_trips_and_what_is_taken_is_plain(name in "\\PC{0,40}|[a-z0-9.:@/\\[\\]-]{0,20}") {
        if let Ok(host) = choose(&name, "") {
            prop_assert!(host.label().bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte)));
            prop_assert!(host.api_base().starts_with("https://"));
            prop_assert!(!host.cleartext());
        }
    }
}
