//! The guard before secrets: brute force is slowed by account, by address and by device.
//!
//! Four counters, each in the store, so that replicas share them:
//!
//! | counter | slows | why it keeps nobody out |
//! |---|---|---|
//! | account at an address | guesses of one password from one place | the user elsewhere has another counter |
//! | address | guesses at many accounts from one place | many mistakes are free, for a workshop shares an address |
//! | account | guesses from very many places | its longest wait is short |
//! | known device | guesses with a stolen device token | it is the only one that counts for that device |
//!
//! A device is known by the token that its last sign-in answered with. An attempt is counted before its secret
//! is looked at and taken back if it fits: of a thousand at once, only the free ones are looked at. While a
//! wait lasts, attempts are refused unseen and do not prolong it. Unknown names are counted like known ones.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use recourse_domain::attempts::{Attempts, Patience};
use recourse_domain::clock::Clock;
use recourse_domain::ids::UserId;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{Store, StoreError, Tx};
use sha2::{Digest, Sha256};

use super::options::AccountOptions;
use super::passwords::random_secret;
use crate::error::{Answer, Refusal};

/// How long a device stays known without a sign-in.
const DEVICE_LIFETIME: TimeDelta = TimeDelta::days(180);
/// Bytes of a device token: seconds, a random name, the seal.
const DEVICE_TOKEN: usize = 8 + 16 + 32;
/// Bytes in front of the seal.
const DEVICE_BODY: usize = 8 + 16;

/// The guard before secrets.
pub(crate) struct Guard {
    store: Store,
    wall: Arc<dyn Clock>,
    seal: hmac::Key,
    place: Patience,
    account: Patience,
    address: Patience,
}

/// An attempt that may be looked at: what it is counted under.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Keys, sorted, with what each forgives, and whether success wipes it out.
    counters: Vec<Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Device,
    Place,
    Account,
    Address,
}

#[derive(Clone, Debug)]
struct Counter {
    key: Vec<u8>,
    kind: Kind,
}

enum Begun {
    Counted,
    Wait(TimeDelta),
}

impl Guard {
    /// Opens the guard; its seal is made once, and shared by replicas.
    pub(crate) async fn open(store: &Store, wall: &Arc<dyn Clock>, options: &AccountOptions) -> Answer<Self> {
        let fresh = random_secret()?.into_bytes();
        let seal = store.secret("device-token", fresh, wall.now()).await?;
        Ok(Self {
            store: store.clone(),
            wall: Arc::clone(wall),
            seal: hmac::Key::new(hmac::HMAC_SHA256, &seal),
            place: options.place,
            account: options.account,
            address: options.address,
        })
    }

    /// The attempt to sign in with a name, from an address, on a device that may be known.
    pub(crate) fn sign_in(&self, user_name: &str, device_token: &str, from: Option<IpAddr>) -> Attempt {
        if let Some(device) = self.known_device(user_name, device_token) {
            return Attempt::of(vec![counter(Kind::Device, &[user_name.as_bytes(), &device])]);
        }
        let place = place(from);
        Attempt::of(vec![
            counter(Kind::Place, &[b"user", user_name.as_bytes(), &place]),
            counter(Kind::Account, &[b"user", user_name.as_bytes()]),
            counter(Kind::Address, &[&place]),
        ])
    }

    /// The attempt to show one's own password once more.
    pub(crate) fn own_password(&self, user: UserId) -> Attempt {
        Attempt::of(vec![counter(Kind::Device, &[b"own-password", user.0.as_bytes()])])
    }

    /// The attempt of a program to show its secret. It has 256 bits, so nobody guesses it from many places.
    pub(crate) fn client(&self, client: &str, from: Option<IpAddr>) -> Attempt {
        let place = place(from);
        Attempt::of(vec![
            counter(Kind::Place, &[b"client", client.as_bytes(), &place]),
            counter(Kind::Address, &[&place]),
        ])
    }

    /// The attempt to show a token that names no account: a refresh token, an outside token.
    pub(crate) fn token(&self, from: Option<IpAddr>) -> Attempt {
        Attempt::of(vec![counter(Kind::Address, &[&place(from)])])
    }

    /// Refuses an attempt whose wait lasts; counts nothing. For secrets too long to be guessed.
    pub(crate) async fn look(&self, attempt: &Attempt) -> Answer<()> {
        let found = self.store.attempts(&attempt.keys()).await?;
        longest_wait(&found, self.wall.now()).map_or(Ok(()), |wait| Err(too_many(wait)))
    }

    /// Counts an attempt, or refuses it because a wait lasts.
    pub(crate) async fn begin(&self, attempt: &Attempt) -> Answer<()> {
        // A flood against a closed door writes nothing.
        self.look(attempt).await?;
        match self.count(attempt, false).await? {
            Begun::Counted => Ok(()),
            Begun::Wait(wait) => Err(too_many(wait)),
        }
    }

    /// Counts an attempt that failed, after [`look`](Self::look).
    pub(crate) async fn fail(&self, attempt: &Attempt) -> Answer<()> {
        self.count(attempt, true).await.map(|_| ())
    }

    async fn count(&self, attempt: &Attempt, failed: bool) -> Answer<Begun> {
        let now = self.wall.now();
        let keys = &attempt.keys();
        let counted: Result<Begun, StoreError> = self
            .store
            .run(|tx| {
                Box::pin(async move {
                    let found = tx.lock_attempts(keys).await?;
                    if !failed && let Some(wait) = longest_wait(&found, now) {
                        return Ok(Begun::Wait(wait));
                    }
                    let counters = attempt.counters.iter().zip(found);
                    let rows: Vec<(Vec<u8>, Attempts)> = counters
                        .map(|(counter, found)| (counter.key.clone(), found.counted(self.patience(&counter.kind), now)))
                        .collect();
                    tx.save_attempts(&rows).await?;
                    Ok(Begun::Counted)
                })
            })
            .await;
        Ok(counted?)
    }

    /// Takes an attempt back, in a unit of its own: it was not wrong, or nobody looked.
    pub(crate) async fn forgive(&self, attempt: &Attempt) -> Answer<()> {
        let forgiven: Result<(), StoreError> =
            self.store.run(|tx| Box::pin(async move { self.forgive_in(tx, attempt).await })).await;
        Ok(forgiven?)
    }

    /// Takes an attempt back in the unit of work that its success begins. Success at a place or on a device
    /// forgives all that was wrong there; an account and an address forgive this attempt only, for others
    /// may be guessing meanwhile.
    pub(crate) async fn forgive_in(&self, tx: &mut Tx<'_>, attempt: &Attempt) -> Result<(), StoreError> {
        let found = tx.lock_attempts(&attempt.keys()).await?;
        let rows: Vec<(Vec<u8>, Attempts)> = attempt
            .counters
            .iter()
            .zip(found)
            .map(|(counter, found)| {
                let after = match counter.kind {
                    Kind::Device | Kind::Place => Attempts { failures: 0, blocked_until: Attempts::NONE.last, ..found },
                    Kind::Account | Kind::Address => found.forgiven(self.patience(&counter.kind)),
                };
                (counter.key.clone(), after)
            })
            .collect();
        tx.save_attempts(&rows).await
    }

    fn patience(&self, kind: &Kind) -> &Patience {
        match kind {
            Kind::Device | Kind::Place => &self.place,
            Kind::Account => &self.account,
            Kind::Address => &self.address,
        }
    }

    /// A token by which this device is known at the user's next sign-in.
    pub(crate) fn device_token(&self, user_name: &str) -> Answer<String> {
        let mut token = self.wall.now().timestamp().to_be_bytes().to_vec();
        let mut name = [0_u8; 16];
        getrandom::fill(&mut name).map_err(|_| Refusal::fault("no randomness"))?;
        token.extend_from_slice(&name);
        let seal = hmac::sign(&self.seal, &sealed(user_name, &token));
        token.extend_from_slice(seal.as_ref());
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// The device of a token, if it is ours, of this user, and not too old.
    fn known_device(&self, user_name: &str, token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == DEVICE_TOKEN)?;
        let (body, seal) = bytes.split_at_checked(DEVICE_BODY)?;
        hmac::verify(&self.seal, &sealed(user_name, body), seal).ok()?;
        let seconds = i64::from_be_bytes(body.get(..8)?.try_into().ok()?);
        let made = DateTime::<Utc>::from_timestamp(seconds, 0)?;
        (self.wall.now() - made < DEVICE_LIFETIME).then(|| body.to_vec())
    }
}

impl Attempt {
    fn of(mut counters: Vec<Counter>) -> Self {
        // All units lock in the same order.
        counters.sort_by(|left, right| left.key.cmp(&right.key));
        Self { counters }
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        self.counters.iter().map(|counter| counter.key.clone()).collect()
    }
}

fn counter(kind: Kind, parts: &[&[u8]]) -> Counter {
    let mut hash = Sha256::new();
    hash.update(match kind {
        Kind::Device => "device",
        Kind::Place => "place",
        Kind::Account => "account",
        Kind::Address => "address",
    });
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    Counter { key: hash.finalize().to_vec(), kind }
}

/// Where an attempt comes from. Whoever has one address of IPv6 has 2^64 of them: a network counts as one.
fn place(from: Option<IpAddr>) -> Vec<u8> {
    match from.map(|address| address.to_canonical()) {
        None => b"in-process".to_vec(),
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets().iter().take(8).copied().collect(),
    }
}

fn sealed(user_name: &str, body: &[u8]) -> Vec<u8> {
    [body, user_name.as_bytes()].concat()
}

fn longest_wait(found: &[Attempts], now: DateTime<Utc>) -> Option<TimeDelta> {
    found.iter().filter_map(|attempts| attempts.wait(now)).max()
}

/// Too many mistakes: when to come back. The answer does not tell whose they were.
fn too_many(wait: TimeDelta) -> Refusal {
    // Whole seconds, and never too early.
    let seconds = u32::try_from(wait.num_seconds()).unwrap_or(u32::MAX).saturating_add(1);
    let mut refusal = Refusal::new(
        Reason::TooManyRequests,
        format!("too many attempts that failed; try again in {seconds} s"),
        format!("失败次数过多，请在 {seconds} 秒后重试"),
    );
    refusal.retry_after = Some(seconds);
    refusal
}
