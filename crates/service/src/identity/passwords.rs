//! Passwords and other secrets: hashed with Argon2id away from the async threads, behind a semaphore.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use recourse_domain::text::Violation;

/// Hashes run at once. Each takes 19 MiB and some 30 ms of a core; more at once would be a denial of service.
const HASHES_AT_ONCE: usize = 4;
/// Sign-ins that wait for a hash; more are sent away.
const WAITING: usize = 64;
/// Fewest characters of a password.
const MIN_LENGTH: usize = 10;

/// Passwords that everybody tries first, in lower case.
const COMMON: [&str; 24] = [
    "1234567890",
    "12345678910",
    "0123456789",
    "0987654321",
    "1111111111",
    "0000000000",
    "password12",
    "password123",
    "password1234",
    "qwertyuiop",
    "qwerty12345",
    "1q2w3e4r5t",
    "iloveyou123",
    "administrator",
    "admin12345",
    "welcome123",
    "changeme123",
    "letmein123",
    "abcdefghij",
    "abc1234567",
    "aaaaaaaaaa",
    "recourse123",
    "warranty123",
    "passw0rd123",
];

/// The hashing of passwords.
#[derive(Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash of nobody's password: an unknown user costs as much time as a known one.
    decoy: Arc<str>,
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
}

impl Passwords {
    /// The hashing, with its decoy made.
    pub fn new() -> Result<Self, PasswordFault> {
        let decoy = hash_now(&random_secret()?)?;
        Ok(Self {
            running: Arc::new(Semaphore::new(HASHES_AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            decoy: decoy.into(),
        })
    }

    /// Hashes a password.
    pub async fn hash(&self, password: String) -> Result<String, PasswordFault> {
        self.work(move || hash_now(&password)).await
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

    async fn work<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> Result<T, PasswordFault> + Send + 'static,
    ) -> Result<T, PasswordFault> {
        let _place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| PasswordFault::Busy)?;
        let _turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| PasswordFault::Busy)?;
        tokio::task::spawn_blocking(task).await.map_err(|_| PasswordFault::Broken)?
    }
}

fn hash_now(password: &str) -> Result<String, PasswordFault> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|_| PasswordFault::Broken)
}

/// What is wrong with a new password.
pub fn check_new_password(field: &str, password: &str, user_name: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    if password.chars().count() < MIN_LENGTH {
        found.push(Violation::new(
            field,
            "PASSWORD_TOO_SHORT",
            format!("a password has at least {MIN_LENGTH} characters; a sentence is easy to remember"),
            format!("密码至少 {MIN_LENGTH} 个字符；一句话容易记住"),
        ));
    }
    let lower = password.to_lowercase();
    if COMMON.contains(&lower.as_str()) || (!user_name.is_empty() && lower.contains(&user_name.to_lowercase())) {
        found.push(Violation::new(
            field,
            "PASSWORD_TOO_COMMON",
            "this password is among the first that anyone would try; choose another",
            "该密码过于常见，请另选一个",
        ));
    }
    found
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
        let passwords = Passwords::new()?;
        let hash = passwords.hash("correct horse battery".into()).await?;
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.fits("correct horse battery".into(), Some(hash.clone())).await?);
        assert!(!passwords.fits("correct horse batterz".into(), Some(hash)).await?);
        assert!(!passwords.fits("anything".into(), None).await?, "an unknown user never fits");
        Ok(())
    }

    #[test]
    fn new_passwords_are_long_and_uncommon() {
        assert!(check_new_password("password", "blue tractors sing", "wang").is_empty());
        assert_eq!(check_new_password("password", "short", "wang").len(), 1);
        assert_eq!(check_new_password("password", "Password123", "wang").len(), 1);
        assert_eq!(check_new_password("password", "my-wang-password", "Wang").len(), 1);
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
