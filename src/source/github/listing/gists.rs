//! The gists of a user.

use std::ops::ControlFlow;

use super::{Listing, ListingOptions};
use crate::source::github::api::{Api, ApiError, Row};
use crate::source::github::listed::{Gist, Listed};
use crate::text::printable;

impl Listing {
    pub(super) fn add_gists(
        &mut self,
        api: &Api,
        target: &str,
        owner: &str,
        options: &ListingOptions,
    ) -> Result<(), ApiError> {
        // One's own list has the secret ones, too.
        let path = if self.own.is(api, owner) {
            "/gists?per_page=100"
        } else {
            &format!("/users/{owner}/gists?per_page=100")
        };
        api.pages_cached(path, &mut |page: Vec<Row<Gist>>| {
            let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            let checked = |gist: Gist| if is_id(&gist.id) { Ok(gist) } else { Err(printable(&gist.id)) };
            for row in page {
                let gist = match row.known().and_then(checked) {
                    Ok(gist) => gist,
                    Err(name) => {
                        self.take_unreadable(target, &name, "gist", options);
                        continue;
                    }
                };
                let is_own = options.shard.is_none_or(|shard| shard.owns_name(gist.id.as_bytes()));
                if is_own && self.known_gists.insert(gist.id.clone()) {
                    let listed = Listed { target: target.to_owned(), item: gist };
                    self.gists.push((owner.to_owned(), listed));
                }
            }
            ControlFlow::Continue(())
        })
    }
}
