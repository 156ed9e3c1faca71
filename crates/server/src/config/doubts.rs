//! What works but can hardly be meant: told at the start, and by `recourse doctor`.

use std::net::{IpAddr, SocketAddr};

use http::Uri;

use super::Config;
use super::keys::without_password;

impl Config {
    /// What an operator should look at, a line each.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let exposed = self.exposed();
        let mut doubts = Vec::new();
        if let Some(address) = exposed.filter(|_| is_on_this_machine(&self.issuer)) {
            doubts.push(format!(
                "issuer is {}, but {address} can be reached from elsewhere: set it to the public address, the same on \
                 every server",
                self.issuer
            ));
        }
        if self.tls.is_on() && !self.issuer.starts_with("https://") {
            doubts.push(format!("issuer is {}, but callers come by TLS: it begins with https:// then", self.issuer));
        }
        if let Some(address) = exposed.filter(|_| !self.tls.is_on() && self.accounts.trusted_proxies.is_empty()) {
            doubts.push(format!(
                "{address} can be reached from elsewhere without TLS: give tls.certificate and tls.key, or name the \
                 proxy that ends TLS in accounts.trusted_proxies, without which its callers are one address that is \
                 slowed down as one"
            ));
        }
        if let Some(host) = remote_in_clear(&self.database) {
            doubts.push(format!(
                "database: nothing makes the connection to {host} an encrypted one: add ?sslmode=verify-full to the \
                 address (or ?sslmode=disable, where nobody else is on the way)"
            ));
        }
        if !self.control.second_person {
            doubts.push(
                "control.second_person is off: one person alone changes prices, policies, roles and bank accounts"
                    .to_owned(),
            );
        }
        doubts
    }

    /// The address that others than this machine reach, if there is one.
    #[must_use]
    pub fn exposed(&self) -> Option<SocketAddr> {
        [Some(self.listen), self.grpc_listen].into_iter().flatten().find(|address| !address.ip().is_loopback())
    }
}

fn is_on_this_machine(address: &str) -> bool {
    let Ok(uri) = address.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

/// The host of a PostgreSQL elsewhere whose address leaves it open whether the connection is encrypted.
fn remote_in_clear(database: &str) -> Option<String> {
    let address = without_password(database);
    let rest = address.strip_prefix("postgres://").or_else(|| address.strip_prefix("postgresql://"))?;
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let parameter = |name: &str| parameters.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
    let authority = place.split('/').next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = parameter("host").unwrap_or(host);
    // A path is a socket, and so is nothing at all.
    let is_socket = host.is_empty() || host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    let is_here = is_socket || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let mode = parameter("sslmode").or_else(|| parameter("ssl-mode")).unwrap_or("prefer");
    (!is_here && ["prefer", "allow"].contains(&mode)).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed() -> Config {
        Config { listen: "0.0.0.0:8080".parse().unwrap(), ..Config::default() }
    }

    #[test]
    fn what_only_this_machine_reaches_raises_no_doubt() {
        assert_eq!(Config::default().doubts(), Vec::<String>::new());
    }

    #[test]
    fn a_port_for_everybody_needs_its_public_address_and_tls_or_its_proxy() {
        let doubts = exposed().doubts();
        assert_eq!(doubts.len(), 2, "{doubts:?}");
        assert!(doubts[0].starts_with("issuer is http://127.0.0.1:8080, but 0.0.0.0:8080"), "{doubts:?}");
        assert!(doubts[1].contains("without TLS"), "{doubts:?}");

        let mut proxied = Config { issuer: "https://warranty.example.org".to_owned(), ..exposed() };
        proxied.accounts.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(proxied.doubts(), Vec::<String>::new());

        let mut encrypted = Config { issuer: "http://warranty.example.org".to_owned(), ..exposed() };
        encrypted.tls.certificate = Some("chain.pem".into());
        let doubts = encrypted.doubts();
        assert!(doubts.len() == 1 && doubts[0].ends_with("it begins with https:// then"), "{doubts:?}");
    }

    #[test]
    fn grpc_on_a_port_of_its_own_is_looked_at_too() {
        let config = Config { grpc_listen: Some("[::]:50051".parse().unwrap()), ..Config::default() };
        assert_eq!(config.exposed(), config.grpc_listen);
        assert_eq!(config.doubts().len(), 2);
    }

    #[test]
    fn one_person_alone_is_told() {
        let mut alone = Config::default();
        alone.control.second_person = false;
        assert!(alone.doubts()[0].starts_with("control.second_person is off"));
    }

    #[test]
    fn a_database_elsewhere_is_reached_by_tls_or_somebody_said_that_it_needs_none() {
        for (address, host) in [
            ("postgres://app:p@ss@db.example.org:5432/recourse", Some("db.example.org")),
            ("postgres://app@10.0.0.7/recourse?sslmode=prefer", Some("10.0.0.7")),
            ("postgresql://app@[2001:db8::7]:5432/recourse", Some("2001:db8::7")),
            ("postgres://app@localhost/recourse?host=db.example.org", Some("db.example.org")),
            ("postgres://app@db.example.org/recourse?sslmode=verify-full", None),
            ("postgres://app@db.example.org/recourse?a=b&sslmode=disable", None),
            ("postgres://app@localhost:5432/recourse", None),
            ("postgres://app@[::1]/recourse", None),
            ("postgres:///recourse?host=/run/postgresql", None),
            ("postgres://app@%2Frun%2Fpostgresql/recourse", None),
            ("sqlite:recourse.db", None),
        ] {
            assert_eq!(remote_in_clear(address).as_deref(), host, "{address}");
        }
        let config = Config { database: "postgres://app:tinker@db/recourse".to_owned(), ..Config::default() };
        let doubts = config.doubts();
        assert!(doubts.len() == 1 && doubts[0].contains("to db an encrypted") && !doubts[0].contains("tinker"));
    }

    #[test]
    fn addresses_of_this_machine() {
        for here in ["http://localhost:8080", "http://127.0.0.1", "https://[::1]:8443", "http://0.0.0.0:8080"] {
            assert!(is_on_this_machine(here), "{here}");
        }
        assert!(!is_on_this_machine("https://warranty.example.org"));
    }
}
