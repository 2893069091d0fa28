//! One entry of a list. One that has no form that is known does not take the others with it.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::text::one_line;

/// As much of the name of such an entry is shown.
const LONGEST_NAME: usize = 120;

/// An entry of a list.
#[derive(Debug)]
pub(crate) enum Row<T> {
    /// As it should be.
    Known(T),
    /// It has no form that GitHub documents. What it is called, as far as that can be read: to be told, never to be passed over.
    Malformed(String),
}

impl<T> Row<T> {
    /// The entry, or what is said of one that cannot be read.
    pub(crate) fn known(self) -> Result<T, String> {
        match self {
            Row::Known(entry) => Ok(entry),
            Row::Malformed(name) => Err(name),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        // It may hold a secret.
        let text = Zeroizing::new(String::from(Box::<str>::from(raw)));
        Ok(serde_json::from_str(&text).map_or_else(|_| Row::Malformed(name(&text)), Row::Known))
    }
}

/// What an entry may be called by. Nothing else of one that cannot be read is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Names {
    full_name: Option<Name>,
    number: Option<Name>,
    id: Option<Name>,
    name: Option<Name>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u64),
    Text(String),
    Other(IgnoredAny),
}

fn name(text: &str) -> String {
    let Names { full_name, number, id, name } = serde_json::from_str(text).unwrap_or_default();
    let called = |field: &str, name: Option<Name>| match name? {
        Name::Number(number) => Some(format!("{field}{number}")),
        Name::Text(name) => Some(one_line(&format!("{field}{name}"), LONGEST_NAME)),
        Name::Other(_) => None,
    };
    called("", full_name)
        .or_else(|| called("number ", number))
        .or_else(|| called("id ", id))
        .or_else(|| called("", name))
        .unwrap_or_else(|| "one without a name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Entry {
        id: u64,
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named_and_the_others_are_there() {
        let list = r#"[{"id": 1}, {"id": "x"}, {"id": -1, "number": 7}, {"id": null, "full_name": "octo/a\n"},
            {"id": [], "name": "b"}, {}, 3, null, "secret", {"id": 2}]"#;
        let told = |list: Vec<Row<Entry>>| -> Vec<String> {
            let one = |row: Row<Entry>| row.known().map_or_else(|name| name, |entry| entry.id.to_string());
            list.into_iter().map(one).collect()
        };
        let none = "one without a name";
        let expected = ["1", "id x", "number 7", "octo/a", "b", none, none, none, none, "2"];
        assert_eq!(told(serde_json::from_str(list).expect("a list")), expected);
        // Kept pages are values.
        let value: serde_json::Value = serde_json::from_str(list).expect("a list");
        assert_eq!(told(serde_json::from_value(value).expect("a list")), expected);
    }
}
