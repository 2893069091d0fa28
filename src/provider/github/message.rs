//! What a server said, made fit to be shown: short, on one line, and without anything that looks like a token.
//! A server may repeat in an error what it was sent.

use serde_json::Value;

use super::request::Response;
use crate::text;

/// What a reply's body says, cleaned: GitHub's `message` and `errors`, or the begin of a plain text.
pub fn of(reply: &Response) -> String {
    let said = match reply.json() {
        Some(Value::Object(body)) => of_json(&body),
        Some(_) => String::new(),
        None if reply.body.trim_ascii_start().starts_with(b"<") => {
            "an HTML page, not GitHub's JSON".to_owned()
        }
        None => String::from_utf8_lossy(&reply.body).into_owned(),
    };
    text::one_line(&said, text::MESSAGE_LIMIT)
}

fn of_json(body: &serde_json::Map<String, Value>) -> String {
    let mut said = body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    for error in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let error = match error {
            Value::String(text) => text.clone(),
            Value::Object(fields) => match fields.get("message").and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => named_fields(fields),
            },
            _ => continue,
        };
        if !said.is_empty() {
            said.push_str("; ");
        }
        said.push_str(&error);
    }
    said
}

/// `{"resource": "Credential", "code": "invalid"}` → `resource Credential, code invalid`.
fn named_fields(fields: &serde_json::Map<String, Value>) -> String {
    let named = |(name, value): (&String, &Value)| value.as_str().map(|value| format!("{name} {value}"));
    fields.iter().filter_map(named).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_errors_are_said_in_full() {
        let reply =
            |body: &str| Response { status: 422, headers: Vec::new(), body: body.as_bytes().to_vec() };
        let body = r#"{"message":"Validation Failed","errors":["a",{"message":"b"},{"code":"invalid"},7]}"#;
        assert_eq!(of(&reply(body)), "Validation Failed; a; b; code invalid");
        assert_eq!(of(&reply(r#"{"errors":["a"]}"#)), "a");
        assert_eq!(of(&reply("null")), "");
        assert_eq!(of(&reply("plain\nwords")), "plain words");
        assert_eq!(of(&reply("<!DOCTYPE html><p>x")), "an HTML page, not GitHub's JSON");
    }
}
