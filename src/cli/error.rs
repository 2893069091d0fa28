//! Error messages for people: what happened, why, and what to do next.

use crate::detect::Detector;
use crate::rule;

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
    let text = lines.join("\n  because: ");
    Detector::new(rule::built_in()).redact(&text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_chain_reads_as_one_message() {
        let error = anyhow::anyhow!("no such device").context("cannot write the report");
        assert_eq!(super::message(&error), "cannot write the report\n  because: no such device");
    }
}
