//! Looks at one piece of a sweep: fetches it, scans it, and says what came of it.

use super::access::Access;
use super::mirrored::Mirrored;
use super::outcome::Outcome;
use super::sweep::Worker;
use super::task::Task;
use super::wanted::Wanted;
use crate::blob::{Blob, Body, LocationKind, Origin, Sink};
use crate::cli::args::GithubArgs;
use crate::cli::scan_context::ScanContext;
use crate::coverage::{RepositoryState, Surface};
use crate::journal::{Journal, Scanned};
use crate::source::github::{
    Actions, AlertRef, AlertScope, Alerts, Gist, Links, Listed, Listing, MirrorPlace, Repository,
    RepositoryName, Spool,
};

/// What all pieces of a sweep are looked at with.
pub(super) struct GithubWorker<'a> {
    pub(super) session: ScanContext<'a>,
    pub(super) access: &'a Access,
    pub(super) listing: &'a Listing,
    pub(super) args: &'a GithubArgs,
    pub(super) journal: &'a Journal,
    pub(super) mirrored: Mirrored<'a>,
}

/// How many logs and artifacts of one repository are read at once.
const DOWNLOADS: usize = 2;

/// As many bytes of a download are put on the disk while it is read; what is larger is read as it arrives.
const SPOOLED: u64 = 4 << 30;

impl Worker for GithubWorker<'_> {
    fn work(&self, task: &Task<'_>, alerts: &mut Vec<AlertRef>) -> Option<Scanned> {
        match task {
            Task::Repository(listed) => Some(self.repository(listed)),
            Task::Wiki(listed) => self.wiki(listed),
            Task::Gist(owner, listed) => Some(self.gist(owner, listed)),
            Task::Alerts(listed) => Some(self.alerts(listed, alerts)),
        }
    }
}

impl GithubWorker<'_> {
    fn asks(&self, surface: Surface) -> bool {
        self.args.asks(surface)
    }

    /// The name of the host's directory among mirrors.
    fn host(&self) -> &str {
        self.access.host.label()
    }

    fn links(&self) -> Links {
        Links::new(&self.access.host.api_base())
    }

    fn repository(&self, listed: &Listed<Repository>) -> Scanned {
        let (repository, mut links) = (&listed.item, self.links());
        let mut outcome = Outcome::new(self.session, &listed.target, &repository.full_name);
        let Some(name) = RepositoryName::parse(&repository.full_name) else {
            outcome.problem(RepositoryState::Failed, "its name is none that a repository can have");
            return outcome.finish(self.session, &links);
        };
        self.look_at_name(&repository.full_name, &outcome);
        if self.args.surfaces().any(Surface::needs_mirror) {
            let wanted = Wanted {
                place: Some(MirrorPlace::of_repository(self.mirrored.root(), self.host(), &name)),
                may_be_missing: false,
                may_be_empty: repository.size == 0,
                pulls: self.asks(Surface::Pulls),
                deleted: self.asks(Surface::Deleted).then_some(&name),
                size: repository.size.saturating_mul(1024),
            };
            match self.access.clone_url(repository.clone_url.as_deref(), &name) {
                Ok(url) => {
                    self.mirrored.look_at(&url, &wanted, &mut outcome);
                }
                Err(reason) => {
                    outcome.problem(RepositoryState::Failed, reason);
                    if self.mirrored.obeys_projects {
                        outcome.miss_own();
                    }
                }
            }
        }
        let spool = Spool::new(self.journal.work_dir(), SPOOLED);
        let (api, since, downloads) =
            (&self.access.api, self.args.since.as_ref().map(|since| since.at), DOWNLOADS);
        let actions = Actions { api, repository: &name, since, spool, downloads };
        if self.asks(Surface::ActionsLogs) && !self.session.interrupted() {
            let read = self.read_into(&outcome, |sink| actions.read_logs(sink));
            outcome.surface(Surface::ActionsLogs, read);
        }
        if self.asks(Surface::Artifacts) && !self.session.interrupted() {
            let read = self.read_into(&outcome, |sink| actions.read_artifacts(sink));
            for (artifact, run) in read.runs {
                links.add_artifact(artifact, run);
            }
            outcome.surface(Surface::Artifacts, read.surface);
        }
        outcome.finish(self.session, &links)
    }

    /// A repository may be named after a token.
    fn look_at_name(&self, name: &str, outcome: &Outcome) {
        let root = outcome.row.repository.clone();
        let origin = || Origin {
            root: Some(root.clone()),
            kind: LocationKind::FileName,
            ..Origin::file(root.clone())
        };
        let body = || Body::Whole(name.as_bytes());
        self.session.scan(&outcome.findings, &outcome.meter, &mut |sink| {
            sink.blob(Blob { body: body(), origin: &origin });
        });
    }

    /// None where nothing was ever written into it.
    fn wiki(&self, listed: &Listed<Repository>) -> Option<Scanned> {
        let (repository, links) = (&listed.item, self.links());
        let full_name = format!("{}.wiki", repository.full_name);
        let mut outcome = Outcome::new(self.session, &listed.target, &full_name);
        let name = RepositoryName::parse(&repository.full_name)?;
        let place = Some(MirrorPlace::of_wiki(self.mirrored.root(), self.host(), &name));
        let wanted = Wanted { may_be_missing: true, ..Wanted::whole(place) };
        match self.access.clone_url(repository.clone_url.as_deref(), &name) {
            Ok(url) if self.mirrored.look_at(&url.wiki(), &wanted, &mut outcome) => {}
            Ok(_) => return None,
            Err(reason) => outcome.problem(RepositoryState::Failed, reason),
        }
        Some(outcome.finish(self.session, &links))
    }

    fn gist(&self, owner: &str, listed: &Listed<Gist>) -> Scanned {
        let (gist, mut links) = (&listed.item, self.links());
        links.add_gist(&gist.id, owner);
        let mut outcome = Outcome::new(self.session, &listed.target, &format!("gist/{}", gist.id));
        let place = MirrorPlace::of_gist(self.mirrored.root(), self.host(), &gist.id);
        let wanted = Wanted::whole(place);
        match self.access.gist_url(&gist.git_pull_url) {
            Ok(url) => {
                self.mirrored.look_at(&url, &wanted, &mut outcome);
            }
            Err(reason) => outcome.problem(RepositoryState::Failed, reason),
        }
        outcome.finish(self.session, &links)
    }

    fn alerts(&self, listed: &Listed<AlertScope>, found: &mut Vec<AlertRef>) -> Scanned {
        let links = self.links();
        let mut outcome = Outcome::new(self.session, &listed.target, &listed.item.to_string());
        let wanted = |name: &RepositoryName| self.wants_alerts_of(name);
        let detector = &self.session.detection.detector;
        let alerts = Alerts { api: &self.access.api, scope: &listed.item, detector, wanted: &wanted };
        let mut read = None;
        self.session.scan(&outcome.findings, &outcome.meter, &mut |sink| read = Some(alerts.read(sink)));
        if let Some(read) = read {
            found.extend(read.alerts);
            let state = match read.refusal {
                Some(_) => RepositoryState::Unavailable,
                None => RepositoryState::Failed,
            };
            outcome.surface_or(state, Surface::Alerts, read.surface);
        }
        outcome.finish(self.session, &links)
    }

    /// Whether alerts of a repository are asked for: it is not among those that are left out, or are another shard's.
    fn wants_alerts_of(&self, name: &RepositoryName) -> bool {
        let name = name.to_string().to_ascii_lowercase();
        if self.listing.passed_over.contains(&name) {
            return false;
        }
        // One that no list had, so that only its name says whose it is.
        let is_listed = self.listing.names.contains(&name);
        is_listed || self.session.settings.walk.shard.is_none_or(|shard| shard.owns_name(name.as_bytes()))
    }

    /// Calls `read` with a sink that puts what is found into an outcome. It is in no tree of the repository.
    fn read_into<T: Default>(&self, outcome: &Outcome, read: impl Fn(&dyn Sink) -> T) -> T {
        let (mut told, into) = (None, (&outcome.findings, &outcome.meter));
        outcome.own.scan_outside(self.session, into, &mut |sink| told = Some(read(sink)));
        told.unwrap_or_default()
    }
}
