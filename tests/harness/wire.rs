//! HTTP/1.1 by hand: clients that send what no library would, and that see how a connection ends.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a server.
pub struct Wire {
    stream: TcpStream,
    /// What came and was not yet asked for.
    pending: Vec<u8>,
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
