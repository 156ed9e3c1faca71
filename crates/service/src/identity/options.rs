//! What a deployment decides about its accounts.

use chrono::TimeDelta;
use recourse_domain::attempts::Patience;

use super::outside::TrustedIssuer;
use super::passwords::HashCost;

/// What a deployment decides about its accounts. The defaults suit a deployment on the internet.
#[derive(Clone, Debug)]
pub struct AccountOptions {
    /// Wrong passwords of one account from one address, and of one known device.
    pub place: Patience,
    /// Wrong passwords of one account from everywhere, known devices apart: the wait is short, or anybody
    /// could keep the user out.
    pub account: Patience,
    /// Wrong secrets from one address, whatever the account: many people may share it.
    pub address: Patience,
    /// Fewest characters of a new password.
    pub min_password_length: usize,
    /// What a password's hash costs.
    pub hash_cost: HashCost,
    /// The age at which a signing key is followed by the next; none for by hand only.
    pub rotate_keys_after: Option<TimeDelta>,
    /// How long refused attempts are kept.
    pub keep_denials: TimeDelta,
    /// Outside issuers whose tokens are exchanged for ours.
    pub issuers: Vec<TrustedIssuer>,
}

impl Default for AccountOptions {
    fn default() -> Self {
        let forget = TimeDelta::hours(1);
        let first = TimeDelta::seconds(1);
        Self {
            place: Patience { free: 5, first, longest: TimeDelta::minutes(15), forget },
            account: Patience { free: 50, first, longest: TimeDelta::seconds(30), forget },
            address: Patience { free: 50, first, longest: TimeDelta::minutes(15), forget },
            min_password_length: 10,
            hash_cost: HashCost::default(),
            rotate_keys_after: Some(TimeDelta::days(90)),
            keep_denials: TimeDelta::days(180),
            issuers: Vec::new(),
        }
    }
}
