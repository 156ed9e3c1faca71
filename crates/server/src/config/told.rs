//! What is wrong with a configuration, in one line: which key, given where, and what it may be.

use figment::Error;
use figment::error::Kind;

use super::{keys, layers};

/// All that is wrong. Never the lines of a file, as a parser quotes them: they may hold a password.
pub(super) fn line(error: &Error) -> String {
    let told: Vec<String> = error.clone().into_iter().map(|one| one_fault(&one)).collect();
    told.join("; ")
}

fn one_fault(error: &Error) -> String {
    let path = error.path.join(".").to_ascii_lowercase();
    let what = what(&error.kind);
    let place = error.metadata.as_ref().and_then(|metadata| layers::layer(metadata, &set_key(&path)));
    match (path.is_empty(), place) {
        (true, Some(place)) => format!("{place}: {what}"),
        (true, None) => what,
        (false, Some(place)) => format!("{path} ({place}): {what}"),
        (false, None) => format!("{path}: {what}"),
    }
}

/// The key that was set where something below it is wrong: `accounts.issuers` for `accounts.issuers.0.audience`.
fn set_key(path: &str) -> String {
    let is_below = |key: &keys::Key| path.strip_prefix(&key.path).is_some_and(|rest| rest.starts_with('.'));
    keys::all().into_iter().find(is_below).map_or_else(|| path.to_owned(), |key| key.path)
}

fn what(kind: &Kind) -> String {
    match kind {
        Kind::Message(text) => with_example(&without_quotes(text)),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("{found} is not {}", in_words(expected))
        }
        Kind::UnknownVariant(found, expected) | Kind::UnknownField(found, expected) => {
            format!("`{found}` is none of `{}`", expected.join("`, `"))
        }
        Kind::InvalidLength(..)
        | Kind::MissingField(_)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => kind.to_string(),
    }
}

/// What was expected, as people say it.
fn in_words(expected: &str) -> String {
    match expected {
        "u32" | "u64" | "usize" => "a whole number".to_owned(),
        "a duration" => "a span of time such as \"30s\"".to_owned(),
        "a sequence" => "a list such as [\"…\"]".to_owned(),
        "a boolean" => "true or false".to_owned(),
        other => other.to_owned(),
    }
}

fn with_example(text: &str) -> String {
    let example = match text {
        "invalid socket address syntax" => "no address with a port, such as 127.0.0.1:8080",
        "invalid IP address syntax" => "no network, such as 10.0.0.0/8",
        _ => return text.to_owned(),
    };
    example.to_owned()
}

/// A parser's message without the lines of the file that it quotes.
fn without_quotes(text: &str) -> String {
    let said = text.lines().filter(|line| {
        let quoted = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        !quoted.trim_start().starts_with('|')
    });
    said.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Toml};

    use super::*;
    use crate::config::Config;

    fn told(text: &str) -> String {
        line(
            &Figment::from(figment::providers::Serialized::defaults(Config::default()))
                .merge(Toml::string(text))
                .extract::<Config>()
                .unwrap_err(),
        )
    }

    #[test]
    fn an_error_of_a_file_does_not_quote_it() {
        let line = told("database = \"postgres://a:tinker@b/c\nlisten = 1");
        assert!(!line.contains("tinker") && !line.is_empty(), "{line}");
    }

    #[test]
    fn the_key_is_named_and_what_it_may_be() {
        for (text, said) in [
            ("listen = \"nowhere\"", "listen: no address with a port, such as 127.0.0.1:8080"),
            ("[limits]\nmax_in_flight = \"three\"", "limits.max_in_flight: string \"three\" is not a whole number"),
            (
                "[limits]\nrequest_time = \"30\"",
                "limits.request_time: string \"30\" is not a span of time such as \"30s\"",
            ),
            ("log_format = \"xml\"", "log_format: `xml` is none of `text`, `json`"),
            ("work = \"yes\"", "work: string \"yes\" is not true or false"),
            (
                "[accounts]\ntrusted_proxies = [\"10.0.0.0/99\"]",
                "accounts.trusted_proxies.0: no network, such as 10.0.0.0/8",
            ),
            (
                "[accounts]\ntrusted_proxies = \"10.0.0.0/8\"",
                "accounts.trusted_proxies: string \"10.0.0.0/8\" is not a list such as [\"…\"]",
            ),
            ("[[accounts.issuers]]\nissuer = \"https://x.org\"", "accounts.issuers.0: missing field `audience`"),
        ] {
            assert_eq!(told(text), said);
        }
        assert_eq!(set_key("accounts.issuers.0.audience"), "accounts.issuers");
        assert_eq!(set_key("limits.max_wait"), "limits.max_wait");
    }
}
