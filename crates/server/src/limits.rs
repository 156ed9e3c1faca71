//! Limits of the process that nobody needs to change. Those that an operator may set stand in
//! `config/limits.rs`, those of the wire in the contract's field options.

use std::time::Duration;

use chrono::TimeDelta;

/// Largest body of one call, after decompression, unless the configuration says otherwise.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;
/// Largest body that can be configured.
pub const MOST_BODY_BYTES: usize = 1024 * 1024 * 1024;
/// Smallest limit of headers that can be configured.
pub const LEAST_HEADER_BYTES: usize = 8 * 1024;
/// Longest time that the export of a list may take.
pub const MAX_EXPORT: Duration = Duration::from_secs(15 * 60);
/// When a caller may come back for whom there was no export.
pub const EXPORT_LATER: Duration = Duration::from_secs(5);
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
/// Bytes that an HTTP/2 client may send ahead, in one stream and in all of a connection.
pub const STREAM_WINDOW: u32 = 128 * 1024;
/// The same for a whole connection.
pub const CONNECTION_WINDOW: u32 = 512 * 1024;
/// Answers of one HTTP/2 stream that wait for the client to take them, in bytes.
pub const MAX_SEND_BUFFER: usize = 256 * 1024;
/// Streams that a client has reset and that wait to be forgotten; more end the connection ("rapid reset").
pub const MAX_PENDING_RESETS: usize = 20;
/// Streams reset for a client's own errors; more end the connection.
pub const MAX_ERROR_RESETS: usize = 256;
/// Silence after which the system asks a peer whether it is still there.
pub const TCP_KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Time between two such questions.
pub const TCP_KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Connections that the system holds for us until they are accepted.
pub const BACKLOG: u32 = 1024;
/// File descriptors that are not for connections: the store, logs, certificates.
pub const OTHER_FILES: u64 = 128;
/// When a queue of calls has not been empty for this long, it stands.
pub const STANDING: Duration = Duration::from_millis(100);
/// When a caller who was turned away may come back.
pub const COME_BACK: Duration = Duration::from_secs(1);
/// Time that a connection without a call has to say goodbye once it was asked to end.
pub const GOODBYE: Duration = Duration::from_secs(2);
/// How often the files of the certificate are looked at.
pub const CERTIFICATE_LOOK: Duration = Duration::from_secs(10);
/// Time before the end of a certificate in which it is told of: renewals are due a month before, as a rule.
pub const CERTIFICATE_SOON: TimeDelta = TimeDelta::days(14);
/// Time for the store to take its first connection.
pub const STORE_OPEN: Duration = Duration::from_millis(1500);
/// Time to close the store at the end: what the embedded database keeps beside its file goes into it.
pub const STORE_CLOSE: Duration = Duration::from_secs(1);
/// Time for everything else to end after the connections were cut.
pub const CUT: Duration = Duration::from_secs(2);
