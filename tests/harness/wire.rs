//! HTTP/1.1 by hand: clients that send what no library would, and that see how a connection ends.

use std::cell::RefCell;
use std::io::{BufRead, ErrorKind};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Wire {
    stream: TcpStream,
    /// What came and was not yet asked for.
    pending: Vec<u8>,
}

/// What a client that only counts keeps of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// HTTP status.
    pub status: u16,
    /// Whether it says when to come again.
    pub retry_after: bool,
}

thread_local! {
    /// Where answers go that nobody keeps: one place for all connections of a thread, which stays in its cache.
    static SINK: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 * 1024]);
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The head as it came, in lower case.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects; `base` is the address of the server as a URL.
    pub async fn connect(base: &str) -> Self {
        let stream = TcpStream::connect(base.trim_start_matches("http://")).await.expect("the server");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, pending: Vec::new() }
    }

    /// Sends text; an error says that the server has closed.
    pub async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.send_bytes(text.as_bytes()).await
    }

    /// Sends bytes; an error says that the server has closed.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Everything that still comes until the server closes.
    pub async fn rest(mut self) -> Vec<u8> {
        while self.more().await.is_some() {}
        self.pending
    }

    /// Sends pieces with pauses between them until the server closes; answers what it said last, and after how
    /// long it closed.
    pub async fn drip(mut self, first: &str, piece: &str, pause: Duration) -> (String, Duration) {
        let began = Instant::now();
        let mut said = Vec::new();
        let mut open = self.send(first).await.is_ok();
        while open {
            let mut buffer = [0; 4096];
            match tokio::time::timeout(pause, self.stream.read(&mut buffer)).await {
                Ok(Ok(0) | Err(_)) => open = false,
                Ok(Ok(count)) => said.extend_from_slice(&buffer[..count]),
                // It may have closed meanwhile: then the next read tells.
                Err(_) => drop(self.send(piece).await),
            }
            assert!(began.elapsed() < Duration::from_secs(120), "never closed");
        }
        (String::from_utf8_lossy(&said).into_owned(), began.elapsed())
    }

    /// Reads one answer whose length is told. `None` when the connection ends instead.
    pub async fn reply(&mut self) -> Option<Reply> {
        let end = loop {
            if let Some(end) = self.pending.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8_lossy(&self.pending[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        while self.pending.len() < end + length {
            self.more().await?;
        }
        let body = self.pending[end..end + length].to_vec();
        self.pending.drain(..end + length);
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line");
        Some(Reply { status, head, body })
    }

    /// Reads one answer whose length is told and keeps next to nothing of it: a client that measures must not be
    /// what is measured. Nothing is allocated, and of the body nothing is looked at. `None` when the connection
    /// ends instead.
    pub async fn told(&mut self) -> Option<Told> {
        self.pending.clear();
        let (told, mut left) = loop {
            self.take(16 * 1024, true).await?;
            if let Some((told, head, length)) = judged(&self.pending) {
                break (told, (head + length).saturating_sub(self.pending.len()));
            }
            assert!(self.pending.len() < 64 * 1024, "a head without an end");
        };
        while left > 0 {
            left -= self.take(left, false).await?;
        }
        Some(told)
    }

    /// Takes what has come, `most` bytes at most; keeps it or lets it go.
    async fn take(&mut self, most: usize, keeps: bool) -> Option<usize> {
        loop {
            self.stream.readable().await.ok()?;
            let taken = SINK.with_borrow_mut(|sink| {
                let most = most.min(sink.len());
                let count = self.stream.try_read(&mut sink[..most])?;
                if keeps {
                    // The head, and what came with it.
                    self.pending.extend_from_slice(&sink[..count]);
                }
                Ok::<_, std::io::Error>(count)
            });
            match taken {
                Ok(0) => return None,
                Ok(count) => return Some(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return None,
            }
        }
    }

    async fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer).await {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.pending.extend_from_slice(&buffer[..count]);
                Some(())
            }
        }
    }
}

/// What a head says, how long it is, and how long its body; `None` until it is whole.
fn judged(bytes: &[u8]) -> Option<(Told, usize, usize)> {
    let status =
        bytes.get(9..12).map(|digits| digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))?;
    let (mut rest, mut length, mut retry_after) = (bytes, 0, false);
    loop {
        let line = rest;
        // The library's search for a byte is fast even where nothing else is optimised.
        let count = rest.skip_until(b'\n').ok().filter(|count| *count > 0 && line[count - 1] == b'\n')?;
        if count == 2 {
            return Some((Told { status, retry_after }, bytes.len() - rest.len(), length));
        }
        let value = |name: &[u8]| {
            let begins = count > name.len() && line[..name.len()].eq_ignore_ascii_case(name);
            begins.then(|| line[name.len()..count].trim_ascii())
        };
        match line[0] {
            b'c' | b'C' => {
                if let Some(digits) = value(b"content-length:") {
                    length = digits.iter().fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
                }
            }
            b'r' | b'R' => retry_after |= value(b"retry-after:").is_some(),
            _ => {}
        }
    }
}

#[test]
fn heads_are_read_as_they_come() {
    let head = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 17\r\nx: y\r\nretry-after: 1\r\n\r\n";
    let told = Told { status: 503, retry_after: true };
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(b"{\n\r\n");
    assert_eq!(judged(&bytes), Some((told, head.len(), 17)));
    for end in 0..head.len() {
        assert_eq!(judged(&bytes[..end]), None, "{end}");
    }
    assert_eq!(
        judged(b"HTTP/1.1 204 No Content\r\n\r\n").map(|(told, _, length)| (told.status, length)),
        Some((204, 0))
    );
}

/// A GET request.
pub fn get(path: &str, token: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: recourse\r\nauthorization: Bearer {token}\r\n\r\n")
}

/// A POST request with a JSON body.
pub fn post(path: &str, token: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: recourse\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The value below which this share of durations lies.
pub fn percentile(durations: &mut [Duration], share: f64) -> Duration {
    durations.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let index = ((durations.len() as f64) * share) as usize;
    durations.get(index.min(durations.len().saturating_sub(1))).copied().unwrap_or_default()
}
