//! Lists, page by page.

use std::collections::HashSet;
use std::ops::ControlFlow;

use serde::de::DeserializeOwned;
use serde_json::Value;
use zeroize::Zeroizing;

use super::calls::within;
use super::client::Api;
use super::error::ApiError;
use super::exchange::{Answer, Call};
use super::link::{PageLinks, with_page_size};
use super::page_store::Kept;

/// The most pages of a list: a server that makes them up has no end.
pub(super) const MOST_PAGES: usize = 50_000;

/// So many pages in a row may have nothing on them: behind those there is nothing either.
const MOST_EMPTY: usize = 10;

/// A page with as many entries may be followed by another one.
const FULL: usize = 100;

/// What is done with a page.
type Each<'e, T> = &'e mut dyn FnMut(Vec<T>) -> ControlFlow<()>;

/// A page, and where it leads.
type Page<T> = (Vec<T>, PageLinks);

impl Api {
    /// Asks for all pages of a list, and hands each to `each` until it breaks. Pages may shift while they are read: what is
    /// listed twice has the same id, and who reads them knows it.
    pub fn pages<T: DeserializeOwned>(&self, path: &str, each: Each<'_, T>) -> Result<(), ApiError> {
        walk(path, &|path| self.page(path), each)
    }

    /// The same of a list that is kept for the next run, and asked for only where it has changed: never one of secrets.
    pub fn pages_cached<T: DeserializeOwned>(&self, path: &str, each: Each<'_, T>) -> Result<(), ApiError> {
        walk(path, &|path| self.page_cached(path), each)
    }

    /// The same of a list that holds secrets: nothing of it is kept, its bodies are wiped, and `T` has to wipe what it takes of
    /// them.
    pub fn pages_secret<T: DeserializeOwned>(&self, path: &str, each: Each<'_, T>) -> Result<(), ApiError> {
        walk(path, &|path| self.page_secret(path), each)
    }

    fn page<T: DeserializeOwned>(&self, path: &str) -> Result<Page<T>, ApiError> {
        let Answer { response, path } = within(self.exchange(&Call::get(path))?)?;
        let links = PageLinks::of(&self.base_url, &path, &response)?;
        let page = serde_json::from_slice(&response.body).map_err(|_| ApiError::malformed(&path))?;
        Ok((page, links))
    }

    fn page_secret<T: DeserializeOwned>(&self, path: &str) -> Result<Page<T>, ApiError> {
        let Answer { mut response, path } = within(self.exchange(&Call::get(path))?)?;
        let body = Zeroizing::new(std::mem::take(&mut response.body));
        let links = PageLinks::of(&self.base_url, &path, &response)?;
        let page = serde_json::from_slice(&body).map_err(|_| ApiError::malformed(&path))?;
        Ok((page, links))
    }

    pub(super) fn page_cached<T: DeserializeOwned>(&self, path: &str) -> Result<Page<T>, ApiError> {
        let Some(store) = &self.store else { return self.page(path) };
        let url = format!("{}{path}", self.base_url);
        // The last page may be as it was, and have become the last but one.
        let is_full = |kept: &Kept| kept.items.as_array().is_none_or(|items| items.len() >= FULL);
        let kept = store.get(&url).filter(|kept| kept.links.next.is_some() || !is_full(kept));
        let call = Call { etag: kept.as_ref().map(|kept| kept.etag.as_str()), ..Call::get(path) };
        let Answer { response, path } = within(self.exchange(&call)?)?;
        let malformed = |_| ApiError::malformed(&path);
        if response.status == 304 {
            let kept = kept.ok_or_else(|| ApiError::malformed(&path))?;
            return Ok((serde_json::from_value(kept.items).map_err(malformed)?, kept.links));
        }
        let links = PageLinks::of(&self.base_url, &path, &response)?;
        let items: Value = serde_json::from_slice(&response.body).map_err(malformed)?;
        let etag = response.header("etag").map(str::to_owned);
        drop(response);
        if let Some(etag) = etag {
            store.put(&url, &etag, &links, &items);
        }
        Ok((serde_json::from_value(items).map_err(malformed)?, links))
    }
}

/// Reads page after page, until there is none or `each` breaks.
pub(super) fn walk<T>(
    path: &str,
    page: &dyn Fn(&str) -> Result<Page<T>, ApiError>,
    each: Each<'_, T>,
) -> Result<(), ApiError> {
    let (mut seen, mut empty) = (HashSet::new(), 0);
    let mut next = Some(with_page_size(path));
    while let Some(path) = next {
        let (entries, links) = page(&path)?;
        empty = if entries.is_empty() { empty + 1 } else { 0 };
        if each(entries).is_break() {
            return Ok(());
        }
        if !seen.insert(path.clone()) || seen.len() > MOST_PAGES {
            return Err(ApiError::misled(&path, "its pages have no end"));
        }
        next = links.next;
        if empty == MOST_EMPTY && next.is_some() {
            return Err(ApiError::misled(
                &path,
                "page after page has nothing on it, and leads to another one",
            ));
        }
        if next.as_ref().is_some_and(|next| seen.contains(next)) {
            return Err(ApiError::misled(&path, "its pages lead in a circle"));
        }
    }
    Ok(())
}
