//! Closes alerts of secret scanning whose tokens were revoked, and asks whose the tokens are.

use std::collections::HashMap;

use super::access::Access;
use super::joined::join_places;
use crate::cli::args::GithubArgs;
use crate::cli::console::{self, Console, count};
use crate::coverage::{Coverage, RepositoryState, SurfaceCount};
use crate::finding::Finding;
use crate::revocation::{Revocation, State};
use crate::source::github::{AlertRef, Logins, Resolved, resolution_comment, resolve};
use crate::token::Fingerprint;

/// How many alerts that stay open are told one by one.
const MOST_TOLD: usize = 10;

/// What the coverage calls alerts that were closed.
const CLOSED: &str = "alerts-resolved";

/// What is done between revoking and reporting.
pub(super) struct LastSteps<'a> {
    pub(super) args: &'a GithubArgs,
    pub(super) access: &'a Access,
    pub(super) alerts: Vec<AlertRef>,
    pub(super) console: Console,
}

impl LastSteps<'_> {
    /// Returns whether all went well.
    pub(super) fn run(&self, findings: &mut [Finding], coverage: &mut Option<Coverage>) -> bool {
        join_places(findings);
        let is_done = !self.args.resolve_alerts || self.close(findings, coverage);
        let asks = self.args.owner_logins || self.args.common.revocation.verify;
        let is_told = !asks || self.name_owners(findings);
        is_done && is_told
    }

    /// Closes the alerts of what GitHub has accepted for revocation, and no others.
    fn close(&self, findings: &[Finding], coverage: &mut Option<Coverage>) -> bool {
        // Where it was asked whether they are dead, GitHub's word that it took them is not enough.
        let is_proven = |revocation: &&Revocation| {
            !self.args.common.revocation.confirm || revocation.state == State::Confirmed
        };
        let counted = findings.iter().filter(|finding| finding.suppressed.is_none());
        let known = counted.filter_map(|finding| {
            Some((finding.token.fingerprint(), finding.revocation.as_ref().filter(is_proven)?))
        });
        let known: HashMap<Fingerprint, &Revocation> = known.collect();
        let comment = |alert: &AlertRef| {
            let revocations: Option<Vec<&Revocation>> =
                alert.tokens.iter().map(|token| known.get(token).copied()).collect();
            resolution_comment(&revocations?)
        };
        let mut alerts = self.alerts.clone();
        alerts.sort();
        alerts.dedup();
        let open = alerts.len();
        let proven: Vec<(AlertRef, String)> =
            alerts.into_iter().filter_map(|alert| comment(&alert).map(|comment| (alert, comment))).collect();
        let left = (open - proven.len()) as u64;
        if self.args.common.revocation.dry_run {
            let text = "would be closed as revoked; the others once their tokens are accepted";
            self.console.info(&format!("{} {text}", count(proven.len() as u64, "alert")));
            return true;
        }
        let Resolved { resolved, already, failed, interrupted } = resolve(&self.access.api, &proven);
        let rest = match left + interrupted {
            0 => String::new(),
            rest if self.args.common.revocation.confirm => {
                format!(
                    ", {} left open (with --confirm, those that were not seen dead)",
                    count(rest, "alert")
                )
            }
            rest => format!(", {} left open", count(rest, "alert")),
        };
        self.console.info(&format!("{} closed as revoked{rest}", count(resolved + already, "alert")));
        for (alert, reason) in failed.iter().take(MOST_TOLD) {
            let AlertRef { repository, number, .. } = alert;
            console::error(&format!("alert {number} of {repository} stays open: {reason}"));
        }
        if failed.len() > MOST_TOLD {
            console::error(&format!("{} more alerts stay open", failed.len() - MOST_TOLD));
        }
        note(coverage, &proven, &failed);
        failed.is_empty() && interrupted == 0
    }

    /// Asks for the names of owners, each once.
    fn name_owners(&self, findings: &mut [Finding]) -> bool {
        let logins = Logins::new(&self.access.api);
        for finding in findings {
            let Some(id) = finding.owner_id else { continue };
            match logins.login(id) {
                Ok(login) => finding.owner_login = login.map(Into::into),
                Err(error) => {
                    self.console.warn(&format!("whose tokens these are is not known to the end: {error}"));
                    return false;
                }
            }
        }
        true
    }
}

/// Notes in the coverage how many alerts of each row were closed.
fn note(coverage: &mut Option<Coverage>, proven: &[(AlertRef, String)], failed: &[(AlertRef, String)]) {
    let Some(coverage) = coverage else { return };
    for row in &mut coverage.rows {
        // An organization's row stands for all of its repositories.
        let is_of = |alert: &AlertRef| {
            let repository = alert.repository.to_string();
            repository == row.repository || alert.repository.owner() == row.repository
        };
        let of_row =
            |alerts: &[(AlertRef, String)]| alerts.iter().filter(|(alert, _)| is_of(alert)).count() as u64;
        let (all, failed) = (of_row(proven), of_row(failed));
        if all > 0 && row.surfaces.contains_key("alerts") {
            let closed = SurfaceCount { read: all - failed, failed, ..SurfaceCount::default() };
            row.surfaces.insert(CLOSED.to_owned(), closed);
            if failed > 0 {
                row.state = RepositoryState::Partial;
                let reason = format!("{failed} alerts stay open, though their tokens were accepted");
                row.reason =
                    Some(row.reason.take().map_or(reason.clone(), |known| format!("{known}; {reason}")));
            }
        }
    }
}
