//! Page tokens: opaque to callers, and good for exactly the query that they came from.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use recourse_domain::query::page::Keys;
use recourse_domain::text::Violation;
use sha2::Sha256;

use crate::error::StoreError;
use crate::store::Store;

/// Bytes of the tag in a token.
const TAG: usize = 16;

/// Seals and opens page tokens with a key that all replicas share.
#[derive(Clone)]
pub struct PageTokens {
    key: Vec<u8>,
}

impl PageTokens {
    /// Reads the key; `fresh` becomes it if there is none.
    pub async fn open(store: &Store, fresh: Vec<u8>, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self { key: store.secret("page-token", fresh, now).await? })
    }

    /// The token of a place, bound to everything that the next call must repeat.
    pub fn seal(&self, keys: &Keys, binding: &str) -> String {
        let body = serde_json::to_vec(keys).unwrap_or_default();
        let mut token = self.tag(&body, binding);
        token.extend_from_slice(&body);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The place of a token, if it is ours and belongs to this query.
    pub fn open_token(&self, token: &str, binding: &str) -> Result<Keys, Violation> {
        let refused = || {
            Violation::new(
                "page_token",
                "BAD_PAGE_TOKEN",
                "this token belongs to another list, filter, order or caller; begin again without it",
                "该分页令牌不属于此查询（列表、过滤、排序或调用者不同）；请不带令牌重新开始",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refused())?;
        let (tag, body) = bytes.split_at_checked(TAG).ok_or_else(refused)?;
        let mut mac = self.mac().ok_or_else(refused)?;
        mac.update(binding.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac.verify_truncated_left(tag).map_err(|_| refused())?;
        serde_json::from_slice(body).map_err(|_| refused())
    }

    fn tag(&self, body: &[u8], binding: &str) -> Vec<u8> {
        let Some(mut mac) = self.mac() else { return Vec::new() };
        mac.update(binding.as_bytes());
        mac.update(&[0]);
        mac.update(body);
        mac.finalize().into_bytes().iter().take(TAG).copied().collect()
    }

    fn mac(&self) -> Option<Hmac<Sha256>> {
        Hmac::<Sha256>::new_from_slice(&self.key).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use recourse_domain::query::page::Key;

    #[test]
    fn a_token_is_good_for_its_own_query_only() {
        let tokens = PageTokens { key: vec![7; 32] };
        let keys = Keys { value: Key::Number(5), id: uuid::Uuid::from_u128(9) };
        let token = tokens.seal(&keys, "ListClaims\u{1f}state = A");
        assert_eq!(tokens.open_token(&token, "ListClaims\u{1f}state = A"), Ok(keys));
        assert!(tokens.open_token(&token, "ListClaims\u{1f}state = B").is_err());
        let other = PageTokens { key: vec![8; 32] };
        assert!(other.open_token(&token, "ListClaims\u{1f}state = A").is_err());
        for bad in ["", "x", "AAAA", "!!!!", &token[1..], &format!("{token}A")] {
            assert!(tokens.open_token(bad, "ListClaims\u{1f}state = A").is_err(), "{bad}");
        }
    }
}
