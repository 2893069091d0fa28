//! What an alert tells of and the history shows, and an alert that was listed for several targets: it is one place, and
//! suppressed as one.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::blob::LocationKind;
use crate::finding::{Finding, Findings, Location, Suppression};
use crate::token::Fingerprint;

/// What the paths of alerts themselves begin with.
const ALERTS: &str = "secret-scanning/alerts/";

/// Joins the locations of each token that are the same place in a file. An alert knows line and column, the history the place
/// in the whole file: that one stays.
pub(super) fn join_places(findings: &mut [Finding]) {
    for finding in findings {
        let mut best: HashMap<Place, u64> = HashMap::new();
        for location in &finding.locations {
            let offset = best.entry(Place::of(location)).or_default();
            *offset = location.offset.max(*offset);
        }
        if best.len() < finding.locations.len() {
            let mut seen = HashSet::new();
            finding.locations.retain(|location| {
                let place = Place::of(location);
                location.kind != LocationKind::Content
                    || (best.get(&place) == Some(&location.offset)
                        && seen.insert((place, location.details().object.clone())))
            });
        }
    }
}

/// Suppresses what alerts tell of where the repository shows it suppressed. An alert has neither the line that a comment is on
/// nor a path of its own: it says that a token is somewhere, and counts for nothing where that does.
///
/// That takes an alert that tells where: those in `untold` may mean another place than the one that is known.
pub(super) fn suppress_alerts(alerted: &mut [Finding], found: &mut Findings, untold: &HashSet<String>) {
    let tokens: HashSet<Fingerprint> = alerted.iter().map(|finding| finding.token.fingerprint()).collect();
    let (mut places, mut roots) = (HashMap::new(), HashMap::new());
    found.for_each_location_mut(&mut |token, location| {
        if tokens.contains(&token) {
            note(&mut places, (token, Place::of(location)), location);
            note(&mut roots, (token, repository_of(location)), location);
        }
    });
    for finding in alerted {
        let token = finding.token.fingerprint();
        let (alerts, told): (Vec<_>, Vec<_>) = finding.locations.iter_mut().partition(|one| is_alert(one));
        let with_place: HashSet<String> = told.iter().map(|location| repository_of(location)).collect();
        for location in told {
            inherit(location, places.get(&(token, Place::of(location))));
            note(&mut roots, (token, repository_of(location)), location);
        }
        for location in alerts {
            let root = location.details().root.as_deref().unwrap_or_default();
            let is_told = !untold.contains(&format!("{root}/{}", location.path));
            if is_told && with_place.contains(&repository_of(location)) {
                inherit(location, roots.get(&(token, repository_of(location))));
            }
        }
    }
}

/// Whether a token was found only in repositories of which it is not known what they call no leak.
pub(super) fn is_only_in(finding: &Finding, repositories: &HashSet<String>) -> bool {
    let is_there = |location: &Location| {
        let root = location.details().root.as_deref().unwrap_or_default();
        repositories.contains(root) || repositories.contains(&repository_of(location))
    };
    finding.locations.iter().all(is_there)
}

/// Notes what suppresses a token there: nothing, where nothing does in one of the cases.
fn note<K: Eq + Hash>(known: &mut HashMap<K, Option<Suppression>>, key: K, location: &Location) {
    let suppression = &location.details().suppressed;
    let there = known.entry(key).or_insert_with(|| suppression.clone());
    if suppression.is_none() {
        *there = None;
    }
}

fn inherit(location: &mut Location, known: Option<&Option<Suppression>>) {
    if location.details().suppressed.is_none()
        && let Some(Some(suppression)) = known
    {
        location.details_mut().suppressed = Some(suppression.clone());
    }
}

fn is_alert(location: &Location) -> bool {
    location.details().commit.is_none() && location.path.starts_with(ALERTS)
}

/// A wiki's alerts are its repository's.
fn repository_of(location: &Location) -> String {
    let root = location.details().root.as_deref().unwrap_or_default();
    root.strip_suffix(".wiki").unwrap_or(root).to_owned()
}

/// A place in a file of a repository.
#[derive(PartialEq, Eq, Hash)]
struct Place {
    root: Option<String>,
    path: String,
    line: u64,
    column: u64,
    decoded: usize,
}

impl Place {
    fn of(location: &Location) -> Self {
        let details = location.details();
        Place {
            root: details.root.clone(),
            path: location.path.to_string(),
            line: location.line,
            column: location.column,
            decoded: details.decoded.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blob::Origin;
    use crate::finding::{Confidence, Findings, Sighting};
    use crate::token::Kind;

    #[test]
    fn what_an_alert_and_the_history_tell_is_one_place() {
        let findings = Findings::default();
        let sighting = Sighting {
            text: b"ghp_x",
            rule: &"github-pat".into(),
            kind: Kind::pat(),
            confidence: Confidence::Certain,
            reason: "",
            owner_id: None,
        };
        let at = |path: &str, offset, line, column| {
            let origin = Origin { root: Some("octo/a".to_owned()), ..Origin::file(path) };
            Location::new(origin, offset, line, column, Vec::new())
        };
        for location in
            [at("a", 2, 7, 3), at("a", 90, 7, 3), at("a", 140, 9, 3), at("b", 2, 7, 3), at("b", 2, 7, 3)]
        {
            findings.add(sighting, location);
        }
        let (mut findings, _) = findings.finish();
        join_places(&mut findings);
        let left: Vec<(&str, u64)> =
            findings[0].locations.iter().map(|location| (&*location.path, location.offset)).collect();
        assert_eq!(left, [("a", 90), ("a", 140), ("b", 2)]);
    }
}
