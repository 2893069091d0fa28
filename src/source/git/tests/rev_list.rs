//! Random graphs of commits with random dates: a range is what git-rev-list(1) lists.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use gix::ObjectId;
use proptest::prelude::*;

use super::support::Fixture;
use crate::source::git::rev_walk::rev_list;

/// The parents of a commit, as distances to commits before it, and its date.
type Node = (Vec<usize>, u32);

/// Each commit, with the numbers of all that it leads to.
struct Graph {
    fixture: Fixture,
    ids: Vec<ObjectId>,
    ancestors: Vec<BTreeSet<usize>>,
}

fn graph(nodes: &[Node]) -> Graph {
    let (mut stream, mut ancestors) = (String::new(), Vec::<BTreeSet<usize>>::new());
    for (n, (distances, date)) in nodes.iter().enumerate() {
        let _ = write!(stream, "commit refs/heads/c{n}\nmark :{}\n", n + 1);
        // With a message of its own, each commit is one of its own.
        let _ = write!(stream, "committer C <c@example.org> {date} +0000\ndata 4\n{n:04}\n");
        let parents: BTreeSet<usize> = distances.iter().filter_map(|d| n.checked_sub(d + 1)).collect();
        let mut own = BTreeSet::from([n]);
        for (order, parent) in parents.iter().enumerate() {
            let _ = writeln!(stream, "{} :{}", if order == 0 { "from" } else { "merge" }, parent + 1);
            own.extend(&ancestors[*parent]);
        }
        stream.push('\n');
        ancestors.push(own);
    }
    let fixture = Fixture::new();
    fixture.git_with_input(&["fast-import", "--quiet"], stream.as_bytes());
    let ids = fixture.git(&["for-each-ref", "--sort=version:refname", "--format=%(objectname)"]);
    let ids = ids.lines().map(|id| ObjectId::from_hex(id.as_bytes()).expect("an id")).collect();
    Graph { fixture, ids, ancestors }
}

/// What git lists, where it knows the graph well enough not to be misled by dates.
fn listed_by_git(graph: &Graph, include: usize, exclude: usize) -> BTreeSet<usize> {
    let range = format!("{}..{}", graph.ids[exclude], graph.ids[include]);
    let listed = graph.fixture.git(&["rev-list", "--topo-order", &range]);
    let number = |id: &str| {
        let id = ObjectId::from_hex(id.as_bytes()).expect("an id");
        graph.ids.iter().position(|known| *known == id).expect("a commit")
    };
    listed.lines().map(number).collect()
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let date = prop_oneof![0..4_000_000_000_u32, 1_700_000_000..1_700_000_100_u32];
    let node = (prop::collection::vec(0..5_usize, 0..3), date);
    prop::collection::vec(node, 2..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_range_is_what_git_lists_whatever_the_clocks_said(nodes in nodes(), pairs in prop::collection::vec(any::<(u16, u16)>(), 6)) {
        let graph = graph(&nodes);
        graph.fixture.git(&["commit-graph", "write", "--reachable"]);
        let repo = graph.fixture.repo();
        for (include, exclude) in pairs {
            let (include, exclude) = (usize::from(include) % nodes.len(), usize::from(exclude) % nodes.len());
            let listed = rev_list(&repo, &[graph.ids[include]], &[graph.ids[exclude]]);
            prop_assert!(listed.faults.is_empty() && listed.cut_off.is_none());
            let number = |id: &ObjectId| graph.ids.iter().position(|known| known == id).expect("a commit");
            let ours: BTreeSet<usize> = listed.commits.iter().map(|commit| number(&commit.id)).collect();
            let right: BTreeSet<usize> = graph.ancestors[include].difference(&graph.ancestors[exclude]).copied().collect();
            prop_assert_eq!(&ours, &right);
            prop_assert_eq!(&ours, &listed_by_git(&graph, include, exclude));
        }
    }
}

/// A chain of commits with old dates hides from git itself that what is behind it is excluded.
#[test]
fn clocks_that_ran_backwards_for_long_mislead_nobody() {
    let mut nodes: Vec<Node> = (0..20).map(|n| (vec![0; usize::from(n > 0)], 1_900_000_000 + n)).collect();
    nodes.extend((0..30).map(|n| (vec![0], 1_000_000_000 + n)));
    // A branch from behind the chain.
    nodes.push((vec![30], 1_800_000_000));
    let graph = graph(&nodes);
    let listed = rev_list(&graph.fixture.repo(), &[graph.ids[50]], &[graph.ids[49]]);
    let ids: Vec<ObjectId> = listed.commits.iter().map(|commit| commit.id).collect();
    assert_eq!(ids, [graph.ids[50]]);
}
