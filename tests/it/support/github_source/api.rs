//! What the API answers where nothing goes wrong.

use serde_json::{Value, json};

use super::super::http::Reply;
use super::alerts;
use super::listing::Paging;
use super::shapes::{Addresses, Shapes};
use super::state::State;
use super::storage::Storage;
use super::trouble::Trouble;
use super::wire::Incoming;
use super::world::{Alert, OwnerKind, Repository, Run, World};

/// A request, and what it is answered from.
pub(super) struct Call<'c> {
    pub(super) at: &'c Addresses,
    pub(super) storage: &'c Storage,
    pub(super) incoming: &'c Incoming,
    /// The path with names in the place of ids.
    pub(super) path: &'c str,
    pub(super) trouble: Option<&'c Trouble>,
}

/// The path with names where links have ids: `/organizations/1/repos`, `/repositories/2`, `/user/3/repos`.
pub(super) fn canonical(world: &World, path: &str) -> String {
    let parts: Vec<&str> = path.trim_start_matches('/').splitn(3, '/').collect();
    let below = |rest: &[&str]| rest.iter().flat_map(|part| ["/", part]).collect::<String>();
    match parts[..] {
        ["organizations", id, ref rest @ ..] => {
            world.owner_of_id(id).map(|owner| format!("/orgs/{}{}", owner.login, below(rest)))
        }
        ["user", id, rest] => world.owner_of_id(id).map(|owner| format!("/users/{}/{rest}", owner.login)),
        ["repositories", id, ref rest @ ..] => {
            let found = world.repositories().find(|repository| repository.id.to_string() == id);
            found.map(|repository| format!("/repos/{}{}", repository.full_name(), below(rest)))
        }
        _ => None,
    }
    .unwrap_or_else(|| path.to_owned())
}

impl Call<'_> {
    /// The answer.
    pub(super) fn answer(&self, state: &mut State) -> Reply {
        let parts: Vec<&str> = self.path.trim_start_matches('/').split('/').collect();
        match (self.incoming.request.method.as_str(), &parts[..]) {
            ("GET", ["rate_limit"]) => Reply::json(200, state.limits.overview().to_string()),
            ("GET", ["meta"]) if state.is_server => Reply::json(200, r#"{"installed_version":"3.21.1"}"#),
            ("GET", ["meta"]) => Reply::json(200, r#"{"verifiable_password_authentication":false}"#),
            ("GET", [""]) => {
                Reply::json(200, json!({"rate_limit_url": format!("{}/rate_limit", self.at.api)}).to_string())
            }
            ("POST", ["graphql"]) => self.graphql(&state.world),
            ("PATCH", ["repos", owner, name, "secret-scanning", "alerts", number]) => {
                let repository = format!("{owner}/{name}");
                alerts::resolve(&mut state.world, self.at, self.incoming, (&repository, number))
            }
            ("GET", ["repos", owner, name, rest @ ..]) => {
                self.of_repository(&state.world, (owner, name), rest)
            }
            ("GET", parts) => self.of_account(&state.world, parts),
            _ => Reply::error(404, "Not Found"),
        }
    }

    fn shapes<'w>(&'w self, world: &'w World) -> Shapes<'w> {
        Shapes { world, at: self.at }
    }

    /// What belongs to accounts, enterprises and installations.
    fn of_account(&self, world: &World, parts: &[&str]) -> Reply {
        let shapes = self.shapes(world);
        match parts {
            ["users", login] => match world.owner(login) {
                Some(owner) => Reply::json(200, shapes.account(owner).to_string()),
                None => Reply::error(404, "Not Found"),
            },
            ["orgs", login] => match world.owner(login) {
                Some(owner) if owner.kind == OwnerKind::Organization => {
                    Reply::json(200, shapes.organization(owner).to_string())
                }
                _ => Reply::error(404, "Not Found"),
            },
            ["user", id] if *id != "repos" => match world.owner_of_id(id) {
                Some(owner) => Reply::json(200, shapes.account(owner).to_string()),
                None => Reply::error(404, "Not Found"),
            },
            ["user"] => match world.credential_of.as_ref().and_then(|login| world.owner(login)) {
                Some(owner) => Reply::json(200, shapes.account(owner).to_string()),
                None => Reply::error(403, "Resource not accessible by integration"),
            },
            ["user", "repos"] => {
                let owner = world.credential_of.as_ref().and_then(|login| world.owner(login));
                let all = owner.map(|owner| owner.repositories.as_slice()).unwrap_or_default();
                self.paging(self.path).page(self.incoming, all, |_, found| shapes.repository(found))
            }
            [kind @ ("orgs" | "users"), login, "repos"] => self.repositories(world, kind, login),
            ["users", login, "gists"] => self.gists(world, login),
            ["orgs", login, "secret-scanning", "alerts"] => {
                let prefix = format!("{login}/");
                self.alerts(world, &|alert| alert.repository.starts_with(&prefix), true)
            }
            ["enterprises", slug, "secret-scanning", "alerts"] => match world.enterprises.get(*slug) {
                Some(organizations) => {
                    let owner =
                        |alert: &Alert| alert.repository.split('/').next().unwrap_or_default().to_owned();
                    self.alerts(world, &|alert| organizations.contains(&owner(alert)), true)
                }
                None => Reply::error(404, "Not Found"),
            },
            ["app", "installations"] => {
                let paging = self.paging(self.path);
                paging.page(self.incoming, &world.installations, |_, found| shapes.installation(found))
            }
            ["installation", "repositories"] => {
                let all: Vec<&Repository> = world.repositories().collect();
                let paging = Paging { field: Some("repositories"), ..self.paging(self.path) };
                paging.page(self.incoming, &all, |_, found| shapes.repository(found))
            }
            _ => Reply::error(404, "Not Found"),
        }
    }

    fn paging(&self, path: &str) -> Paging<'_> {
        Paging::of(format!("{}{path}", self.at.api), self.trouble)
    }

    fn cursor(&self, path: &str) -> Paging<'_> {
        Paging::by_cursor(format!("{}{path}", self.at.api), self.trouble)
    }

    /// Of an organization all, of a user what is public. The links have ids where the path has names, as GitHub's have.
    fn repositories(&self, world: &World, kind: &str, login: &str) -> Reply {
        let wanted = if kind == "orgs" { OwnerKind::Organization } else { OwnerKind::User };
        let Some(owner) = world.owner(login).filter(|owner| kind == "users" || owner.kind == wanted) else {
            return Reply::error(404, "Not Found");
        };
        let is_listed = |repository: &&Repository| kind == "orgs" || !repository.private;
        let listed: Vec<&Repository> = owner.repositories.iter().filter(is_listed).collect();
        let room = if kind == "orgs" { "organizations" } else { "user" };
        let shapes = self.shapes(world);
        let paging = self.paging(&format!("/{room}/{}/repos", owner.id));
        paging.page(self.incoming, &listed, |_, repository| shapes.repository(repository))
    }

    fn gists(&self, world: &World, login: &str) -> Reply {
        let Some(owner) = world.owner(login) else { return Reply::error(404, "Not Found") };
        let shapes = self.shapes(world);
        let public: Vec<_> = owner.gists.iter().filter(|gist| gist.public).collect();
        let paging = self.paging(&format!("/user/{}/gists", owner.id));
        paging.page(self.incoming, &public, |_, gist| shapes.gist(owner, gist))
    }

    fn alerts(&self, world: &World, of: &dyn Fn(&Alert) -> bool, with_repository: bool) -> Reply {
        let hidden = self.incoming.parameter("hide_secret").as_deref() == Some("true");
        let asked: Vec<&Alert> = world
            .alerts
            .iter()
            .filter(|alert| of(alert) && alerts::is_asked_for(self.incoming, alert))
            .collect();
        let shapes = self.shapes(world);
        let shape = |_: usize, alert: &&Alert| alerts::shape(&shapes, alert, with_repository, hidden);
        self.cursor(self.path).page(self.incoming, &asked, shape)
    }

    fn of_repository(&self, world: &World, (owner, name): (&str, &str), rest: &[&str]) -> Reply {
        let full_name = format!("{owner}/{name}");
        if let Some(id) = world.renamed.get(&full_name) {
            let below: String = rest.iter().flat_map(|part| ["/", part]).collect();
            let to = format!("{}/repositories/{id}{below}", self.at.api);
            let body = json!({"message": "Moved Permanently", "url": to, "documentation_url": "https://docs.github.com"});
            return Reply::json(301, body.to_string()).with("Location", to);
        }
        let Some(repository) = world.repository(owner, name) else { return Reply::error(404, "Not Found") };
        let shapes = self.shapes(world);
        match rest {
            [] => Reply::json(200, shapes.repository(repository).to_string()),
            ["activity"] => {
                let kind = self.incoming.parameter("activity_type");
                let asked = repository
                    .activity
                    .iter()
                    .filter(|one| kind.as_deref().is_none_or(|kind| kind == one.kind));
                let asked: Vec<_> = asked.collect();
                let paging = self.cursor(&format!("/repositories/{}/activity", repository.id));
                paging.page(self.incoming, &asked, |number, one| shapes.activity(repository, number, one))
            }
            ["actions", rest @ ..] => self.actions(world, repository, rest),
            ["secret-scanning", "alerts"] => {
                self.alerts(world, &|alert| alert.repository == repository.full_name(), false)
            }
            ["secret-scanning", "alerts", number, rest @ ..] => {
                let is =
                    |alert: &&Alert| alert.repository == full_name && alert.number.to_string() == *number;
                match (world.alerts.iter().find(is), rest) {
                    (Some(alert), []) => {
                        Reply::json(200, alerts::shape(&shapes, alert, false, false).to_string())
                    }
                    (Some(alert), ["locations"]) => {
                        Reply::json(200, json!([alerts::location(self.at, alert)]).to_string())
                    }
                    _ => Reply::error(404, "Not Found"),
                }
            }
            _ => Reply::error(404, "Not Found"),
        }
    }

    fn actions(&self, world: &World, repository: &Repository, rest: &[&str]) -> Reply {
        let shapes = self.shapes(world);
        let run = |id: &str| repository.runs.iter().find(|run| run.id.to_string() == id);
        match rest {
            ["runs"] => {
                let created = self.incoming.parameter("created");
                let mut asked: Vec<&Run> =
                    repository.runs.iter().filter(|run| is_in(created.as_deref(), &run.created_at)).collect();
                asked.sort_by(|one, other| other.created_at.cmp(&one.created_at));
                let paging = self.paging(&format!("/repositories/{}/actions/runs", repository.id));
                // <https://docs.github.com/en/rest/actions/workflow-runs>: 1,000 results a search.
                let paging = Paging { field: Some("workflow_runs"), most: 1000, ..paging };
                paging.page(self.incoming, &asked, |_, run| shapes.run(repository, run))
            }
            ["runs", id, "logs"] => self.log(run(id), usize::MAX),
            ["runs", id, "attempts", number, "logs"] => {
                self.log(run(id), number.parse().unwrap_or(usize::MAX))
            }
            ["artifacts"] => {
                let paging = self.paging(&format!("/repositories/{}/actions/artifacts", repository.id));
                let paging = Paging { field: Some("artifacts"), ..paging };
                paging.page(self.incoming, &repository.artifacts, |_, one| shapes.artifact(repository, one))
            }
            ["artifacts", id, "zip"] => {
                match repository
                    .artifacts
                    .iter()
                    .find(|artifact| artifact.id.to_string() == *id)
                    .map(|one| &one.zip)
                {
                    Some(Some(zip)) => self.elsewhere(zip),
                    Some(None) => Reply::error(410, "Artifact has expired"),
                    None => Reply::error(404, "Not Found"),
                }
            }
            _ => Reply::error(404, "Not Found"),
        }
    }

    /// The log of an attempt; of the last one where there are fewer.
    fn log(&self, run: Option<&Run>, attempt: usize) -> Reply {
        let Some(run) = run else { return Reply::error(404, "Not Found") };
        let index = if attempt == usize::MAX { run.attempts.len() } else { attempt };
        match run.attempts.get(index.wrapping_sub(1)) {
            Some(Some(zip)) => self.elsewhere(zip),
            Some(None) => Reply::error(410, "Server Error"),
            None => Reply::error(404, "Not Found"),
        }
    }

    fn elsewhere(&self, zip: &[u8]) -> Reply {
        Reply::empty(302).with("Location", self.storage.keep(zip.to_vec()))
    }

    /// The one query that a sweep of an enterprise needs: its organizations, 100 a page at most.
    fn graphql(&self, world: &World) -> Reply {
        let body: Value = serde_json::from_slice(&self.incoming.body).unwrap_or_default();
        let text = body.to_string();
        let known = world.enterprises.iter().find(|(slug, _)| text.contains(&format!("\"{slug}\"")));
        let Some((_, organizations)) = known.filter(|_| text.contains("organizations")) else {
            let error = json!({"type": "NOT_FOUND", "path": ["enterprise"],
                "message": "Could not resolve to a Business with the URL slug that was given."});
            return Reply::json(200, json!({"data": {"enterprise": null}, "errors": [error]}).to_string());
        };
        let cursors = body["variables"].as_object().into_iter().flatten();
        let start =
            cursors.filter_map(|(_, value)| value.as_str()?.strip_prefix("CURSOR")?.parse::<usize>().ok());
        let start = start.max().unwrap_or(0);
        let end = (start + 100).min(organizations.len());
        let nodes: Vec<Value> =
            organizations[start..end].iter().map(|login| json!({"login": login})).collect();
        let page = json!({"hasNextPage": end < organizations.len(), "endCursor": format!("CURSOR{end}")});
        let listed = json!({"totalCount": organizations.len(), "nodes": nodes, "pageInfo": page});
        Reply::json(200, json!({"data": {"enterprise": {"organizations": listed}}}).to_string())
    }
}

/// Whether a time is in a range as a search writes it: `A..B`, `>=A`, `<B`, `*..B`. A day stands for all of it.
fn is_in(range: Option<&str>, time: &str) -> bool {
    let Some(range) = range else { return true };
    let after = |bound: &str| bound == "*" || time >= bound;
    let until = |bound: &str| bound == "*" || time <= bound || time.starts_with(bound);
    match range {
        _ if range.contains("..") => {
            let (from, to) = range.split_once("..").unwrap_or_default();
            after(from) && until(to)
        }
        _ if range.starts_with(">=") => after(&range[2..]),
        _ if range.starts_with("<=") => until(&range[2..]),
        _ if range.starts_with('>') => !until(&range[1..]),
        _ if range.starts_with('<') => !after(&range[1..]),
        _ => time.starts_with(range),
    }
}
