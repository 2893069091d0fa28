//! The files in which tools keep credentials. A file that a variable names does not hide the usual one, which is this
//! user's, too.

use std::path::PathBuf;

use super::Environment;

/// Every file that may hold a credential, git's configuration aside. Most of them will not exist.
pub(super) fn of(environment: &Environment) -> Vec<PathBuf> {
    let below = |directory: Option<PathBuf>, part: &str| directory.map(|directory| directory.join(part));
    let config = environment.config_home();
    let paths = [
        // https://cli.github.com/manual/gh_help_environment
        below(environment.path("GH_CONFIG_DIR"), "hosts.yml"),
        below(config.clone(), "gh/hosts.yml"),
        environment.at_home(".config/gh/hosts.yml"),
        below(environment.path("AppData"), "GitHub CLI/hosts.yml"),
        below(environment.path("APPDATA"), "GitHub CLI/hosts.yml"),
        // git-credential-store(1), "FILES"
        environment.at_home(".git-credentials"),
        below(config, "git/credentials"),
        environment.at_home(".config/git/credentials"),
        // curl(1), "--netrc"; `_netrc` on Windows
        environment.path("NETRC"),
        environment.at_home(".netrc"),
        environment.at_home("_netrc"),
        // https://docs.npmjs.com/cli/configuring-npm/npmrc
        environment.path("NPM_CONFIG_USERCONFIG"),
        environment.path("npm_config_userconfig"),
        environment.at_home(".npmrc"),
        // https://docs.docker.com/reference/cli/docker/#configuration-files
        below(environment.path("DOCKER_CONFIG"), "config.json"),
        environment.at_home(".docker/config.json"),
    ];
    let mut known: Vec<PathBuf> = Vec::new();
    for path in paths.into_iter().flatten() {
        if !known.contains(&path) {
            known.push(path);
        }
    }
    known
}
