//! Limits of the process, all of them. Limits of the wire stand in the contract's field options.

use std::time::Duration;

use chrono::TimeDelta;

/// Largest body of one call, after decompression.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Longest time that the export of a list may take.
pub const MAX_EXPORT: Duration = Duration::from_secs(15 * 60);
/// Bytes of all headers of one HTTP/1.1 request.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Time a client has to send its headers.
pub const HEADER_READ: Duration = Duration::from_secs(20);
/// Streams that one HTTP/2 connection may have open.
pub const MAX_STREAMS: u32 = 200;
/// How often an HTTP/2 client is asked whether it is still there.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// Time it has to answer.
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Callers whose rate is counted apart; beyond them, callers share counts.
pub const RATE_BUCKETS: usize = 50_000;
/// Calls after which full buckets are looked for.
pub const RATE_UPKEEP: u32 = 512;
/// Time to find and reach an outside issuer.
pub const FETCH_CONNECT: Duration = Duration::from_secs(3);
/// Time for a whole document of an outside issuer.
pub const FETCH_WHOLE: Duration = Duration::from_secs(6);
/// Largest document of an outside issuer.
pub const FETCH_BYTES: usize = 256 * 1024;
/// Time that open calls have to end after the signal to stop; then connections are cut.
pub const DRAIN: Duration = Duration::from_secs(15);
/// Time that the store has to answer a reading of the metrics.
pub const METRICS_STORE: Duration = Duration::from_secs(1);
/// Longest line of a backup that is read: a row with its document.
pub const MAX_BACKUP_LINE: u64 = 256 * 1024 * 1024;
/// Time that a server has to answer `recourse health`.
pub const HEALTH_PROBE: Duration = Duration::from_secs(3);
/// Room on the disk of an embedded database below which `doctor` speaks of a fault.
pub const MIN_FREE_BYTES: u64 = 256 * 1024 * 1024;
/// Difference of the database's clock that `doctor` warns of: leases and revocations live by seconds.
pub const MAX_CLOCK_SKEW: TimeDelta = TimeDelta::milliseconds(500);
/// Age of a change without a place in the feed that `doctor` warns of.
pub const MAX_FEED_LAG: TimeDelta = TimeDelta::seconds(30);
