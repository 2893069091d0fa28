//! Which formats of repositories are known: where git does not know one it opens nothing, for nobody can tell where refs and
//! objects are (gitrepository-layout(5), "Git Repository Format Versions").

/// The extensions that git knows, in lower case (git-config(1), "extensions.*").
const KNOWN: [&str; 9] = [
    "noop",
    "noop-v1",
    "partialclone",
    "preciousobjects",
    "worktreeconfig",
    "objectformat",
    "compatobjectformat",
    "refstorage",
    "relativeworktrees",
];

/// Fails with the reason why a repository cannot be read for certain.
pub(super) fn check(repo: &gix::Repository) -> Result<(), String> {
    let config = repo.config_snapshot();
    let version = config.integer("core.repositoryFormatVersion").unwrap_or(0);
    if version > 1 {
        return Err(format!("its format version is {version}, and only 0 and 1 are known"));
    }
    if version < 1 {
        return Ok(());
    }
    let sections = config.plumbing().sections_by_name("extensions").into_iter().flatten();
    // Git reads them from the repository's own configuration only.
    let own = sections.filter(|section| section.meta().source == gix::config::Source::Local);
    let names = own.flat_map(|section| section.value_names().collect::<Vec<_>>());
    let unknown = names.into_iter().find(|name| !KNOWN.contains(&name.to_ascii_lowercase().as_str()));
    unknown.map_or(Ok(()), |name| {
        Err(format!(
            "it uses the extension `{name}`, which is not known here: nobody can tell where its objects are"
        ))
    })
}
