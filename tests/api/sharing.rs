//! Attachments beyond the station: what appraisers and suppliers get of a claim's, what they keep themselves, how much
//! anybody keeps, and what can be erased.

use recourse_proto::v1;
use serde_json::{Value, json};
use tonic::Code;

use super::attachments::{png, raw, sent, sha256};
use crate::harness::grpc::Grpc;
use crate::harness::world::{World, pump_claim};
use crate::harness::{Backend, Server};
use crate::on_both_databases;

const SECRET: &[u8] = b"GPS 32.06N 118.79E, camera of Wang";

/// A JPEG of 16 × 16 that tells where and by whom it was taken, in four places.
fn photo(number: u8) -> Vec<u8> {
    let segment = |marker: u8, content: &[u8]| {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], content].concat()
    };
    [
        vec![0xFF, 0xD8],
        segment(0xE1, &[b"Exif\0\0II*\0\x08\0\0\0\0\0", SECRET].concat()),
        segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
        segment(0xFE, SECRET),
        segment(0xC0, &[8, 0, 16, 0, 16, 1, 1, 0x11, 0]),
        segment(0xDA, &[1, 1, 0, 0, 63, 0]),
        vec![number, 0x12, 0x34],
        vec![0xFF, 0xD9],
        SECRET.to_vec(),
    ]
    .concat()
}

fn tells(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET)
}

/// A claim in review with an appraisal ordered; its evidence was made for it and not named.
async fn appraised(world: &World, base: &str, files: &[(Value, Vec<u8>)]) -> (String, Vec<String>, String) {
    let claim = world.station.post("/v1/claims", pump_claim()).await.ok()["name"].as_str().unwrap().to_owned();
    let mut names = Vec::new();
    for (attachment, bytes) in files {
        let mut attachment = attachment.clone();
        attachment["claim"] = json!(claim);
        names.push(sent(&world.station, base, attachment, bytes).await);
    }
    world.station.post(&format!("/v1/{claim}:submit"), json!({})).await.ok();
    world.auditor.post(&format!("/v1/{claim}:startReview"), json!({})).await.ok();
    let order = json!({
        "claim": claim, "appraiser": "appraisers/A-01", "questions": ["why?"], "dueTime": "2026-12-10T00:00:00Z",
        "suppliers": ["suppliers/SUP-017"],
    });
    let ordered = world.auditor.post("/v1/appraisals", order).await.ok();
    (claim, names, ordered["name"].as_str().unwrap().to_owned())
}

on_both_databases! {
    async fn a_third_party_gets_a_copy_that_tells_nothing_of_people(server) {
        let world = World::load(&server).await;
        let base = server.base.as_str();
        let original = photo(1);
        let named = json!({"category": "PHOTO", "fileName": "Wang.jpg", "place": {"latitude": 32.06, "longitude": 118.79}});
        let files = [
            (named, original.clone()),
            (json!({"category": "FAULT_MEMORY"}), b"code,text\nP0230,fuel pump\n".to_vec()),
            (json!({"category": "INVOICE"}), photo(2)),
            (json!({"category": "REPORT"}), b"%PDF-1.7 by Wang\n%%EOF\n".to_vec()),
            (json!({"category": "PHOTO"}), png(16, 16, 1, 500)),
        ];
        let (claim, names, appraisal) = appraised(&world, base, &files).await;
        // Named by nobody, and still what the submission rests on.
        let revision = world.auditor.get(&format!("/v1/{claim}/revisions/1")).await.ok();
        assert_eq!(revision["frozenEvidence"].as_array().map(Vec::len), Some(5), "{revision:#}");
        assert_eq!(world.station.get(&format!("/v1/{claim}")).await.ok()["evidence"], json!(names));

        let [photo, faults, invoice, report, broken] = names.try_into().unwrap();
        let seen = world.appraiser.get(&format!("/v1/{photo}")).await.ok();
        for hidden in ["fileName", "place", "createdBy"] {
            assert!(seen.get(hidden).is_none(), "{hidden}: {seen:#}");
        }
        assert_eq!(seen["sha256"], json!(sha256(&original)), "the hash that the evidence pack names");
        let pack = world.appraiser.get(&format!("/v1/{appraisal}/evidencePack")).await.ok();
        let item = pack["items"].as_array().unwrap().iter().find(|item| item["name"] == json!(photo)).unwrap().clone();
        assert_eq!(item["hash"], seen["sha256"]);

        let path = format!("/v1/{photo}:download");
        let copy = raw(&world.appraiser, base, "GET", &path, &[], Vec::new()).await;
        assert_eq!((copy.status, copy.header("metadata-removed")), (200, "true"));
        assert!(!tells(&copy.body) && copy.body.ends_with(&[0x01, 0x12, 0x34, 0xFF, 0xD9]), "{:?}", copy.body);
        assert_eq!(copy.header("etag"), format!("\"{}\"", sha256(&copy.body)), "another file than the original");
        let piece = raw(&world.appraiser, base, "GET", &path, &[("range", "bytes=2-5")], Vec::new()).await;
        assert_eq!((piece.status, piece.body), (206, copy.body[2..6].to_vec()));
        let request = v1::DownloadAttachmentRequest { name: photo.clone(), ..Default::default() };
        let grpc = Grpc::connect(&server).await.with_token(&server.tokens["appraiser"]);
        let pieces: Vec<v1::DownloadAttachmentResponse> = grpc.call("/recourse.v1.AttachmentService/DownloadAttachment", &request).await.all();
        assert!(pieces[0].metadata_removed);
        assert_eq!(pieces.iter().flat_map(|piece| piece.content.clone()).collect::<Vec<u8>>(), copy.body);
        for reader in [&world.station, &world.auditor] {
            let whole = raw(reader, base, "GET", &path, &[], Vec::new()).await;
            assert_eq!((whole.header("metadata-removed"), &whole.body), ("", &original), "nothing was changed");
        }
        let text = raw(&world.appraiser, base, "GET", &format!("/v1/{faults}:download"), &[], Vec::new()).await;
        assert_eq!((text.status, text.header("metadata-removed")), (200, ""));
        let refused = raw(&world.appraiser, base, "GET", &format!("/v1/{broken}:download"), &[], Vec::new()).await;
        refused.refused("GET", &format!("/v1/{broken}:download"), 400, "CONTENT_REFUSED");
        for withheld in [&invoice, &report] {
            world.appraiser.get(&format!("/v1/{withheld}")).await.refused(404, "RESOURCE_NOT_FOUND");
            let gone = raw(&world.appraiser, base, "GET", &format!("/v1/{withheld}:download"), &[], Vec::new()).await;
            assert_eq!(gone.status, 404);
        }
        for stranger in [&world.supplier, &world.other_appraiser, &world.other_station] {
            stranger.get(&format!("/v1/{photo}")).await.refused(404, "RESOURCE_NOT_FOUND");
            assert_eq!(raw(stranger, base, "GET", &path, &[], Vec::new()).await.status, 404);
        }
        let listed = world.appraiser.get(&format!("/v1/attachments?filter=claim%3D%22{claim}%22")).await.ok();
        assert_eq!(listed["attachments"].as_array().map(Vec::len), Some(3), "{listed:#}");
        // A draft makes the supplier a party; the end of the case takes the appraiser's sight.
        world.auditor.post(&format!("/v1/{appraisal}:cancel"), json!({"text": "enough"})).await.ok();
        world.appraiser.get(&format!("/v1/{photo}")).await.refused(404, "RESOURCE_NOT_FOUND");
    }

    async fn parties_keep_attachments_of_their_own(server) {
        let world = World::load(&server).await;
        let base = server.base.as_str();
        world.agree_on_recovery("SUP-017", true).await;
        let claim = world.in_review(pump_claim()).await;
        world.approved(&claim).await;
        let all = world.auditor.get(&format!("/v1/recoveryClaims?filter=claim%3D%22{claim}%22")).await.ok();
        let recovery = all["recoveryClaims"][0]["name"].as_str().unwrap().to_owned();
        let letter = json!({"category": "REPORT", "subject": recovery, "sizeBytes": "10"});
        let refused = world.supplier.post("/v1/attachments", letter.clone()).await.refused(400, "INVALID_FIELDS");
        assert_eq!(refused["violations"][0]["field"], "attachment.subject", "it is not issued yet");
        world.auditor.post(&format!("/v1/{recovery}:issue"), json!({})).await.ok();
        let own = sent(&world.supplier, base, letter.clone(), b"%PDF-1.7 we dispute\n%%EOF\n").await;
        let seen = world.auditor.get(&format!("/v1/{own}")).await.ok();
        assert_eq!((seen["owner"].as_str(), seen["subject"].as_str(), seen.get("station")), (Some("suppliers/SUP-017"), Some(recovery.as_str()), None));
        assert_eq!(raw(&world.supplier, base, "GET", &format!("/v1/{own}:download"), &[], Vec::new()).await.status, 200);
        let filter = format!("/v1/attachments?filter=subject%3D%22{recovery}%22");
        assert_eq!(world.finance.get(&filter).await.ok()["attachments"].as_array().map(Vec::len), Some(1));
        for stranger in [&world.other_supplier, &world.station, &world.appraiser] {
            stranger.get(&format!("/v1/{own}")).await.refused(404, "RESOURCE_NOT_FOUND");
        }
        let recorded = sent(&world.finance, base, letter.clone(), b"%PDF-1.7 their letter\n%%EOF\n").await;
        assert_eq!(world.auditor.get(&format!("/v1/{recorded}")).await.ok()["owner"], "organizations/OEM");
        world.supplier.get(&format!("/v1/{recorded}")).await.refused(404, "RESOURCE_NOT_FOUND");
        let of_appraiser = json!({"category": "PHOTO", "subject": recovery, "sizeBytes": "10"});
        world.appraiser.post("/v1/attachments", of_appraiser).await.refused(400, "INVALID_FIELDS");
        world.station.post("/v1/attachments", letter).await.refused(400, "INVALID_FIELDS");
        let foreign = json!({"category": "REPORT", "station": "stations/S-001", "sizeBytes": "10"});
        world.supplier.post("/v1/attachments", foreign).await.refused(400, "INVALID_FIELDS");
        // Nobody goes on with, or proves a claim by, what is another's.
        let id = own.trim_start_matches("attachments/");
        let piece = super::attachments::piece(&world.finance, base, id, 0, b"x", &[]).await;
        assert_eq!(piece.status, 403);
        let rows = server.running.api.store().verify_rows().await.unwrap();
        assert_eq!(rows.faults, [""; 0]);
    }

    async fn what_tells_of_a_person_is_erased_and_the_proof_stays(server) {
        let world = World::load(&server).await;
        let base = server.base.as_str();
        let bytes = photo(3);
        let named = json!({"category": "PHOTO", "fileName": "Wang.jpg", "place": {"latitude": 32.06, "longitude": 118.79}});
        let name = sent(&world.station, base, named, &bytes).await;
        let erase = format!("/v1/{name}:erase");
        for refused in [&world.station, &world.finance, &world.supplier] {
            refused.post(&erase, json!({})).await.refused(403, "ROLE_NOT_ALLOWED");
        }
        world.admin.post(&erase, json!({"etag": "1"})).await.refused(409, "STALE_ETAG");
        let request = json!({"requestId": "0199a1b2-0000-7000-8000-00000000eeee"});
        let erased = world.admin.post(&erase, request.clone()).await.ok();
        assert!(erased["eraseTime"].is_string(), "{erased:#}");
        let again = world.admin.post(&erase, request).await.ok();
        assert_eq!(again["etag"], erased["etag"]);
        let seen = world.station.get(&format!("/v1/{name}")).await.ok();
        assert!(seen.get("fileName").is_none() && seen.get("place").is_none(), "{seen:#}");
        assert_eq!(seen["sha256"], json!(sha256(&bytes)));
        let whole = raw(&world.station, base, "GET", &format!("/v1/{name}:download"), &[], Vec::new()).await;
        assert_eq!((whole.status, whole.header("content-disposition")), (200, "attachment"));
        let history = server.running.api.store().verify_history().await.unwrap();
        assert_eq!(history.faults, [""; 0]);
        let trail = world.auditor.get(&format!("/v1/events?resource={name}")).await.ok();
        assert_eq!(trail["events"].as_array().unwrap().last().unwrap()["verb"], "erase");
        assert!(!trail.to_string().contains("Wang"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_organisation_keeps_is_bounded_and_the_answer_says_how_much_is_used() {
    let Some(server) = Server::start_with(Backend::Sqlite, |config| {
        config.attachments.max_bytes = 1_000;
        config.attachments.max_unfinished_bytes = 10_000;
        config.attachments.max_bytes_per_owner = 2_500;
    })
    .await
    else {
        return;
    };
    let world = World::load(&server).await;
    let base = server.base.as_str();
    for number in 0..2 {
        sent(&world.station, base, json!({"category": "PHOTO"}), &png(8, 8, number, 1_000)).await;
    }
    let one_more = json!({"category": "PHOTO", "sizeBytes": "600"});
    let refused = world.station.post("/v1/attachments", one_more.clone()).await.refused(429, "STORAGE_LIMIT_REACHED");
    assert_eq!(
        (refused["metadata"]["used"].as_str(), refused["metadata"]["limit"].as_str()),
        (Some("2000"), Some("2500"))
    );
    let small = json!({"category": "PHOTO", "sizeBytes": "500"});
    let awaited = world.station.post("/v1/attachments", small.clone()).await.ok();
    world.station.post("/v1/attachments", small.clone()).await.refused(429, "STORAGE_LIMIT_REACHED");
    world.other_station.post("/v1/attachments", one_more).await.ok();
    // What was given up takes no room.
    let id = awaited["name"].as_str().unwrap().trim_start_matches("attachments/");
    let ended =
        raw(&world.station, base, "DELETE", &format!("/v1/uploads/{id}"), &[("tus-resumable", "1.0.0")], Vec::new())
            .await;
    assert_eq!(ended.status, 204);
    world.station.post("/v1/attachments", small).await.ok();
    let request = v1::CreateAttachmentRequest {
        attachment: Some(v1::Attachment {
            category: v1::attachment_category::Code::Photo.into(),
            size_bytes: 900,
            ..Default::default()
        }),
        ..Default::default()
    };
    let grpc = Grpc::connect(&server).await.with_token(&server.tokens["s001"]);
    grpc.call("/recourse.v1.AttachmentService/CreateAttachment", &request)
        .await
        .refused(Code::ResourceExhausted, "STORAGE_LIMIT_REACHED");
}
