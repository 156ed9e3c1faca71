//! `recourse health`: asks a running server whether it is well, for container images that hold nothing else.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Empty;
use hyper_util::rt::TokioIo;

use crate::{StartError, limits};

/// Asks `url` with GET; anything but 200 is a failure.
pub(crate) async fn probe(url: &str) -> Result<(), StartError> {
    let asked = tokio::time::timeout(limits::HEALTH_PROBE, ask(url)).await;
    let status = asked.unwrap_or_else(|_| Err("no answer in time".to_owned()));
    match status {
        Ok(StatusCode::OK) => Ok(()),
        Ok(status) => Err(StartError::new(url, status)),
        Err(error) => Err(StartError::new(url, error)),
    }
}

async fn ask(url: &str) -> Result<StatusCode, String> {
    let uri: Uri = url.parse().map_err(|_| "no address".to_owned())?;
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(
            "an address that begins with http:// is needed (the port of the metrics answers in clear)".to_owned()
        );
    };
    let place = (authority.host().trim_matches(['[', ']']), authority.port_u16().unwrap_or(80));
    let stream = tokio::net::TcpStream::connect(place).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // The connection ends with this process; what it says then is of no use.
    tokio::spawn(async move { drop(connection.await) });
    let request = Request::get(uri.path_and_query().map_or("/", |path| path.as_str()))
        .header(header::HOST, authority.as_str())
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    Ok(response.status())
}
