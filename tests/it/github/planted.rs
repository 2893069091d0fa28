//! A GitHub with a token on every surface.

use std::io::Write as _;

use super::Sweep;
use crate::support::github_source::{Activity, Alert, Artifact, Bare, FoundIn, OwnerKind, Run};
use crate::support::mint::Kind;

/// A token, and where it has to be found.
pub(super) struct Planted {
    pub(super) surface: &'static str,
    pub(super) token: String,
    pub(super) root: &'static str,
    /// How the location's path begins.
    pub(super) path: String,
    pub(super) kind: &'static str,
    /// The commit, where there is one.
    pub(super) commit: Option<String>,
    /// What its link has after the root of all pages.
    pub(super) link: String,
    /// The number of the pull request, where it is in no branch.
    pub(super) pull: Option<u64>,
}

/// A zip with these members.
pub(super) fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
        archive.write_all(content.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

/// A change of a ref that lost what it was.
pub(super) fn lost(kind: &'static str, reference: &str, before: &str, after: &str) -> Activity {
    let at = "2026-02-03T04:05:06Z".to_owned();
    let [reference, before, after] = [reference, before, after].map(str::to_owned);
    Activity { kind, reference, before, after, at }
}

/// The id of a commit that the server does not give any more.
pub(super) const MISSING: &str = "1111111111111111111111111111111111111111";

/// What stands around a token in a file: the token is on the third line.
fn text(token: &str) -> String {
    format!("# settings\n\nkey = \"{token}\"\n")
}

impl Sweep {
    /// Puts a token on every surface of `acme/web`, `mona/dots` and a gist.
    pub(super) fn plant(&mut self) -> Vec<Planted> {
        let bare = self.github.repository("acme/web", |repository| {
            (repository.private, repository.has_wiki, repository.pulls) = (true, true, vec![1, 2]);
        });
        let mut planted = Vec::new();
        self.plant_branches(&bare, &mut planted);
        self.plant_pulls_and_deleted(&bare, &mut planted);
        self.plant_wiki_and_gist(&mut planted);
        self.plant_actions(&mut planted);
        self.plant_alert(&bare, &mut planted);
        planted
    }

    fn content(&mut self, surface: &'static str, path: &str, write: impl FnOnce(&str) -> String) -> Planted {
        let token = self.mint.token(Kind::Pat);
        let commit = write(&text(&token));
        let encoded = path.replace(' ', "%20").replace('#', "%23");
        let link = format!("/acme/web/blob/{commit}/{encoded}#L3");
        let (root, kind, path) = ("acme/web", "content", path.to_owned());
        Planted { surface, token, root, path, kind, commit: Some(commit), link, pull: None }
    }

    fn plant_branches(&mut self, bare: &Bare, planted: &mut Vec<Planted>) {
        let main = "refs/heads/main";
        planted.push(
            self.content("history", "src/old file#1.env", |text| {
                bare.commit(main, "src/old file#1.env", text)
            }),
        );
        bare.git(&["update-ref", "refs/heads/tmp", main]);
        planted.push(
            self.content("default branch", "config/app.env", |text| {
                bare.commit(main, "config/app.env", text)
            }),
        );
        planted.push(self.content("other branch", "b.env", |text| {
            bare.set_ref("refs/heads/feature/x", &bare.resolve(main).expect("a commit"));
            bare.commit("refs/heads/feature/x", "b.env", text)
        }));
        bare.delete_ref("refs/heads/tmp");
        let token = self.mint.token(Kind::OAuth);
        let message = format!("remove the key\n\nit was {token}");
        let commit = bare.commit_saying(main, &message, &[("readme", b"nothing")]);
        let (root, kind, path) = ("acme/web", "commit-message", String::new());
        let link = format!("/acme/web/commit/{commit}");
        planted.push(Planted {
            surface: "commit message",
            token,
            root,
            path,
            kind,
            commit: Some(commit),
            link,
            pull: None,
        });
        let (token, in_tag) = (self.mint.token(Kind::Pat), bare.resolve(main).expect("a commit"));
        bare.tag("v1.0", &format!("a release with {token}"), &in_tag);
        let (path, kind, link) = (String::new(), "tag-message", "/acme/web/".to_owned());
        planted.push(Planted {
            surface: "tag message",
            token,
            root,
            path,
            kind,
            commit: None,
            link,
            pull: None,
        });
        planted.push(self.content("tag", "t.env", |text| {
            bare.set_ref("refs/heads/tmp", &in_tag);
            let commit = bare.commit("refs/heads/tmp", "t.env", text);
            bare.tag("v2.0", "only this tag has it", &commit);
            bare.delete_ref("refs/heads/tmp");
            commit
        }));
    }

    fn plant_pulls_and_deleted(&mut self, bare: &Bare, planted: &mut Vec<Planted>) {
        let main = bare.resolve("refs/heads/main").expect("a commit");
        for (surface, pull) in [("pull request", 1), ("pull request of a fork", 2)] {
            let reference = format!("refs/pull/{pull}/head");
            let path = format!("pull-{pull}.md");
            bare.set_ref(&reference, &main);
            let mut one = self.content(surface, &path, |text| bare.commit(&reference, &path, text));
            one.link = one.link.replace(".md#", ".md?plain=1#");
            planted.push(Planted { pull: Some(pull), ..one });
        }
        let mut activity = vec![lost("force_push", "refs/heads/main", MISSING, &main)];
        for (surface, kind, path) in [
            ("force-pushed", "force_push", "forced.env"),
            ("deleted branch", "branch_deletion", "deleted.env"),
        ] {
            let one = self.content(surface, path, |text| {
                bare.set_ref("refs/heads/tmp", &main);
                let commit = bare.commit("refs/heads/tmp", path, text);
                bare.delete_ref("refs/heads/tmp");
                commit
            });
            let before = one.commit.clone().expect("a commit");
            let after = if kind == "force_push" { main.clone() } else { "0".repeat(40) };
            activity.push(lost(kind, "refs/heads/tmp", &before, &after));
            planted.push(one);
        }
        // What was pushed, and a branch that began: nothing was lost there.
        activity.push(lost("push", "refs/heads/main", &"2".repeat(40), &main));
        activity.push(lost("branch_creation", "refs/heads/x", &"0".repeat(40), &main));
        self.github.change(|world| world.repository_mut("acme/web").activity = activity);
    }

    fn plant_wiki_and_gist(&mut self, planted: &mut Vec<Planted>) {
        let wiki = self.github.bare("acme/web.wiki");
        let one =
            self.content("wiki", "How-to.md", |text| wiki.commit("refs/heads/master", "How-to.md", text));
        wiki.git(&["symbolic-ref", "HEAD", "refs/heads/master"]);
        let commit = one.commit.clone().expect("a commit");
        let link = format!("/acme/web/wiki/How-to/{commit}");
        planted.push(Planted { root: "acme/web.wiki", link, ..one });
        self.github.change(|world| {
            world.add_owner("mona", OwnerKind::User);
            world.add_gist("mona", "abcdef0123456789");
        });
        let gist = self.github.bare("gist/abcdef0123456789");
        let one =
            self.content("gist", "notes.txt", |text| gist.commit("refs/heads/master", "notes.txt", text));
        gist.commit("refs/heads/master", "notes.txt", "nothing");
        gist.git(&["symbolic-ref", "HEAD", "refs/heads/master"]);
        let commit = one.commit.clone().expect("a commit");
        let link = format!("/gist/mona/abcdef0123456789/{commit}#file-notes-txt-L3");
        planted.push(Planted { root: "gist/abcdef0123456789", link, ..one });
        let dots = self.github.repository("mona/dots", |_| {});
        let one =
            self.content("a user's repository", "rc", |text| dots.commit("refs/heads/main", "rc", text));
        let link = one.link.replace("/acme/web/", "/mona/dots/");
        planted.push(Planted { root: "mona/dots", link, ..one });
    }

    fn plant_actions(&mut self, planted: &mut Vec<Planted>) {
        let [first, second, built] = std::array::from_fn(|_| self.mint.token(Kind::AppUser));
        let log =
            |token: &str| Some(zip(&[("build/1_Set up.txt", "fine\n"), ("build/2_Run.txt", &text(token))]));
        let at = |day: u32| format!("2026-03-{day:02}T05:06:07Z");
        let runs = vec![
            Run { id: 71, created_at: at(4), status: "completed", attempts: vec![log(&first), log(&second)] },
            Run { id: 72, created_at: at(1), status: "completed", attempts: vec![None] },
        ];
        let artifact =
            |id, name: &str, zip| Artifact { id, run: 71, name: name.to_owned(), created_at: at(4), zip };
        let built_zip = zip(&[("dist/app.js", &text(&built))]);
        let artifacts = vec![artifact(81, "dist", Some(built_zip)), artifact(82, "old", None)];
        self.github.change(|world| {
            let repository = world.repository_mut("acme/web");
            (repository.runs, repository.artifacts) = (runs, artifacts);
        });
        let in_zip = |surface, token, path: &str, link: &str| Planted {
            surface,
            token,
            root: "acme/web",
            path: path.to_owned(),
            kind: "content",
            commit: None,
            link: link.to_owned(),
            pull: None,
        };
        planted.extend([
            in_zip(
                "log of an older attempt",
                first,
                "actions/runs/71/attempts/1/logs.zip!",
                "/acme/web/actions/runs/71/attempts/1",
            ),
            in_zip(
                "log",
                second,
                "actions/runs/71/attempts/2/logs.zip!",
                "/acme/web/actions/runs/71/attempts/2",
            ),
            in_zip(
                "artifact",
                built,
                "actions/artifacts/81/dist.zip!",
                "/acme/web/actions/runs/71/artifacts/81",
            ),
        ]);
    }

    fn plant_alert(&mut self, bare: &Bare, planted: &mut Vec<Planted>) {
        let secret = self.mint.token(Kind::Pat);
        let commit = bare.resolve("refs/heads/main").expect("a commit");
        let found = FoundIn::Commit { path: "readme".to_owned(), line: 1, commit };
        let (repository, secret_type) = ("acme/web".to_owned(), "github_personal_access_token");
        let alert =
            Alert { number: 5, repository, secret: secret.clone(), secret_type, found, resolution: None };
        self.github.change(|world| world.alerts.push(alert));
        planted.push(Planted {
            surface: "alert",
            token: secret,
            root: "acme/web",
            path: "secret-scanning/alerts/5".to_owned(),
            kind: "content",
            commit: None,
            link: "/acme/web/security/secret-scanning/5".to_owned(),
            pull: None,
        });
    }
}
