//! Where the API is and what kind of GitHub answers there.
//!
//! API roots: <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api>,
//! <https://docs.github.com/en/enterprise-server@latest/rest/enterprise-admin> for a server.
//!
//! Names are checked strictly, because every token that is sent goes to the host they name: no user information, no path,
//! no control characters, ASCII only, and cleartext only to this very machine.

mod address;

use address::{Address, malformed, parse_authority};

pub use crate::github::Flavour;

/// The variable that names the host. <https://cli.github.com/manual/gh_help_environment>
pub const GH_HOST: &str = "GH_HOST";
/// The variable with the URL of the GitHub that runs an Actions job.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
pub const SERVER_URL: &str = "GITHUB_SERVER_URL";

/// A host name that cannot be used, and why.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not the name of a host, or not a usable URL.
    #[error("{what} {name:?}: {why}")]
    Malformed {
        /// The setting it comes from: `--host`, `GH_HOST`…
        what: &'static str,
        /// What was given, cleaned of what must not be printed.
        name: String,
        /// What is wrong with it, and what would be right.
        why: &'static str,
    },
    /// Tokens would travel in the clear.
    #[error("{what} {name:?}: http is for this machine only (127.0.0.0/8, [::1], localhost); use https")]
    Cleartext {
        /// The setting it comes from.
        what: &'static str,
        /// The host named.
        name: String,
    },
    /// The host says one kind of GitHub, the URL another.
    #[error("--api-url leads to {url}, which is not the API of {host}; give only one of them")]
    Contradiction {
        /// The host named.
        host: String,
        /// The host the URL leads to.
        url: String,
    },
}

/// What the user and the environment name; empty texts count as unset.
#[derive(Clone, Debug, Default)]
pub struct HostChoice {
    /// `--host`.
    pub host: Option<String>,
    /// `--api-url`.
    pub api_url: Option<String>,
    /// `GH_HOST`.
    pub gh_host: Option<String>,
    /// `GITHUB_SERVER_URL`.
    pub server_url: Option<String>,
}

/// A GitHub, and the address of its API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    flavour: Flavour,
    label: String,
    api: Address,
}

impl Host {
    /// Decides between the settings. Flags go before the environment, `GH_HOST` before `GITHUB_SERVER_URL`,
    /// and github.com is the default.
    ///
    /// `--host` decides the flavour and `--api-url` the address. Without `--host`, the flavour follows from
    /// the URL's host or from a path that ends in `/api/v3` (a server's); where it does not (a test on loopback), the
    /// environment decides, and then github.com is assumed.
    pub fn choose(choice: &HostChoice) -> Result<Host, HostError> {
        let named = match non_empty(choice.host.as_deref()) {
            Some(name) => Some(Host::named("--host", name)?),
            None => None,
        };
        let Some(url) = non_empty(choice.api_url.as_deref()) else {
            return match named {
                Some(host) => Ok(host),
                None => Ok(Self::of_environment(choice)?.unwrap_or_else(Host::github_com)),
            };
        };
        let api = Address::parse("--api-url", url)?;
        let flavour = flavour_of_api(&api)?;
        let host = match (named, flavour) {
            (Some(named), Some(flavour)) if !named.may_answer_at(flavour, &api) => {
                return Err(HostError::Contradiction { host: named.label, url: api.authority() });
            }
            (Some(named), _) => named,
            (None, Some(flavour)) => return Ok(Host { flavour, label: label_of_api(flavour, &api), api }),
            (None, None) => match Self::of_environment(choice)? {
                Some(host) => host,
                None => return Ok(Host { flavour: Flavour::GitHubCom, label: api.authority(), api }),
            },
        };
        Ok(Host { api, ..host })
    }

    /// github.com itself.
    pub fn github_com() -> Host {
        Host {
            flavour: Flavour::GitHubCom,
            label: "github.com".to_owned(),
            api: Address::https("api.github.com", None, ""),
        }
    }

    fn of_environment(choice: &HostChoice) -> Result<Option<Host>, HostError> {
        if let Some(name) = non_empty(choice.gh_host.as_deref()) {
            return Host::named(GH_HOST, name).map(Some);
        }
        let Some(url) = non_empty(choice.server_url.as_deref()) else { return Ok(None) };
        let server = Address::parse(SERVER_URL, url)?;
        if !server.path.is_empty() {
            return Err(malformed(SERVER_URL, url, "the address of a server has no path"));
        }
        let host = Host::named(SERVER_URL, &server.authority())?;
        let cleartext = server.cleartext && host.flavour == Flavour::Server;
        Ok(Some(Host { api: Address { cleartext, ..host.api }, ..host }))
    }

    /// The host of a name as users write it: `github.com`, `octocorp.ghe.com`, `github.example.com:8443`.
    fn named(what: &'static str, text: &str) -> Result<Host, HostError> {
        let (name, port) = parse_authority(what, text)?;
        let port = port.filter(|port| *port != 443);
        let ours = |subdomain_of: &str| name == subdomain_of || name.ends_with(&format!(".{subdomain_of}"));
        if (ours("github.com") || ours("ghe.com")) && port.is_some() {
            return Err(malformed(what, text, "GitHub's own hosts answer at their usual port only"));
        }
        if ours("github.com") {
            return Ok(Host::github_com());
        }
        if ours("ghe.com") {
            let tenant =
                name.strip_suffix("ghe.com").and_then(|rest| rest.trim_end_matches('.').rsplit('.').next());
            return match tenant {
                Some(tenant) if !tenant.is_empty() && tenant != "api" => Ok(Host {
                    flavour: Flavour::GheCom,
                    label: format!("{tenant}.ghe.com"),
                    api: Address::https(&format!("api.{tenant}.ghe.com"), None, ""),
                }),
                _ => Err(malformed(what, text, "ghe.com needs your enterprise's subdomain before it")),
            };
        }
        let api = Address::https(&name, port, "/api/v3");
        Ok(Host { flavour: Flavour::Server, label: api.authority(), api })
    }

    /// GitHub's own hosts are sent no credential, and a server's API is not theirs: such a mix is a mistake.
    fn may_answer_at(&self, flavour: Flavour, api: &Address) -> bool {
        match flavour {
            Flavour::Server => true,
            flavour => flavour == self.flavour && label_of_api(flavour, api) == self.label,
        }
    }

    /// What kind of GitHub this is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// What people call it: `github.com`, `octocorp.ghe.com`, `github.example.com`.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The root of its API, without a slash at the end.
    pub fn api_base(&self) -> String {
        let scheme = if self.api.cleartext { "http" } else { "https" };
        format!("{scheme}://{}{}", self.api.authority(), self.api.path)
    }

    /// The host of a name, or of its API's root where the text is a URL: what a ledger's queues go by.
    pub fn parse(text: &str) -> Result<Host, HostError> {
        if !text.contains("://") {
            return Host::named("--host", text);
        }
        Host::choose(&HostChoice { api_url: Some(text.to_owned()), ..HostChoice::default() })
    }

    /// How it is named exactly: its name, where that leads to this API, else the API's root. Either is good for
    /// `--host` of the commands that look into a ledger.
    pub fn given(&self) -> String {
        match Host::named("--host", &self.label) {
            Ok(named) if named.api == self.api => self.label.clone(),
            _ => self.api_base(),
        }
    }

    /// Whether GitHub itself answers at its API: github.com or GHE.com under their own names, not a gateway, a test on
    /// loopback or a server.
    pub fn is_githubs_own(&self) -> bool {
        self.flavour != Flavour::Server
            && flavour_of_api(&self.api).is_ok_and(|flavour| flavour == Some(self.flavour))
    }

    /// Whether it is spoken to in cleartext; only true on this machine.
    pub fn cleartext(&self) -> bool {
        self.api.cleartext
    }
}

/// An unset variable and an empty one are the same thing to a shell user.
fn non_empty(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn flavour_of_api(api: &Address) -> Result<Option<Flavour>, HostError> {
    let name = api.name.as_str();
    let github = name == "github.com" || name.ends_with(".github.com");
    let ghe = name == "ghe.com" || name.ends_with(".ghe.com");
    let tenant = name.strip_prefix("api.").and_then(|rest| rest.strip_suffix(".ghe.com"));
    let at_root = api.path.is_empty() && api.port.is_none();
    match () {
        () if name == "api.github.com" && at_root => Ok(Some(Flavour::GitHubCom)),
        () if tenant.is_some_and(|tenant| !tenant.contains('.')) && at_root => Ok(Some(Flavour::GheCom)),
        () if github || ghe => {
            let why = "GitHub's own API is at https://api.github.com or https://api.SUBDOMAIN.ghe.com";
            Err(malformed("--api-url", &api.authority(), why))
        }
        () if api.path.ends_with("/api/v3") => Ok(Some(Flavour::Server)),
        () => Ok(None),
    }
}

fn label_of_api(flavour: Flavour, api: &Address) -> String {
    match flavour {
        Flavour::Server => api.authority(),
        _ => api.name.strip_prefix("api.").unwrap_or(&api.name).to_owned(),
    }
}

#[cfg(test)]
mod tests;
