//! The layers, and which of them each value came from.

use std::path::Path;

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map, Value as Found};
use figment::{Figment, Metadata, Profile, Provider, Source};
use serde_json::Value;

use super::{Config, ConfigError, keys, told};

/// What the command line says: keys and their values.
#[derive(Clone, Debug, Default)]
pub struct Flags(Vec<(&'static str, String)>);

impl Flags {
    /// Sets a key, if the command line does.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.0.extend(value.map(|value| (key, value.to_string())));
        self
    }
}

const COMMAND_LINE: &str = "command line";

impl Provider for Flags {
    fn metadata(&self) -> Metadata {
        Metadata::named(COMMAND_LINE)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let values = self.0.iter().map(|(key, value)| ((*key).to_owned(), Found::from(value.clone())));
        Ok(Profile::Default.collect(values.collect()))
    }
}

/// A configuration, and where each of its values came from.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration in force.
    pub config: Config,
    origins: Vec<(String, String)>,
}

/// Variables that a container platform sets by itself for a service called `recourse`; they are no keys.
fn set_by_the_platform(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key == "port" || key.starts_with("port_") || key.starts_with("service_")
}

impl Config {
    /// Reads the layers. `file` must exist if it is named; `recourse.toml` is read if it is there.
    pub fn load(file: Option<&Path>, flags: Flags) -> Result<Loaded, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        figment = match file {
            Some(path) => figment.merge(Toml::file_exact(path)),
            None => figment.merge(Toml::file("recourse.toml")),
        };
        let figment = figment
            // RECOURSE_TEST_… belongs to the test harness.
            .merge(
                Env::prefixed("RECOURSE_")
                    .filter(|key| !key.starts_with("test_") && !set_by_the_platform(key.as_str()))
                    .split("__"),
            )
            .merge(flags);
        refuse_unknown(&figment)?;
        let config: Self = figment.extract().map_err(|error| ConfigError(told::line(&error)))?;
        config.check()?;
        let origins = keys::all().into_iter().map(|key| (key.path.clone(), origin(&figment, &key.path))).collect();
        Ok(Loaded { config, origins })
    }
}

impl Loaded {
    /// Which layer a value came from: `default`, a file, a variable, `command line`.
    #[must_use]
    pub fn origin(&self, key: &str) -> &str {
        self.origins.iter().find(|(path, _)| path == key).map_or("default", |(_, origin)| origin)
    }

    /// Whether a value was given on the command line or in the environment.
    #[must_use]
    pub fn was_said(&self, key: &str) -> bool {
        let origin = self.origin(key);
        origin == COMMAND_LINE || origin.starts_with("RECOURSE_")
    }

    /// Every key with its value, secrets left out, and its layer, a line each.
    pub fn text(&self) -> Result<String, ConfigError> {
        let shown = self.shown()?;
        let lines = self.origins.iter().map(|(path, origin)| {
            let value = shown.pointer(&pointer(path)).unwrap_or(&Value::Null);
            let value = if value.is_null() { "(not set)".to_owned() } else { value.to_string() };
            format!("{:<56} # {origin}\n", format!("{path} = {value}"))
        });
        Ok(lines.collect())
    }

    /// The same as a JSON document.
    pub fn json(&self) -> Result<Value, ConfigError> {
        let shown = self.shown()?;
        let entries = self.origins.iter().map(|(path, origin)| {
            let value = shown.pointer(&pointer(path)).cloned().unwrap_or_default();
            (path.clone(), serde_json::json!({"value": value, "from": origin}))
        });
        Ok(Value::Object(entries.collect()))
    }

    fn shown(&self) -> Result<Value, ConfigError> {
        let mut shown = serde_json::to_value(&self.config).map_err(|error| ConfigError(error.to_string()))?;
        keys::redact(&mut shown);
        Ok(shown)
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn origin(figment: &Figment, path: &str) -> String {
    let found = figment.find_metadata(path).and_then(|metadata| layer(metadata, path));
    found.unwrap_or_else(|| "default".to_owned())
}

/// What a layer is called to whom gave it a key: a file, a variable, the command line.
pub(super) fn layer(metadata: &Metadata, path: &str) -> Option<String> {
    match &metadata.source {
        Some(Source::File(file)) => Some(file.display().to_string()),
        _ if metadata.name.contains("environment") => {
            Some(format!("RECOURSE_{}", path.replace('.', "__").to_ascii_uppercase()))
        }
        _ if metadata.name == COMMAND_LINE => Some(COMMAND_LINE.to_owned()),
        _ => None,
    }
}

/// Names every unknown key with its layer and the known key that is nearest to it.
fn refuse_unknown(figment: &Figment) -> Result<(), ConfigError> {
    let merged: Value = figment.extract().map_err(|error| ConfigError(told::line(&error)))?;
    let known = keys::all();
    let Value::Object(merged) = merged else { return Ok(()) };
    let unknown = keys::unknown(&merged, &known).into_iter().map(|path| {
        let meant = keys::nearest(&path, &known).map_or_else(
            || "`recourse config --reference` lists all keys".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        format!("unknown key `{path}` ({}): {meant}", origin(figment, &path))
    });
    let unknown: Vec<String> = unknown.collect();
    if unknown.is_empty() { Ok(()) } else { Err(ConfigError(unknown.join("; "))) }
}
