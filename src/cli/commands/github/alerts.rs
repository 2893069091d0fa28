//! Closes alerts of secret scanning whose tokens were revoked, and asks whose the tokens are.

use std::collections::{HashMap, HashSet};

use super::access::Access;
use super::joined::join_places;
use crate::cli::args::GithubArgs;
use crate::cli::console::{self, Console, count};
use crate::coverage::{Coverage, CoverageRow, RepositoryState, Surface, SurfaceCount};
use crate::finding::{Confidence, Finding};
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
        let alerts = self.alerts();
        let open = alerts.len();
        let proven: Vec<(AlertRef, String)> =
            alerts.into_iter().filter_map(|alert| comment(&alert).map(|comment| (alert, comment))).collect();
        let left = (open - proven.len()) as u64;
        if self.args.common.revocation.dry_run {
            let would = self.count_if_accepted(findings) + proven.len() as u64;
            self.console.info(&format!(
                "{} would be closed as revoked once their tokens are accepted",
                count(would, "alert")
            ));
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

    /// How many alerts there are whose tokens would all be sent: nothing was, and nothing stands against it.
    fn count_if_accepted(&self, findings: &[Finding]) -> u64 {
        let would_be_sent = |finding: &&Finding| {
            let is_free = finding
                .revocation
                .as_ref()
                .is_none_or(|revocation| matches!(revocation.state, State::Queued | State::Sent));
            finding.suppressed.is_none()
                && finding.confidence == Confidence::Certain
                && finding.revocable()
                && is_free
        };
        let sent = findings.iter().filter(would_be_sent).map(|finding| finding.token.fingerprint());
        let sent: HashSet<Fingerprint> = sent.collect();
        let all_sent = |alert: &&AlertRef| alert.tokens.iter().all(|token| sent.contains(token));
        self.alerts().iter().filter(all_sent).count() as u64
    }

    /// The alerts that hold tokens, each once.
    fn alerts(&self) -> Vec<AlertRef> {
        let mut alerts = self.alerts.clone();
        alerts.sort();
        alerts.dedup();
        alerts
    }

    /// Says before anything is sent what else is going to happen.
    pub(super) fn announce(&self) {
        if self.args.resolve_alerts && !self.args.common.revocation.dry_run {
            let open = count(self.alerts().len() as u64, "open alert");
            self.console
                .info(&format!("{open}: those whose tokens are accepted are closed as revoked afterwards"));
        }
    }

    /// Asks for the names of owners, each once.
    fn name_owners(&self, findings: &mut [Finding]) -> bool {
        let logins = Logins::new(&self.access.api);
        for finding in findings {
            let Some(id) = finding.owner_id else { continue };
            match logins.login(id) {
                Ok(login) => finding.owner_login = login.map(Into::into),
                Err(error) => {
                    // Once: what is refused for one is refused for all.
                    console::error(&format!("whose tokens these are is not known to the end: {error}"));
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
    let has_row = |alert: &AlertRef, rows: &[CoverageRow]| rows.iter().any(|row| is_of(alert, row));
    let rows = coverage.rows.clone();
    for row in &mut coverage.rows {
        // An enterprise's row stands for those that have no other.
        let is_enterprise = row.repository.starts_with("enterprise/");
        let is_of = |alert: &AlertRef| is_of(alert, row) || (is_enterprise && !has_row(alert, &rows));
        let of_row =
            |alerts: &[(AlertRef, String)]| alerts.iter().filter(|(alert, _)| is_of(alert)).count() as u64;
        let (all, failed) = (of_row(proven), of_row(failed));
        if all > 0 {
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

/// Whether a row is that of an alert's repository, or of the organization that all of its repositories belong to.
fn is_of(alert: &AlertRef, row: &CoverageRow) -> bool {
    let counts_alerts = row.surfaces.contains_key(Surface::Alerts.as_str());
    counts_alerts
        && (alert.repository.to_string() == row.repository || alert.repository.owner() == row.repository)
}
