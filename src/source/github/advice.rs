//! What to do about a refusal, in the same words whether the API refuses or its `git` server.

/// The credential is none, or not any more.
pub(super) const BAD_CREDENTIAL: &str =
    "the credential is not known there, or has expired or been revoked: use another one";

/// HTTP 451.
pub(super) const TAKEN_DOWN_BY_LAW: &str = "taken down for a legal reason: nobody is given it";

/// The organization knows from where it may be asked.
/// <https://docs.github.com/en/organizations/keeping-your-organization-secure/managing-security-settings-for-your-organization/managing-allowed-ip-addresses-for-your-organization>
pub(super) const IP_ALLOW_LIST: &str = "the organization takes requests from the addresses on its list only: run this from \
                                        one of them, or have this one added";

/// The credential is good, and not authorized for the organization.
pub(super) const SINGLE_SIGN_ON: &str =
    "the credential is not authorized for the organization's single sign-on: authorize it";

/// Whether a server speaks of its list of addresses.
pub(super) fn is_ip_allow_list(said: &str) -> bool {
    said.to_ascii_lowercase().contains("ip allow list")
}

/// What to do where a `git` server refuses with `status`, and says this.
pub(super) fn of_git(status: u16, said: &str) -> String {
    let said_lower = said.to_ascii_lowercase();
    match status {
        401 => BAD_CREDENTIAL.to_owned(),
        451 => TAKEN_DOWN_BY_LAW.to_owned(),
        _ if is_ip_allow_list(said) => IP_ALLOW_LIST.to_owned(),
        _ if said_lower.contains("saml") || said_lower.contains("single sign-on") => {
            format!("{SINGLE_SIGN_ON} in the settings of your account")
        }
        _ => "check that the credential may read the contents of this repository, and is authorized for the \
              organization's single sign-on"
            .to_owned(),
    }
}
