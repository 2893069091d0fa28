//! Listings of any length, with few calls, and whole whatever happens to their pages.

use super::{Sweep, covered, finding, not_asked};
use crate::support::github_source::Trouble;

/// An organization whose repositories are all excluded but one: what is asked is the listing.
fn many(seed: u64, count: usize) -> (Sweep, String) {
    let mut sweep = Sweep::new(seed);
    let token = sweep.leak("acme/wanted");
    sweep.github.change(|world| {
        for number in 0..count {
            // Nobody fetches them.
            world.add_repository(&format!("acme/r-{number}"), |_| {});
        }
    });
    (sweep, token)
}

#[test]
fn five_thousand_repositories_are_listed_in_fewer_than_sixty_calls() {
    let (sweep, token) = many(17_300, 4_999);
    let (code, report) = sweep.json(&["acme", "--exclude-repo", "r-*"]);
    assert_eq!((code, covered(&report)), (1, vec!["acme/wanted".to_owned()]));
    assert!(finding(&report, &token).is_some());
    assert_eq!(not_asked(&report, "--exclude-repo"), Some(4_999));
    let calls = sweep.github.noted().iter().filter(|noted| !noted.path.contains(".git/")).count();
    assert!((50..60).contains(&calls), "{calls} calls");
}

#[test]
fn pages_that_shift_hide_nothing_and_show_nothing_twice() {
    let mut sweep = Sweep::new(17_301);
    let tokens: Vec<String> = (0..3).map(|number| sweep.leak(&format!("acme/leaked-{number}"))).collect();
    sweep.github.change(|world| {
        for number in 0..250 {
            world.add_repository(&format!("acme/r-{number}"), |_| {});
        }
        let repositories = &mut world.owner_mut("acme").repositories;
        // One at the end of a page, one at the beginning, and one behind.
        repositories.swap(0, 99);
        repositories.swap(1, 100);
        repositories.swap(2, 249);
    });
    sweep.github.trouble_always("/orgs/acme/repos", Trouble::Shifted);
    let (code, report) = sweep.json(&["acme", "--exclude-repo", "r-*"]);
    assert_eq!((code, covered(&report).len()), (1, 3));
    assert!(tokens.iter().all(|token| finding(&report, token).is_some()));
    assert_eq!(not_asked(&report, "--exclude-repo"), Some(250));
}

#[test]
fn a_listing_that_never_ends_is_ended() {
    let (sweep, _) = many(17_302, 150);
    sweep.github.trouble_always("/orgs/acme/repos", Trouble::NextIsItself);
    let (code, report) = sweep.json(&["acme", "--exclude-repo", "r-*"]);
    assert_eq!(super::state(&report, "acme"), "failed", "{:#}", report["coverage"]);
    assert!([1, 2].contains(&code));
    assert!(sweep.github.count("GET", "/orgs/acme/repos") < 10);
}

#[test]
fn a_next_page_elsewhere_is_not_asked_for() {
    let (sweep, _) = many(17_303, 150);
    let elsewhere = format!("{}/orgs/acme/repos?page=2", sweep.github.storage_url());
    sweep.github.trouble_always("/orgs/acme/repos", Trouble::NextIs(elsewhere));
    let (code, report) = sweep.json(&["acme", "--exclude-repo", "r-*"]);
    assert_eq!(super::state(&report, "acme"), "failed", "{:#}", report["coverage"]);
    assert!([1, 2].contains(&code));
    // The storage has seen no credential: that is checked with each run.
}

#[test]
fn a_listing_that_has_not_changed_costs_nothing() {
    let (sweep, _) = many(17_304, 450);
    let arguments = ["acme", "--exclude-repo", "r-*", "--cache", "cache"];
    let (_, first) = sweep.json(&arguments);
    sweep.github.forget();
    let (_, second) = sweep.json(&arguments);
    assert_eq!(super::timeless(&first), super::timeless(&second));
    let noted = sweep.github.noted();
    let listing: Vec<u16> =
        noted.iter().filter(|noted| noted.path == "/orgs/acme/repos").map(|noted| noted.status).collect();
    // The first page is asked for once more: what came into it was on the second.
    assert_eq!(listing, [304; 6]);
}
