//! GitHub's own description of what a sweep asks, and of what is answered.

use serde_json::{Value, json};

use super::state::Noted;

/// Slices of it; `tests/contract/README.md` says where they are from.
pub(crate) struct Description(Value);

impl Description {
    pub(crate) fn read() -> Self {
        let text = include_str!("../../../contract/source.json");
        Description(serde_json::from_str(text).expect("JSON"))
    }

    /// The operation of a path. One that is written out is meant before one that has parameters.
    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let paths = self.0["paths"].as_object()?;
        let described = paths
            .get(path)
            .or_else(|| paths.iter().find(|(template, _)| fits(template, path)).map(|(_, found)| found));
        described?.get(method.to_ascii_lowercase())
    }

    /// What it has against a request, if anything.
    pub(crate) fn objection(&self, noted: &Noted) -> Option<String> {
        let request = &noted.request;
        let which = format!("{} {}", request.method, noted.path);
        let Some(operation) = self.operation(&request.method, &noted.path) else {
            return Some(format!("{which} is not described"));
        };
        let query = request.path.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| name);
        let known = operation["parameters"].as_array().expect("a list");
        if let Some(name) = names.into_iter().find(|name| !known.iter().any(|known| known == name)) {
            return Some(format!("{which} has no parameter {name}"));
        }
        let Some(wanted) = operation.get("requestBody") else {
            return (!request.body.is_empty()).then(|| format!("{which} has no body"));
        };
        let schema = &wanted["content"]["application/json"]["schema"];
        if request.body.is_empty() {
            return (wanted["required"] == true).then(|| format!("{which} has a body"));
        }
        let body = serde_json::from_str(&request.body).unwrap_or(Value::Null);
        self.misfit(schema, &body).map(|place| format!("the body of {which} does not fit at {place}"))
    }

    /// What it has against an answer of this status, if anything.
    pub(crate) fn answer_objection(&self, which: (&str, &str), status: u16, body: &str) -> Option<String> {
        let (method, path) = which;
        let Some(operation) = self.operation(method, path) else {
            return Some(format!("{method} {path} is not described"));
        };
        let Some(response) = operation["responses"].get(status.to_string()) else {
            return Some(format!("{method} {path} has no status {status}"));
        };
        let schema = response.get("schema")?;
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        self.misfit(schema, &body).map(|place| format!("{method} {path} does not fit at {place}"))
    }

    /// Where a value does not fit. The validator's messages would repeat what is secret.
    fn misfit(&self, schema: &Value, value: &Value) -> Option<String> {
        let schema = json!({"allOf": [schema], "components": self.0["components"]});
        let validator = jsonschema::validator_for(&schema).expect("a schema");
        let mut errors = validator.iter_errors(value);
        errors.next().map(|error| format!("{} ({})", error.instance_path(), error.schema_path()))
    }
}

/// Whether a path is one that the template stands for.
fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(part), Some(given)) if part == given || (part.starts_with('{') && !given.is_empty()) => {}
            _ => return false,
        }
    }
}
