//! Fetches a repository as a mirror, and scans every object in it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::access::Access;
use super::head::fetch_head;
use super::kept_mirrors::KeptMirrors;
use super::outcome::Outcome;
use super::patience::patiently;
use super::wanted::Wanted;
use crate::blob::{Fault, FaultKind, Sink, Source as _};
use crate::cli::args::GithubArgs;
use crate::cli::scan_context::ScanContext;
use crate::coverage::{RepositoryState, Surface, SurfaceCount};
use crate::finding::Findings;
use crate::journal::Journal;
use crate::scan::WithRoot;
use crate::source::git::{History, Repo};
use crate::source::github::{
    ApiError, CloneUrl, Deleted, DiskBudget, Git, GitError, GitOptions, Limits, Mirror, MirrorPlace,
    MirrorRefs, Remote, RepositoryName, Reservation, deleted,
};

/// How many times the time of a request nothing may move while a mirror is fetched: a server thinks about a large one.
const STALLS: u32 = 4;

/// The size of a mirror, at most, as a multiple of what the API says: it leaves out what garbage collection would.
const TIMES_TOLD: u64 = 3;

/// What is said of a repository in the middle of which the run ended.
pub(super) const INTERRUPTED: &str = "the run was interrupted in the middle of it";

/// What is said where tokens are revoked and no repository is fetched.
const UNREAD: &str = "no repository's .stanchignore and .stanch.toml are read without --include repos: what they suppress is sent, too";

/// Fetches mirrors and scans them.
pub(super) struct Mirrored<'a> {
    session: ScanContext<'a>,
    access: &'a Access,
    git: Option<Git>,
    budget: DiskBudget,
    /// Where mirrors are.
    root: PathBuf,
    cache: Option<KeptMirrors>,
    /// Whether what repositories say of themselves is obeyed.
    pub(super) obeys_projects: bool,
    /// A scan is in all threads, and takes memory: one at a time.
    scanning: Mutex<()>,
}

impl<'a> Mirrored<'a> {
    /// Finds the `git` that fetches; nothing is fetched yet.
    pub(super) fn new(
        args: &GithubArgs,
        (session, access): (ScanContext<'a>, &'a Access),
        journal: &Journal,
    ) -> Result<Self, GitError> {
        let work_dir = journal.work_dir();
        let find = || {
            Git::find(&GitOptions {
                ca_cert: access.connection.ca_cert.as_deref(),
                work_dir: &work_dir,
                timeout: access.connection.timeout,
                cancel: session.meter.cancel_flag(),
            })
        };
        // Alerts and logs are there for a machine without git, too.
        let git = args.surfaces().any(Surface::needs_git).then(find).transpose()?;
        let root = args.cache.clone().unwrap_or_else(|| work_dir.join("mirrors"));
        let most = args.max_disk.unwrap_or(u64::MAX);
        // Half of it is for those that are kept, the other for those under way.
        let kept = if args.cache.is_some() { most / 2 } else { 0 };
        let cache = args.cache.is_some().then(|| KeptMirrors::new(kept));
        let (budget, scanning) = (DiskBudget::new(most - kept), Mutex::new(()));
        let obeys_projects = !args.common.config.no_project_config;
        let reads_trees = args.surfaces().any(Surface::needs_mirror);
        if args.common.revoke && obeys_projects && !reads_trees {
            session.console.warn(UNREAD);
        }
        Ok(Mirrored { session, access, git, budget, root, cache, obeys_projects, scanning })
    }

    /// Where mirrors are.
    pub(super) fn root(&self) -> &std::path::Path {
        &self.root
    }

    /// Fetches and scans a repository. Returns whether there is one.
    pub(super) fn look_at(&self, url: &CloneUrl, wanted: &Wanted<'_>, outcome: &mut Outcome) -> bool {
        match self.fetch_and_scan(url, wanted, outcome) {
            Ok(()) => {}
            Err(GitError::Cancelled) => outcome.problem(RepositoryState::Interrupted, INTERRUPTED),
            Err(error) => {
                // What another run is at work on, or is none of this program's, is not to be read either.
                let is_closed = matches!(error, GitError::Busy(_) | GitError::Place { .. });
                let is_kept = !is_closed && self.scan_kept(url, wanted, outcome);
                if matches!(error, GitError::NotFound(_)) && wanted.may_be_missing && !is_kept {
                    return false;
                }
                let rest = if is_kept { "; its mirror in the cache was scanned as it was" } else { "" };
                outcome.not_fetched(&error, rest);
            }
        }
        if self.obeys_projects {
            outcome.miss_own();
        }
        true
    }

    /// Scans the mirror of an earlier run, where its server does not give what is there now. Whether there is one.
    fn scan_kept(&self, url: &CloneUrl, wanted: &Wanted<'_>, outcome: &mut Outcome) -> bool {
        let (Some(cache), Some(git), Some(place)) = (&self.cache, &self.git, &wanted.place) else {
            return false;
        };
        let limits = self.limits(&|_| true);
        // Where that is not to be read either, the reason is that of the server.
        let Ok(Some(mirror)) = Mirror::kept(git, place, url, &limits) else { return false };
        cache.count(mirror.bytes_on_disk());
        outcome.mirror(&mirror, wanted.pulls);
        self.scan(&mirror, &limits, outcome);
        true
    }

    fn limits<'l>(&'l self, may_hold: &'l (dyn Fn(u64) -> bool + Sync)) -> Limits<'l> {
        let stall = self.access.connection.timeout * STALLS;
        Limits { stall, may_hold, cancel: self.session.meter.cancel_flag() }
    }

    fn fetch_and_scan(
        &self,
        url: &CloneUrl,
        wanted: &Wanted<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), GitError> {
        let Some(place) = &wanted.place else {
            return Err(GitError::Git {
                status: "nothing".to_owned(),
                message: "no place for it".to_owned(),
            });
        };
        let cancel = self.session.meter.cancel_flag();
        let size = wanted.size.saturating_mul(TIMES_TOLD);
        let reservation = self.budget.reserve(size, cancel).ok_or(GitError::Cancelled)?;
        let fetched = self.with_mirror((url, place), &reservation, wanted, outcome);
        match fetched {
            // It did not fit beside the others: alone it may.
            Err(GitError::TooLarge(_)) if !reservation.is_all() => {
                drop(reservation);
                let reservation = self.budget.reserve_all(cancel).ok_or(GitError::Cancelled)?;
                self.with_mirror((url, place), &reservation, wanted, outcome)
            }
            fetched => fetched,
        }
    }

    fn with_mirror(
        &self,
        (url, place): (&CloneUrl, &MirrorPlace),
        reservation: &Reservation<'_>,
        wanted: &Wanted<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), GitError> {
        let refused = |error: ApiError| GitError::Refused(error.to_string());
        self.access.api.require_credential().map_err(refused)?;
        let token = self.access.token().map_err(refused)?;
        let remote = Remote { url, credential: Some(&token) };
        let may_hold = |bytes: u64| reservation.may_hold(bytes);
        let limits = self.limits(&may_hold);
        let refs = if wanted.pulls { MirrorRefs::All } else { MirrorRefs::WithoutPulls };
        let git = self.git.as_ref().ok_or_else(|| GitError::Program("there is no git".to_owned()))?;
        let mirror = patiently(limits.cancel, || Mirror::fetch(git, place, &remote, refs, &limits))?;
        self.look_into(&mirror, (&remote, &limits), wanted, outcome);
        self.keep_or_remove(mirror);
        Ok(())
    }

    /// Keeps a mirror in the cache, if there is room for it; or removes it.
    fn keep_or_remove(&self, mirror: Mirror<'_>) {
        if self.cache.as_ref().is_some_and(|cache| cache.take(mirror.bytes_on_disk())) {
            return;
        }
        let path = mirror.path().to_owned();
        if let Err(error) = mirror.remove() {
            self.session.console.warn(&format!("the mirror {} stays behind: {error}", path.display()));
        }
    }

    fn look_into(
        &self,
        mirror: &Mirror<'_>,
        (remote, limits): (&Remote<'_>, &Limits<'_>),
        wanted: &Wanted<'_>,
        outcome: &mut Outcome,
    ) {
        outcome.mirror(mirror, wanted.pulls);
        if let Some(aside) = mirror.set_aside() {
            let text =
                format!("its mirror was damaged and made anew: the damaged one is at {}", aside.display());
            self.session.console.warn(&format!("{}: {text}", outcome.row.repository));
        }
        if mirror.lacks_refs() {
            let text = "some of its refs cannot be files here, so that their names were not looked at; what they lead to was";
            self.session.console.warn(&format!("{}: {text}", outcome.row.repository));
        }
        let deleted = wanted
            .deleted
            .map(|repository| self.fetch_deleted(repository, mirror, (remote, limits), outcome));
        let fetched = match deleted {
            Some(Ok(count)) => count,
            Some(Err((state, reason))) => {
                outcome.problem(state, reason);
                0
            }
            None => 0,
        };
        if mirror.tip().is_none() && !mirror.is_empty() && self.cache.is_some() && !wanted.may_be_empty {
            let reason = "git was shown nothing of it now: its mirror in the cache was scanned as it was";
            outcome.problem(RepositoryState::Partial, reason);
        }
        // A server may show its HEAD and no ref.
        let head = mirror.tip().filter(|_| mirror.is_empty());
        let fetched = fetched + head.map_or(0, |id| fetch_head(id, mirror, (remote, limits), outcome));
        if mirror.is_empty() && fetched == 0 {
            if !wanted.may_be_empty {
                // A server that says nothing in the right form says that there are no refs.
                let reason = "the API says that there is something in it, and git was shown nothing";
                return outcome.problem(RepositoryState::Failed, reason);
            }
            if head.is_none() {
                outcome.looked_at(false);
            }
            return;
        }
        self.scan(mirror, limits, outcome);
    }

    /// Fetches what was pushed over and deleted. How much of it there was.
    fn fetch_deleted(
        &self,
        repository: &RepositoryName,
        mirror: &Mirror<'_>,
        (remote, limits): (&Remote<'_>, &Limits<'_>),
        outcome: &mut Outcome,
    ) -> Result<u64, (RepositoryState, String)> {
        let told = |error: &dyn std::fmt::Display| format!("what was deleted is not known: {error}");
        let failed = |error: &dyn std::fmt::Display| {
            if limits.cancel.is_cancelled() {
                (RepositoryState::Interrupted, INTERRUPTED.to_owned())
            } else {
                (RepositoryState::Partial, told(error))
            }
        };
        let Deleted { ids, untold } =
            deleted(&self.access.api, repository, None).map_err(|error| failed(&error))?;
        if let Some(reason) = untold {
            outcome.problem(RepositoryState::Partial, told(&reason));
        }
        let missing = mirror.fetch_objects(remote, &ids, limits).map_err(|error| failed(&error))?;
        let fetched = (ids.len() - missing.len()) as u64;
        let count = SurfaceCount { read: fetched, expired: missing.len() as u64, ..SurfaceCount::default() };
        outcome.row.surfaces.insert(Surface::Deleted.as_str().to_owned(), count);
        outcome.row.missing.extend(missing);
        Ok(fetched)
    }

    /// Scans every object, and asks which commits introduced what was found.
    fn scan(&self, mirror: &Mirror<'_>, limits: &Limits<'_>, outcome: &mut Outcome) {
        let _one_at_a_time = self.scanning.lock().unwrap_or_else(PoisonError::into_inner);
        let walk = &self.session.settings.walk;
        let repo = match Repo::open(mirror.path()) {
            Ok(repo) => repo.with_max_blob_size(walk.max_file_size.unwrap_or(u64::MAX)),
            Err(error) => return outcome.problem(RepositoryState::Failed, error.to_string()),
        };
        let name = outcome.row.repository.clone();
        // Reflogs are this machine's, not the server's.
        let (history, mut found) = (History::new(&repo).without_reflogs(), Findings::keeping_all());
        if self.obeys_projects {
            outcome.read_own(self.session, &repo);
        }
        let mut drain = |sink: &dyn Sink| history.drain(&WithRoot::new(sink, Some(&name)));
        outcome.own.scan(self.session, (&found, &outcome.meter), &mut drain);
        history.attribute(&mut found, self.session.meter.cancel_flag());
        outcome.own.settle(self.session, &mut found);
        let mut unread = 0;
        found.replace_faults(&mut |fault: Fault| {
            // A broken archive is a file like another: it is told as a fault, and the repository was looked at.
            unread += u64::from(fault.kind == FaultKind::Unreadable);
            vec![fault]
        });
        outcome.looked_at(true);
        if let Some(missing) = repo.incomplete() {
            outcome.problem(RepositoryState::Partial, missing.to_string());
        }
        if unread > 0 {
            outcome.problem(RepositoryState::Partial, format!("{unread} of its objects could not be read"));
        }
        let mut commits = BTreeSet::new();
        found.for_each_location_mut(&mut |_, location| commits.extend(location.details().commit.clone()));
        let commits: BTreeSet<&str> = commits.iter().map(String::as_str).collect();
        // Without it only a link is missing.
        if let Ok(pulls) = mirror.pulls_of(&commits, limits) {
            outcome.pulls.extend(pulls);
        }
        outcome.findings.merge(found);
    }
}
