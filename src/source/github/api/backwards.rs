//! Lists from their end: what is deleted while they are read makes the pages shift towards the beginning, so that a reader who
//! goes there as well sees some entries twice, and one who goes the other way misses some.

use std::ops::ControlFlow;

use serde::de::DeserializeOwned;

use super::client::Api;
use super::error::ApiError;
use super::link::{NumberedPages, with_page_size};
use super::pages::{MOST_PAGES, walk};

impl Api {
    /// As [`Api::pages_cached`], of a list that grows at its end. Where its pages have numbers they are read from the last one
    /// to the first: an entry may be handed over twice, and none is missed because another one was deleted.
    pub fn pages_backwards<T: DeserializeOwned>(
        &self,
        path: &str,
        each: &mut dyn FnMut(Vec<T>),
    ) -> Result<(), ApiError> {
        let first_path = with_page_size(path);
        let (first, links) = self.page_cached(&first_path)?;
        each(first);
        let mut onwards = |page| {
            each(page);
            ControlFlow::Continue(())
        };
        let pages = links.last.as_deref().and_then(NumberedPages::of);
        // A last page that is too far away is none that there is.
        let Some(pages) = pages.filter(|pages| (2..=MOST_PAGES).contains(&(pages.number as usize))) else {
            return links.next.map_or(Ok(()), |next| self.pages_cached(&next, &mut onwards));
        };
        // There may be more of them by now, or the number was kept from another time.
        walk(&pages.path(pages.number), &|path| self.page_cached(path), &mut onwards)?;
        for number in (2..pages.number).rev() {
            each(self.page_cached(&pages.path(number))?.0);
        }
        // The first once more: what came into it was on the second page before.
        each(self.page_cached(&first_path)?.0);
        Ok(())
    }
}
