//! Lists that the API gives in an object with their length, in pages with numbers: runs and artifacts of Actions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::api::{Api, ApiError, Row};

/// The most items of a page.
pub(super) const PAGE: u64 = 100;

/// How often a list is gone through that changes meanwhile, so that items move from a page to one that was read already.
const ROUNDS: u32 = 3;

/// More pages than these no repository has.
const MOST_PAGES: u64 = 10_000;

/// A page of such a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(super) struct Page<T> {
    /// How many items there are on all pages.
    pub(super) total_count: u64,
    #[serde(alias = "workflow_runs", alias = "artifacts")]
    pub(super) items: Vec<Row<T>>,
}

/// Something with an id of its own.
pub(super) trait Identified {
    fn id(&self) -> u64;
}

/// All items of a list, the newest first as their ids say.
pub(super) struct Items<T> {
    pub(super) known: Vec<T>,
    /// What those are called that are listed in no form that is known.
    pub(super) malformed: BTreeSet<String>,
    /// How many more the server counts, and does not list.
    pub(super) unlisted: u64,
}

/// Asks for one page, from 1. `path` has a query.
pub(super) fn page<T: DeserializeOwned>(api: &Api, path: &str, number: u64) -> Result<Page<T>, ApiError> {
    api.get(&format!("{path}&per_page={PAGE}&page={number}"))
}

/// Asks for all pages, of which the first may be known. Each item is given once, also where pages shift.
pub(super) fn all<T: DeserializeOwned + Identified>(
    api: &Api,
    path: &str,
    mut first: Option<Page<T>>,
) -> Result<Items<T>, ApiError> {
    let (mut known, mut malformed, mut total) = (BTreeMap::new(), BTreeSet::new(), 0);
    for _ in 0..ROUNDS {
        let (mut seen, mut shrank) = (BTreeSet::new(), false);
        for number in 1..=MOST_PAGES {
            let page = match first.take() {
                Some(page) => page,
                None => page(api, path, number)?,
            };
            // What goes away meanwhile makes others move up, past the page that is read next.
            shrank |= number > 1 && page.total_count < total;
            total = page.total_count;
            let mut is_new = false;
            for row in page.items {
                match row.known() {
                    Ok(item) => {
                        is_new |= seen.insert(item.id());
                        known.insert(item.id(), item);
                    }
                    Err(name) => is_new |= malformed.insert(name),
                }
            }
            // A page without anything new is behind the last one, whatever the server calls it.
            if !is_new || (known.len() + malformed.len()) as u64 >= total {
                break;
            }
        }
        if (known.len() + malformed.len()) as u64 >= total && !shrank {
            break;
        }
    }
    let unlisted = total.saturating_sub((known.len() + malformed.len()) as u64);
    Ok(Items { known: known.into_values().rev().collect(), malformed, unlisted })
}
