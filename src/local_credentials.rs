//! This machine's own credentials: what its user works with, and must not revoke by accident.
//!
//! They are found by looking for tokens wherever tools keep them, whatever the format: in the environment, in the files of
//! [`PLACES`], and in git's configuration with what it includes and names. Under sudo, those of the person behind it count,
//! too. Not read are keychains and what credential helpers ask (the macOS keychain, the Windows credential manager,
//! libsecret, `gh`'s own keyring): nothing is run to find out.
//!
//! Only fingerprints are kept, and where each was found.

mod environment;
mod expand;
mod extract;
mod git;
mod gitconfig;
mod places;
mod repository;
mod script;
mod search;

use std::collections::HashMap;

pub use environment::Environment;
pub use places::{PLACES, Place};
pub use search::Unread;

use crate::token::Fingerprint;
use search::Search;

/// The credentials of this machine, by fingerprint.
#[derive(Debug, Default)]
pub struct LocalCredentials {
    found: HashMap<Fingerprint, String>,
    unread: Vec<Unread>,
}

impl LocalCredentials {
    /// Looks in every location. What cannot be read is noted in [`LocalCredentials::unread`]; what is not there is nothing.
    pub fn find(environment: &Environment) -> LocalCredentials {
        let mut search = Search::new();
        for (name, value) in &environment.env {
            let location = format!("the environment variable {}", name.to_string_lossy());
            search.add_from(value.as_encoded_bytes(), &location);
        }
        git::read(environment, &mut search);
        read_places(environment, &mut search);
        if let Some(person) = environment.behind() {
            git::read_of_user(&person, &mut search);
            read_places(&person, &mut search);
        }
        LocalCredentials { found: search.found, unread: search.unread }
    }

    /// Adds a credential from elsewhere, such as `--auth-token-file`.
    pub fn add(&mut self, fingerprint: Fingerprint, location: impl Into<String>) {
        self.found.entry(fingerprint).or_insert_with(|| location.into());
    }

    /// Every credential that was found.
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        self.found.keys().copied()
    }

    /// Where a credential of this machine is kept, if this is one.
    pub fn location_of(&self, fingerprint: Fingerprint) -> Option<&str> {
        self.found.get(&fingerprint).map(String::as_str)
    }

    /// What could not be read, in the order in which it was met.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }
}

fn read_places(environment: &Environment, search: &mut Search) {
    for (path, of_system) in expand::paths(environment) {
        if of_system {
            search.add_from_system_file(&path);
        } else {
            search.add_from_file(&path);
        }
    }
}
