//! The files in which tools keep credentials. A place that a variable names does not hide the usual one: what lies
//! there is this user's, too.

use std::path::PathBuf;

use super::Environment;

/// Every file that may hold a credential, git's configuration aside. Most of them will not exist.
pub fn of(around: &Environment) -> Vec<PathBuf> {
    let below = |folder: Option<PathBuf>, part: &str| folder.map(|folder| folder.join(part));
    let config = around.config_home();
    let places = [
        // gh
        below(around.path("GH_CONFIG_DIR"), "hosts.yml"),
        below(config.clone(), "gh/hosts.yml"),
        around.at_home(".config/gh/hosts.yml"),
        below(around.path("AppData"), "GitHub CLI/hosts.yml"),
        below(around.path("APPDATA"), "GitHub CLI/hosts.yml"),
        // git credential-store
        around.at_home(".git-credentials"),
        below(config, "git/credentials"),
        around.at_home(".config/git/credentials"),
        // netrc
        around.path("NETRC"),
        around.at_home(".netrc"),
        around.at_home("_netrc"),
        // npm
        around.path("NPM_CONFIG_USERCONFIG"),
        around.path("npm_config_userconfig"),
        around.at_home(".npmrc"),
        // Docker
        below(around.path("DOCKER_CONFIG"), "config.json"),
        around.at_home(".docker/config.json"),
    ];
    let mut known: Vec<PathBuf> = Vec::new();
    for place in places.into_iter().flatten() {
        if !known.contains(&place) {
            known.push(place);
        }
    }
    known
}
