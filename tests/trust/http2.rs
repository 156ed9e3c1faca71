//! HTTP/2 clients that keep to the frames, but not to good manners.

use std::time::Duration;

use crate::harness::wire::{Wire, get};
use crate::harness::{Backend, Server};

const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u8 = 11;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The kinds of the frames that came, each with its payload.
fn frames(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _flags, _, _, _, _, rest @ ..] = bytes {
        let length = usize::try_from(u32::from_be_bytes([0, *a, *b, *c])).unwrap();
        let Some((payload, next)) = rest.split_at_checked(length) else { break };
        frames.push((*kind, payload));
        bytes = next;
    }
    frames
}

/// "Rapid reset" (CVE-2023-44487): calls that are begun and taken back at once, so that they never count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_its_calls_back_is_sent_away() {
    let server = Server::start(Backend::Sqlite).await.expect("SQLite is always there");
    let mut wire = Wire::connect(&server.base).await;
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(4, 0, 0, &[]));
    // `:method GET`, `:scheme http`, `:path /`, `:authority x` in the words of HPACK.
    let head = [0x82, 0x86, 0x84, 0x41, 1, b'x'];
    for number in 0..2000 {
        sent.extend(frame(1, 0x5, 2 * number + 1, &head));
        sent.extend(frame(3, 0, 2 * number + 1, &8_u32.to_be_bytes()));
    }
    // The server may close before it has read everything.
    drop(wire.send_bytes(&sent).await);
    let came = tokio::time::timeout(Duration::from_secs(5), wire.rest()).await.expect("sent away");
    let goodbye = frames(&came).into_iter().find(|(kind, _)| *kind == GOAWAY);
    if let Some((_, payload)) = goodbye {
        assert_eq!(payload[7], ENHANCE_YOUR_CALM, "{payload:?}");
    }
    let mut normal = Wire::connect(&server.base).await;
    normal.send(&get("/v1/claims", &server.tokens["s001"])).await.unwrap();
    assert_eq!(normal.reply().await.expect("an answer").status, 200);
    server.running.stop().await;
}
