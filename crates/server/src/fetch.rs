//! Documents of outside issuers, read with care: whoever can make us ask an address must not reach what
//! stands behind our firewall.
//!
//! The name is resolved first and every address looked at; then exactly those addresses are connected to, so
//! that a name which resolves otherwise a moment later gains nothing. No redirect is followed, no proxy of the
//! environment used, and size and time are bounded.

use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::LazyLock;

use ipnet::IpNet;
use recourse_service::identity::outside::{Fetch, FetchFault};
use reqwest::{StatusCode, Url, redirect};

use crate::limits;

/// Networks of IPv4 that are nobody's on the internet: private, shared, loopback, link-local (where clouds
/// tell their secrets), documentation, benchmarks, multicast, reserved.
const SPECIAL_V4: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// Networks of IPv6 within the global unicast space that are special: tunnels that hide an address of IPv4,
/// documentation.
const SPECIAL_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

static SPECIAL: LazyLock<Vec<IpNet>> =
    LazyLock::new(|| SPECIAL_V4.iter().chain(&SPECIAL_V6).filter_map(|network| network.parse().ok()).collect());
static GLOBAL_V6: LazyLock<Option<IpNet>> = LazyLock::new(|| "2000::/3".parse().ok());

/// Reads documents of outside issuers.
pub(crate) struct SafeFetch {
    /// Networks that may be reached although they are special.
    allowed: Vec<IpNet>,
}

impl SafeFetch {
    /// With these networks allowed beside the public ones.
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.allowed.iter().any(|network| network.contains(&address))
    }

    /// The address to read, and where it may be connected to.
    async fn checked(&self, url: &str) -> Result<(Url, String, Vec<SocketAddr>), FetchFault> {
        let url = Url::parse(url).map_err(|_| FetchFault::Refused("no address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchFault::Refused("an address with a password"));
        }
        let host = url.host_str().ok_or(FetchFault::Refused("an address without a host"))?.to_owned();
        let port = url.port_or_known_default().ok_or(FetchFault::Refused("an address without a port"))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let looked_up = tokio::time::timeout(limits::FETCH_CONNECT, tokio::net::lookup_host((bare.as_str(), port)));
        let found: Vec<SocketAddr> = match looked_up.await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) | Err(_) => return Err(FetchFault::Unreachable("the name does not resolve".to_owned())),
        };
        // One bad address among good ones is enough: which one is used is not for the name's owner to say.
        if found.is_empty() || !found.iter().all(|socket| self.may_reach(socket.ip())) {
            return Err(FetchFault::Refused("an address that is not public"));
        }
        let loopback = found.iter().all(|socket| socket.ip().to_canonical().is_loopback());
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(FetchFault::Refused("not https"));
        }
        Ok((url, bare, found))
    }

    async fn read(&self, url: &str) -> Result<Vec<u8>, FetchFault> {
        let (url, host, addresses) = self.checked(url).await?;
        let unreachable = |error: reqwest::Error| FetchFault::Unreachable(causes(&error.without_url()));
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits::FETCH_CONNECT)
            .timeout(limits::FETCH_WHOLE)
            .resolve_to_addrs(&host, &addresses)
            .build()
            .map_err(unreachable)?;
        let mut response = client.get(url).header("accept", "application/json").send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchFault::Unfit("another status than 200"));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if document.len() + chunk.len() > limits::FETCH_BYTES {
                return Err(FetchFault::Unfit("larger than the limit"));
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document)
    }
}

impl Fetch for SafeFetch {
    fn get<'a>(&'a self, url: &'a str) -> Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchFault>> + Send + 'a>> {
        Box::pin(self.read(url))
    }
}

/// Whether an address is somebody's on the internet.
fn is_public(address: IpAddr) -> bool {
    let global = match address {
        IpAddr::V4(_) => true,
        IpAddr::V6(_) => GLOBAL_V6.is_some_and(|network| network.contains(&address)),
    };
    global && !SPECIAL.iter().any(|network| network.contains(&address))
}

/// An error with all that is behind it: what is at the front says "error sending request" of everything.
fn causes(error: &dyn std::error::Error) -> String {
    let behind = std::iter::successors(Some(error), |error| error.source());
    behind.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        assert_eq!(SPECIAL.len(), SPECIAL_V4.len() + SPECIAL_V6.len());
        let public = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"];
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::1",
        ];
        let may = |text: &str| SafeFetch::new(Vec::new()).may_reach(text.parse().expect("an address"));
        assert!(public.into_iter().all(may));
        for address in refused {
            assert!(!may(address), "{address}");
        }
    }

    #[tokio::test]
    async fn what_stands_in_the_way_is_told() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = closed.local_addr().expect("its address");
        drop(closed);
        let fetch = SafeFetch::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        let fault = fetch.read(&format!("http://{address}/keys")).await.expect_err("nobody listens");
        assert!(fault.to_string().contains("Connection refused"), "{fault}");
    }

    #[tokio::test]
    async fn an_address_is_refused_before_anything_is_sent() {
        let fetch = SafeFetch::new(Vec::new());
        let cases = [
            "no address",
            "ftp://8.8.8.8/x",
            "http://8.8.8.8/keys",
            "https://user:secret@8.8.8.8/keys",
            "https://127.0.0.1/keys",
            "https://2130706433/keys",
            "https://0x7f.1/keys",
            "https://[::1]/keys",
            "https://[::ffff:169.254.169.254]/keys",
            "https://169.254.169.254/latest/meta-data",
            "https://localhost/keys",
            "file:///etc/passwd",
        ];
        for url in cases {
            let refused = fetch.checked(url).await.map(|_| ());
            assert!(matches!(refused, Err(FetchFault::Refused(_) | FetchFault::Unreachable(_))), "{url}: {refused:?}");
        }
        let loopback = SafeFetch::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        assert!(loopback.checked("http://127.0.0.1:9/keys").await.is_ok());
        assert!(loopback.checked("http://10.0.0.1/keys").await.is_err());
        assert!(loopback.checked("http://8.8.8.8/keys").await.is_err(), "plain http is for loopback only");
    }
}
