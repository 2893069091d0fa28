//! What an answer means that is no success, in words for people: what happened, and what to do.
//!
//! <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>

use std::fmt::Write as _;

use super::super::advice;
use super::error::{ApiError, Refusal};
use crate::github;
use crate::http::Response;
use crate::text::{MESSAGE_LIMIT, one_line, redacted};

/// Whether asking again may bring something else: the server's own trouble, or somebody's in between.
pub(super) fn is_trouble(response: &Response) -> bool {
    match response.status {
        408 | 425 | 429 | 500.. => true,
        // A page for people is a proxy's or a portal's.
        401 | 403 => response.is_html() || (response.status == 401 && !github::is_githubs(response)),
        _ => false,
    }
}

/// What a status means that is no success, no redirect and no limit.
pub(super) fn error_of(response: &Response) -> ApiError {
    let said = github::message(response);
    if is_trouble(response) {
        let said = if said.is_empty() { said } else { format!(": {said}") };
        return ApiError::Server { status: response.status, message: said };
    }
    let (refusal, advice) = of_status(response, &said.to_ascii_lowercase());
    let mut message = format!("the server answered {}", response.status);
    if !said.is_empty() {
        let _ = write!(message, ": {said}");
    }
    if !advice.is_empty() {
        let _ = write!(message, " ({advice})");
    }
    ApiError::Refused { refusal, message }
}

fn of_status(response: &Response, said: &str) -> (Refusal, String) {
    let plain = |refusal, advice: &str| (refusal, advice.to_owned());
    match response.status {
        401 => plain(Refusal::BadCredentials, advice::BAD_CREDENTIAL),
        _ if is_blocked(response) => plain(Refusal::TakenDown, "taken down: nobody is given it"),
        403 => forbidden(response, said),
        404 => plain(Refusal::NotFound, "there is none, or the credential may not know of it"),
        409 if said.contains("empty") => plain(Refusal::Empty, ""),
        410 => plain(Refusal::Gone, "it is not kept any more"),
        451 => plain(Refusal::TakenDown, advice::TAKEN_DOWN_BY_LAW),
        _ => plain(Refusal::Invalid, ""),
    }
}

/// What was taken down is told by an object `block`, with 403 or 451.
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>
fn is_blocked(response: &Response) -> bool {
    matches!(response.status, 403 | 451)
        && response.json().is_some_and(|body| body.get("block").is_some_and(serde_json::Value::is_object))
}

/// The causes of a 403 that is no limit.
fn forbidden(response: &Response, said: &str) -> (Refusal, String) {
    if let Some(sso) = response.header("x-github-sso") {
        return (Refusal::SingleSignOn, single_sign_on(sso));
    }
    if advice::is_ip_allow_list(said) {
        return (Refusal::IpAllowList, advice::IP_ALLOW_LIST.to_owned());
    }
    if said.contains("user-agent") || said.contains("administrative rules") {
        let advice = "something between here and GitHub removes the User-Agent";
        return (Refusal::Forbidden, advice.to_owned());
    }
    (Refusal::Forbidden, wanted(response))
}

/// `required; url=https://…`: where the credential can be authorized.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authenticating-with-single-sign-on>
fn single_sign_on(header: &str) -> String {
    let url = header.split(';').find_map(|part| part.trim().strip_prefix("url="));
    let plain = |url: &&str| url.starts_with("https://") && url.bytes().all(|byte| byte.is_ascii_graphic());
    let advice = advice::SINGLE_SIGN_ON;
    match url.filter(plain) {
        Some(url) => format!("{advice} at {}", redacted(url, MESSAGE_LIMIT)),
        None => format!("{advice} in the settings of your account"),
    }
}

/// What a success leaves out: `partial-results; organizations=1,2`.
/// <https://docs.github.com/en/rest/authentication/authenticating-to-the-rest-api#authenticating-with-single-sign-on>
pub(super) fn withheld(response: &Response) -> Option<String> {
    let rest = response.header("x-github-sso")?.strip_prefix("partial-results")?;
    let ids = rest.split_once("organizations=").map_or("unnamed", |(_, ids)| ids).replace(',', ", ");
    Some(format!(
        "the API leaves out what belongs to organizations whose single sign-on the credential is not authorized for (their \
         ids: {})",
        one_line(&ids, 200)
    ))
}

/// What the credential lacks, where the server tells.
fn wanted(response: &Response) -> String {
    let told = |name: &str| {
        let value = response.header(name).filter(|value| !value.is_empty())?;
        Some(one_line(value, 100))
    };
    // https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    if let Some(permissions) = told("x-accepted-github-permissions") {
        return format!("the credential needs one of these permissions: {permissions}");
    }
    // https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps
    match (told("x-accepted-oauth-scopes"), told("x-oauth-scopes")) {
        (Some(wanted), Some(has)) => {
            format!("the credential needs one of these scopes: {wanted}; it has: {has}")
        }
        (Some(wanted), None) => format!("the credential needs one of these scopes: {wanted}"),
        _ => "the credential may not do this".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, head: &str, body: &str) -> (Refusal, String) {
        let header =
            |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut headers: Vec<_> = head.lines().filter_map(header).collect();
        headers.push(("x-github-request-id".to_owned(), "C0DE:1".to_owned()));
        let response = Response { status, headers, body: body.as_bytes().to_vec(), cut_short: None };
        match error_of(&response) {
            ApiError::Refused { refusal, message } => (refusal, message),
            error => panic!("{status}: {error}"),
        }
    }

    #[test]
    fn each_refusal_says_why_and_what_to_do() {
        let sso = "x-github-sso: required; url=https://github.com/orgs/octo/sso?authorization_request=ABC123";
        let ip = r#"{"message":"Although you appear to have the correct authorization credentials, the `octo` organization has an IP allow list enabled, and your IP address is not permitted to access this resource."}"#;
        let fine = "x-accepted-github-permissions: actions=read,contents=read";
        let classic = "x-accepted-oauth-scopes: repo, admin:org\nx-oauth-scopes: gist";
        let block = r#"{"message":"Repository access blocked","block":{"reason":"tos","created_at":"","html_url":""}}"#;
        for (refusal, words, status, head, body) in [
            (Refusal::BadCredentials, "another", 401, "", r#"{"message":"Bad credentials"}"#),
            (
                Refusal::SingleSignOn,
                "sso?authorization_request=ABC123",
                403,
                sso,
                r#"{"message":"Resource protected by organization SAML enforcement."}"#,
            ),
            (Refusal::IpAllowList, "from one of them", 403, "", ip),
            (
                Refusal::Forbidden,
                "actions=read",
                403,
                fine,
                r#"{"message":"Resource not accessible by personal access token"}"#,
            ),
            (
                Refusal::Forbidden,
                "repo, admin:org; it has: gist",
                403,
                classic,
                r#"{"message":"Must have admin rights"}"#,
            ),
            (Refusal::Forbidden, "may not", 403, "", r#"{"message":"Forbidden"}"#),
            (Refusal::TakenDown, "blocked", 403, "", block),
            (Refusal::NotFound, "may not know", 404, "", r#"{"message":"Not Found"}"#),
            (Refusal::Empty, "empty", 409, "", r#"{"message":"Git Repository is empty."}"#),
            (Refusal::Invalid, "Conflict", 409, "", r#"{"message":"Conflict"}"#),
            (Refusal::Gone, "not kept", 410, "", ""),
            (Refusal::Invalid, "Validation Failed", 422, "", r#"{"message":"Validation Failed"}"#),
            (Refusal::TakenDown, "legal", 451, "", ""),
            (Refusal::Invalid, "418", 418, "", ""),
        ] {
            let (found, message) = refused(status, head, body);
            assert_eq!(found, refusal, "{status} {head}");
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn nothing_of_an_answer_moves_the_terminal_or_holds_a_token() {
        let token = format!("ghp_{}", "aB3".repeat(12));
        let body = format!(r#"{{"message":"{token}\u001b[2J\nx"}}"#);
        let sso = format!("x-github-sso: required; url=https://evil.example/{token}");
        let (_, message) = refused(403, &sso, &body);
        assert!(
            !message.contains("aB3") && !message.contains('\u{1b}') && !message.contains('\n'),
            "{message}"
        );
        let (_, message) = refused(403, "x-github-sso: required; url=javascript:x", "");
        assert!(!message.contains("javascript"), "{message}");
    }

    #[test]
    fn a_page_of_a_proxy_is_no_word_of_github() {
        for (status, body) in [(401, "<html>"), (401, "{}"), (403, "<html>"), (502, "<html>"), (503, "")] {
            let response = Response { status, body: body.as_bytes().to_vec(), ..Response::default() };
            assert!(is_trouble(&response), "{status} {body}");
            assert!(matches!(error_of(&response), ApiError::Server { .. }), "{status} {body}");
        }
    }
}
