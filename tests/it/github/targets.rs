//! What can be named, and what of it is looked at.

use std::process::Stdio;

use super::{Sweep, covered, finding, row, state};
use crate::support::cmd::Ran;
use crate::support::github_source::OwnerKind;

/// Three repositories of an organization, one of them a fork and one archived; their tokens.
fn organization(sweep: &mut Sweep) -> [String; 3] {
    let tokens = ["acme/plain", "acme/forked", "acme/shelved"].map(|name| sweep.leak(name));
    sweep.github.change(|world| {
        world.repository_mut("acme/forked").fork = true;
        world.repository_mut("acme/shelved").archived = true;
    });
    tokens
}

#[test]
fn forks_and_archived_ones_are_looked_at_where_they_are_asked_for() {
    let mut sweep = Sweep::new(17_200);
    let tokens = organization(&mut sweep);
    for (flags, expected) in [
        (&[][..], [true, false, false]),
        (&["--forks"], [true, true, false]),
        (&["--archived"], [true, false, true]),
        (&["--forks", "--archived"], [true; 3]),
    ] {
        let (code, report) = sweep.json(&[&["acme"], flags].concat());
        assert_eq!(code, 1);
        assert_eq!(tokens.each_ref().map(|token| finding(&report, token).is_some()), expected, "{flags:?}");
        assert_eq!(covered(&report).len(), expected.iter().filter(|asked| **asked).count(), "{flags:?}");
        let not_asked = report["coverage_totals"]["not_asked"].to_string();
        for flag in ["--forks", "--archived"] {
            assert_ne!(not_asked.contains(flag), flags.contains(&flag), "{flags:?}: {not_asked}");
        }
    }
    // Who names one means it.
    let (code, report) = sweep.json(&["acme/forked", "acme/shelved"]);
    assert_eq!((code, covered(&report)), (1, vec!["acme/forked".to_owned(), "acme/shelved".to_owned()]));
}

#[test]
fn repositories_are_left_out_by_name() {
    let mut sweep = Sweep::new(17_201);
    let tokens = ["acme/api", "acme/api-docs", "acme/web"].map(|name| sweep.leak(name));
    for (globs, expected) in [
        (&["api-*"][..], [true, false, true]),
        (&["acme/api*"], [false, false, true]),
        (&["API", "web"], [false, true, false]),
        (&["*"], [false; 3]),
    ] {
        let excluded: Vec<&str> = globs.iter().flat_map(|glob| ["--exclude-repo", glob]).collect();
        let (code, report) = sweep.json(&[&["acme"], &excluded[..]].concat());
        let found = tokens.each_ref().map(|token| finding(&report, token).is_some());
        assert_eq!((code, found), (i32::from(found.contains(&true)), expected), "{globs:?}");
    }
    let git = sweep.github.noted().iter().filter(|noted| noted.path.contains("api-docs.git")).count();
    sweep.github.forget();
    sweep.json(&["acme", "--exclude-repo", "*"]);
    assert!(
        git > 0 && sweep.github.noted().iter().all(|noted| !noted.path.contains(".git")),
        "it was fetched"
    );
}

#[test]
fn targets_are_names_addresses_and_lists_of_them() {
    let mut sweep = Sweep::new(17_202);
    let tokens = ["acme/api", "acme/web", "mona/dots"].map(|name| {
        if name == "mona/dots" {
            sweep.github.change(|world| world.add_owner("mona", OwnerKind::User));
        }
        sweep.leak(name)
    });
    let url = sweep.github.url().to_owned();
    let clone_url = format!("{url}/acme/api.git");
    sweep.sandbox.write("list", format!("# ours\n\nacme/api\n  {url}/mona/dots  \n"));
    for (targets, expected) in [
        (&["acme"][..], [true, true, false]),
        (&["acme/web"], [false, true, false]),
        (&["acme/api", "mona"], [true, false, true]),
        (&[clone_url.as_str()], [true, false, false]),
        (&["--from-file", "list"], [true, false, true]),
        (&["acme/web", "--from-file", "list"], [true; 3]),
        // Each once, however often it is named.
        (&["acme", "acme/api", "ACME", "acme"], [true, true, false]),
    ] {
        let (code, report) = sweep.json(targets);
        let found = tokens.each_ref().map(|token| finding(&report, token).is_some());
        assert_eq!((code, found), (1, expected), "{targets:?}");
        assert_eq!(covered(&report).len(), expected.iter().filter(|asked| **asked).count(), "{targets:?}");
    }
    let mut command = sweep.command(&["--from-file", "-", "-f", "json"]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.expect("the program starts");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), b"mona/dots\n").expect("it reads");
    let ran = Ran::from(child.wait_with_output().expect("it ends"));
    assert!(ran.code == 1 && ran.stdout.contains("mona/dots"), "{}", ran.stderr);
}

#[test]
fn an_enterprise_is_all_of_its_organizations() {
    let mut sweep = Sweep::new(17_203);
    let names: Vec<String> = (0..103).map(|number| format!("org-{number}")).collect();
    for name in &names {
        sweep.github.organization(name);
    }
    let first = sweep.leak("org-0/a");
    let last = sweep.leak("org-102/z");
    let other = sweep.leak("acme/not-of-it");
    sweep.github.change(|world| world.enterprises.insert("big-corp".to_owned(), names));
    let (code, report) = sweep.json(&["enterprise/big-corp"]);
    assert_eq!(code, 1);
    assert!(finding(&report, &first).is_some() && finding(&report, &last).is_some());
    assert!(finding(&report, &other).is_none());
    assert_eq!(row(&report, "org-0/a")["target"], "enterprise/big-corp");
    let (code, report) = sweep.json(&["enterprise/none-such"]);
    assert_eq!((code, state(&report, "enterprise/none-such")), (2, "unavailable"));
}

#[test]
fn what_names_nothing_is_refused_before_anything_is_asked() {
    let sweep = Sweep::new(17_204);
    sweep.sandbox.write("bad", "acme\n../../etc\n");
    for arguments in [
        &["https://github.example/acme/web"][..],
        &["a/b/c"],
        &[".."],
        &["acme/--upload-pack=x"],
        &["acme\u{1b}[2J"],
        &["--from-file", "bad"],
        &["--from-file", "gone"],
        &["acme", "--include", "everything"],
        &["acme", "--jobs", "0"],
        &["acme", "--max-disk", "lots"],
        &["acme", "--since", "whenever"],
        &["acme", "--exclude-repo", "[a"],
        &["acme", "--resolve-alerts"],
        &[],
    ] {
        let ran = sweep.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains('\u{1b}'), "{arguments:?}");
    }
    assert!(sweep.github.noted().is_empty());
    // Without a credential nothing is asked: that would be at the cost of revocations.
    let mut command = sweep.command(&["acme"]);
    let ran = Ran::from(command.env_remove("GH_TOKEN").output().expect("the program starts"));
    assert!(ran.code == 2 && ran.stderr.contains("GH_TOKEN"), "{}", ran.stderr);
    assert!(sweep.github.noted().is_empty());
}

#[test]
fn a_renamed_repository_is_looked_at_by_its_new_name() {
    let mut sweep = Sweep::new(17_205);
    let token = sweep.leak("acme/new-name");
    sweep.github.change(|world| {
        let id = world.repository("acme", "new-name").expect("there").id;
        world.renamed.insert("acme/old-name".to_owned(), id);
    });
    for targets in [&["acme/old-name"][..], &["acme/old-name", "acme"]] {
        let (code, report) = sweep.json(targets);
        assert_eq!((code, covered(&report)), (1, vec!["acme/new-name".to_owned()]));
        assert!(finding(&report, &token).is_some());
    }
}

#[test]
fn a_users_own_private_repositories_are_listed() {
    let mut sweep = Sweep::new(17_206);
    sweep.github.change(|world| world.add_owner("mona", OwnerKind::User));
    let tokens = ["mona/open", "mona/closed"].map(|name| sweep.leak(name));
    sweep.github.change(|world| world.repository_mut("mona/closed").private = true);
    let found = |sweep: &Sweep| {
        let (_, report) = sweep.json(&["mona"]);
        tokens.each_ref().map(|token| finding(&report, token).is_some())
    };
    assert_eq!(found(&sweep), [true, false]);
    sweep.github.change(|world| world.credential_of = Some("mona".to_owned()));
    assert_eq!(found(&sweep), [true, true]);
}
