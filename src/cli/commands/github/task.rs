//! What a sweep has to do, piece by piece, the largest first.

use crate::cli::args::GithubArgs;
use crate::cli::error::redact;
use crate::coverage::Surface;
use crate::source::github::{AlertScope, Gist, Listed, Listing, Repository};

/// One piece of a sweep.
pub(super) enum Task<'a> {
    /// A repository: its history, and its runs.
    Repository(&'a Listed<Repository>),
    /// A repository's wiki.
    Wiki(&'a Listed<Repository>),
    /// A gist, and whose it is.
    Gist(&'a str, &'a Listed<Gist>),
    /// Alerts of secret scanning.
    Alerts(&'a Listed<AlertScope>),
}

impl<'a> Task<'a> {
    /// All there is to do, the largest first: what takes longest must not begin last.
    pub(super) fn all(listing: &'a Listing, args: &GithubArgs) -> Vec<Task<'a>> {
        let asked = |surface: Surface| args.asks(surface);
        let of_repository = Surface::of_repository().into_iter().any(asked);
        let repositories = listing.repositories.iter();
        let mut tasks = Vec::new();
        if asked(Surface::Alerts) {
            tasks.extend(listing.alerts.iter().map(Task::Alerts));
        }
        if of_repository {
            tasks.extend(repositories.clone().map(Task::Repository));
        }
        if asked(Surface::Wikis) {
            tasks.extend(repositories.filter(|listed| listed.item.has_wiki).map(Task::Wiki));
        }
        if asked(Surface::Gists) {
            tasks.extend(listing.gists.iter().map(|(owner, gist)| Task::Gist(owner, gist)));
        }
        // Alerts before all: they are known to be leaks.
        tasks.sort_by_key(|task| (!task.is_alerts(), std::cmp::Reverse(task.size())));
        tasks
    }

    /// Whether it is alerts of secret scanning.
    pub(super) fn is_alerts(&self) -> bool {
        matches!(self, Task::Alerts(_))
    }

    /// The target it was listed for.
    pub(super) fn target(&self) -> &'a str {
        match self {
            Task::Repository(listed) | Task::Wiki(listed) => &listed.target,
            Task::Gist(_, listed) => &listed.target,
            Task::Alerts(listed) => &listed.target,
        }
    }

    /// What the coverage calls it. A name may be a token.
    pub(super) fn name(&self) -> String {
        redact(&self.full_name())
    }

    fn full_name(&self) -> String {
        match self {
            Task::Repository(listed) => listed.item.full_name.clone(),
            Task::Wiki(listed) => format!("{}.wiki", listed.item.full_name),
            Task::Gist(_, listed) => format!("gist/{}", listed.item.id),
            Task::Alerts(listed) => listed.item.to_string(),
        }
    }

    /// How much there is to fetch, in KiB, as far as that is known.
    pub(super) fn size(&self) -> u64 {
        match self {
            Task::Repository(listed) => listed.item.size,
            Task::Wiki(_) | Task::Gist(..) | Task::Alerts(_) => 0,
        }
    }

    /// What changes when there is something new; none where what was found is not to be kept.
    pub(super) fn stamp(&self) -> Option<String> {
        let known = |moment: &Option<String>| moment.clone().unwrap_or_default();
        match self {
            Task::Repository(listed) | Task::Wiki(listed) => {
                let Repository { id, pushed_at, default_branch, .. } = &listed.item;
                // Another default branch brings another `.stanchignore`, and nobody has pushed.
                Some(format!("{id} {} {}", known(pushed_at), known(default_branch)))
            }
            Task::Gist(_, listed) => Some(known(&listed.item.updated_at)),
            Task::Alerts(_) => None,
        }
    }
}
