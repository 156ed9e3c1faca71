//! Limits of the process, all of them. Limits of the wire stand in the contract's field options.

use std::time::Duration;

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
/// Time that open calls have to end after the signal to stop; then connections are cut.
pub const DRAIN: Duration = Duration::from_secs(15);
