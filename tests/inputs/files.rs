//! Files and what signs: tables of an import, the bytes of attachments, experts' signatures, access tokens.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::FutureExt;
use prost_reflect::MessageDescriptor;
use recourse_domain::attachments::{Bounds, ContentType, Hash, Received, examine, without_metadata};
use recourse_domain::catalog::RegisteredCertificates;
use recourse_proto::gateway::JsonBody;
use recourse_proto::gateway::readers::csv_rows;
use recourse_proto::{Lang, v1};
use recourse_repository::KeyTimes;
use recourse_service::identity::tokens::{StoredKey, TokenKeys};
use recourse_service::{TrustAnchors, check_expert_signature};
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::fuzz::corpus;
use super::targets::{Outcome, outcome, sound};

/// Longest row of a table; no mutated input is longer.
const MOST_ROW_BYTES: usize = 8192;
/// Tables up to this length are read a second time, a byte at a time.
const CUT_UP_TO: usize = 120;
const BOUNDS: Bounds = Bounds { bytes: 1 << 26, pixels: 100_000_000 };

/// What tables are made of.
pub const TABLE_WORDS: &[&str] = &[
    ",",
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    "name",
    "displayName",
    "safety",
    "models",
    "claimPrices",
    "[0]",
    "[99]",
    ".price",
    ".currencyCode",
    ".validFrom",
    "quantityPerVehicle",
    "createTime",
    "'=",
    "{}",
    "[1]",
    "2026-01-31",
    "-12.5",
    "CNY",
];

/// A table of parts, as it is imported.
pub fn table(row: &MessageDescriptor, input: &[u8]) -> Outcome {
    let read = |pieces: Vec<Bytes>| {
        csv_rows(pieces, row, MOST_ROW_BYTES).now_or_never().expect("all pieces are there, so that nothing waits")
    };
    let whole = read(vec![Bytes::copy_from_slice(input)]);
    if input.len() <= CUT_UP_TO {
        // The network cuts a file anywhere.
        let cut = read(input.chunks(1).map(Bytes::copy_from_slice).collect());
        let told = |rows: &Result<Vec<Bytes>, Status>| rows.clone().map_err(|status| status.message().to_owned());
        assert_eq!(told(&cut), told(&whole), "the pieces of a file tell the same");
    }
    match whole {
        Ok(rows) => {
            let parts: Vec<_> = rows.iter().map(|row| part(row)).collect();
            outcome(parts.iter().any(Result::is_ok), parts)
        }
        Err(status) => outcome(false, refused(&status)),
    }
}

/// A row as a part: what is said of it, or why it is none.
fn part(row: &[u8]) -> Result<Vec<String>, Vec<String>> {
    assert!(serde_json::from_slice::<Value>(row).is_ok_and(|row| row.is_object()), "a row is an object");
    let part = JsonBody::new(row, Lang::En).read_field::<v1::ImportPartsRequest, v1::Part>("part");
    part.map(|part| sound(&v1::ImportPartsRequest { part: Some(part), ..Default::default() }))
        .map_err(|status| refused(&status))
}

/// The kind of a refusal.
pub(super) fn refused(status: &Status) -> Vec<String> {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = recourse_proto::status::Details::of(status);
    let fields =
        details.violations.iter().map(|violation| format!("{} {}", violation.reason, violation.field.len().min(40)));
    fields.take(3).chain([details.reason.clone()]).collect()
}

/// What begins and divides pictures and films.
pub const CONTENT_WORDS: &[&str] = &[
    "JFIF\0", "Exif\0\0", "II*\0", "MM\0*", "IHDR", "IDAT", "IEND", "RIFF", "WEBP", "VP8X", "VP8L", "VP8 ", "EXIF",
    "ftyp", "heic", "mif1", "isom", "meta", "ispe", "iprp", "ipco", "%PDF-", "<gpx", "<?xml", "MZ", "#!", "{",
    "\u{feff}",
];

/// The bytes of an attachment. The first says what its sender calls the others.
pub fn content(input: &[u8]) -> Outcome {
    let Some((choice, head)) = input.split_first() else { return outcome(false, ()) };
    let declared = ContentType::ALL.get(usize::from(*choice) % (ContentType::ALL.len() + 1)).copied();
    let received = |head| Received { head, size: head.len() as u64, hash: Hash::of_digest(&[7; 32]) };
    // Copies are made of bytes that were taken long ago: whatever they are, the maker of copies must bear them.
    for kind in [ContentType::Jpeg, ContentType::Png, ContentType::Webp] {
        if let Some(copy) = without_metadata(kind, head) {
            assert_eq!(without_metadata(kind, &copy).as_ref(), Some(&copy), "nothing more to leave out");
        }
    }
    match examine(&received(head), declared, BOUNDS) {
        Ok(found) => {
            assert!(declared.is_none_or(|declared| declared == found.content_type), "what it is, is what was said");
            let pixels = found.width.zip(found.height).map(|(width, height)| u64::from(width) * u64::from(height));
            assert!(pixels.is_none_or(|pixels| (1..=BOUNDS.pixels).contains(&pixels)), "{pixels:?}");
            outcome(true, (found.content_type.media_type(), pixels.map(u64::ilog2)))
        }
        Err(fault) => {
            let text = fault.text();
            assert!(!text.en.is_empty() && !text.zh_cn.is_empty(), "a fault has words");
            outcome(false, fault.rule())
        }
    }
}

/// Those who certify the experts of the corpus.
pub fn authority() -> TrustAnchors {
    TrustAnchors::from_pem(include_bytes!("authority.pem")).expect("an authority")
}

/// An expert's signature: its text, or a certificate that is put into one. Nobody signed anything here.
pub fn signature(anchors: &TrustAnchors, at: DateTime<Utc>, input: &[u8]) -> Outcome {
    let jws = if input.starts_with(b"ey") {
        String::from_utf8_lossy(input).into_owned()
    } else {
        let header = json!({"alg": "ES256", "x5c": [STANDARD.encode(input), STANDARD.encode(input)]});
        format!("{}..{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode([1; 64]))
    };
    let registered = RegisteredCertificates { subject: "C=CN, O=Institute, CN=Expert".to_owned(), sha256: Vec::new() };
    let check = check_expert_signature(&jws, "a conclusion", at, anchors, &registered);
    assert!(check.signature.fault().is_some(), "nobody signed this");
    let faults: Vec<Option<&String>> = check.outcomes().iter().map(|outcome| outcome.fault()).collect();
    assert!(faults.iter().flatten().all(|fault| !fault.is_empty()), "a fault has words");
    let words = |fault: &String| fault.chars().filter(char::is_ascii_alphabetic).take(40).collect::<String>();
    let kind: Vec<Option<String>> = faults.iter().map(|fault| fault.map(words)).collect();
    outcome(check.certificate.fault().is_none(), kind)
}

/// The instant of the tokens of the corpus.
fn instant_of_tokens() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).expect("an instant")
}

/// The key that signed the tokens of the corpus, and nothing else anywhere.
pub fn token_keys() -> TokenKeys {
    let times = KeyTimes { kid: "k1".to_owned(), activate_time: instant_of_tokens(), verify_until: None };
    let key = StoredKey { times, pkcs8: include_bytes!("token_key.p8").to_vec() };
    TokenKeys::new("https://recourse.test".to_owned(), "recourse".to_owned(), &[key]).expect("a key")
}

/// An access token: what is taken is what was signed, to the letter.
pub fn access_token(keys: &TokenKeys, known: &[Vec<u8>], input: &[u8]) -> Outcome {
    match keys.verify(&String::from_utf8_lossy(input), instant_of_tokens()) {
        Ok(claims) => {
            assert!(known.iter().any(|token| token == input), "a token that nobody signed is taken");
            outcome(true, claims.sid.is_some())
        }
        Err(fault) => outcome(false, fault.to_string()),
    }
}

/// The tokens of the corpus.
pub fn known_tokens() -> Vec<Vec<u8>> {
    corpus("access_token")
}
