//! What a GitHub of the tests holds: owners, their repositories, and what lies beside those.

use std::collections::BTreeMap;

/// What kind of account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnerKind {
    User,
    Organization,
}

/// An account with repositories.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) login: String,
    pub(crate) id: u64,
    pub(crate) kind: OwnerKind,
    pub(crate) repositories: Vec<Repository>,
    pub(crate) gists: Vec<Gist>,
}

/// A repository as the API describes it; its objects are in a bare repository of the same name.
#[derive(Clone, Debug)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) fork: bool,
    pub(crate) archived: bool,
    pub(crate) has_wiki: bool,
    /// In KiB, as the API tells it.
    pub(crate) size: u64,
    /// The branch that its `HEAD` is.
    pub(crate) default_branch: String,
    /// When somebody pushed last.
    pub(crate) pushed_at: String,
    pub(crate) activity: Vec<Activity>,
    pub(crate) runs: Vec<Run>,
    pub(crate) artifacts: Vec<Artifact>,
    /// The numbers of its pull requests.
    pub(crate) pulls: Vec<u64>,
}

impl Repository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// A change of a ref, as `GET /repos/{owner}/{repo}/activity` tells it.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) kind: &'static str,
    pub(crate) reference: String,
    pub(crate) before: String,
    pub(crate) after: String,
    pub(crate) at: String,
}

/// A run of a workflow.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) id: u64,
    pub(crate) created_at: String,
    pub(crate) status: &'static str,
    /// The logs of each attempt, as a zip; none where they have expired.
    pub(crate) attempts: Vec<Option<Vec<u8>>>,
}

/// What a run left behind.
#[derive(Clone, Debug)]
pub(crate) struct Artifact {
    pub(crate) id: u64,
    pub(crate) run: u64,
    pub(crate) name: String,
    pub(crate) created_at: String,
    /// None where it has expired.
    pub(crate) zip: Option<Vec<u8>>,
}

/// A gist; its objects are in a bare repository below `gist/`.
#[derive(Clone, Debug)]
pub(crate) struct Gist {
    pub(crate) id: String,
    pub(crate) public: bool,
    pub(crate) updated_at: String,
}

/// An alert of secret scanning.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) number: u64,
    /// `OWNER/REPO`.
    pub(crate) repository: String,
    pub(crate) secret: String,
    pub(crate) secret_type: &'static str,
    pub(crate) found: FoundIn,
    /// None while it is open; what it was resolved with, and the comment.
    pub(crate) resolution: Option<(String, String)>,
}

/// Where secret scanning found it.
#[derive(Clone, Debug)]
pub(crate) enum FoundIn {
    Commit {
        path: String,
        line: u64,
        commit: String,
    },
    IssueBody(u64),
    /// Not told with the alert: only by its locations.
    LocationsOnly {
        path: String,
        line: u64,
        commit: String,
    },
}

/// An app's installation.
#[derive(Clone, Debug)]
pub(crate) struct Installation {
    pub(crate) id: u64,
    pub(crate) account: String,
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) owners: Vec<Owner>,
    /// The organizations of each enterprise, by its slug.
    pub(crate) enterprises: BTreeMap<String, Vec<String>>,
    /// Repositories that were called otherwise before: the old full name, and the id.
    pub(crate) renamed: BTreeMap<String, u64>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) installations: Vec<Installation>,
    /// Whose the credential is, where it is a user's.
    pub(crate) credential_of: Option<String>,
    last_id: u64,
}

impl World {
    /// A number that nothing else has.
    pub(crate) fn id(&mut self) -> u64 {
        self.last_id += 1;
        10_000 + self.last_id
    }

    pub(crate) fn owner(&self, login: &str) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.login.eq_ignore_ascii_case(login))
    }

    pub(crate) fn owner_mut(&mut self, login: &str) -> &mut Owner {
        self.owners.iter_mut().find(|owner| owner.login == login).expect("an owner of that name")
    }

    pub(crate) fn owner_of_id(&self, id: &str) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.id.to_string() == id)
    }

    /// All repositories of all owners.
    pub(crate) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.owners.iter().flat_map(|owner| &owner.repositories)
    }

    pub(crate) fn repository(&self, owner: &str, name: &str) -> Option<&Repository> {
        let found = self.owner(owner)?;
        found.repositories.iter().find(|repository| repository.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn repository_mut(&mut self, full_name: &str) -> &mut Repository {
        let (owner, name) = full_name.split_once('/').expect("OWNER/REPO");
        let owner = self.owner_mut(owner);
        owner.repositories.iter_mut().find(|found| found.name == name).expect("a repository of that name")
    }

    /// The gist of this id, and whose it is.
    pub(crate) fn gist(&self, id: &str) -> Option<(&Owner, &Gist)> {
        let of = |owner| Owner::gist(owner, id).map(|gist| (owner, gist));
        self.owners.iter().find_map(of)
    }

    /// Adds an account.
    pub(crate) fn add_owner(&mut self, login: &str, kind: OwnerKind) {
        let id = self.id();
        let login = login.to_owned();
        self.owners.push(Owner { login, id, kind, repositories: Vec::new(), gists: Vec::new() });
    }

    /// Adds a gist, which anybody may see.
    pub(crate) fn add_gist(&mut self, login: &str, id: &str) {
        let updated_at = "2026-01-01T00:00:00Z".to_owned();
        self.owner_mut(login).gists.push(Gist { id: id.to_owned(), public: true, updated_at });
    }

    /// Adds a repository that is as most are; `change` makes it what it is to be.
    pub(crate) fn add_repository(&mut self, full_name: &str, change: impl FnOnce(&mut Repository)) {
        let (owner, name) = full_name.split_once('/').expect("OWNER/REPO");
        let mut repository = Repository {
            id: self.id(),
            owner: owner.to_owned(),
            name: name.to_owned(),
            private: false,
            fork: false,
            archived: false,
            has_wiki: false,
            size: 1,
            default_branch: "main".to_owned(),
            pushed_at: "2026-01-01T00:00:00Z".to_owned(),
            activity: Vec::new(),
            runs: Vec::new(),
            artifacts: Vec::new(),
            pulls: Vec::new(),
        };
        change(&mut repository);
        self.owner_mut(owner).repositories.push(repository);
    }
}

impl Owner {
    fn gist(&self, id: &str) -> Option<&Gist> {
        self.gists.iter().find(|gist| gist.id == id)
    }
}
