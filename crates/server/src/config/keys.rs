//! Which keys there are, from the fields of the configuration themselves.

use serde_json::{Map, Value};

use super::Config;

/// A key that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Its name with its sections, `limits.max_in_flight`.
    pub(super) path: String,
    /// The comment of its field.
    pub(super) text: String,
    /// How much of it is shown.
    secrecy: Secrecy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Secrecy {
    Open,
    /// An address whose password is hidden.
    Address,
    Hidden,
}

/// A section, with the comment of its field and its keys.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name; empty for the keys outside of sections.
    pub(super) name: String,
    /// The comment of its field.
    pub(super) text: String,
    /// Its keys in order of the fields.
    pub(super) keys: Vec<Key>,
}

/// Every section, the keys outside of sections first.
pub(super) fn sections() -> Vec<Section> {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Config>();
    let mut found = vec![Section { name: String::new(), text: String::new(), keys: Vec::new() }];
    collect(schema.as_value(), "", &mut found, 0);
    found
}

/// Every key.
pub(super) fn all() -> Vec<Key> {
    sections().into_iter().flat_map(|section| section.keys).collect()
}

fn collect(schema: &Value, prefix: &str, found: &mut Vec<Section>, own: usize) {
    let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, field) in fields {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let text = field.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        if field.get("properties").is_some() {
            found.push(Section { name: path.clone(), text, keys: Vec::new() });
            let next = found.len() - 1;
            collect(field, &path, found, next);
        } else if let Some(section) = found.get_mut(own) {
            let secrecy = match field.get("x-secret") {
                None | Some(Value::Bool(false)) => Secrecy::Open,
                Some(Value::String(what)) if what == "address" => Secrecy::Address,
                Some(_) => Secrecy::Hidden,
            };
            section.keys.push(Key { path, text, secrecy });
        }
    }
}

/// Takes what is secret out of a configuration.
pub(super) fn redact(config: &mut Value) {
    for key in all() {
        let Some(value) = config.pointer_mut(&format!("/{}", key.path.replace('.', "/"))) else { continue };
        match (key.secrecy, &value) {
            (Secrecy::Open, _) | (_, Value::Null) => {}
            (Secrecy::Address, Value::String(address)) => *value = Value::String(without_password(address)),
            (Secrecy::Address | Secrecy::Hidden, _) => *value = Value::String("(hidden)".to_owned()),
        }
    }
}

/// An address without the password that may stand before its host or among its parameters.
pub(super) fn without_password(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (place, parameters) = match rest.rsplit_once('?') {
        Some((place, parameters)) => (place, Some(parameters)),
        None => (rest, None),
    };
    let place = match place.rsplit_once('@') {
        Some((credentials, host)) => {
            let user = credentials.split_once(':').map_or(credentials, |(user, _)| user);
            format!("{user}@{host}")
        }
        None => place.to_owned(),
    };
    let parameters = parameters.map(|text| {
        let open = text.split('&').filter(|one| !one.to_ascii_lowercase().starts_with("password"));
        open.collect::<Vec<_>>().join("&")
    });
    match parameters.filter(|text| !text.is_empty()) {
        Some(parameters) => format!("{scheme}://{place}?{parameters}"),
        None => format!("{scheme}://{place}"),
    }
}

/// The paths of a nested map's leaves, of those that are no key of ours: `limits.max_in_flihgt`.
pub(super) fn unknown(config: &Map<String, Value>, known: &[Key]) -> Vec<String> {
    fn walk(map: &Map<String, Value>, prefix: &str, known: &[Key], found: &mut Vec<String>) {
        for (name, value) in map {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if known.iter().any(|key| key.path == path) {
                continue;
            }
            let below = format!("{path}.");
            match value {
                Value::Object(inner) if known.iter().any(|key| key.path.starts_with(&below)) => {
                    walk(inner, &path, known, found);
                }
                _ => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(config, "", known, &mut found);
    found
}

/// The known key, or the section, that an unknown one was most likely meant to be.
pub(super) fn nearest<'k>(unknown: &str, known: &'k [Key]) -> Option<&'k str> {
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let closeness =
        |path: &str| strsim::jaro_winkler(unknown, path).max(strsim::jaro_winkler(&last(unknown), &last(path)) - 0.05);
    let keys = known.iter().map(|key| (closeness(&key.path), key.path.as_str()));
    let sections = known.iter().filter_map(|key| key.path.split_once('.').map(|(section, _)| section));
    let best = keys.chain(sections.map(|section| (strsim::jaro_winkler(unknown, section), section)));
    best.filter(|(close, _)| *close > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_cut_out_of_addresses() {
        for (address, shown) in [
            ("postgres://app:secret@db/recourse", "postgres://app@db/recourse"),
            ("postgres://db/recourse?user=app&password=secret", "postgres://db/recourse?user=app"),
            ("postgres://app:se?cret@db/recourse?sslmode=require", "postgres://app@db/recourse?sslmode=require"),
            ("sqlite:recourse.db", "sqlite:recourse.db"),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }

    #[test]
    fn every_key_is_documented_and_the_address_of_the_store_is_a_secret() {
        let keys = all();
        assert!(keys.iter().all(|key| key.text.len() > 10), "{keys:?}");
        let database = keys.iter().find(|key| key.path == "database").unwrap();
        assert_eq!(database.secrecy, Secrecy::Address);
        assert!(keys.iter().any(|key| key.path == "telemetry.otlp_endpoint"), "sections are followed");
    }

    #[test]
    fn keys_are_looked_for_in_their_sections() {
        let key = |path: &str| Key { path: path.to_owned(), text: String::new(), secrecy: Secrecy::Open };
        let known = [key("listen"), key("limits.max_in_flight")];
        let Value::Object(config) = serde_json::json!({
            "listen": 1, "listne": 1, "limits": {"max_in_flight": 2, "max_in_flihgt": 3}, "limit": {"a": 1}
        }) else {
            unreachable!("an object was written")
        };
        let mut found = unknown(&config, &known);
        found.sort();
        assert_eq!(found, ["limit", "limits.max_in_flihgt", "listne"]);
        assert_eq!(nearest("limits.max_in_flihgt", &known), Some("limits.max_in_flight"));
        assert_eq!(nearest("max_in_flight", &known), Some("limits.max_in_flight"));
    }

    #[test]
    fn a_mistyped_key_is_led_to_the_one_that_was_meant() {
        let known = all();
        assert_eq!(nearest("max_conections", &known), Some("max_connections"));
        assert_eq!(nearest("logging_format", &known), Some("log_format"));
        assert_eq!(nearest("limit", &known), Some("limits"), "a section");
        assert_eq!(nearest("zzz", &known), None);
    }
}
