//! What formats with alerts make of a finding: one for each file, the same one in a later run.

use crate::finding::{Finding, Location};
use crate::token::Fingerprint;

/// Locations by file, in the order of their first one. `file` names the file of a location.
pub(super) fn by_file<'f>(
    locations: Vec<&'f Location>,
    file: impl Fn(&Location) -> String,
) -> Vec<(String, Vec<&'f Location>)> {
    let mut files: Vec<(String, Vec<&'f Location>)> = Vec::new();
    for location in locations {
        let name = file(location);
        match files.iter_mut().find(|(known, _)| *known == name) {
            Some((_, locations)) => locations.push(location),
            None => files.push((name, vec![location])),
        }
    }
    files
}

/// A hash of the token and the file, by which a later run knows an alert again: the line may have moved.
pub(super) fn stable_id(finding: &Finding, file: &str) -> Fingerprint {
    let mut text = finding.token.fingerprint().hex();
    text.push('\n');
    text.push_str(file);
    Fingerprint::of(text.as_bytes())
}
