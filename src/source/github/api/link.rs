//! The link to the next page.

use super::error::ApiError;
use crate::http::{self, Response};

/// The target of `rel="next"` in `Link` (RFC 8288, section 3).
/// <https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        // The parameters end where the next target begins: a `<` has to be encoded elsewhere.
        let parameters = after.split_once('<').map_or(after, |(parameters, _)| parameters);
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let parameter = parameter.trim().to_ascii_lowercase();
            parameter == "rel=\"next\"" || parameter == "rel=next"
        });
        if is_next {
            return Some(target);
        }
        rest = after;
    }
    None
}

/// The path of the next page, where there is one; it has to be in the same API.
pub(super) fn next_page(base_url: &str, path: &str, response: &Response) -> Result<Option<String>, ApiError> {
    let Some(target) = response.header("link").and_then(next_link) else { return Ok(None) };
    let next = http::resolved(&format!("{base_url}{path}"), target);
    match next.and_then(|url| http::below(base_url, &url)) {
        Some(next) => Ok(Some(next)),
        None => Err(ApiError::misled(path, "its next page is said to be elsewhere")),
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
            assert_eq!(next_link(&header), Some(next), "{header}");
        }
        for header in ["", "<https://h/x>; rel=\"last\"", "<https://h/x", "https://h/x; rel=\"next\"", "<>"] {
            assert_eq!(next_link(header), None, "{header}");
        }
    }

    #[test]
    fn the_next_page_is_in_the_same_api() {
        let of = |target: &str| {
            let headers = vec![("link".to_owned(), format!("<{target}>; rel=\"next\""))];
            next_page("https://h/api/v3", "/x", &Response { headers, ..Response::default() })
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
}
