//! Error messages for people: what happened, why, and what to do next, and no token in any of it.

use std::any::Any;
use std::sync::LazyLock;

use crate::detect::Detector;
use crate::rule;

/// A run that was refused before it looked at anything, while tokens wait.
#[derive(Debug, thiserror::Error)]
#[error("{source:#}\n  tokens that wait in that ledger meanwhile, none of which was sent: {tokens}")]
pub(super) struct StillWaiting {
    pub(super) tokens: u64,
    pub(super) source: anyhow::Error,
}

/// The error and its causes on one line each. Paths and configuration files may hold tokens, which are
/// redacted.
pub(super) fn message(error: &anyhow::Error) -> String {
    let mut lines: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !lines.iter().any(|line| line.contains(&text)) {
            lines.push(text);
        }
    }
    redact(&lines.join("\n  because: "))
}

/// What the parser says of a wrong command line, which it quotes.
pub(super) fn usage(error: &clap::Error) -> String {
    let text = error.render().ansi().to_string();
    let redacted = redact(&text);
    if redacted == text {
        return text;
    }
    format!(
        "{}\n\nA token on the command line is in the shell's history now, and in the list of processes while it runs: \
         `stanch revoke` reads tokens from standard input or a file.\n",
        redacted.trim_end()
    )
}

/// What is said where the program itself is wrong.
pub(super) fn bug(payload: &dyn Any, place: &str) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    redact(&format!(
        "this is a mistake in stanch itself: {text} ({place})\n  what was queued stays queued; please report this message"
    ))
}

/// A text without the tokens in it. Everything that is printed for people goes through this.
pub(super) fn redact(text: &str) -> String {
    detector().redact(text)
}

/// The detector for the built-in rules. A clone shares what it makes for its search.
pub(super) fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(|| Detector::new(rule::built_in()));
    &DETECTOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::crc32_base62;

    fn token() -> String {
        let body = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1";
        format!("ghp_{body}{}", String::from_utf8_lossy(&crc32_base62(body.as_bytes())))
    }

    #[test]
    fn a_chain_reads_as_one_message() {
        let error = anyhow::anyhow!("no such device").context("cannot write the report");
        assert_eq!(message(&error), "cannot write the report\n  because: no such device");
    }

    #[test]
    fn a_mistake_of_the_program_prints_no_token() {
        let token = token();
        for payload in
            [Box::new(format!("no entry for {token}")) as Box<dyn Any>, Box::new("short"), Box::new(7)]
        {
            let said = bug(payload.as_ref(), "a.rs:1:2");
            assert!(
                said.starts_with("this is a mistake in stanch itself: ") && said.contains("(a.rs:1:2)"),
                "{said}"
            );
            assert!(!said.contains(&token[6..]), "the whole token");
        }
    }

    #[test]
    fn the_parser_quotes_no_token() {
        let token = token();
        let command = || clap::Command::new("stanch").subcommand(clap::Command::new("scan"));
        let said = |argument: &str| {
            let error = command().color(clap::ColorChoice::Always).try_get_matches_from(["stanch", argument]);
            usage(&error.expect_err("no such command"))
        };
        assert!(!said(&token).contains(&token[6..]), "the whole token");
        assert!(said(&token).contains("in the shell's history"), "what to do");
        assert!(!said("scam").contains("history"), "an ordinary mistake");
    }
}
