//! URLs and host names, read strictly: what a URL parser would bend into shape is refused here.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::HostError;
use crate::text;

/// Where a URL leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) cleartext: bool,
    pub(super) name: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
}

impl Address {
    pub(super) fn https(name: &str, port: Option<u16>, path: &str) -> Address {
        Address { cleartext: false, name: name.to_owned(), port, path: path.to_owned() }
    }

    pub(super) fn parse(what: &'static str, text: &str) -> Result<Address, HostError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| {
            malformed(what, text, "a URL is wanted, such as https://github.example.com/api/v3")
        })?;
        let cleartext = match scheme.to_ascii_lowercase().as_str() {
            "https" => false,
            "http" => true,
            _ => return Err(malformed(what, text, "only https, and http on this machine, can be spoken")),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let path = path.trim_end_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        if !path.bytes().all(plain) || path.split('/').any(|part| part == "." || part == "..") {
            return Err(malformed(what, text, "its path has characters an API's address does not have"));
        }
        let (name, port) = parse_authority(what, authority)?;
        if cleartext && !loopback(&name) {
            return Err(HostError::Cleartext { what, name });
        }
        let usual = if cleartext { 80 } else { 443 };
        Ok(Address { cleartext, name, port: port.filter(|port| *port != usual), path: path.to_owned() })
    }

    /// Host, and port where it is not the usual one.
    pub(super) fn authority(&self) -> String {
        match self.port {
            Some(port) => format!("{}:{port}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Takes `name[:port]` apart, in lower case and without a dot at the end.
pub(super) fn parse_authority(what: &'static str, text: &str) -> Result<(String, Option<u16>), HostError> {
    let wrong = |why| malformed(what, text, why);
    if text.contains('@') {
        return Err(wrong("a host is named without a user before it"));
    }
    if !text.is_ascii() {
        return Err(wrong("write an international name in its ASCII form (xn--…)"));
    }
    if text.contains('/') {
        return Err(wrong("a host name is wanted, without scheme and path"));
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => {
            let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
            match port.parse::<u16>() {
                Ok(number) if digits && number > 0 => (name, Some(number)),
                _ => return Err(wrong("a port is a number from 1 to 65535")),
            }
        }
        _ => (text, None),
    };
    let name = name.to_ascii_lowercase();
    if let Some(address) = name.strip_prefix('[') {
        let address = address.strip_suffix(']').and_then(|address| address.parse::<Ipv6Addr>().ok());
        return match address {
            Some(address) => Ok((format!("[{address}]"), port)),
            None => Err(wrong("this is not an IPv6 address in brackets")),
        };
    }
    let name = name.strip_suffix('.').unwrap_or(&name);
    if name_holds(name) { Ok((name.to_owned(), port)) } else { Err(wrong("this is not the name of a host")) }
}

/// Whether a name is one that DNS could know, or an IPv4 address in its one usual form.
fn name_holds(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // Where the last label starts like a number, URL parsers read an address: `127.1`, `0x7f.1`, `2130706433`.
    let numeric =
        name.rsplit('.').next().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()));
    name.len() <= 253 && name.split('.').all(label) && (!numeric || name.parse::<Ipv4Addr>().is_ok())
}

/// Whether a name leads to this machine and nowhere else.
fn loopback(name: &str) -> bool {
    name == "localhost"
        || name == "[::1]"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

pub(super) fn malformed(what: &'static str, text: &str, why: &'static str) -> HostError {
    // What stands before an `@` may be a password.
    let name = text.rsplit('@').next().unwrap_or_default();
    HostError::Malformed { what, name: text::one_line(name, 100), why }
}
