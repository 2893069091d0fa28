//! Pages of a list, and the links between them.

use serde_json::{Value, json};

use super::super::http::Reply;
use super::trouble::Trouble;
use super::wire::Incoming;

/// How a list is cut into pages.
pub(super) struct Paging<'p> {
    /// The address that links lead to: often another one than was asked for, with an id in the place of a name.
    pub(super) address: String,
    /// Whether pages are told by a cursor, and not by a number.
    pub(super) cursor: bool,
    /// The field that holds the items, beside their number; none where the answer is the list itself.
    pub(super) field: Option<&'static str>,
    /// No item beyond is given.
    pub(super) most: usize,
    pub(super) trouble: Option<&'p Trouble>,
}

impl<'p> Paging<'p> {
    pub(super) fn of(address: String, trouble: Option<&'p Trouble>) -> Self {
        Paging { address, cursor: false, field: None, most: usize::MAX, trouble }
    }

    pub(super) fn by_cursor(address: String, trouble: Option<&'p Trouble>) -> Self {
        Paging { cursor: true, ..Paging::of(address, trouble) }
    }

    /// The page that is asked for.
    pub(super) fn page<T>(
        &self,
        incoming: &Incoming,
        items: &[T],
        shape: impl Fn(usize, &T) -> Value,
    ) -> Reply {
        let number = |name: &str| incoming.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let size = number("per_page").unwrap_or(30).clamp(1, 100);
        let page = number("page").unwrap_or(1).max(1);
        let start = if self.cursor { number("after").unwrap_or(0) } else { (page - 1) * size };
        let given = items.len().min(self.most);
        let end = (start + size).min(given);
        let shifted = matches!(self.trouble, Some(Trouble::Shifted)) && start > 0;
        let first = (start - usize::from(shifted)).min(end);
        let shown = items[first..end].iter().enumerate();
        let shown: Vec<Value> = shown.map(|(index, item)| shape(first + index, item)).collect();
        let body = match self.field {
            Some(field) => json!({"total_count": items.len(), field: shown}),
            None => json!(shown),
        };
        let reply = Reply::json(200, body.to_string());
        let next = match self.trouble {
            Some(Trouble::NextIsItself) => Some(self.link(incoming, page, start)),
            Some(Trouble::NextIs(address)) => Some(address.clone()),
            _ => (end < given).then(|| self.link(incoming, page + 1, end)),
        };
        match next {
            Some(next) => {
                let last = self.link(incoming, given.div_ceil(size), given / size * size);
                reply.with("Link", format!("<{next}>; rel=\"next\", <{last}>; rel=\"last\""))
            }
            None => reply,
        }
    }

    fn link(&self, incoming: &Incoming, page: usize, after: usize) -> String {
        let (name, value) = if self.cursor { ("after", after) } else { ("page", page) };
        let others = incoming.query().split('&').filter(|pair| !pair.is_empty());
        let others = others.filter(|pair| !pair.starts_with(&format!("{name}=")));
        let own = format!("{name}={value}");
        let query: Vec<&str> = others.chain([own.as_str()]).collect();
        format!("{}?{}", self.address, query.join("&"))
    }
}
