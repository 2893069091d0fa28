//! The message of a response, made safe to show: short, on one line, and without anything that looks like a token.
//! A server may repeat in an error what it was sent.
//!
//! The form of errors: <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>.

use serde_json::Value;

use crate::http::Response;
use crate::text;

/// The message in a response's body, cleaned: GitHub's `message` and `errors`, or the beginning of a plain text.
pub(crate) fn message(response: &Response) -> String {
    let message = match response.json() {
        Some(Value::Object(body)) => of_json(&body),
        Some(_) => String::new(),
        None if response.body.trim_ascii_start().starts_with(b"<") => {
            "an HTML page, not GitHub's JSON".to_owned()
        }
        None => String::from_utf8_lossy(&response.body).into_owned(),
    };
    text::one_line(&message, text::MESSAGE_LIMIT)
}

fn of_json(body: &serde_json::Map<String, Value>) -> String {
    let mut message = body.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    for error in body.get("errors").and_then(Value::as_array).into_iter().flatten() {
        let error = match error {
            Value::String(text) => text.clone(),
            Value::Object(fields) => match fields.get("message").and_then(Value::as_str) {
                Some(text) => text.to_owned(),
                None => named_fields(fields),
            },
            _ => continue,
        };
        if !message.is_empty() {
            message.push_str("; ");
        }
        message.push_str(&error);
    }
    message
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
    fn githubs_errors_are_kept_in_full() {
        let response =
            |body: &str| Response { status: 422, body: body.as_bytes().to_vec(), ..Response::default() };
        let body = r#"{"message":"Validation Failed","errors":["a",{"message":"b"},{"code":"invalid"},7]}"#;
        assert_eq!(message(&response(body)), "Validation Failed; a; b; code invalid");
        assert_eq!(message(&response(r#"{"errors":["a"]}"#)), "a");
        assert_eq!(message(&response("null")), "");
        assert_eq!(message(&response("plain\nwords")), "plain words");
        assert_eq!(message(&response("<!DOCTYPE html><p>x")), "an HTML page, not GitHub's JSON");
    }
}
