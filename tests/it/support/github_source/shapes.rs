//! The API's answers, with every field that GitHub's description requires of them
//! (<https://github.com/github/rest-api-description>).

use serde_json::{Value, json};

use super::world::{Activity, Artifact, Gist, Installation, Owner, OwnerKind, Repository, Run, World};

/// When everything was made that has no time of its own.
const LONG_AGO: &str = "2025-01-01T00:00:00Z";

/// Adds fields that are addresses below another one.
fn with_urls(value: &mut Value, base: &str, fields: &[(&str, &str)]) {
    for (field, suffix) in fields {
        value[*field] = json!(format!("{base}{suffix}"));
    }
}

/// Where things are.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    /// The root of all pages, and of what `git` clones.
    pub(super) pages: String,
    /// The root of the API.
    pub(super) api: String,
}

/// What there is, described.
pub(super) struct Shapes<'w> {
    pub(super) world: &'w World,
    pub(super) at: &'w Addresses,
}

impl Shapes<'_> {
    fn node(kind: &str, id: impl std::fmt::Display) -> String {
        format!("{kind}_{id}")
    }

    /// `simple-user`.
    pub(super) fn user(&self, owner: &Owner) -> Value {
        let mut user = json!({
            "login": owner.login, "id": owner.id, "node_id": Self::node("U", owner.id), "gravatar_id": "",
            "avatar_url": format!("{}/avatars/{}", self.at.pages, owner.id),
            "html_url": format!("{}/{}", self.at.pages, owner.login),
            "type": if owner.kind == OwnerKind::User { "User" } else { "Organization" },
            "site_admin": false, "user_view_type": "public",
        });
        let fields = [
            ("url", ""),
            ("followers_url", "/followers"),
            ("following_url", "/following{/other_user}"),
            ("gists_url", "/gists{/gist_id}"),
            ("starred_url", "/starred{/owner}{/repo}"),
            ("subscriptions_url", "/subscriptions"),
            ("organizations_url", "/orgs"),
            ("repos_url", "/repos"),
            ("events_url", "/events{/privacy}"),
            ("received_events_url", "/received_events"),
        ];
        with_urls(&mut user, &format!("{}/users/{}", self.at.api, owner.login), &fields);
        user
    }

    /// `public-user`.
    pub(super) fn account(&self, owner: &Owner) -> Value {
        let mut user = self.user(owner);
        let more = json!({
            "name": owner.login, "company": null, "blog": "", "location": null, "email": null, "hireable": null,
            "bio": null, "public_repos": public(owner), "public_gists": owner.gists.len(),
            "followers": 0, "following": 0, "created_at": LONG_AGO, "updated_at": LONG_AGO,
        });
        merge(&mut user, more);
        user
    }

    /// `organization-full`.
    pub(super) fn organization(&self, owner: &Owner) -> Value {
        let mut organization = json!({
            "login": owner.login, "id": owner.id, "node_id": Self::node("O", owner.id), "description": null,
            "avatar_url": format!("{}/avatars/{}", self.at.pages, owner.id),
            "html_url": format!("{}/{}", self.at.pages, owner.login), "type": "Organization",
            "has_organization_projects": true, "has_repository_projects": true,
            "public_repos": public(owner), "public_gists": 0, "followers": 0, "following": 0,
            "created_at": LONG_AGO, "updated_at": LONG_AGO, "archived_at": null,
        });
        let fields = [
            ("url", ""),
            ("repos_url", "/repos"),
            ("events_url", "/events"),
            ("hooks_url", "/hooks"),
            ("issues_url", "/issues"),
            ("members_url", "/members{/member}"),
            ("public_members_url", "/public_members{/member}"),
        ];
        with_urls(&mut organization, &format!("{}/orgs/{}", self.at.api, owner.login), &fields);
        organization
    }

    /// `simple-repository`: what belongs to every description of a repository.
    pub(super) fn simple_repository(&self, repository: &Repository) -> Value {
        let name = repository.full_name();
        let mut value = json!({
            "id": repository.id, "node_id": Self::node("R", repository.id), "name": repository.name,
            "full_name": name, "private": repository.private, "fork": repository.fork, "description": null,
            "owner": self.world.owner(&repository.owner).map(|owner| self.user(owner)),
            "html_url": format!("{}/{name}", self.at.pages),
        });
        with_urls(&mut value, &format!("{}/repos/{name}", self.at.api), &REPOSITORY_URLS);
        value
    }

    /// `full-repository`, which holds all of `minimal-repository` and `repository`.
    pub(super) fn repository(&self, repository: &Repository) -> Value {
        let name = repository.full_name();
        let mut value = self.simple_repository(repository);
        let page = format!("{}/{name}", self.at.pages);
        let more = json!({
            "clone_url": format!("{page}.git"), "git_url": format!("git:{}.git", page.trim_start_matches("http:")),
            "ssh_url": format!("git@127.0.0.1:{name}.git"), "svn_url": page, "mirror_url": null, "homepage": null,
            "language": null, "forks_count": 0, "forks": 0, "stargazers_count": 0, "watchers_count": 0, "watchers": 0,
            "size": repository.size, "default_branch": repository.default_branch, "open_issues_count": 0, "open_issues": 0,
            "is_template": false, "topics": [], "has_issues": true, "has_projects": true,
            "has_wiki": repository.has_wiki, "has_pages": false, "has_downloads": true, "has_discussions": false,
            "archived": repository.archived, "disabled": false, "license": null, "allow_forking": true,
            "visibility": if repository.private { "private" } else { "public" }, "web_commit_signoff_required": false,
            "pushed_at": repository.pushed_at, "created_at": LONG_AGO, "updated_at": LONG_AGO,
            "permissions": {"admin": true, "maintain": true, "push": true, "triage": true, "pull": true},
            "network_count": 0, "subscribers_count": 0,
        });
        merge(&mut value, more);
        value
    }

    /// `activity`.
    pub(super) fn activity(&self, repository: &Repository, number: usize, activity: &Activity) -> Value {
        json!({
            "id": repository.id * 1000 + number as u64, "node_id": Self::node("PSH", number),
            "before": activity.before, "after": activity.after, "ref": activity.reference, "timestamp": activity.at,
            "activity_type": activity.kind, "actor": self.world.owner(&repository.owner).map(|owner| self.user(owner)),
        })
    }

    /// `base-gist`.
    pub(super) fn gist(&self, owner: &Owner, gist: &Gist) -> Value {
        let api = format!("{}/gists/{}", self.at.api, gist.id);
        let pull = format!("{}/gist/{}.git", self.at.pages, gist.id);
        json!({
            "id": gist.id, "node_id": Self::node("G", &gist.id), "url": api, "forks_url": format!("{api}/forks"),
            "commits_url": format!("{api}/commits"), "git_pull_url": pull, "git_push_url": pull,
            "html_url": format!("{}/gist/{}/{}", self.at.pages, owner.login, gist.id),
            "comments_url": format!("{api}/comments"), "public": gist.public, "description": null, "comments": 0,
            "user": null, "owner": self.user(owner), "files": {}, "truncated": false,
            "created_at": LONG_AGO, "updated_at": gist.updated_at,
        })
    }

    /// `workflow-run`.
    pub(super) fn run(&self, repository: &Repository, run: &Run) -> Value {
        let (name, zeros) = (repository.full_name(), "0".repeat(40));
        let mut value = json!({
            "id": run.id, "node_id": Self::node("WFR", run.id), "name": "CI", "head_branch": "main",
            "head_sha": zeros, "path": ".github/workflows/ci.yml", "run_number": 1,
            "run_attempt": run.attempts.len().max(1), "display_title": "a change", "event": "push",
            "status": run.status, "conclusion": (run.status == "completed").then_some("success"), "workflow_id": 1,
            "html_url": format!("{}/{name}/actions/runs/{}", self.at.pages, run.id), "pull_requests": [],
            "created_at": run.created_at, "updated_at": run.created_at, "run_started_at": run.created_at,
            "head_commit": {"id": zeros, "tree_id": zeros, "message": "a change", "timestamp": run.created_at,
                "author": {"name": "a", "email": "a@example.com"}, "committer": {"name": "a", "email": "a@example.com"}},
            "repository": self.simple_repository(repository), "head_repository": self.simple_repository(repository),
            "workflow_url": format!("{}/repos/{name}/actions/workflows/1", self.at.api),
            "check_suite_url": format!("{}/repos/{name}/check-suites/1", self.at.api), "previous_attempt_url": null,
        });
        let fields = [
            ("url", ""),
            ("jobs_url", "/jobs"),
            ("logs_url", "/logs"),
            ("cancel_url", "/cancel"),
            ("rerun_url", "/rerun"),
            ("artifacts_url", "/artifacts"),
        ];
        with_urls(&mut value, &format!("{}/repos/{name}/actions/runs/{}", self.at.api, run.id), &fields);
        value
    }

    /// `artifact`.
    pub(super) fn artifact(&self, repository: &Repository, artifact: &Artifact) -> Value {
        let url =
            format!("{}/repos/{}/actions/artifacts/{}", self.at.api, repository.full_name(), artifact.id);
        json!({
            "id": artifact.id, "node_id": Self::node("A", artifact.id), "name": artifact.name,
            "size_in_bytes": artifact.zip.as_ref().map_or(0, Vec::len), "url": url,
            "archive_download_url": format!("{url}/zip"), "expired": artifact.zip.is_none(),
            "created_at": artifact.created_at, "updated_at": artifact.created_at, "expires_at": "2027-01-01T00:00:00Z",
            "workflow_run": {"id": artifact.run, "repository_id": repository.id, "head_repository_id": repository.id,
                "head_branch": "main", "head_sha": "0".repeat(40)},
        })
    }

    /// `installation`.
    pub(super) fn installation(&self, installation: &Installation) -> Value {
        let owner = self.world.owner(&installation.account);
        let api = format!("{}/app/installations/{}", self.at.api, installation.id);
        json!({
            "id": installation.id, "app_id": 1, "app_slug": "sweeper", "target_id": owner.map_or(0, |owner| owner.id),
            "account": owner.map(|owner| self.user(owner)), "target_type": "Organization", "single_file_name": null,
            "repository_selection": "all", "access_tokens_url": format!("{api}/access_tokens"),
            "repositories_url": format!("{}/installation/repositories", self.at.api), "html_url": api, "events": [],
            "permissions": {"contents": "read", "metadata": "read"}, "created_at": LONG_AGO, "updated_at": LONG_AGO,
            "suspended_by": null, "suspended_at": null,
        })
    }
}

fn public(owner: &Owner) -> usize {
    owner.repositories.iter().filter(|repository| !repository.private).count()
}

pub(super) fn merge(into: &mut Value, more: Value) {
    if let (Some(into), Value::Object(more)) = (into.as_object_mut(), more) {
        into.extend(more);
    }
}

const REPOSITORY_URLS: [(&str, &str); 37] = [
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];
