//! Attachments: bytes that come in pieces and come back whole, to those who may have them.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use recourse_proto::v1;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::harness::client::Client;
use crate::harness::grpc::Grpc;
use crate::harness::openapi;
use crate::harness::wire::Wire;
use crate::harness::world::World;
use crate::on_both_databases;

/// An id that a phone chose.
const ID: &str = "0199a000-0000-7000-8000-0000000000a1";

/// A PNG of a size, with bytes behind its header that no two numbers share.
pub fn png(width: u32, height: u32, number: u8, length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x02\0\0\0");
    let mut state = u32::from(number) + 1;
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What came over HTTP, body and all.
pub struct Raw {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The refusal, which is a documented one.
    #[track_caller]
    pub fn refused(&self, verb: &str, path: &str, status: u16, reason: &str) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        assert_eq!((self.status, body["reason"].as_str()), (status, Some(reason)), "{body:#}");
        openapi::check(verb, path, self.status, self.header("content-type"), &body);
        body
    }
}

/// A call in raw bytes.
pub async fn raw(caller: &Client, base: &str, verb: &str, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Raw {
    let verb = reqwest::Method::from_bytes(verb.as_bytes()).unwrap();
    let mut request = reqwest::Client::new().request(verb, format!("{base}{path}")).body(body);
    if let Some(token) = caller.token() {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Raw { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// A piece of an upload.
pub async fn piece(caller: &Client, base: &str, id: &str, offset: usize, bytes: &[u8], more: &[(&str, &str)]) -> Raw {
    let offset = offset.to_string();
    let mut headers = vec![
        ("tus-resumable", "1.0.0"),
        ("content-type", "application/offset+octet-stream"),
        ("upload-offset", &offset),
    ];
    headers.extend(more);
    raw(caller, base, "PATCH", &format!("/v1/uploads/{id}"), &headers, bytes.to_vec()).await
}

/// How far an upload is.
pub async fn offset(caller: &Client, base: &str, id: &str) -> usize {
    let told = raw(caller, base, "HEAD", &format!("/v1/uploads/{id}"), &[("tus-resumable", "1.0.0")], Vec::new()).await;
    assert_eq!(told.status, 200);
    told.header("upload-offset").parse().unwrap()
}

/// Creates an attachment and sends all of its bytes; answers its name.
pub async fn sent(caller: &Client, base: &str, attachment: Value, bytes: &[u8]) -> String {
    let mut attachment = attachment;
    attachment["sizeBytes"] = json!(bytes.len().to_string());
    let created = caller.post("/v1/attachments", attachment).await.ok();
    let name = created["name"].as_str().unwrap().to_owned();
    let put = piece(caller, base, name.trim_start_matches("attachments/"), 0, bytes, &[]).await;
    assert_eq!(put.status, 204, "{}", String::from_utf8_lossy(&put.body));
    name
}

/// Creates a PNG whose bytes are yet to come.
async fn awaited(caller: &Client, bytes: &[u8], more: Value) -> String {
    let mut attachment = json!({"category": "PHOTO", "sizeBytes": bytes.len().to_string()});
    for (key, value) in more.as_object().unwrap() {
        attachment[key] = value.clone();
    }
    let created = caller.post("/v1/attachments", attachment).await.ok();
    created["name"].as_str().unwrap().trim_start_matches("attachments/").to_owned()
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect::<Vec<_>>().join(",")
}

on_both_databases! {
    async fn a_photo_taken_offline_comes_in_pieces_and_goes_back_whole(server) {
        let world = World::load(&server).await;
        let (base, bytes) = (server.base.as_str(), png(640, 480, 1, 3_000_000));
        let photo = json!({
            "category": "PHOTO", "fileName": "../泵 1.png", "declaredContentType": "image/png", "sizeBytes": bytes.len().to_string(),
            "sha256": sha256(&bytes), "takenTime": "2026-11-16T08:30:00Z", "place": {"latitude": 32.0603, "longitude": 118.7969},
        });
        let created = world.station.post(&format!("/v1/attachments?attachmentId={ID}"), photo.clone()).await.ok();
        assert_eq!((&created["state"], &created["uploadPath"]), (&json!("AWAITING"), &json!(format!("/v1/uploads/{ID}"))));
        assert_eq!((&created["fileName"], &created["station"]), (&json!("泵 1.png"), &json!("stations/S-001")));
        assert_eq!(created["place"], json!({"latitude": 32.0603, "longitude": 118.7969}));
        world.station.post(&format!("/v1/attachments?attachmentId={ID}"), photo).await.refused(409, "RESOURCE_ALREADY_EXISTS");

        let half = piece(&world.station, base, ID, 0, &bytes[..1_500_000], &[]).await;
        assert_eq!((half.status, half.header("upload-offset")), (204, "1500000"));
        assert!(half.header("upload-expires").ends_with("GMT"));
        assert_eq!(offset(&world.station, base, ID).await, 1_500_000);
        let path = format!("/v1/attachments/{ID}");
        assert_eq!(world.station.get(&path).await.ok()["uploadedBytes"], "1500000");
        world.station.get(&format!("{path}:download")).await.refused(400, "STATE_CONFLICT");
        let again = piece(&world.station, base, ID, 0, &bytes[..1_500_000], &[]).await;
        let told = again.refused("PATCH", &format!("/v1/uploads/{ID}"), 409, "UPLOAD_OFFSET_CONFLICT");
        assert_eq!(told["metadata"]["offset"], "1500000");
        let rest = piece(&world.station, base, ID, 1_500_000, &bytes[1_500_000..], &[]).await;
        assert_eq!((rest.status, rest.header("upload-offset")), (204, "3000000"));
        assert_eq!(offset(&world.station, base, ID).await, bytes.len());

        let complete = world.auditor.get(&path).await.ok();
        assert_eq!((&complete["state"], &complete["contentType"]), (&json!("COMPLETE"), &json!("image/png")));
        assert_eq!((&complete["width"], &complete["height"]), (&json!(640), &json!(480)));
        assert_eq!(complete["sha256"], json!(sha256(&bytes)));
        let file = raw(&world.auditor, base, "GET", &format!("{path}:download"), &[], Vec::new()).await;
        assert!(file.status == 200 && file.body == bytes);
        assert_eq!(file.header("content-type"), "image/png");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"_ 1.png\"; filename*=UTF-8''%E6%B3%B5%201.png");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert!(file.header("content-security-policy").ends_with("sandbox"));
        let etag = format!("\"{}\"", sha256(&bytes));
        assert_eq!((file.header("etag"), file.header("content-length")), (etag.as_str(), "3000000"));
        // A piece that spans two of the server's own.
        let range = raw(&world.auditor, base, "GET", &format!("{path}:download"), &[("range", "bytes=1048570-1048585")], Vec::new()).await;
        assert_eq!((range.status, range.header("content-range")), (206, "bytes 1048570-1048585/3000000"));
        assert_eq!(range.body, bytes[1_048_570..1_048_586]);
        let beyond = raw(&world.auditor, base, "GET", &format!("{path}:download"), &[("range", "bytes=3000000-")], Vec::new()).await;
        assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */3000000"));
        let same = raw(&world.auditor, base, "GET", &format!("{path}:download"), &[("if-none-match", etag.as_str())], Vec::new()).await;
        assert_eq!((same.status, same.body.len()), (304, 0));
        let head = raw(&world.auditor, base, "HEAD", &format!("{path}:download"), &[], Vec::new()).await;
        assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "3000000", 0));
        let events = world.auditor.get(&format!("/v1/events?resource=attachments/{ID}")).await.ok();
        let verbs: Vec<&str> = events["events"].as_array().unwrap().iter().map(|event| event["verb"].as_str().unwrap()).collect();
        assert_eq!(verbs, ["create", "complete"]);
    }

    async fn tus_alone_suffices(server) {
        let world = World::load(&server).await;
        let (base, text) = (server.base.as_str(), "code,text\nP0230,fuel pump\n");
        let offer = raw(&world.anonymous, base, "OPTIONS", "/v1/uploads", &[], Vec::new()).await;
        assert_eq!((offer.status, offer.header("tus-version")), (204, "1.0.0"));
        assert_eq!(offer.header("tus-extension"), "creation,expiration,checksum,termination");
        let said = metadata(&[("filename", "faults.csv"), ("filetype", "text/csv"), ("category", "FAULT_MEMORY")]);
        let length = text.len().to_string();
        let headers = [("tus-resumable", "1.0.0"), ("upload-length", length.as_str()), ("upload-metadata", said.as_str())];
        let created = raw(&world.technician, base, "POST", "/v1/uploads", &headers, Vec::new()).await;
        assert_eq!(created.status, 201, "{}", String::from_utf8_lossy(&created.body));
        let id = created.header("location").strip_prefix("/v1/uploads/").unwrap().to_owned();
        let wrong = format!("sha256 {}", STANDARD.encode(Sha256::digest(b"other")));
        let refused = piece(&world.technician, base, &id, 0, text.as_bytes(), &[("upload-checksum", wrong.as_str())]).await;
        refused.refused("PATCH", &format!("/v1/uploads/{id}"), 460, "CHECKSUM_MISMATCH");
        assert_eq!(offset(&world.technician, base, &id).await, 0);
        let right = format!("sha256 {}", STANDARD.encode(Sha256::digest(&text.as_bytes()[..10])));
        assert_eq!(piece(&world.technician, base, &id, 0, &text.as_bytes()[..10], &[("upload-checksum", right.as_str())]).await.status, 204);
        // SHA-1 is what every server of tus knows: of ",text" and so on, computed by another program.
        let odd = piece(&world.technician, base, &id, 10, b"", &[("upload-checksum", "md5 AAAA")]).await;
        odd.refused("PATCH", &format!("/v1/uploads/{id}"), 400, "INVALID_FIELDS");
        let empty = piece(&world.technician, base, &id, 10, b"", &[("upload-checksum", "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=")]).await;
        assert_eq!((empty.status, empty.header("upload-offset")), (204, "10"));
        assert_eq!(piece(&world.technician, base, &id, 10, &text.as_bytes()[10..], &[]).await.status, 204);
        let complete = world.station.get(&format!("/v1/attachments/{id}")).await.ok();
        assert_eq!((&complete["contentType"], &complete["category"]), (&json!("text/csv"), &json!("FAULT_MEMORY")));
        for headers in [&[][..], &[("tus-resumable", "0.2.1")]] {
            let other = raw(&world.technician, base, "HEAD", &format!("/v1/uploads/{id}"), headers, Vec::new()).await;
            assert_eq!((other.status, other.header("tus-version")), (412, "1.0.0"));
        }
        let unsigned = piece(&world.anonymous, base, &id, 0, b"x", &[]).await;
        unsigned.refused("PATCH", &format!("/v1/uploads/{id}"), 401, "TOKEN_INVALID");
        let headers = [("tus-resumable", "1.0.0"), ("upload-offset", "0"), ("content-type", "image/png")];
        let other = raw(&world.technician, base, "PATCH", &format!("/v1/uploads/{id}"), &headers, Vec::new()).await;
        other.refused("PATCH", &format!("/v1/uploads/{id}"), 415, "UNSUPPORTED_MEDIA_TYPE");
    }

    async fn what_came_before_the_line_broke_is_kept(server) {
        let world = World::load(&server).await;
        let (base, bytes) = (server.base.as_str(), png(64, 64, 2, 3_000_000));
        let id = awaited(&world.station, &bytes, json!({})).await;
        let head = format!(
            "PATCH /v1/uploads/{id} HTTP/1.1\r\nhost: recourse\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\n\
             content-type: application/offset+octet-stream\r\nupload-offset: 0\r\ncontent-length: {}\r\n\r\n",
            world.station.token().unwrap(),
            bytes.len()
        );
        let mut line = Wire::connect(base).await;
        line.send(&head).await.unwrap();
        line.send_bytes(&bytes[..2_000_000]).await.unwrap();
        let mut seen = 0;
        while seen < 1_000_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            seen = offset(&world.station, base, &id).await;
        }
        // While one sends, another is turned away.
        let other = piece(&world.station, base, &id, seen, &bytes[seen..], &[]).await;
        let told = other.refused("PATCH", &format!("/v1/uploads/{id}"), 409, "UPLOAD_OFFSET_CONFLICT");
        assert_eq!(told["metadata"]["busy"], "true");
        drop(line);
        let mut done = 409;
        for _ in 0..200 {
            let from = offset(&world.station, base, &id).await;
            assert!(from <= 2_000_000);
            let rest = piece(&world.station, base, &id, from, &bytes[from..], &[]).await;
            done = rest.status;
            if done == 204 {
                // All of what had come was kept, not only whole pieces of the server's own.
                assert_eq!(from, 2_000_000);
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(done, 204);
        let file = raw(&world.station, base, "GET", &format!("/v1/attachments/{id}:download"), &[], Vec::new()).await;
        assert!(file.body == bytes);
    }

    async fn bytes_that_are_not_what_they_should_be_are_not_kept(server) {
        let world = World::load(&server).await;
        let (base, photo) = (server.base.as_str(), png(64, 64, 3, 2_000));
        let program = [&b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"[..], &[0; 2_000]].concat();
        let zeros = "0".repeat(64);
        let bomb = png(60_000, 60_000, 4, 2_000);
        for (bytes, declared, hash, rule) in [
            (&program, "image/jpeg", "", "EXECUTABLE"),
            (&bomb, "image/png", "", "TOO_MANY_PIXELS"),
            (&photo, "image/jpeg", "", "TYPE_MISMATCH"),
            (&photo, "", zeros.as_str(), "WRONG_HASH"),
        ] {
            let more = json!({"declaredContentType": declared, "sha256": hash, "fileName": "photo.jpg"});
            let id = awaited(&world.station, bytes, more).await;
            let refused = piece(&world.station, base, &id, 0, bytes, &[]).await;
            let told = refused.refused("PATCH", &format!("/v1/uploads/{id}"), 400, "CONTENT_REFUSED");
            assert_eq!(told["metadata"]["rule"], rule);
            let after = world.station.get(&format!("/v1/attachments/{id}")).await.ok();
            assert_eq!((&after["state"], &after["uploadedBytes"]), (&json!("AWAITING"), &Value::Null), "{rule}");
            world.station.get(&format!("/v1/attachments/{id}:download")).await.refused(400, "STATE_CONFLICT");
        }
        // The right bytes may follow the wrong ones.
        let id = awaited(&world.station, &photo, json!({"sha256": sha256(&photo)})).await;
        let mut garbled = photo.clone();
        garbled[1_000] ^= 1;
        assert_eq!(piece(&world.station, base, &id, 0, &garbled, &[]).await.status, 400);
        assert_eq!(piece(&world.station, base, &id, 0, &photo, &[]).await.status, 204);
        let id = awaited(&world.station, &photo, json!({})).await;
        let more = piece(&world.station, base, &id, 0, &[&photo[..], b"x"].concat(), &[]).await;
        more.refused("PATCH", &format!("/v1/uploads/{id}"), 413, "BODY_TOO_LARGE");
        for (attachment, field) in [
            (json!({"category": "PHOTO", "sizeBytes": "0"}), "size_bytes"),
            (json!({"category": "PHOTO", "sizeBytes": "1000000000000"}), "attachment.size_bytes"),
            (json!({"sizeBytes": "10"}), "category"),
            (json!({"category": "PHOTO", "sizeBytes": "10", "declaredContentType": "text/html"}), "attachment.declared_content_type"),
            (json!({"category": "PHOTO", "sizeBytes": "10", "claim": "claims/0199a000-0000-7000-8000-000000000099"}), "attachment.claim"),
            (json!({"category": "PHOTO", "sizeBytes": "10", "station": "stations/S-002"}), "attachment.station"),
            (json!({"category": "PHOTO", "sizeBytes": "10", "replaces": "attachments/1"}), "attachment.replaces"),
        ] {
            let refused = world.station.post("/v1/attachments", attachment.clone()).await.refused(400, "INVALID_FIELDS");
            let named = refused["violations"][0]["field"].as_str().unwrap();
            assert!(named.ends_with(field), "{attachment}: {named}");
        }
    }

    async fn an_attachment_is_of_its_station_and_hides_from_others(server) {
        let world = World::load(&server).await;
        let (base, photo) = (server.base.as_str(), png(64, 64, 5, 2_000));
        let more = json!({"category": "PHOTO", "fileName": "li-ming.png", "place": {"latitude": 1.5, "longitude": 2.5}});
        let name = sent(&world.station, base, more, &photo).await;
        let id = name.trim_start_matches("attachments/").to_owned();
        let (path, upload) = (format!("/v1/{name}"), format!("/v1/uploads/{id}"));
        for caller in [&world.other_station, &world.technician] {
            caller.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
            caller.get(&format!("{path}:download")).await.refused(404, "RESOURCE_NOT_FOUND");
            caller.post(&format!("{path}:link"), json!({})).await.refused(404, "RESOURCE_NOT_FOUND");
            piece(caller, base, &id, 0, b"x", &[]).await.refused("PATCH", &upload, 404, "RESOURCE_NOT_FOUND");
            let tus = [("tus-resumable", "1.0.0")];
            raw(caller, base, "DELETE", &upload, &tus, Vec::new()).await.refused("DELETE", &upload, 404, "RESOURCE_NOT_FOUND");
            assert_eq!(raw(caller, base, "HEAD", &upload, &tus, Vec::new()).await.status, 404);
            assert_eq!(caller.get("/v1/attachments").await.ok(), json!({}));
        }
        for caller in [&world.supplier, &world.appraiser] {
            caller.get(&path).await.refused(404, "RESOURCE_NOT_FOUND");
            caller.get(&format!("{path}:download")).await.refused(404, "RESOURCE_NOT_FOUND");
            piece(caller, base, &id, 0, b"x", &[]).await.refused("PATCH", &upload, 404, "RESOURCE_NOT_FOUND");
        }
        for (caller, reason) in
            [(&world.auditor, "NOT_PERMITTED"), (&world.finance, "NOT_PERMITTED"), (&world.admin, "ROLE_NOT_ALLOWED")]
        {
            assert_eq!(raw(caller, base, "GET", &format!("{path}:download"), &[], Vec::new()).await.body, photo);
            piece(caller, base, &id, 0, b"x", &[]).await.refused("PATCH", &upload, 403, reason);
        }
        // The administrator keeps the system, not people's names and whereabouts.
        let seen = world.admin.get(&path).await.ok();
        assert!(seen["fileName"].is_null() && seen["place"].is_null() && !seen["sha256"].is_null(), "{seen:#}");
        let file = raw(&world.admin, base, "GET", &format!("{path}:download"), &[], Vec::new()).await;
        assert_eq!(file.header("content-disposition"), "attachment");
        // A technician reads their own, and what proves a claim of theirs.
        let own = sent(&world.technician, base, json!({"category": "PHOTO"}), &png(64, 64, 6, 500)).await;
        world.technician.get(&format!("/v1/{own}")).await.ok();
        let listed = world.technician.get("/v1/attachments?filter=state%3D%22COMPLETE%22").await.ok();
        assert_eq!(listed["attachments"].as_array().unwrap().len(), 1);
        let draft = world.technician.post("/v1/claims", json!({"kind": "WARRANTY_REPAIR"})).await.ok();
        let claim = draft["name"].as_str().unwrap();
        let linked = world.station.post(&format!("{path}:link"), json!({"claim": claim})).await.ok();
        assert_eq!(linked["claim"], claim);
        world.technician.get(&path).await.ok();
        let of_claim = world.station.get(&format!("/v1/attachments?filter=claim%3D%22{claim}%22")).await.ok();
        assert_eq!(of_claim["attachments"].as_array().unwrap().len(), 1);
        world.other_station.post(&format!("{path}:link"), json!({"claim": claim})).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn a_better_file_takes_the_place_and_the_other_stays(server) {
        let world = World::load(&server).await;
        let base = server.base.as_str();
        let first = sent(&world.station, base, json!({"category": "INVOICE"}), b"an invoice").await;
        let second = sent(&world.station, base, json!({"category": "INVOICE", "replaces": first}), b"a better invoice").await;
        assert_eq!(world.station.get(&format!("/v1/{first}")).await.ok()["replacedBy"], second);
        let old = raw(&world.station, base, "GET", &format!("/v1/{first}:download"), &[], Vec::new()).await;
        assert_eq!((old.body.as_slice(), old.header("content-type")), (&b"an invoice"[..], "text/plain"));
        let third = json!({"category": "INVOICE", "replaces": first, "sizeBytes": "3"});
        world.station.post("/v1/attachments", third).await.refused(400, "STATE_CONFLICT");
    }

    async fn an_upload_that_nobody_goes_on_with_ends(server) {
        let world = World::load(&server).await;
        let (base, photo) = (server.base.as_str(), png(64, 64, 7, 2_000));
        let (given_up, forgotten) = (awaited(&world.station, &photo, json!({})).await, awaited(&world.station, &photo, json!({})).await);
        for id in [&given_up, &forgotten] {
            assert_eq!(piece(&world.station, base, id, 0, &photo[..1_000], &[]).await.status, 204);
        }
        let path = format!("/v1/uploads/{given_up}");
        let ended = raw(&world.station, base, "DELETE", &path, &[("tus-resumable", "1.0.0")], Vec::new()).await;
        assert_eq!(ended.status, 204);
        assert_eq!(world.station.get(&format!("/v1/attachments/{given_up}")).await.ok()["state"], "ABANDONED");
        piece(&world.station, base, &given_up, 1_000, &photo[1_000..], &[]).await.refused("PATCH", &path, 400, "STATE_CONFLICT");
        assert_eq!(server.running.api.end_uploads().await.unwrap(), 0);
        server.clock.set(crate::harness::anchor() + chrono::TimeDelta::days(8));
        // The job of the server itself may have been faster.
        server.running.api.end_uploads().await.unwrap();
        assert_eq!(world.station.get(&format!("/v1/attachments/{forgotten}")).await.ok()["state"], "ABANDONED");
    }

    async fn a_station_can_not_ask_for_all_the_room_there_is(server) {
        let server = server.another(|config| {
            config.attachments.max_bytes = 1_000;
            config.attachments.max_unfinished_bytes = 2_500;
        })
        .await;
        let world = World::load(&server).await;
        let text = [b'a'; 1_000];
        let first = awaited(&world.station, &text, json!({})).await;
        awaited(&world.station, &text, json!({})).await;
        let third = json!({"category": "OTHER", "sizeBytes": "1000"});
        world.station.post("/v1/attachments", third.clone()).await.refused(429, "TOO_MANY_REQUESTS");
        world.other_station.post("/v1/attachments", third.clone()).await.ok();
        assert_eq!(piece(&world.station, &server.base, &first, 0, &text, &[]).await.status, 204);
        world.station.post("/v1/attachments", third).await.ok();
    }

    async fn grpc_sends_and_fetches_streams(server) {
        let world = World::load(&server).await;
        let bytes = png(64, 64, 8, 1_500_000);
        let id = awaited(&world.station, &bytes, json!({})).await;
        let (name, line) = (format!("attachments/{id}"), Grpc::connect(&server).await);
        let station = line.with_token(world.station.token().unwrap());
        let message = |offset: usize, content: &[u8]| v1::UploadAttachmentRequest {
            name: if offset == 0 || offset == 1_000_000 { name.clone() } else { String::new() },
            offset: i64::try_from(offset).unwrap(),
            content: content.to_vec(),
        };
        let path = "/recourse.v1.AttachmentService/UploadAttachment";
        let half: v1::Attachment =
            station.call_all(path, &[message(0, &bytes[..400_000]), message(1, &bytes[400_000..1_000_000])]).await.ok();
        assert_eq!((half.uploaded_bytes, half.state()), (1_000_000, v1::attachment::State::Awaiting));
        let refused = station.call_all(path, &[message(0, &bytes[..10])]).await;
        refused.refused(Code::Aborted, "UPLOAD_OFFSET_CONFLICT");
        let whole: v1::Attachment = station.call_all(path, &[message(1_000_000, &bytes[1_000_000..])]).await.ok();
        assert_eq!((whole.state(), whole.sha256), (v1::attachment::State::Complete, sha256(&bytes)));
        let download = |offset| v1::DownloadAttachmentRequest { name: name.clone(), offset };
        let path = "/recourse.v1.AttachmentService/DownloadAttachment";
        let auditor = line.with_token(world.auditor.token().unwrap());
        let pieces: Vec<v1::DownloadAttachmentResponse> = auditor.call(path, &download(500_000)).await.all();
        assert_eq!(pieces[0].attachment.as_ref().unwrap().name, name);
        assert!(pieces.iter().flat_map(|piece| &piece.content).eq(&bytes[500_000..]));
        let other = line.with_token(world.other_station.token().unwrap());
        other.call(path, &download(0)).await.refused(Code::NotFound, "RESOURCE_NOT_FOUND");
    }
}
