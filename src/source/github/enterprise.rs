//! The organizations of an enterprise: only GraphQL lists them.
//! <https://docs.github.com/en/enterprise-cloud@latest/graphql/reference/objects#enterprise>

use serde::Deserialize;
use serde_json::json;

use super::api::{Api, ApiError, Refusal};
use super::names::is_name;
use crate::http::Method;
use crate::text::{MESSAGE_LIMIT, one_line};

const QUERY: &str = "query($slug: String!, $after: String) { enterprise(slug: $slug) { organizations(first: 100, after: \
                     $after) { nodes { login } pageInfo { hasNextPage endCursor } } } }";

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
    organizations: Organizations,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Organizations {
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

/// The names of an enterprise's organizations, as far as the credential may know of them.
pub(super) fn organizations(api: &Api, slug: &str) -> Result<Vec<String>, ApiError> {
    let mut names = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let query = json!({ "query": QUERY, "variables": { "slug": slug, "after": after } });
        let answer = api.send_json(Method::Post, api.graphql_path(), &query)?;
        let answer: Answer = serde_json::from_value(answer).map_err(|_| malformed())?;
        let Some(enterprise) = answer.data.and_then(|data| data.enterprise) else {
            let told = answer.errors.first().map(|problem| one_line(&problem.message, MESSAGE_LIMIT));
            let told = told.unwrap_or_else(|| "there is none of this name".to_owned());
            let message = format!("{told} (the credential needs the scope read:enterprise)");
            return Err(ApiError::Refused { refusal: Refusal::NotFound, message });
        };
        let Organizations { nodes, page_info } = enterprise.organizations;
        names.extend(nodes.into_iter().flatten().map(|node| node.login).filter(|login| is_name(login)));
        match page_info.end_cursor.filter(|cursor| page_info.has_next_page && after.as_ref() != Some(cursor))
        {
            Some(cursor) => after = Some(cursor),
            None if page_info.has_next_page => return Err(malformed()),
            None => return Ok(names),
        }
    }
}

fn malformed() -> ApiError {
    ApiError::Malformed("the question for the enterprise's organizations".to_owned())
}
