//! Open alerts of GitHub's secret scanning: it knows of tokens in private repositories and on servers, where it revokes
//! nothing, and the alert carries the secret.
//!
//! What a secret is, the detector decides and not the alert's type: an organization's own patterns match tokens, too. A
//! secret that is none of GitHub's tokens counts for nothing. Each of the others is found at the alert itself, and at the
//! places that the alert tells of.

mod place;
mod row;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::alert_ref::AlertRef;
use super::api::{Api, ApiError, Refusal, Row};
use super::listed::AlertScope;
use super::names::RepositoryName;
use super::tally::{SurfaceRead, Tally};
use crate::blob::{Blob, Body, Fault, FaultKind, Origin, Sink};
use crate::detect::{Detector, Window};
use crate::finding::Confidence;
use crate::text::counted;
use crate::token::Fingerprint;
use row::{AlertRow, Detected};

/// Where alerts are said to be, in reports.
const LIST: &str = "secret-scanning/alerts";

/// Open alerts as a source.
pub struct Alerts<'a> {
    /// The API.
    pub api: &'a Api,
    /// Whose.
    pub scope: &'a AlertScope,
    /// Decides what is a token.
    pub detector: &'a Detector,
    /// Which repositories are looked at.
    pub wanted: &'a (dyn Fn(&RepositoryName) -> bool + Sync),
}

/// What became of them.
#[derive(Debug, Default)]
pub struct AlertsRead {
    /// How many alerts hold one of GitHub's tokens, and how many may and could not be read.
    pub surface: SurfaceRead,
    /// The alerts that hold one, to be resolved when it is revoked.
    pub alerts: Vec<AlertRef>,
    /// Why the list was not given, where it was not.
    pub refusal: Option<Refusal>,
}

impl Alerts<'_> {
    /// Hands the secrets of all open alerts that hold a token to `sink`. Each location has its repository for a root.
    pub fn read(&self, sink: &dyn Sink) -> AlertsRead {
        let mut reader = Reader {
            alerts: self,
            sink,
            tally: Tally::default(),
            known: HashSet::new(),
            hidden: 0,
            found: Vec::new(),
        };
        let path = format!("{}?state=open&per_page=100", self.path());
        let outcome = self.api.pages_secret(&path, &mut |rows| reader.page(rows));
        if reader.hidden > 0 {
            let came = counted(reader.hidden, "alert came without its", "alerts came without their");
            let reason =
                format!("{came} secret: the credential may list alerts, and not see what was leaked");
            reader.failed(&self.root(), reader.hidden, &reason);
        }
        let mut refusal = None;
        if let Err(error) = outcome.as_ref()
            && *error != ApiError::Interrupted
        {
            refusal = error.refusal();
            reader.failed(&self.root(), 1, &told(error));
        }
        AlertsRead { surface: reader.tally.finish("alerts"), alerts: reader.found, refusal }
    }

    fn path(&self) -> String {
        match self.scope {
            AlertScope::Enterprise(slug) => format!("/enterprises/{slug}/{LIST}"),
            AlertScope::Organization(name) => format!("/orgs/{name}/{LIST}"),
            AlertScope::Repository(name) => format!("/repos/{name}/{LIST}"),
        }
    }

    /// What a fault of the whole list is told of.
    fn root(&self) -> String {
        match self.scope {
            AlertScope::Enterprise(slug) => format!("enterprise/{slug}"),
            AlertScope::Organization(name) => name.clone(),
            AlertScope::Repository(name) => name.to_string(),
        }
    }
}

/// 404 has two meanings here, and neither is that there are no alerts.
fn told(error: &ApiError) -> String {
    match error.refusal() {
        Some(Refusal::NotFound) => {
            "secret scanning is not enabled there, or the credential may not read its alerts \
             (scope `repo` or `security_events`, or the permission \"Secret scanning alerts\": read)"
                .to_owned()
        }
        _ => error.to_string(),
    }
}

struct Reader<'a> {
    alerts: &'a Alerts<'a>,
    sink: &'a dyn Sink,
    tally: Tally,
    /// Pages shift while alerts are opened and closed.
    known: HashSet<(RepositoryName, u64)>,
    /// Alerts without a secret.
    hidden: u64,
    found: Vec<AlertRef>,
}

impl Reader<'_> {
    fn page(&mut self, rows: Vec<Row<AlertRow>>) -> ControlFlow<()> {
        for row in rows {
            if self.sink.stopped() {
                return ControlFlow::Break(());
            }
            match row.known() {
                Ok(row) => self.row(&row),
                Err(name) => {
                    let reason = format!("an alert is listed in no form that GitHub documents: {name}");
                    self.failed(&self.alerts.root(), 1, &reason);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn row(&mut self, row: &AlertRow) {
        let repository = match (&row.repository, self.alerts.scope) {
            (Some(told), _) => RepositoryName::parse(&told.full_name),
            (None, AlertScope::Repository(name)) => Some(name.clone()),
            (None, _) => None,
        };
        let Some(repository) = repository else {
            let reason = format!("alert {} tells of no repository that there can be", row.number);
            return self.failed(&self.alerts.root(), 1, &reason);
        };
        if !(self.alerts.wanted)(&repository) || !self.known.insert((repository.clone(), row.number)) {
            return;
        }
        let Some(secret) = row.secret.as_ref().filter(|secret| !secret.is_empty()) else {
            self.hidden += 1;
            return;
        };
        let (tokens, surest) = self.judge(secret.as_bytes());
        let Some(surest) = surest else { return };
        self.hand_over(row, &repository, secret.as_bytes());
        if surest > Confidence::Lookalike {
            self.tally.read();
            let url = row.html_url.as_deref().and_then(place::address);
            self.found.push(AlertRef { repository, number: row.number, url, tokens });
        }
    }

    /// The tokens in a secret, and how sure the surest of them is.
    fn judge(&self, secret: &[u8]) -> (Vec<Fingerprint>, Option<Confidence>) {
        let (mut tokens, mut surest) = (Vec::new(), None);
        self.alerts.detector.scan(&Window::whole(secret), &mut |hit| {
            surest = surest.max(Some(hit.confidence));
            if hit.confidence > Confidence::Lookalike {
                tokens.push(Fingerprint::of(hit.text));
            }
        });
        tokens.sort_unstable();
        tokens.dedup();
        (tokens, surest)
    }

    fn hand_over(&self, row: &AlertRow, repository: &RepositoryName, secret: &[u8]) {
        self.sink.meter().file(secret.len() as u64);
        let root = repository.to_string();
        let origin = || Origin {
            root: Some(root.clone()),
            url: row.html_url.as_deref().and_then(place::address),
            ..Origin::file(format!("{LIST}/{}", row.number))
        };
        self.sink.blob(Blob { body: Body::Whole(secret), origin: &origin });
        for detected in self.places(row, repository) {
            match place::origin(&detected, repository, row.html_url.as_deref()) {
                Some(origin) => {
                    self.sink.blob(Blob { body: Body::Whole(secret), origin: &|| origin.clone() });
                }
                None => self.untold(row, repository, "a place of it is told in no form that is known"),
            }
        }
    }

    /// Where the secret was detected: the first place is told with the alert by all but old servers, others are asked for.
    fn places(&self, row: &AlertRow, repository: &RepositoryName) -> Vec<Detected> {
        let first = row.first_location_detected.clone();
        if first.is_some() && !row.has_more_locations.unwrap_or(false) {
            return first.into_iter().collect();
        }
        let mut places = Vec::new();
        let path = format!("/repos/{repository}/{LIST}/{}/locations?per_page=100", row.number);
        let outcome = self.alerts.api.pages(&path, &mut |page: Vec<Row<row::Located>>| {
            // What cannot be read is a place of no form that is known.
            let details =
                |row: Row<row::Located>| row.known().map(|located| located.details).unwrap_or_default();
            places.extend(page.into_iter().map(details));
            // More are not kept of any token.
            ControlFlow::Break(())
        });
        if let Err(error) = outcome
            && error != ApiError::Interrupted
        {
            self.untold(row, repository, &error.to_string());
        }
        if places.is_empty() { first.into_iter().collect() } else { places }
    }

    /// Where a token was leaked is not told to the end.
    fn untold(&self, row: &AlertRow, repository: &RepositoryName, why: &str) {
        let path = format!("{repository}/{LIST}/{}", row.number);
        let reason = format!("its token was found, and where else it was leaked is not told: {why}");
        self.sink.fault(Fault { path, kind: FaultKind::Unreadable, reason });
    }

    fn failed(&self, root: &str, count: u64, reason: &str) {
        let path = format!("{root}/{LIST}");
        self.sink.fault(Fault { path, kind: FaultKind::Unreadable, reason: reason.to_owned() });
        self.tally.failed(count, reason);
    }
}
