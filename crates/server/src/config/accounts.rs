//! `[accounts]`: sign-in, tokens, rate limits, and whose word counts on where a call comes from.

use chrono::TimeDelta;
use ipnet::IpNet;
use recourse_domain::attempts::Patience;
use recourse_service::identity::AccountOptions;
use recourse_service::identity::outside::TrustedIssuer;
use recourse_service::identity::passwords::HashCost;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StartError;
use crate::proxies::{ForwardedHeader, TrustedProxies};
use crate::rates::Rates;

/// What a deployment decides about its accounts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccountsConfig {
    /// Proxies whose word counts on where a call comes from: `["10.0.0.0/8"]`. From everybody else the
    /// header is ignored.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they say it: `x-forwarded-for` or `forwarded`.
    pub forwarded_header: ForwardedHeader,
    /// Calls a second that one principal may make for long; 0 for no limit.
    pub calls_per_second: u32,
    /// Calls that one principal may make at once.
    pub calls_at_once: u32,
    /// Calls a second that may come from one address without a valid token; 0 for no limit.
    pub anonymous_calls_per_second: u32,
    /// Calls that may come from one address at once without a valid token.
    pub anonymous_calls_at_once: u32,
    /// Wrong passwords of one account at one address (or on one known device) that cost no wait.
    pub free_failures: u32,
    /// Wrong passwords of one account from everywhere that cost no wait.
    pub free_failures_per_account: u32,
    /// Wrong secrets from one address that cost no wait.
    pub free_failures_per_address: u32,
    /// The first wait, in seconds; each further failure doubles it.
    pub first_wait_seconds: u32,
    /// The longest wait, in seconds.
    pub longest_wait_seconds: u32,
    /// The longest wait that strangers can bring upon an account, in seconds.
    pub longest_wait_seconds_per_account: u32,
    /// Seconds without a failure after which all are forgotten.
    pub forget_failures_seconds: u32,
    /// Fewest characters of a new password.
    pub min_password_length: usize,
    /// Memory of a password's hash (Argon2id), in KiB. Hashes made at another cost are made anew at sign-in.
    pub hash_memory_kib: u32,
    /// Passes of a password's hash.
    pub hash_iterations: u32,
    /// Lanes of a password's hash.
    pub hash_parallelism: u32,
    /// Days after which the keys that sign tokens and seal page tokens are followed by new ones; 0 for by hand only.
    pub rotate_keys_days: u32,
    /// Days that refused attempts are kept.
    pub keep_denials_days: u32,
    /// Outside issuers (OpenID Connect) whose tokens are exchanged for ours at `POST /oauth2/token`.
    pub issuers: Vec<IssuerConfig>,
    /// Networks in which outside issuers may stand although they are private: `["10.20.0.0/16"]`. Plain `http`
    /// is for loopback only, and only if loopback is listed here.
    #[schemars(with = "Vec<String>")]
    pub issuer_networks: Vec<IpNet>,
}

/// An outside issuer that the deployment trusts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// As its tokens name it: `https://login.example.com/realms/dealers`.
    pub issuer: String,
    /// What its tokens must be for: the client id that the issuer gave to this deployment.
    pub audience: String,
    /// Where its keys are; found by discovery if it is left out.
    pub jwks_uri: Option<String>,
    /// Algorithms that are taken from it: `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA` and their kin.
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<String>,
}

fn usual_algorithms() -> Vec<String> {
    ["RS256", "PS256", "ES256", "ES384", "EdDSA"].map(str::to_owned).to_vec()
}

impl IssuerConfig {
    fn trusted(&self) -> Result<TrustedIssuer, StartError> {
        let mut algorithms = Vec::new();
        for name in &self.algorithms {
            let public = usual_algorithms().contains(name) || ["RS384", "RS512", "PS384", "PS512"].contains(&&**name);
            let algorithm = name.parse().ok().filter(|_| public);
            algorithms.push(algorithm.ok_or_else(|| {
                StartError::new(
                    "configuration",
                    format!("accounts.issuers: {name} is no algorithm for outside issuers"),
                )
            })?);
        }
        Ok(TrustedIssuer {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            jwks_uri: self.jwks_uri.clone(),
            algorithms,
        })
    }
}

impl Default for AccountsConfig {
    fn default() -> Self {
        Self {
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::XForwardedFor,
            calls_per_second: 1_000,
            calls_at_once: 5_000,
            anonymous_calls_per_second: 200,
            anonymous_calls_at_once: 1_000,
            free_failures: 5,
            free_failures_per_account: 50,
            free_failures_per_address: 50,
            first_wait_seconds: 1,
            longest_wait_seconds: 15 * 60,
            longest_wait_seconds_per_account: 30,
            forget_failures_seconds: 60 * 60,
            min_password_length: 10,
            hash_memory_kib: 19 * 1024,
            hash_iterations: 2,
            hash_parallelism: 1,
            rotate_keys_days: 90,
            keep_denials_days: 180,
            issuers: Vec::new(),
            issuer_networks: Vec::new(),
        }
    }
}

/// Fewest characters that a deployment may ask of a password.
const LEAST_PASSWORD: usize = 8;

impl AccountsConfig {
    /// What can't be meant.
    pub(super) fn fault(&self) -> Option<String> {
        if self.min_password_length < LEAST_PASSWORD {
            return Some(format!("accounts.min_password_length must be at least {LEAST_PASSWORD}"));
        }
        if self.hash_iterations == 0 || self.hash_parallelism == 0 {
            return Some("accounts.hash_iterations and accounts.hash_parallelism must be at least 1".to_owned());
        }
        let least_memory = self.hash_parallelism.saturating_mul(8);
        if self.hash_memory_kib < least_memory {
            return Some(format!("accounts.hash_memory_kib must be at least {least_memory}, 8 for each lane"));
        }
        self.issuers.iter().find_map(|issuer| self.issuer_fault(issuer))
    }

    fn issuer_fault(&self, issuer: &IssuerConfig) -> Option<String> {
        let is_reached = |address: &str| {
            address.starts_with("https://") || (address.starts_with("http://") && !self.issuer_networks.is_empty())
        };
        let mut addresses = std::iter::once(&issuer.issuer).chain(&issuer.jwks_uri);
        let bad = addresses.find(|address| !is_reached(address))?;
        Some(format!(
            "accounts.issuers: {bad:?} does not begin with https:// (http:// is for loopback that is listed in \
             accounts.issuer_networks)"
        ))
    }

    /// As the use cases take it.
    pub(crate) fn options(&self) -> Result<AccountOptions, StartError> {
        let seconds = |seconds: u32| TimeDelta::seconds(i64::from(seconds));
        let patience = |free: u32, longest: u32| Patience {
            free,
            first: seconds(self.first_wait_seconds),
            longest: seconds(longest),
            forget: seconds(self.forget_failures_seconds),
        };
        Ok(AccountOptions {
            place: patience(self.free_failures, self.longest_wait_seconds),
            account: patience(self.free_failures_per_account, self.longest_wait_seconds_per_account),
            address: patience(self.free_failures_per_address, self.longest_wait_seconds),
            min_password_length: self.min_password_length,
            hash_cost: HashCost {
                memory_kib: self.hash_memory_kib,
                iterations: self.hash_iterations,
                parallelism: self.hash_parallelism,
            },
            rotate_keys_after: match self.rotate_keys_days {
                0 => None,
                days => Some(TimeDelta::days(i64::from(days))),
            },
            keep_denials: TimeDelta::days(i64::from(self.keep_denials_days)),
            issuers: self.issuers.iter().map(IssuerConfig::trusted).collect::<Result<_, _>>()?,
        })
    }

    /// How often one caller may call.
    pub(crate) fn rates(&self, most_streams: usize) -> Rates {
        Rates::new(
            (self.calls_per_second, self.calls_at_once),
            (self.anonymous_calls_per_second, self.anonymous_calls_at_once),
            most_streams,
        )
    }

    /// Whose word counts on where a call comes from.
    pub(crate) fn proxies(&self) -> TrustedProxies {
        TrustedProxies::new(self.trusted_proxies.clone(), self.forwarded_header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(issuer: &str, networks: &[&str]) -> AccountsConfig {
        let issuer = IssuerConfig {
            issuer: issuer.to_owned(),
            audience: "recourse".to_owned(),
            jwks_uri: None,
            algorithms: usual_algorithms(),
        };
        let issuer_networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        AccountsConfig { issuers: vec![issuer], issuer_networks, ..AccountsConfig::default() }
    }

    #[test]
    fn what_can_not_be_meant_is_refused() {
        assert_eq!(AccountsConfig::default().fault(), None);
        let refused = |config: AccountsConfig, says: &str| {
            let fault = config.fault().unwrap_or_else(|| panic!("{says}"));
            assert!(fault.contains(says), "{fault}");
        };
        let usual = AccountsConfig::default;
        refused(
            AccountsConfig { min_password_length: 0, ..usual() },
            "accounts.min_password_length must be at least 8",
        );
        refused(AccountsConfig { hash_iterations: 0, ..usual() }, "accounts.hash_iterations");
        refused(AccountsConfig { hash_memory_kib: 1, ..usual() }, "accounts.hash_memory_kib must be at least 8");
        refused(AccountsConfig { hash_parallelism: 4, hash_memory_kib: 31, ..usual() }, "at least 32");
        refused(outside("http://login.example.com", &[]), "\"http://login.example.com\" does not begin with https://");
        assert_eq!(outside("https://login.example.com", &[]).fault(), None);
        assert_eq!(outside("http://127.0.0.1:9000", &["127.0.0.0/8"]).fault(), None);
    }
}
