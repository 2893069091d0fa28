//! The artifacts of workflow runs.
//!
//! Two artifacts may have the same content, by their digest. Both are read all the same: a finding names every artifact that
//! has to be deleted.

use jiff::Timestamp;
use serde::Deserialize;

use super::actions::{Actions, not_all_listed, not_listed};
use super::archive::{Archive, Fetched};
use super::numbered::{self, Identified, Items};
use super::tally::{SurfaceRead, Tally};
use crate::blob::{Blob, Body, LocationKind, Origin, Sink};
use crate::scan::WithRoot;
use crate::text::printable;

/// As much of a name is shown.
const LONGEST_NAME: usize = 200;

/// Where the list of them is said to be, in reports.
const LIST: &str = "actions/artifacts";

#[derive(Debug, Deserialize)]
struct Artifact {
    id: u64,
    name: String,
    #[serde(default)]
    expired: bool,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    workflow_run: Option<RunOf>,
}

#[derive(Debug, Deserialize)]
struct RunOf {
    #[serde(default)]
    id: Option<u64>,
}

/// What became of artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArtifactsRead {
    /// How many were looked at.
    pub surface: SurfaceRead,
    /// The ids of those that were, each with that of the run that made it: together they are an address in a browser.
    pub runs: Vec<(u64, u64)>,
}

impl Identified for Artifact {
    fn id(&self) -> u64 {
        self.id
    }
}

impl Actions<'_> {
    /// Hands all artifacts that are still kept to `sink`, as `actions/artifacts/ID/NAME.zip`; else as [`Actions::read_logs`].
    pub fn read_artifacts(&self, sink: &dyn Sink) -> ArtifactsRead {
        let root = self.repository.to_string();
        let sink = &WithRoot::new(sink, Some(&root));
        let (tally, mut runs) = (Tally::default(), Vec::new());
        match numbered::all(self.api, &self.path(&format!("{LIST}?")), None) {
            Ok(Items { known, malformed, unlisted }) => {
                let why = "the list changes while it is read";
                not_all_listed(sink, (LIST, "artifact"), (&malformed, unlisted), why, &tally);
                let since = |one: &Artifact| {
                    // One without a time may be a new one.
                    self.since.zip(one.created_at).is_none_or(|(since, created)| created >= since)
                };
                let wanted: Vec<Artifact> = known.into_iter().filter(since).collect();
                let run = |one: &Artifact| Some((one.id, one.workflow_run.as_ref()?.id?));
                runs = wanted.iter().filter(|one| !one.expired).filter_map(run).collect();
                self.each(&wanted, sink, &|artifact| read_one(self, sink, &tally, artifact));
            }
            Err(error) => not_listed(sink, LIST, &error, &tally),
        }
        ArtifactsRead { surface: tally.finish("artifacts"), runs }
    }
}

fn read_one(actions: &Actions<'_>, sink: &dyn Sink, tally: &Tally, artifact: &Artifact) {
    let name = format!("{LIST}/{}/{}.zip", artifact.id, clean(&artifact.name));
    scan_name(sink, &name, &artifact.name);
    if artifact.expired {
        return tally.expired(1);
    }
    let path = actions.path(&format!("{LIST}/{}/zip", artifact.id));
    match actions.fetch(&Archive { path, name: &name, is_zip: false }, sink) {
        Fetched::Read => tally.read(),
        Fetched::Gone => tally.expired(1),
        Fetched::Failed(reason) => tally.failed(1, &reason),
        Fetched::Interrupted => {}
    }
}

/// A name may hold a token, too.
fn scan_name(sink: &dyn Sink, path: &str, name: &str) {
    let origin = || Origin { kind: LocationKind::FileName, ..Origin::file(path) };
    sink.blob(Blob { body: Body::Whole(name.as_bytes()), origin: &origin });
}

/// A name as a part of a path: neither a step of it, nor what stands before an archive's member.
fn clean(name: &str) -> String {
    let part = |character: char| if "/\\!".contains(character) { '_' } else { character };
    printable(name).chars().map(part).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests;
