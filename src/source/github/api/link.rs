//! The links of a page to others of the same list.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use crate::http::{self, Response};

/// The target of the relation `rel` in `Link` (RFC 8288, section 3).
/// <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
fn link_to<'h>(header: &'h str, rel: &str) -> Option<&'h str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // The parameters end where the next target begins: a `<` has to be encoded elsewhere.
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        let is_wanted = parameters.split([';', ',']).any(|parameter| {
            let parameter = parameter.trim().to_ascii_lowercase();
            parameter.strip_prefix("rel=").is_some_and(|value| value.trim_matches('"') == rel)
        });
        if is_wanted {
            return Some(target);
        }
        rest = after;
    }
    None
}

/// Where a page leads, each a path in the same API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageLinks {
    /// The next page, where there is one.
    pub(super) next: Option<String>,
    /// The last page, where that is told.
    #[serde(default)]
    pub(super) last: Option<String>,
}

impl PageLinks {
    /// Those of the response to a request for `path`.
    ///
    /// # Errors
    /// Where the next page is said to be elsewhere.
    pub(super) fn of(base_url: &str, path: &str, response: &Response) -> Result<PageLinks, ApiError> {
        let below = |target: &str| {
            let url = http::resolved(&format!("{base_url}{path}"), target)?;
            http::below(base_url, &url)
        };
        let target = |rel| response.header("link").and_then(|header| link_to(header, rel));
        let next = match target("next").map(below) {
            Some(None) => return Err(ApiError::misled(path, "its next page is said to be elsewhere")),
            next => next.flatten(),
        };
        Ok(PageLinks { next, last: target("last").and_then(below) })
    }
}

/// The pages of a list that are told apart by a number.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NumberedPages {
    before: String,
    after: String,
    /// The number of the page that it was made of.
    pub(super) number: u32,
}

impl NumberedPages {
    /// Of a path such as `/orgs/o/repos?per_page=100&page=7`.
    pub(super) fn of(path: &str) -> Option<NumberedPages> {
        let start = ["?page=", "&page="].iter().find_map(|name| Some(path.find(name)? + name.len()))?;
        let rest = &path[start..];
        let end = rest.find('&').unwrap_or(rest.len());
        let number = rest[..end].parse().ok()?;
        Some(NumberedPages { before: path[..start].to_owned(), after: rest[end..].to_owned(), number })
    }

    /// The path of another page.
    pub(super) fn path(&self, number: u32) -> String {
        format!("{}{number}{}", self.before, self.after)
    }
}

/// The path with as many entries a page as the API gives.
pub(super) fn with_page_size(path: &str) -> String {
    if path.contains("per_page=") {
        return path.to_owned();
    }
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}per_page=100")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_is_found_among_others() {
        let next = "https://h/x?a=1,2;3&page=2";
        for header in [
            format!("<{next}>; rel=\"next\""),
            format!("<https://h/y>; rel=\"last\", <{next}>; rel=\"next\""),
            format!("<{next}>; title=\"a\"; REL=next, <https://h/y>; rel=\"prev\""),
        ] {
            assert_eq!(link_to(&header, "next"), Some(next), "{header}");
        }
        for header in ["", "<https://h/x>; rel=\"last\"", "<https://h/x", "https://h/x; rel=\"next\"", "<>"] {
            assert_eq!(link_to(header, "next"), None, "{header}");
        }
    }

    #[test]
    fn the_next_page_is_in_the_same_api() {
        let of = |target: &str| {
            let headers = vec![("link".to_owned(), format!("<{target}>; rel=\"next\""))];
            let response = Response { headers, ..Response::default() };
            PageLinks::of("https://h/api/v3", "/x", &response).map(|links| links.next)
        };
        assert_eq!(of("https://h/api/v3/x?page=2"), Ok(Some("/x?page=2".to_owned())));
        assert_eq!(of("/api/v3/x?page=2"), Ok(Some("/x?page=2".to_owned())));
        for elsewhere in
            ["https://evil.example/api/v3/x", "http://h/api/v3/x", "/login", "https://a:b@h/api/v3/x"]
        {
            assert!(matches!(of(elsewhere), Err(ApiError::Misled(_))), "{elsewhere}");
        }
    }

    #[test]
    fn a_hundred_a_page_unless_it_is_said() {
        assert_eq!(with_page_size("/x"), "/x?per_page=100");
        assert_eq!(with_page_size("/x?state=open"), "/x?state=open&per_page=100");
        assert_eq!(with_page_size("/x?per_page=7"), "/x?per_page=7");
    }

    #[test]
    fn the_number_of_a_page_is_found_in_its_path() {
        let pages = NumberedPages::of("/orgs/o/repos?per_page=100&page=7&type=all").expect("a number");
        assert_eq!((pages.number, &*pages.path(6)), (7, "/orgs/o/repos?per_page=100&page=6&type=all"));
        for path in ["/x?per_page=100", "/x?page=", "/x?page=a", "/x?after=page%3D3", "/x?per_page=3"] {
            assert_eq!(NumberedPages::of(path), None, "{path}");
        }
    }
}
