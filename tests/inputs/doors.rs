//! The same inputs through the doors of a running server: what the readers let through reaches conversions, rules and
//! SQL of both databases. Whatever comes in is answered, and never as a fault.

use reqwest::{Client, RequestBuilder, StatusCode};

use super::fuzz::{asked_inputs, corpus};
use super::mutate::{Chance, mutated};
use crate::on_both_databases;

/// Inputs of each door in an ordinary run of the tests.
const QUICK_INPUTS: usize = 60;
/// So many inputs of a reader for one of a door.
const READS_A_CALL: usize = 1_000;

/// A door: the corpus that it takes, who knocks, and the request that carries an input.
type Door = (&'static str, &'static str, fn(&Client, &str, &[u8]) -> RequestBuilder);

const DOORS: [Door; 11] = [
    ("json_body", "s001", |http, base, input| {
        http.post(format!("{base}/v1/claims")).header("content-type", "application/json").body(input.to_vec())
    }),
    ("filter", "s001", |http, base, input| http.get(listing(base, "filter", input))),
    ("order_by", "s001", |http, base, input| http.get(listing(base, "orderBy", input))),
    ("page_token", "s001", |http, base, input| http.get(listing(base, "pageToken", input))),
    ("vin", "s001", |http, base, input| http.get(format!("{base}/v1/vehicles/{}", encoded(input)))),
    ("accept_language", "s001", |http, base, input| {
        http.get(format!("{base}/v1/claims/none")).header("accept-language", plain(input))
    }),
    ("table", "admin", |http, base, input| {
        let place = format!("{base}/v1/parts:import?importId=inputs");
        http.post(place).header("content-type", "text/csv").body(input.to_vec())
    }),
    ("address", "s001", |http, base, input| {
        // Streams don't end, and reading the whole of one is not what is asked here.
        let text = String::from_utf8(plain(input)).unwrap().replace("watch", "");
        let (_, target) = text.split_once(' ').unwrap_or(("", &text));
        let place = reqwest::Url::parse(&format!("{base}{target}")).ok();
        // What is no address can't be sent; neither can one that leads elsewhere.
        let place = place.filter(|place| place.as_str().starts_with(&format!("{base}/")));
        place.map_or_else(|| http.get(format!("{base}/")), |place| http.get(place))
    }),
    ("upload_metadata", "s001", |http, base, input| {
        let request = http.post(format!("{base}/v1/uploads")).header("tus-resumable", "1.0.0");
        request.header("upload-length", "10").header("upload-metadata", plain(input))
    }),
    ("cursor", "s001", |http, base, input| http.get(format!("{base}/v1/events:changes?cursor={}", encoded(input)))),
    ("form", "s001", |http, base, input| {
        let kind = "application/x-www-form-urlencoded";
        http.post(format!("{base}/oauth2/token")).header("content-type", kind).body(input.to_vec())
    }),
];

/// What a client can send as a header.
fn plain(input: &[u8]) -> Vec<u8> {
    input.iter().copied().filter(|byte| (0x20..0x7f).contains(byte)).collect()
}

/// Every byte in percent notation, so that also those travel that are no text.
fn encoded(input: &[u8]) -> String {
    input.iter().take(600).map(|byte| format!("%{byte:02X}")).collect()
}

fn listing(base: &str, parameter: &str, input: &[u8]) -> String {
    format!("{base}/v1/claims?pageSize=5&{parameter}={}", encoded(input))
}

on_both_databases! {
    async fn whatever_comes_in_is_answered_and_never_as_a_fault(server) {
        let inputs = asked_inputs().map_or(QUICK_INPUTS, |asked| QUICK_INPUTS.max(usize::try_from(asked).unwrap() / READS_A_CALL));
        let http = Client::new();
        for (name, caller, request) in DOORS {
            let known = corpus(name);
            let mut chance = Chance::new(1);
            let made: Vec<_> = (0..inputs).map(|_| mutated(&known, &[], &mut chance)).collect();
            for input in known.iter().chain(&made) {
                let sent = request(&http, &server.base, input).bearer_auth(&server.tokens[caller]).send().await.unwrap();
                let status = sent.status();
                let told = sent.text().await.unwrap();
                assert!(status < StatusCode::INTERNAL_SERVER_ERROR, "{name}: {status} {told} for {:?}", String::from_utf8_lossy(input));
            }
        }
    }
}
