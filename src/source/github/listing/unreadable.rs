//! Entries of lists that cannot be read.

use super::{Listing, ListingOptions, lower_name};
use crate::coverage::{CoverageRow, RepositoryState};
use crate::source::github::names::RepositoryName;

impl Listing {
    /// A row for an entry of a list that cannot be read. The others are looked at.
    pub(super) fn take_unreadable(&mut self, target: &str, name: &str, what: &str, options: &ListingOptions) {
        let lower = name.to_ascii_lowercase();
        let is_others = options.shard.is_some_and(|shard| !shard.owns_name(name.as_bytes()));
        let is_excluded = options.exclude.is_match(&lower) || options.exclude.is_match(lower_name(&lower));
        if is_others || is_excluded || !self.unreadable.insert(format!("{target} {what} {name}")) {
            return;
        }
        let shown = match RepositoryName::parse(name) {
            _ if what == "gist" => format!("gist/({name})"),
            Some(_) => name.to_owned(),
            None => format!("{target}/({name})"),
        };
        let row = CoverageRow::new(target, shown, RepositoryState::Failed);
        let reason =
            format!("the API lists this {what} in no form that GitHub documents: it was not fetched");
        self.rows.push(CoverageRow { reason: Some(reason), ..row });
    }
}

#[cfg(test)]
mod tests {
    use globset::{Glob, GlobSet};
    use serde_json::json;

    use super::*;
    use crate::source::github::Target;
    use crate::source::github::testing::{Answer, Asked, Server};

    #[test]
    fn an_entry_that_cannot_be_read_is_a_row_and_the_others_are_listed() {
        let server = Server::new(|asked: &Asked| match asked.path() {
            "/users/octo" => Answer::json(200, &json!({"login": "octo", "type": "User"})),
            "/users/octo/repos" => Answer::json(
                200,
                &json!([
                    {"id": 1, "full_name": "octo/a"},
                    {"id": "two", "full_name": "octo/b"},
                    {"id": "three", "full_name": "octo/left-out"},
                    {"id": 4},
                    {"id": 5, "full_name": "octo/e"},
                ]),
            ),
            "/users/octo/gists" => Answer::json(
                200,
                &json!([
                    {"id": "aa", "git_pull_url": "https://gist.github.com/aa.git"},
                    {"id": "bb"},
                    {"id": "../cc", "git_pull_url": "https://gist.github.com/cc.git"},
                ]),
            ),
            _ => Answer::error(404, "Not Found"),
        });
        let exclude = GlobSet::builder().add(Glob::new("left-out").expect("a glob")).build().expect("a set");
        let options = ListingOptions { exclude, forks: false, archived: false, gists: true, shard: None };
        let target = Target::parse("octo", "github.com", &|_| false).expect("a target");
        let listing = Listing::expand(&server.api(), &[target], &options).expect("a listing");
        let names: Vec<&str> = listing.repositories.iter().map(|one| one.item.full_name.as_str()).collect();
        assert_eq!(names, ["octo/a", "octo/e"]);
        assert_eq!(listing.gists.len(), 1);
        let rows: Vec<(&str, RepositoryState)> =
            listing.rows.iter().map(|row| (row.repository.as_str(), row.state)).collect();
        let failed = |name| (name, RepositoryState::Failed);
        assert_eq!(
            rows,
            [failed("octo/b"), failed("octo/(id 4)"), failed("gist/(id bb)"), failed("gist/(../cc)"),]
        );
        assert!(
            listing.rows.iter().all(|row| row.reason.as_deref().is_some_and(|why| why.contains("no form")))
        );
    }
}
