//! Sockets: one loop for HTTP/1.1 and HTTP/2, with or without TLS, with every timeout that a slow client
//! needs.
//!
//! The convenience server of the router library sets no timer, so a client that sends its headers a byte a
//! minute would hold a connection for ever; and its graceful stop waits for idle connections without end.

mod calls;
mod connection;
mod doors;
mod front;
mod patient;
pub(crate) mod tls;

pub(crate) use calls::{CallHandle, Kept, Kind as CallKind};
pub(crate) use doors::Sockets;
pub(crate) use front::Front;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Limits;
use crate::limits;
use connection::Life;
use doors::Doors;
use patient::Patient;

/// What the listeners of one process share.
pub(crate) struct Serving {
    limits: Limits,
    doors: Doors,
    builder: Builder<TokioExecutor>,
    tls: Option<TlsAcceptor>,
    /// Ends what is still open when the drain has lasted long enough.
    cut: CancellationToken,
}

impl Serving {
    /// Listeners with these limits, and with TLS if there is a certificate; their connections are counted.
    pub(crate) fn new(limits: &Limits, tls: Option<TlsAcceptor>, sockets: Sockets) -> Self {
        Self {
            doors: Doors::new(limits, sockets),
            builder: builder(limits),
            tls,
            cut: CancellationToken::new(),
            limits: limits.clone(),
        }
    }

    /// Serves `front` on `listener` until `stopping` says so, then drains with a hard deadline.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, front: Front, stopping: watch::Receiver<bool>) {
        let connections = TaskTracker::new();
        let mut told = stopping.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                // An error says that the sender is gone, and so is the process.
                _ = told.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Some(ticket) = self.doors.open(peer.ip()) else {
                        tracing::debug!(%peer, "one connection too many");
                        continue;
                    };
                    let (serving, front, stopping) = (Arc::clone(&self), front.clone(), stopping.clone());
                    connections.spawn(async move {
                        serving.connection(stream, peer, front, stopping).await;
                        drop(ticket);
                    });
                }
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to come free instead of spinning.
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(self.limits.drain_time, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "connections cut after the drain deadline");
            self.cut.cancel();
            connections.wait().await;
        }
    }

    async fn connection(&self, stream: TcpStream, peer: SocketAddr, front: Front, stopping: watch::Receiver<bool>) {
        if let Err(error) = prepare(&stream) {
            tracing::debug!(%error, "connection closed before it began");
            return;
        }
        let stream = Patient::new(stream, self.limits.write_time);
        let life = Life::new(&self.limits, stopping, self.cut.clone());
        let Some(acceptor) = &self.tls else {
            return life.run(&self.builder, TokioIo::new(stream), peer, front).await;
        };
        let shaken = tokio::select! {
            shaken = tokio::time::timeout(self.limits.handshake_time, acceptor.accept(stream)) => shaken,
            () = self.cut.cancelled() => return,
        };
        match shaken {
            Ok(Ok(stream)) => life.run(&self.builder, TokioIo::new(stream), peer, front).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "no TLS handshake"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }
}

/// Binds a listening socket; a port that is taken is told by the error.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
    }?;
    // A restart must not wait for the connections of the process before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(limits::BACKLOG)
}

/// Small answers leave at once, and a peer whose machine has gone is noticed.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(limits::TCP_KEEP_ALIVE).with_interval(limits::TCP_KEEP_ALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_headers(limits.max_headers)
        .max_buf_size(limits.max_header_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(limits::KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(limits.max_streams_per_connection)
        .max_pending_accept_reset_streams(limits::MAX_PENDING_RESETS)
        .max_local_error_reset_streams(limits::MAX_ERROR_RESETS)
        .initial_stream_window_size(limits::STREAM_WINDOW)
        .initial_connection_window_size(limits::CONNECTION_WINDOW)
        .max_send_buf_size(limits::MAX_SEND_BUFFER)
        .max_header_list_size(u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX));
    builder
}

/// As many file descriptors as the system grants, for one is a connection. Says what it comes to if that is
/// less than the configuration wants.
pub(crate) fn raise_file_limit(limits: &Limits) {
    let wanted = u64::try_from(limits.max_connections).unwrap_or(u64::MAX).saturating_add(limits::OTHER_FILES);
    match rlimit::increase_nofile_limit(wanted) {
        Ok(granted) if granted < wanted => {
            tracing::warn!(granted, wanted, "fewer file descriptors than limits.max_connections needs");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the limit of file descriptors can't be raised"),
    }
}

/// Resolves when the process is told to stop.
pub(crate) async fn told(mut stopping: watch::Receiver<bool>) {
    // The sender is dropped only when the process ends anyway.
    let _ended = stopping.wait_for(|stop| *stop).await.is_err();
}
