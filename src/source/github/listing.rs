//! Which repositories, gists and alerts there are to look at: targets, expanded by the API.

mod gists;
mod unreadable;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::account::{Account, OwnAccount};
use super::api::{Api, ApiError, Refusal, Row};
use super::enterprise::{self, Organizations};
use super::listed::{AlertScope, Gist, Listed, Repository};
use super::names::{RepositoryName, is_name};
use super::target::Target;
use crate::coverage::{CoverageRow, NotAsked, RepositoryState};
use crate::shard::Shard;
use crate::text::printable;
use globset::GlobSet;

/// What is asked for of what there is.
#[derive(Clone, Debug)]
pub struct ListingOptions {
    /// Repositories by these names, in small letters, are left out.
    pub exclude: GlobSet,
    /// Forks, too.
    pub forks: bool,
    /// Archived ones, too.
    pub archived: bool,
    /// The gists of users, too.
    pub gists: bool,
    /// Only what belongs to this shard.
    pub shard: Option<Shard>,
}

/// What there is to look at.
#[derive(Debug, Default)]
pub struct Listing {
    /// Repositories, each once.
    pub repositories: Vec<Listed<Repository>>,
    /// Gists with their owner, each once.
    pub gists: Vec<(String, Listed<Gist>)>,
    /// Where alerts are.
    pub alerts: Vec<Listed<AlertScope>>,
    /// Rows of what could not be listed.
    pub rows: Vec<CoverageRow>,
    /// The names of repositories that were seen and are not asked for, or are another shard's; in small letters.
    pub passed_over: HashSet<String>,
    /// The names of those that are looked at, in small letters.
    pub names: HashSet<String>,
    passed_over_for: BTreeMap<(&'static str, &'static str), u64>,
    known: HashSet<u64>,
    /// The names of entries that cannot be read.
    unreadable: HashSet<String>,
    own: OwnAccount,
    known_gists: HashSet<String>,
    owners: BTreeSet<String>,
    /// Organizations whose alerts are asked for together, in small letters.
    covered: HashSet<String>,
}

/// How something came to be asked for.
struct Asked<'a> {
    /// The target, as it was given.
    target: &'a str,
    /// It was named itself, and is asked for, fork or not.
    named: bool,
    /// Its alerts are asked for by themselves: nothing above it lists them.
    alerts: bool,
}

impl Listing {
    /// Expands targets, one after another. One that cannot be listed is a row, and the others are listed all the same.
    ///
    /// # Errors
    /// Where the run was asked to end, or the credential is not taken at all.
    pub fn expand(api: &Api, targets: &[Target], options: &ListingOptions) -> Result<Listing, ApiError> {
        let mut listing = Listing::default();
        // What is named itself comes first: it is asked for whatever it is.
        let is_named = |target: &&Target| matches!(target, Target::Repository(_));
        let (named, others): (Vec<&Target>, Vec<&Target>) = targets.iter().partition(is_named);
        for target in named.into_iter().chain(others) {
            let asked = target.to_string();
            if let Err(error) = listing.add(api, target, options) {
                if ends_the_run(&error) {
                    return Err(error);
                }
                listing.refuse(&asked, &asked, &error);
            }
        }
        listing.drop_covered_alerts();
        Ok(listing)
    }

    /// Alerts of a repository are not asked for by themselves where those of its organization are.
    fn drop_covered_alerts(&mut self) {
        let covered = &self.covered;
        self.alerts.retain(|listed| match &listed.item {
            AlertScope::Repository(name) => !covered.contains(&name.owner().to_ascii_lowercase()),
            AlertScope::Organization(_) | AlertScope::Enterprise(_) => true,
        });
    }

    /// What was seen and not asked for.
    pub fn not_asked(&self) -> Vec<NotAsked> {
        let rows = self.passed_over_for.iter();
        let row = |(&(what, flag), count): (&(&str, &str), &u64)| NotAsked {
            what: what.to_owned(),
            count: Some(*count),
            flag: flag.to_owned(),
        };
        rows.map(row).collect()
    }

    fn add(&mut self, api: &Api, target: &Target, options: &ListingOptions) -> Result<(), ApiError> {
        let asked = target.to_string();
        match target {
            Target::Owner(name) => self.add_owner(api, (&asked, name), options, true),
            Target::Repository(name) => self.add_repository(api, &asked, name, options),
            Target::Enterprise(slug) => {
                let scope = AlertScope::Enterprise(slug.clone());
                self.alerts.push(Listed { target: asked.clone(), item: scope });
                let Organizations { names, withheld } = enterprise::organizations(api, slug)?;
                if let Some(reason) = withheld {
                    let name = format!("{asked} (not named)");
                    let row = CoverageRow::new(&asked, name, RepositoryState::Unavailable);
                    self.rows.push(CoverageRow { reason: Some(reason), ..row });
                }
                for organization in names {
                    self.covered.insert(organization.to_ascii_lowercase());
                    if let Err(error) = self.add_owner(api, (&asked, &organization), options, false) {
                        if ends_the_run(&error) {
                            return Err(error);
                        }
                        self.refuse(&asked, &organization, &error);
                    }
                }
                Ok(())
            }
        }
    }

    fn refuse(&mut self, target: &str, name: &str, error: &ApiError) {
        let state = match error.refusal() {
            Some(_) => RepositoryState::Unavailable,
            None => RepositoryState::Failed,
        };
        let row = CoverageRow::new(target, name, state);
        self.rows.push(CoverageRow { reason: Some(error.to_string()), ..row });
    }

    fn add_owner(
        &mut self,
        api: &Api,
        (target, name): (&str, &str),
        options: &ListingOptions,
        with_alerts: bool,
    ) -> Result<(), ApiError> {
        let account: Account = api.get(&format!("/users/{name}"))?;
        if !is_name(&account.login) {
            return Err(ApiError::Malformed(format!("/users/{}", printable(name))));
        }
        if !self.owners.insert(account.login.to_ascii_lowercase()) {
            return Ok(());
        }
        let login = &account.login;
        let is_organization = account.kind == "Organization";
        let path = if is_organization {
            format!("/orgs/{login}/repos?type=all&sort=created&direction=asc&per_page=100")
        } else {
            self.own.path_of_user(api, login)
        };
        let asked = Asked { target, named: false, alerts: !is_organization };
        let found = self.list(api, &asked, &path, options)?;
        // Pages shift the other way where something is moved here while they are read.
        if account.public_repos.is_some_and(|expected| found < expected) {
            self.list(api, &asked, &path, options)?;
        }
        if found == 0 {
            // Nobody can tell from outside whether there is nothing, or nothing that may be seen.
            let reason =
                "no repository is listed: a private one is shown only to a credential that may read it";
            let row = CoverageRow::new(target, login, RepositoryState::Empty);
            self.rows.push(CoverageRow { reason: Some(reason.to_owned()), ..row });
        }
        if is_organization && with_alerts {
            self.covered.insert(login.to_ascii_lowercase());
            let scope = AlertScope::Organization(login.clone());
            self.alerts.push(Listed { target: target.to_owned(), item: scope });
        }
        if !is_organization && options.gists {
            self.add_gists(api, target, login, options)?;
        }
        Ok(())
    }

    /// Reads a list of repositories. How many there are, those left out among them.
    fn list(
        &mut self,
        api: &Api,
        asked: &Asked<'_>,
        path: &str,
        options: &ListingOptions,
    ) -> Result<u64, ApiError> {
        let mut found = HashSet::new();
        let mut unreadable = HashSet::new();
        api.pages_backwards(path, &mut |page: Vec<Row<Repository>>| {
            for row in page {
                match row.known() {
                    Ok(repository) => {
                        found.insert(repository.id);
                        self.take(asked, repository, options);
                    }
                    Err(name) => {
                        self.take_unreadable(asked.target, &name, "repository", options);
                        unreadable.insert(name);
                    }
                }
            }
        })?;
        Ok((found.len() + unreadable.len()) as u64)
    }

    fn add_repository(
        &mut self,
        api: &Api,
        target: &str,
        name: &RepositoryName,
        options: &ListingOptions,
    ) -> Result<(), ApiError> {
        // A renamed one is followed, and has another name then.
        let repository: Repository = api.get(&format!("/repos/{}/{}", name.owner(), name.name()))?;
        self.take(&Asked { target, named: true, alerts: true }, repository, options);
        Ok(())
    }

    /// Takes a repository in, unless it is known or not asked for.
    fn take(&mut self, asked: &Asked<'_>, repository: Repository, options: &ListingOptions) {
        let &Asked { target, named, alerts } = asked;
        if !self.known.insert(repository.id) {
            return;
        }
        let Some(name) = RepositoryName::parse(&repository.full_name) else {
            let shown = printable(&repository.full_name);
            let row = CoverageRow::new(target, shown, RepositoryState::Failed);
            let reason = "its name is none that a repository can have: it was not fetched".to_owned();
            self.rows.push(CoverageRow { reason: Some(reason), ..row });
            return;
        };
        let lower = repository.full_name.to_ascii_lowercase();
        let not_asked = if options.exclude.is_match(&lower) || options.exclude.is_match(lower_name(&lower)) {
            Some(("excluded repositories", "--exclude-repo"))
        } else if repository.fork && !options.forks && !named {
            Some(("forks", "--forks"))
        } else if repository.archived && !options.archived && !named {
            Some(("archived repositories", "--archived"))
        } else {
            None
        };
        let is_others =
            options.shard.is_some_and(|shard| !shard.owns_name(repository.id.to_string().as_bytes()));
        // Each shard tells of its own only, so that the sum is right.
        if is_others || not_asked.is_some() {
            if let Some(reason) = not_asked.filter(|_| !is_others) {
                *self.passed_over_for.entry(reason).or_default() += 1;
            }
            self.passed_over.insert(lower);
            return;
        }
        self.names.insert(lower);
        if alerts {
            let scope = AlertScope::Repository(name);
            self.alerts.push(Listed { target: target.to_owned(), item: scope });
        }
        self.repositories.push(Listed { target: target.to_owned(), item: repository });
    }
}

/// Whether nothing else can be listed either.
fn ends_the_run(error: &ApiError) -> bool {
    matches!(error, ApiError::Interrupted) || error.refusal() == Some(Refusal::BadCredentials)
}

/// The name without the owner's.
fn lower_name(full_name: &str) -> &str {
    full_name.split_once('/').map_or(full_name, |(_, name)| name)
}
