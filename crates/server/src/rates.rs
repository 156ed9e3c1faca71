//! How often one caller may call: a bucket of tokens per principal, and per address for who has not signed in. And how
//! many calls that last (streams, uploads, downloads) a principal may have open.
//!
//! The `RateLimit` fields of every answer tell how much is left (the IETF's draft for HTTP; on gRPC the same as
//! metadata). The store of buckets is bounded: full ones are forgotten, and when a flood of addresses leaves
//! no room, those beyond share buckets. Replicas count by themselves, for a limit that must be asked of the
//! store would be a load of its own.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use recourse_proto::gateway::{ProblemContext, problem};
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_service::admission::{Identity, Origin};
use recourse_service::identity::oauth::OAuthFault;
use recourse_service::{Refusal, language};
use uuid::Uuid;

use crate::edge::{self, Asker, LongCall};
use crate::serving::Kept;
use crate::{limits, oauth};
use recourse_service::callers::{Callers, Open};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Who has a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// A user or an API client, whatever the token.
    Principal(Uuid),
    /// An address, of IPv6 its network.
    Address([u8; 8]),
    /// Those for whom there was no room.
    Shared(u16),
}

type Limiter = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

/// The buckets of one kind of caller.
struct Lane {
    name: &'static str,
    limiter: Limiter,
    clock: DefaultClock,
    quota: Quota,
    policy: HeaderValue,
    calls: AtomicU32,
    crowded: AtomicBool,
    spread: RandomState,
}

/// How often one caller may call.
pub(crate) struct Rates {
    principals: Option<Lane>,
    addresses: Option<Lane>,
    streams: Callers,
    most_streams: usize,
}

/// What a bucket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Verdict {
    /// Calls that are left now.
    left: u32,
    /// Seconds until the bucket is full again.
    full_in: u64,
    /// Seconds to wait, if there is nothing left.
    wait: Option<u32>,
}

impl Rates {
    /// Limits: calls a second and at once, where a rate of zero is no limit; and streams that one may have open.
    pub(crate) fn new(principal: (u32, u32), anonymous: (u32, u32), most_streams: usize) -> Self {
        Self {
            principals: Lane::new("principal", principal),
            addresses: Lane::new("address", anonymous),
            streams: Callers::default(),
            most_streams,
        }
    }

    /// The place of a call that lasts, among those of its caller; none if it needs none.
    fn stream(&self, request: &Request) -> Result<Option<Open>, Refusal> {
        if request.extensions().get::<LongCall>().is_none() {
            return Ok(None);
        }
        match request.extensions().get::<Identity>() {
            Some(Identity::Known(actor)) => match self.streams.open(actor.user.0, self.most_streams) {
                Some(open) => Ok(Some(open)),
                None => Err(edge::too_many_streams_of_one(self.most_streams)),
            },
            // Whether that may stream is decided by the access rule.
            Some(Identity::Anonymous | Identity::Refused | Identity::Unavailable) | None => Ok(None),
        }
    }

    fn bucket(&self, request: &Request) -> Option<(&Lane, Key)> {
        match request.extensions().get::<Identity>() {
            Some(Identity::Known(actor)) => Some((self.principals.as_ref()?, Key::Principal(actor.user.0))),
            // A token that is not valid is nobody's.
            Some(Identity::Anonymous | Identity::Refused | Identity::Unavailable) | None => {
                let origin = request.extensions().get::<Origin>()?;
                Some((self.addresses.as_ref()?, Key::of(origin.address)))
            }
        }
    }
}

impl Key {
    fn of(address: IpAddr) -> Self {
        let mut bytes = [0_u8; 8];
        match address.to_canonical() {
            // No network of IPv6 in use begins with zeros.
            IpAddr::V4(address) => bytes[4..].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => bytes.copy_from_slice(&address.octets()[..8]),
        }
        Key::Address(bytes)
    }
}

impl Lane {
    fn new(name: &'static str, (per_second, burst): (u32, u32)) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        let burst = NonZeroU32::new(burst).unwrap_or(per_second);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let window = burst.get().div_ceil(per_second.get());
        let policy = HeaderValue::from_str(&format!("\"{name}\";q={burst};w={window}")).ok()?;
        Some(Self {
            name,
            limiter: RateLimiter::hashmap(quota).with_middleware(),
            clock: DefaultClock::default(),
            quota,
            policy,
            calls: AtomicU32::new(0),
            crowded: AtomicBool::new(false),
            spread: RandomState::new(),
        })
    }

    fn ask(&self, key: Key) -> Verdict {
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(limits::RATE_UPKEEP) {
            self.tidy();
        }
        let key = match key {
            Key::Address(_) | Key::Principal(_) if self.crowded.load(Ordering::Relaxed) => {
                Key::Shared(u16::try_from(self.spread.hash_one(key) % 4_096).unwrap_or_default())
            }
            Key::Address(_) | Key::Principal(_) | Key::Shared(_) => key,
        };
        let burst = self.quota.burst_size().get();
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let missing = self.quota.replenish_interval() * burst.saturating_sub(left);
                Verdict { left, full_in: missing.as_secs() + u64::from(missing.subsec_nanos() > 0), wait: None }
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                // Whole seconds, and never too early.
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                let whole = self.quota.burst_size_replenished_in().as_secs() + 1;
                Verdict { left: 0, full_in: whole, wait: Some(seconds) }
            }
        }
    }

    /// Forgets full buckets once there are many, and notes whether that made room.
    fn tidy(&self) {
        if self.limiter.len() > limits::RATE_BUCKETS {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.crowded.store(self.limiter.len() > limits::RATE_BUCKETS, Ordering::Relaxed);
    }

    fn tell(&self, verdict: Verdict, headers: &mut HeaderMap) {
        let text = format!("\"{}\";r={};t={}", self.name, verdict.left, verdict.full_in);
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(LIMIT, value);
            headers.insert(POLICY, self.policy.clone());
        }
    }
}

/// Lets a call through if its caller has one left. Stands behind [`identify`](crate::auth::identify).
pub(crate) async fn limit(State(rates): State<Arc<Rates>>, request: Request, next: Next) -> Response {
    // Probes come from the inside, and a server that is called a lot is alive.
    if matches!(request.uri().path(), "/healthz" | "/readyz") {
        return next.run(request).await;
    }
    let Some((lane, key)) = rates.bucket(&request) else { return passed(&rates, request, next).await };
    let verdict = lane.ask(key);
    let mut response = match verdict.wait {
        None => passed(&rates, request, next).await,
        Some(seconds) => refused(request, seconds),
    };
    lane.tell(verdict, response.headers_mut());
    response
}

async fn passed(rates: &Rates, request: Request, next: Next) -> Response {
    match rates.stream(&request) {
        Ok(None) => next.run(request).await,
        Ok(Some(open)) => next.run(request).await.map(|body| Body::new(Kept::new(body, open))),
        Err(refusal) => {
            let (parts, _) = request.into_parts();
            Asker::of(&parts).refuse(refusal)
        }
    }
}

fn refused(request: Request, seconds: u32) -> Response {
    if request.uri().path().starts_with("/oauth2/") {
        return oauth::refused(&OAuthFault::TooMany(seconds));
    }
    let mut refusal = Refusal::new(
        Reason::TooManyRequests,
        format!("too many calls; the next is possible in {seconds} s, and RateLimit tells how many are left"),
        format!("调用过于频繁，请在 {seconds} 秒后重试；剩余次数见 RateLimit"),
    );
    refusal.retry_after = Some(seconds);
    let (parts, _) = request.into_parts();
    let status = refusal.status(language(&parts.headers));
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    match content_type.filter(|value| value.as_bytes().starts_with(b"application/grpc")) {
        None => problem(&status, &ProblemContext::of(&parts)).into_response(),
        Some(content_type) => {
            let mut response = status.into_http::<Body>();
            // gRPC-Web reads the status from headers as well, under its own content type.
            response.headers_mut().insert(header::CONTENT_TYPE, content_type.clone());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_says_so() {
        let lane = Lane::new("principal", (1, 3)).expect("a limit");
        let key = Key::Principal(Uuid::from_u128(1));
        let left: Vec<_> =
            (0..4).map(|_| lane.ask(key)).map(|verdict| (verdict.left, verdict.wait.is_some())).collect();
        assert_eq!(left, [(2, false), (1, false), (0, false), (0, true)]);
        assert_eq!(lane.ask(Key::Principal(Uuid::from_u128(2))).left, 2, "another caller has another bucket");
        assert_eq!(lane.policy, "\"principal\";q=3;w=3");
        assert!(Lane::new("principal", (0, 9)).is_none());
    }

    #[test]
    fn a_flood_of_addresses_is_bounded() {
        let lane = Lane::new("address", (1, 2)).expect("a limit");
        for number in 0..150_000_u32 {
            lane.ask(Key::of(IpAddr::from(number.to_be_bytes())));
        }
        let most = limits::RATE_BUCKETS + 4_096 + usize::try_from(limits::RATE_UPKEEP).expect("a size");
        assert!(lane.limiter.len() <= most, "{}", lane.limiter.len());
    }

    #[test]
    fn a_network_of_ipv6_is_one_caller() {
        let of = |text: &str| Key::of(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
