//! The organizations of an enterprise: only GraphQL lists them.
//! <https://docs.github.com/en/enterprise-cloud@latest/graphql/reference/objects#enterprise>

use serde::Deserialize;
use serde_json::json;

use super::api::{Api, ApiError, Refusal};
use super::names::is_name;
use crate::http::Method;
use crate::text::{MESSAGE_LIMIT, one_line};

const QUERY: &str = "query($slug: String!, $after: String) { enterprise(slug: $slug) { organizations(first: 100, after: \
                     $after) { totalCount nodes { login } pageInfo { hasNextPage endCursor } } } }";

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    errors: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Data {
    enterprise: Option<Enterprise>,
}

#[derive(Deserialize)]
struct Enterprise {
    organizations: List,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct List {
    #[serde(default)]
    total_count: u64,
    nodes: Vec<Option<Organization>>,
    page_info: PageInfo,
}

#[derive(Deserialize)]
struct Organization {
    login: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

/// The organizations of an enterprise, as far as the credential may know of them.
#[derive(Debug, Default)]
pub(super) struct Organizations {
    /// Their names.
    pub(super) names: Vec<String>,
    /// How many there are besides, and why they are not named.
    pub(super) withheld: Option<String>,
}

/// Asks for them.
pub(super) fn organizations(api: &Api, slug: &str) -> Result<Organizations, ApiError> {
    let mut names = Vec::new();
    let (mut told, mut total) = (None, 0);
    let mut after: Option<String> = None;
    loop {
        let query = json!({ "query": QUERY, "variables": { "slug": slug, "after": after } });
        let answer = api.send_json(Method::Post, api.graphql_path(), &query)?;
        let answer: Answer = serde_json::from_value(answer).map_err(|_| malformed())?;
        let said = answer.errors.first().map(|problem| one_line(&problem.message, MESSAGE_LIMIT));
        let Some(enterprise) = answer.data.and_then(|data| data.enterprise) else {
            let said = said.unwrap_or_else(|| "there is none of this name".to_owned());
            let message = format!("{said} (the credential needs the scope read:enterprise)");
            return Err(ApiError::Refused { refusal: Refusal::NotFound, message });
        };
        told = told.or(said);
        let List { total_count, nodes, page_info } = enterprise.organizations;
        total = total_count.max(total);
        if nodes.is_empty() && page_info.has_next_page {
            return Err(malformed());
        }
        // What single sign-on hides is null.
        names.extend(nodes.into_iter().flatten().map(|node| node.login).filter(|login| is_name(login)));
        match page_info.end_cursor.filter(|cursor| page_info.has_next_page && after.as_ref() != Some(cursor))
        {
            Some(cursor) => after = Some(cursor),
            None if page_info.has_next_page => return Err(malformed()),
            None => break,
        }
    }
    let hidden = total.saturating_sub(names.len() as u64);
    let withheld = (hidden > 0 || told.is_some()).then(|| {
        let why = told.unwrap_or_else(|| "the credential may not know of them".to_owned());
        format!("{hidden} of its organizations are not named, and were not looked at: {why}")
    });
    Ok(Organizations { names, withheld })
}

fn malformed() -> ApiError {
    ApiError::Malformed("the question for the enterprise's organizations".to_owned())
}
