//! Where in a GitHub tokens turn up.

/// A place of a repository, a user or an organization that can be looked at or left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surface {
    /// Branches, tags, notes: all refs but those of pull requests.
    Repos,
    /// `refs/pull/*`: those of forks among them.
    Pulls,
    /// What was force-pushed over, and branches that were deleted.
    Deleted,
    /// Wikis with their history.
    Wikis,
    /// Gists of users with their history.
    Gists,
    /// Logs of Actions' runs.
    ActionsLogs,
    /// Artifacts of Actions' runs.
    Artifacts,
    /// Open alerts of secret scanning.
    Alerts,
}

impl Surface {
    /// Every surface, in the order of help texts.
    pub const ALL: [Surface; 8] = [
        Surface::Repos,
        Surface::Pulls,
        Surface::Deleted,
        Surface::Wikis,
        Surface::Gists,
        Surface::ActionsLogs,
        Surface::Artifacts,
        Surface::Alerts,
    ];

    /// The word for it on the command line and in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Surface::Repos => "repos",
            Surface::Pulls => "pulls",
            Surface::Deleted => "deleted",
            Surface::Wikis => "wikis",
            Surface::Gists => "gists",
            Surface::ActionsLogs => "actions-logs",
            Surface::Artifacts => "artifacts",
            Surface::Alerts => "alerts",
        }
    }

    /// Those that a repository itself has, beside its wiki and its alerts.
    pub const fn of_repository() -> [Surface; 5] {
        [Surface::Repos, Surface::Pulls, Surface::Deleted, Surface::ActionsLogs, Surface::Artifacts]
    }

    /// Whether something has to be fetched by `git` to look at it.
    pub const fn needs_git(self) -> bool {
        self.needs_mirror() || matches!(self, Surface::Wikis | Surface::Gists)
    }

    /// Whether it takes a mirror of the repository to look at it.
    pub const fn needs_mirror(self) -> bool {
        matches!(self, Surface::Repos | Surface::Pulls | Surface::Deleted)
    }
}
