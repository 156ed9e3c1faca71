//! Page tokens: opaque to callers, and good for exactly the query that they came from.
//!
//! The key that seals them can be followed by another without downtime. The next key is in the store before it
//! seals, so that every replica knows it by then; the one before it opens its tokens for a day more. Times alone
//! say which key does what: replicas need no message, they read the names of the keys now and then.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use recourse_domain::query::page::Keys;
use recourse_domain::text::Violation;
use sha2::Sha256;

use crate::changes::to_the_microsecond;
use crate::error::StoreError;
use crate::sql::{Row, Sql};
use crate::store::Store;

/// Bytes of the tag in a token.
const TAG: usize = 16;
/// Name of the first key, which seals from its creation.
const FIRST: &str = "page-token";
/// How the names of the keys after it begin; then comes the instant from which they seal.
const NEXT: &str = "page-token/";
/// The keys of page tokens among the secrets of the deployment.
const OURS: &str = "(name = 'page-token' OR name LIKE 'page-token/%')";
/// How long a key opens tokens after another began to seal them.
const KEEP: TimeDelta = TimeDelta::days(1);

/// A key of page tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PageKey {
    name: String,
    begins: DateTime<Utc>,
    secret: Vec<u8>,
}

/// Seals and opens page tokens with keys that all replicas share.
#[derive(Clone)]
pub struct PageTokens {
    /// The newest first.
    keys: Arc<RwLock<Arc<[PageKey]>>>,
}

impl PageTokens {
    /// Reads the keys; `fresh` becomes the first if there is none.
    pub async fn open(store: &Store, fresh: Vec<u8>, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let mut keys = store.page_keys().await?;
        if keys.is_empty() {
            store.secret(FIRST, fresh, now).await?;
            keys = store.page_keys().await?;
        }
        Ok(Self { keys: Arc::new(RwLock::new(keys.into())) })
    }

    /// The token of a place, bound to everything that the next call must repeat.
    pub fn seal(&self, keys: &Keys, binding: &str, now: DateTime<Utc>) -> String {
        let body = serde_json::to_vec(keys).unwrap_or_default();
        let known = self.known();
        let sealing = known.iter().find(|key| key.begins <= now).or(known.last());
        let mut token = sealing.map(|key| key.tag(&body, binding)).unwrap_or_default();
        token.extend_from_slice(&body);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place of a token, if it is ours, belongs to this query, and its key has not ended.
    pub fn open_token(&self, token: &str, binding: &str, now: DateTime<Utc>) -> Result<Keys, Violation> {
        let refused = || {
            Violation::new(
                "page_token",
                "BAD_PAGE_TOKEN",
                "this token is too old, or belongs to another list, filter, order or caller; begin again without it",
                "该分页令牌已过期，或不属于此查询（列表、过滤、排序或调用者不同）；请不带令牌重新开始",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let (tag, body) = bytes.split_at_checked(TAG).ok_or_else(refused)?;
        let known = self.known();
        if !open_keys(&known, now).iter().any(|key| key.fits(tag, body, binding)) {
            return Err(refused());
        }
        serde_json::from_slice(body).map_err(|_| refused())
    }

    /// Takes up keys that were made, or ended, by any server.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let names = store.page_key_names().await?;
        let known = self.known();
        let is_same = names.len() == known.len() && known.iter().all(|key| names.contains(&key.name));
        if !is_same {
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = store.page_keys().await?.into();
        }
        Ok(())
    }

    /// Lets a new key follow the one that seals, from `begins` on; answers from when the next key seals. With a key
    /// that waits already, nothing is done. With `end_old` the new key is the only one: tokens of all others are
    /// refused at once.
    pub async fn rotate(
        &self,
        store: &Store,
        fresh: &[u8],
        begins: DateTime<Utc>,
        now: DateTime<Utc>,
        end_old: bool,
    ) -> Result<DateTime<Utc>, StoreError> {
        let begins = store.add_page_key(fresh, begins, now, end_old).await?;
        self.refresh(store).await?;
        Ok(begins)
    }

    /// When the newest key began to seal, or will.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.known().first().map(|key| key.begins)
    }

    /// Deletes the keys that open nothing any more; answers how many.
    pub async fn forget_ended(&self, store: &Store, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let known = self.known();
        let ended = known.get(open_keys(&known, now).len()..).unwrap_or_default();
        for key in ended {
            store.delete_page_key(&key.name).await?;
        }
        if !ended.is_empty() {
            self.refresh(store).await?;
        }
        Ok(ended.len())
    }

    fn known(&self) -> Arc<[PageKey]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys, the newest first, that open tokens at an instant. The next key does, too: another server's clock may
/// be ahead. A key ends a day after its successor began.
fn open_keys(keys: &[PageKey], now: DateTime<Utc>) -> &[PageKey] {
    let ended = keys.iter().position(|key| key.begins + KEEP <= now);
    // The key that began last before that day still seals, or opens; those before it have ended.
    let open = ended.map_or(keys.len(), |last| last + 1);
    keys.get(..open).unwrap_or(keys)
}

impl PageKey {
    fn read(row: &Row) -> Result<Self, StoreError> {
        let name: String = row.get("name")?;
        let begins = match name.strip_prefix(NEXT) {
            None => row.instant("create_time")?,
            Some(instant) => DateTime::parse_from_rfc3339(instant)
                .map_err(|error| StoreError::corrupt("key_store", "name", &name, error))?
                .to_utc(),
        };
        Ok(Self { name, begins, secret: row.get("secret")? })
    }

    fn tag(&self, body: &[u8], binding: &str) -> Vec<u8> {
        let Some(mac) = self.mac(body, binding) else { return Vec::new() };
        mac.finalize().into_bytes().iter().take(TAG).copied().collect()
    }

    fn fits(&self, tag: &[u8], body: &[u8], binding: &str) -> bool {
        self.mac(body, binding).is_some_and(|mac| mac.verify_truncated_left(tag).is_ok())
    }

    fn mac(&self, body: &[u8], binding: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.secret).ok()?;
        mac.update(binding.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        Some(mac)
    }
}

impl Store {
    async fn page_keys(&self) -> Result<Vec<PageKey>, StoreError> {
        let sql = Sql::new(&format!("SELECT name, secret, create_time FROM key_store WHERE {OURS}"));
        let mut keys: Vec<PageKey> =
            sql.all(&self.reader).await?.iter().map(PageKey::read).collect::<Result<_, _>>()?;
        keys.sort_by(|one, other| other.begins.cmp(&one.begins).then_with(|| one.name.cmp(&other.name)));
        Ok(keys)
    }

    async fn page_key_names(&self) -> Result<Vec<String>, StoreError> {
        let rows = Sql::new(&format!("SELECT name FROM key_store WHERE {OURS}")).all(&self.reader).await?;
        rows.iter().map(|row| row.get("name")).collect()
    }

    async fn add_page_key(
        &self,
        secret: &[u8],
        begins: DateTime<Utc>,
        now: DateTime<Utc>,
        end_old: bool,
    ) -> Result<DateTime<Utc>, StoreError> {
        let begins = to_the_microsecond(begins);
        let name = &format!("{NEXT}{}", begins.to_rfc3339_opts(SecondsFormat::Micros, true));
        let known = &format!("SELECT name, secret, create_time FROM key_store WHERE {OURS}");
        self.run(|tx| {
            Box::pin(async move {
                // A row that every server has, as a lock: of two that rotate at once, one does.
                Sql::new("UPDATE feed_counter SET position = position WHERE id = 1").execute(&tx.db).await?;
                if end_old {
                    Sql::new(&format!("DELETE FROM key_store WHERE {OURS}")).execute(&tx.db).await?;
                } else {
                    for row in Sql::new(known).all(&tx.db).await? {
                        let key = PageKey::read(&row)?;
                        if key.begins > now {
                            return Ok(key.begins);
                        }
                    }
                }
                Sql::new("INSERT INTO key_store (name, secret, create_time) VALUES (?, ?, ?)")
                    .bind(name)
                    .bind(secret)
                    .bind(now)
                    .execute(&tx.db)
                    .await?;
                Ok(begins)
            })
        })
        .await
    }

    async fn delete_page_key(&self, name: &str) -> Result<(), StoreError> {
        self.run(|tx| {
            Box::pin(async move {
                Sql::new("DELETE FROM key_store WHERE name = ?").bind(name).execute(&tx.db).await.map(|_| ())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recourse_domain::query::page::Key;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn with(keys: &[(u8, i64)]) -> PageTokens {
        let key = |(byte, begins): &(u8, i64)| PageKey {
            name: byte.to_string(),
            begins: at(*begins),
            secret: vec![*byte; 32],
        };
        PageTokens { keys: Arc::new(RwLock::new(keys.iter().map(key).collect())) }
    }

    #[test]
    fn a_token_is_good_for_its_own_query_only() {
        let tokens = with(&[(7, 0)]);
        let keys = Keys { value: Key::Number(5), id: uuid::Uuid::from_u128(9) };
        let token = tokens.seal(&keys, "ListClaims\u{1f}state = A", at(1));
        assert_eq!(tokens.open_token(&token, "ListClaims\u{1f}state = A", at(1)), Ok(keys));
        assert!(tokens.open_token(&token, "ListClaims\u{1f}state = B", at(1)).is_err());
        assert!(with(&[(8, 0)]).open_token(&token, "ListClaims\u{1f}state = A", at(1)).is_err());
        for bad in ["", "x", "AAAA", "!!!!", &token[1..], &format!("{token}A")] {
            assert!(tokens.open_token(bad, "ListClaims\u{1f}state = A", at(1)).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_seals_from_its_time_and_opens_for_a_day_after_its_successor_began() {
        let keys = Keys { value: Key::Number(5), id: uuid::Uuid::from_u128(9) };
        let (first, both, second) = (with(&[(1, 0)]), with(&[(2, 100), (1, 0)]), with(&[(2, 100)]));
        let opens = |tokens: &PageTokens, token: &str, hour| tokens.open_token(token, "list", at(hour)).is_ok();
        let before = both.seal(&keys, "list", at(99));
        assert!(opens(&first, &before, 99) && !opens(&second, &before, 99), "the next key does not seal yet");
        let after = both.seal(&keys, "list", at(100));
        assert!(opens(&second, &after, 100) && !opens(&first, &after, 100));
        assert!(opens(&both, &after, 99), "another server's clock may be ahead");
        assert!(opens(&both, &before, 123), "a token of before the rotation works for a day");
        assert!(!opens(&both, &before, 124) && opens(&both, &after, 100_000));
        assert!(opens(&first, &first.seal(&keys, "list", at(-5)), -5), "a clock that lags has the first key");
        let three = with(&[(3, 124), (2, 100), (1, 0)]);
        assert_eq!(open_keys(&three.known(), at(123)).len(), 3);
        assert_eq!(open_keys(&three.known(), at(124)).len(), 2);
        assert_eq!(open_keys(&three.known(), at(148)).len(), 1);
    }
}
