//! A wire between the server and its database, which can lose what the database says last.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy in front of PostgreSQL; it ends with the value.
pub struct Proxy {
    /// The address of the database through it.
    pub url: String,
    loses: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy in front of a database.
    pub async fn before(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (scheme, rest) = url.split_once("://").expect("an address");
        let (place, name) = rest.split_once('/').expect("a database");
        let (user, host) = place.rsplit_once('@').expect("a user");
        let own = listener.local_addr().expect("its address");
        let (host, loses) = (host.to_owned(), Arc::new(AtomicBool::new(false)));
        let lost = Arc::clone(&loses);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(database) = TcpStream::connect(&host).await {
                    tokio::spawn(carry(client, database, Arc::clone(&lost)));
                }
            }
        });
        Self { url: format!("{scheme}://{user}@{own}/{name}"), loses, task }
    }

    /// From now on the word that something was written or committed is lost, and its connection with it; or no more.
    pub fn lose_answers(&self, loses: bool) {
        self.loses.store(loses, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(client: TcpStream, database: TcpStream, loses: Arc<AtomicBool>) {
    client.set_nodelay(true).expect("a socket");
    database.set_nodelay(true).expect("a socket");
    let ((mut from_client, mut to_client), (mut from_database, mut to_database)) =
        (client.into_split(), database.into_split());
    let asks = tokio::io::copy(&mut from_client, &mut to_database);
    let answers = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = from_database.read(&mut buffer).await.unwrap_or(0);
            if count == 0 || (loses.load(Ordering::SeqCst) && says_done(&buffer[..count])) {
                return;
            }
            if to_client.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = asks => {}
        () = answers => {}
    }
}

/// Whether the database says that a statement is done which writes or commits.
fn says_done(bytes: &[u8]) -> bool {
    ["COMMIT\0", "INSERT 0 ", "UPDATE "]
        .iter()
        .any(|tag| bytes.windows(tag.len()).any(|window| window == tag.as_bytes()))
}
