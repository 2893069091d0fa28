//! One location for a place that an alert tells of and the history shows, and for an alert that was listed for several targets.

use std::collections::{HashMap, HashSet};

use crate::blob::LocationKind;
use crate::finding::{Finding, Location};

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
