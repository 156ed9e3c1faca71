//! Passwords and other secrets: hashed with Argon2id away from the async threads, behind a semaphore.

use std::sync::{Arc, LazyLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use recourse_domain::text::Violation;

use super::options::AccountOptions;

/// Hashes run at once. Each takes 19 MiB and some 30 ms of a core; more at once would be a denial of service.
const HASHES_AT_ONCE: usize = 4;
/// Sign-ins that wait for a hash; more are sent away.
const WAITING: usize = 64;
/// Most bytes of a new password: hashing more is work for nothing.
const MAX_BYTES: usize = 512;
/// Fewest different characters of a new password.
const MIN_DIFFERENT: usize = 5;

/// Passwords that everybody tries first, sorted; where they come from stands beside the file.
static COMMON: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("common-passwords.txt").lines().filter(|line| !line.is_empty()).collect());

/// What a hash costs: memory, passes over it, and lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for HashCost {
    /// What OWASP recommends for Argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, iterations: 2, parallelism: 1 }
    }
}

impl HashCost {
    fn params(self) -> Result<Params, PasswordFault> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, None).map_err(|_| PasswordFault::Cost)
    }

    fn hasher(self) -> Result<Argon2<'static>, PasswordFault> {
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params()?))
    }
}

/// The hashing of passwords.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash of nobody's password: an unknown user costs as much time as a known one.
    decoy: Arc<str>,
    cost: HashCost,
    min_length: usize,
}

/// Too many sign-ins at once, or the hash itself failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    /// Come back later.
    #[error("too many sign-ins at once")]
    Busy,
    /// The stored hash can't be read, or the hasher failed.
    #[error("password hash")]
    Broken,
    /// The configured cost is out of the algorithm's bounds.
    #[error("the cost of password hashes is out of bounds (memory at least 8 KiB a lane, one pass, one lane)")]
    Cost,
}

impl Passwords {
    /// The hashing, with its decoy made.
    pub fn new(options: &AccountOptions) -> Result<Self, PasswordFault> {
        let cost = options.hash_cost;
        let decoy = hash_now(&random_secret()?, cost)?;
        Ok(Self {
            running: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: decoy.into(),
            cost,
            min_length: options.min_password_length,
        })
    }

    /// Hashes a password.
    pub async fn hash(&self, password: String) -> Result<String, PasswordFault> {
        let cost = self.cost;
        self.work(move || hash_now(&password, cost)).await
    }

    /// Whether a password fits a hash; without a hash, the same time passes and the answer is no.
    pub async fn fits(&self, password: String, hash: Option<String>) -> Result<bool, PasswordFault> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        let fits = self
            .work(move || {
                let parsed = PasswordHash::new(&hash).map_err(|_| PasswordFault::Broken)?;
                Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(fits && known)
    }

    /// Whether a hash was made at another cost than today's: its password is hashed anew at the next sign-in.
    pub fn is_outdated(&self, hash: &str) -> bool {
        let Ok(wanted) = self.cost.params() else { return false };
        let Ok(parsed) = PasswordHash::new(hash) else { return false };
        let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        Params::try_from(&parsed).map_or(true, |made| costs(&made) != costs(&wanted))
    }

    /// What is wrong with a new password.
    pub fn check_new(&self, field: &str, password: &str, user_name: &str) -> Vec<Violation> {
        check(field, password, user_name, self.min_length)
    }

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T, PasswordFault> + Send + 'static,
    ) -> Result<T, PasswordFault> {
        let _place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| PasswordFault::Busy)?;
        let _turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| PasswordFault::Busy)?;
        tokio::task::spawn_blocking(task).await.map_err(|_| PasswordFault::Broken)?
    }
}

fn hash_now(password: &str, cost: HashCost) -> Result<String, PasswordFault> {
    let hashed = cost.hasher()?.hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|_| PasswordFault::Broken)
}

fn check(field: &str, password: &str, user_name: &str, min_length: usize) -> Vec<Violation> {
    let mut found = Vec::new();
    if password.chars().count() < min_length {
        found.push(Violation::new(
            field,
            "PASSWORD_TOO_SHORT",
            format!("a password has at least {min_length} characters; a sentence is easy to remember"),
            format!("密码至少 {min_length} 个字符；一句话容易记住"),
        ));
    }
    if password.len() > MAX_BYTES {
        found.push(Violation::new(
            field,
            "PASSWORD_TOO_LONG",
            format!("a password has at most {MAX_BYTES} bytes; this one has {}", password.len()),
            format!("密码最多 {MAX_BYTES} 字节；当前为 {} 字节", password.len()),
        ));
    }
    let lower = password.to_lowercase();
    let user_name = user_name.trim().to_lowercase();
    if user_name.chars().count() >= 3 && lower.contains(&user_name) {
        found.push(Violation::new(
            field,
            "PASSWORD_HAS_USER_NAME",
            "a password does not hold the user name; choose another",
            "密码不能包含用户名，请另选一个",
        ));
    } else if is_common(&lower) {
        found.push(Violation::new(
            field,
            "PASSWORD_TOO_COMMON",
            "this password, or what it is made of, is among the first that anyone would try; choose another",
            "该密码（或其主要部分）过于常见，请另选一个",
        ));
    }
    found
}

/// Whether a password is among those tried first: as it stands, or once the digits and signs are taken off
/// with which people lengthen a common word; or whether it is hardly more than one key.
fn is_common(lower: &str) -> bool {
    let known = |word: &str| COMMON.binary_search(&word).is_ok();
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let mut different: Vec<char> = lower.chars().collect();
    different.sort_unstable();
    different.dedup();
    different.len() < MIN_DIFFERENT || known(lower) || known(core)
}

/// A new secret of 256 bits, as text for a header or a form.
pub fn random_secret() -> Result<String, PasswordFault> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| PasswordFault::Broken)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The form in which a random secret is stored: it has 256 bits, so one round of SHA-256 is enough.
pub fn fingerprint(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// Compares two fingerprints in constant time.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() -> Result<(), PasswordFault> {
        let passwords = Passwords::new(&AccountOptions::default())?;
        let hash = passwords.hash("correct horse battery".into()).await?;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.fits("correct horse battery".into(), Some(hash.clone())).await?);
        assert!(!passwords.fits("correct horse batterz".into(), Some(hash)).await?);
        assert!(!passwords.fits("anything".into(), None).await?, "an unknown user never fits");
        Ok(())
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_still_fits_and_is_outdated() -> Result<(), PasswordFault> {
        let before = Passwords::new(&AccountOptions {
            hash_cost: HashCost { memory_kib: 1024, iterations: 1, parallelism: 1 },
            ..AccountOptions::default()
        })?;
        let today = Passwords::new(&AccountOptions::default())?;
        let hash = before.hash("correct horse battery".into()).await?;
        assert!(today.fits("correct horse battery".into(), Some(hash.clone())).await?);
        assert!(today.is_outdated(&hash) && !before.is_outdated(&hash));
        assert!(!today.is_outdated(&today.hash("x".into()).await?));
        let none = HashCost { memory_kib: 1, iterations: 0, parallelism: 0 };
        let refused = Passwords::new(&AccountOptions { hash_cost: none, ..AccountOptions::default() });
        assert_eq!(refused.err(), Some(PasswordFault::Cost));
        Ok(())
    }

    #[test]
    fn new_passwords_are_long_and_uncommon() {
        let cases: [(&str, &[&str]); 14] = [
            ("blue tractors sing", &[]),
            ("quiet-harbour-2026", &[]),
            ("蓝色拖拉机在田野里歌唱", &[]),
            ("x7#kQm2!vLp9", &[]),
            ("short", &["PASSWORD_TOO_SHORT"]),
            ("dragon", &["PASSWORD_TOO_SHORT", "PASSWORD_TOO_COMMON"]),
            ("Password123", &["PASSWORD_TOO_COMMON"]),
            ("1q2w3e4r5t", &["PASSWORD_TOO_COMMON"]),
            ("Monkey_2026!!", &["PASSWORD_TOO_COMMON"]),
            ("!!2026 sunshine", &["PASSWORD_TOO_COMMON"]),
            ("ababababababab", &["PASSWORD_TOO_COMMON"]),
            ("7777777777777", &["PASSWORD_TOO_COMMON"]),
            ("my-wang-password", &["PASSWORD_HAS_USER_NAME"]),
            (&"long sentence ".repeat(40), &["PASSWORD_TOO_LONG"]),
        ];
        for (password, expected) in cases {
            let found = check("password", password, "Wang", 10);
            let rules: Vec<&str> = found.iter().map(|violation| violation.rule).collect();
            assert_eq!(rules, expected, "{password}");
            assert!(found.iter().all(|v| !v.text.en.contains(password) && !v.text.zh_cn.is_empty()));
        }
    }

    #[test]
    fn the_list_is_sorted_and_long() {
        assert!(COMMON.len() > 5_000, "{}", COMMON.len());
        assert!(COMMON.is_sorted());
        assert!(COMMON.iter().all(|word| word.to_lowercase() == *word && !word.trim().is_empty()));
    }

    #[test]
    fn secrets_differ_and_are_long() -> Result<(), PasswordFault> {
        let (one, two) = (random_secret()?, random_secret()?);
        assert_ne!(one, two);
        assert!(one.len() >= 43);
        assert!(same(&fingerprint(&one), &fingerprint(&one)));
        assert!(!same(&fingerprint(&one), &fingerprint(&two)));
        Ok(())
    }
}
