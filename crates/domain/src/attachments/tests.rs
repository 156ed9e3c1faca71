use super::*;

const BOUNDS: Bounds = Bounds { bytes: 1_000_000, pixels: 1_000_000 };

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn time() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn hash(text: &str) -> Hash {
    Hash::parse(&text.repeat(64)).unwrap()
}

fn new() -> NewAttachment {
    NewAttachment {
        id: id(1),
        station: OrgId(id(2)),
        station_code: Code::parse("S-001").unwrap(),
        owner: Owner::Station,
        category: Category::Photo,
        declared_type: String::new(),
        size: 4,
        declared_hash: String::new(),
        taken_time: None,
        created_by: UserId(id(3)).into(),
        claim: None,
        subject: None,
        external_ref: String::new(),
        replaces: None,
    }
}

fn rules(new: NewAttachment) -> Vec<&'static str> {
    Attachment::create(new, BOUNDS).map_or_else(|found| found.iter().map(|one| one.rule).collect(), |_| Vec::new())
}

/// A PNG of a size: signature and header, without a single pixel.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x02\0\0\0\0\0\0\0");
    bytes
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xc0\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9");
    bytes
}

fn sent(bytes: &[u8], declared: &str) -> Result<Content, &'static str> {
    let declared_type = ContentType::of_media_type(declared).map(|kind| kind.media_type().to_owned());
    let new = NewAttachment { size: bytes.len() as u64, declared_type: declared_type.unwrap_or_default(), ..new() };
    let received = Received { head: bytes, size: bytes.len() as u64, hash: hash("a") };
    match Attachment::create(new, BOUNDS).unwrap().complete(&received, BOUNDS, time()) {
        Ok(attachment) => Ok(attachment.content().unwrap().clone()),
        Err(Refused::Content(fault)) => Err(fault.rule()),
        Err(Refused::Step(step)) => panic!("{step}"),
    }
}

#[test]
fn size_type_and_hash_are_checked_before_a_byte_comes() {
    assert_eq!(rules(new()), [""; 0]);
    assert_eq!(rules(NewAttachment { size: 0, ..new() }), ["OUT_OF_RANGE"]);
    assert_eq!(rules(NewAttachment { size: 1_000_000, ..new() }), [""; 0]);
    assert_eq!(rules(NewAttachment { size: 1_000_001, ..new() }), ["OUT_OF_RANGE"]);
    assert_eq!(rules(NewAttachment { declared_type: "text/html".to_owned(), ..new() }), ["TYPE_NOT_ALLOWED"]);
    assert_eq!(rules(NewAttachment { declared_type: " IMAGE/JPG; q=1 ".to_owned(), ..new() }), [""; 0]);
    assert_eq!(rules(NewAttachment { declared_hash: "abc".to_owned(), ..new() }), ["BAD_FORMAT"]);
    assert_eq!(rules(NewAttachment { replaces: Some(id(1)), ..new() }), ["SELF_REFERENCE"]);
}

#[test]
fn what_bytes_are_is_found_in_them() {
    let photo = sent(&png(640, 480), "image/png").unwrap();
    assert_eq!((photo.content_type, photo.width, photo.height), (ContentType::Png, Some(640), Some(480)));
    let photo = sent(&jpeg(320, 200), "").unwrap();
    assert_eq!((photo.content_type, photo.width, photo.height), (ContentType::Jpeg, Some(320), Some(200)));
    let cases: &[(&[u8], &str, ContentType)] = &[
        (b"%PDF-1.7\n\xe2\xe3", "", ContentType::Pdf),
        (b"code,text\nP0230,pump", "text/csv", ContentType::Csv),
        (b"code,text\nP0230,pump", "", ContentType::Text),
        ("故障码 P0230".as_bytes(), "text/plain", ContentType::Text),
        (b"BM-17,bearing", "text/csv", ContentType::Csv),
        (b"MZ-17,bearing", "text/csv", ContentType::Csv),
        (b"{\"dtc\": \"P0230\"}", "application/json", ContentType::Json),
        (b" [1, 2]", "", ContentType::Json),
        (b"<?xml version=\"1.0\"?><gpx version=\"1.1\">", "application/gpx+xml", ContentType::Gpx),
        (b"<gpx version=\"1.1\">", "application/gpx+xml", ContentType::Gpx),
    ];
    for (bytes, declared, expected) in cases {
        let found = sent(bytes, declared).map(|content| content.content_type);
        assert_eq!(found, Ok(*expected), "{}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn what_is_not_taken_is_refused_with_its_reason() {
    let program = [&b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"[..], &[0; 64]].concat();
    let elf = [&b"\x7fELF\x02\x01\x01\0"[..], &[0; 64]].concat();
    let cases: &[(&[u8], &str, &str)] = &[
        (&program, "image/jpeg", "EXECUTABLE"),
        (&program, "text/csv", "EXECUTABLE"),
        (&elf, "", "EXECUTABLE"),
        (b"#!/bin/sh\nrm -rf /\n", "text/plain", "EXECUTABLE"),
        (b"PK\x03\x04\x14\0\0\0", "", "TYPE_NOT_ALLOWED"),
        (b"<html><script>alert(1)</script>", "text/plain", "TYPE_NOT_ALLOWED"),
        (b" <svg xmlns='x' onload='y'>", "text/plain", "TYPE_NOT_ALLOWED"),
        (b"<?xml version=\"1.0\"?><svg/>", "application/gpx+xml", "TYPE_NOT_ALLOWED"),
        (b"\0\x01\x02\x03", "text/plain", "TYPE_NOT_ALLOWED"),
        (b"\xff\xfe\xfd", "text/csv", "TYPE_NOT_ALLOWED"),
        (&png(1, 1), "image/jpeg", "TYPE_MISMATCH"),
        (b"plain words", "image/png", "TYPE_MISMATCH"),
        (&png(1, 1)[..12], "image/png", "UNREADABLE_IMAGE"),
        (&png(0, 10), "image/png", "UNREADABLE_IMAGE"),
        (&png(1_000, 1_001), "image/png", "TOO_MANY_PIXELS"),
        (&png(u32::MAX, u32::MAX), "image/png", "TOO_MANY_PIXELS"),
    ];
    for (bytes, declared, rule) in cases {
        assert_eq!(sent(bytes, declared), Err(*rule), "{declared} {}", String::from_utf8_lossy(bytes));
    }
    assert!(sent(&png(1_000, 1_000), "image/png").is_ok());
}

#[test]
fn a_character_that_the_head_cuts_through_is_no_fault() {
    let text = "故障".as_bytes();
    let received = |head: &'static [u8], size| Received { head, size, hash: hash("a") };
    let cut: &'static [u8] = &"故障".as_bytes()[..4];
    assert!(examine(&received(cut, text.len() as u64), Some(ContentType::Text), BOUNDS).is_ok());
    assert!(examine(&received(cut, 4), Some(ContentType::Text), BOUNDS).is_err(), "here the file ends with it");
}

#[test]
fn other_bytes_than_declared_are_refused() {
    let new = NewAttachment { declared_hash: hash("b").to_string(), size: 5, ..new() };
    let attachment = Attachment::create(new, BOUNDS).unwrap();
    let received = |size, letter: &str| Received { head: b"words", size, hash: hash(letter) };
    let fault = |refused| match refused {
        Err(Refused::Content(fault)) => fault.rule(),
        Ok(_) | Err(Refused::Step(_)) => "",
    };
    assert_eq!(fault(attachment.clone().complete(&received(6, "b"), BOUNDS, time())), "WRONG_SIZE");
    assert_eq!(fault(attachment.clone().complete(&received(5, "a"), BOUNDS, time())), "WRONG_HASH");
    assert!(attachment.complete(&received(5, "b"), BOUNDS, time()).is_ok());
}

#[test]
fn each_state_allows_its_steps_and_no_others() {
    let awaiting = Attachment::create(NewAttachment { size: 5, ..new() }, BOUNDS).unwrap();
    let received = Received { head: b"words", size: 5, hash: hash("a") };
    let complete = awaiting.clone().complete(&received, BOUNDS, time()).unwrap();
    let abandoned = awaiting.clone().abandon(time()).unwrap();
    for (attachment, may) in [(&awaiting, true), (&complete, false), (&abandoned, false)] {
        let word = attachment.state.word();
        assert_eq!(attachment.expects_bytes().is_ok(), may, "{word}");
        assert_eq!(attachment.clone().complete(&received, BOUNDS, time()).is_ok(), may, "{word}");
        assert_eq!(attachment.clone().abandon(time()).is_ok(), may, "{word}");
    }
}

#[test]
fn what_a_submission_has_used_stays_with_its_claim() {
    let claim = |number| Some(ClaimId(id(number)));
    let attachment = Attachment::create(NewAttachment { claim: claim(7), ..new() }, BOUNDS).unwrap();
    assert_eq!(attachment.clone().link(claim(8), false).unwrap().claim, claim(8));
    assert_eq!(attachment.clone().link(None, false).unwrap().claim, None);
    assert_eq!(attachment.clone().link(claim(7), true).unwrap().claim, claim(7));
    assert_eq!(attachment.clone().link(claim(8), true), Err(StepError::Used));
    assert_eq!(attachment.link(None, true), Err(StepError::Used));
}

#[test]
fn the_first_that_is_complete_takes_the_place() {
    let attachment = Attachment::create(new(), BOUNDS).unwrap().replaced(id(8)).unwrap();
    assert_eq!(attachment.clone().replaced(id(8)), Ok(attachment.clone()));
    assert_eq!(attachment.replaced(id(9)), Err(StepError::Replaced));
}

#[test]
fn a_document_is_read_back_as_it_was_and_tells_of_no_person() {
    let attachment = Attachment::create(NewAttachment { size: 5, ..new() }, BOUNDS).unwrap();
    let received = Received { head: b"words", size: 5, hash: hash("a") };
    let complete = attachment.clone().complete(&received, BOUNDS, time()).unwrap();
    for one in [attachment, complete] {
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Attachment>(&text).unwrap(), one);
        assert!(!text.contains("file_name") && !text.contains("latitude"), "{text}");
    }
}

#[test]
fn names_and_words_are_read_back() {
    let name = format!("attachments/{}", id(5));
    assert_eq!(key_of(&name), Some(id(5)));
    assert_eq!(named([name.as_str(), "attachments/x", "claims/1", ""]).len(), 1);
    for category in Category::ALL {
        assert_eq!(Category::from_word(category.word()), Some(category));
    }
    for kind in ContentType::ALL {
        assert_eq!(ContentType::of_media_type(kind.media_type()), Some(kind));
    }
}
