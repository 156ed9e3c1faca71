//! CSV against the sample contract and that of parts.

use axum::body::Body;
use futures::stream;
use http_body_util::BodyExt;
use prost_reflect::{FieldDescriptor, MessageDescriptor};
use serde_json::{Value, json};

use super::{Column, columns_of, frames};
use crate::Lang;

fn message(name: &str) -> MessageDescriptor {
    crate::descriptor_pool().unwrap().get_message_by_name(&format!("recourse.v1.{name}")).unwrap()
}

/// The rows of a file that comes in pieces of some bytes, as JSON.
async fn read(file: &str, piece: usize, of: &str) -> Result<Vec<Value>, tonic::Status> {
    let pieces: Vec<_> = file.as_bytes().chunks(piece).map(|bytes| Ok::<_, std::io::Error>(bytes.to_vec())).collect();
    let body = Body::from_stream(stream::iter(pieces));
    let frames = frames(body, &message(of), 10_000, Lang::En).await?;
    let bytes = frames.collect().await.map_err(|error| tonic::Status::unknown(error.to_string()))?.to_bytes();
    let mut rest = &bytes[..];
    let mut rows = Vec::new();
    while let Some((head, tail)) = rest.split_at_checked(5) {
        let (row, after) = tail.split_at(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize);
        rows.push(serde_json::from_slice(row).unwrap());
        rest = after;
    }
    Ok(rows)
}

#[tokio::test]
async fn a_row_is_the_json_that_its_cells_say() {
    let file = "\u{feff}name,display_name,safety,quantityPerVehicle,claimPrices[0].validFrom,claimPrices[0].price,\
                claimPrices[0].price.currencyCode,claimPrices[1].price,models,createTime\r\n\
                P-1,\"Clip, \"\"small\"\"\nblack\",TRUE,1.5,2026-01-31,-12.5,CNY,,\"[\"\"M1\"\"]\",2026-01-31T00:00:00Z\r\n\
                \r\nP-2,'=2+2,false,,,,,7,,\n";
    let expected = [
        json!({
            "name": "P-1", "displayName": "Clip, \"small\"\nblack", "safety": true, "quantityPerVehicle": {"value": "1.5"},
            "claimPrices": [{"validFrom": {"year": 2026, "month": 1, "day": 31},
                "price": {"units": "-12", "nanos": -500_000_000, "currencyCode": "CNY"}}],
            "models": ["M1"], "createTime": "2026-01-31T00:00:00Z",
        }),
        json!({"name": "P-2", "displayName": "=2+2", "safety": false, "claimPrices": [{"price": {"units": "7", "nanos": 0}}]}),
    ];
    // The pieces of the network know nothing of rows, cells or characters.
    for piece in [1, 7, 100_000] {
        assert_eq!(read(file, piece, "Part").await.unwrap(), expected, "pieces of {piece}");
    }
}

#[tokio::test]
async fn a_mark_is_no_part_of_a_quoted_header_however_it_is_cut() {
    for piece in [1, 2, 3, 4, 100] {
        let rows = read("\u{feff}\"name\",displayName\nP-1,Clip\n", piece, "Part").await.unwrap();
        assert_eq!(rows, [json!({"name": "P-1", "displayName": "Clip"})], "pieces of {piece}");
    }
}

#[tokio::test]
async fn a_column_that_is_no_field_refuses_the_file() {
    for header in ["name,price", "name,models[0].x", "claimPrices[100].id", "displayName[0]", "name,name", "a[", ""] {
        let file = format!("{header},displayName\nx,y,z\n");
        assert!(read(&file, 1000, "Part").await.is_err(), "{header}");
    }
    assert!(read("", 1, "Part").await.unwrap().is_empty());
    assert!(read("name\n", 1, "Part").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_can_not_be_a_value_is_left_for_the_reader_of_messages() {
    let file = "name,buildDate,sale.price,returned\nV,31.01.2026,12a,maybe,extra\n";
    assert_eq!(
        read(file, 1000, "Vehicle").await.unwrap(),
        [json!({"name": "V", "buildDate": "31.01.2026", "sale": {"price": {"units": "12a"}}, "returned": "maybe",
            "column 5": "extra"})]
    );
}

#[tokio::test]
async fn a_file_that_is_not_utf8_is_refused() {
    let body = Body::from(b"name,displayName\nP-1,\xd6\xd0\n".to_vec());
    let frames = frames(body, &message("Part"), 10_000, Lang::En).await.unwrap();
    assert!(frames.collect().await.is_err());
}

fn nothing_hidden(_: &FieldDescriptor) -> bool {
    false
}

fn cell(columns: &[Column], name: &str, row: &Value) -> String {
    columns.iter().find(|column| column.name() == name).unwrap_or_else(|| panic!("no column {name}")).cell(row)
}

#[test]
fn cells_are_safe_to_open_and_numbers_stay_numbers() {
    let part = columns_of(&message("Part"), &nothing_hidden);
    for begin in ["=", "+", "-", "@", "\t", "\r", "'"] {
        let text = format!("{begin}1");
        assert_eq!(cell(&part, "displayName", &json!({"displayName": text})), format!("'{text}"));
    }
    assert_eq!(cell(&part, "displayName", &json!({"displayName": "a=1"})), "a=1");
    assert_eq!(cell(&part, "quantityPerVehicle", &json!({"quantityPerVehicle": {"value": "-1.5"}})), "-1.5");
    assert_eq!(cell(&part, "models", &json!({"models": ["M1"]})), "[\"M1\"]");
    assert_eq!((cell(&part, "safety", &json!({})), cell(&part, "system", &json!({}))), ("false".into(), "".into()));
    let vehicle = columns_of(&message("Vehicle"), &nothing_hidden);
    let price = |units: &str, nanos: i32| {
        let sale = json!({"sale": {"price": {"currencyCode": "CNY", "units": units, "nanos": nanos}}});
        (cell(&vehicle, "sale.price", &sale), cell(&vehicle, "sale.price.currencyCode", &sale))
    };
    for (units, nanos, amount) in [("120", 0, "120"), ("-12", -500_000_000, "-12.5"), ("0", -10_000_000, "-0.01")] {
        assert_eq!(price(units, nanos), (amount.to_owned(), "CNY".to_owned()));
    }
    assert_eq!(cell(&vehicle, "buildDate", &json!({"buildDate": {"year": 2026, "month": 1, "day": 5}})), "2026-01-05");
    assert_eq!(cell(&vehicle, "sale.price", &json!({})), "");
}

#[test]
fn a_hidden_field_says_nothing_and_no_message_is_followed_into_itself() {
    let hidden = columns_of(&message("Part"), &|field| field.name() == "safety");
    assert_eq!(cell(&hidden, "safety", &json!({})), "");
    for name in ["Claim", "User", "WarrantyPolicy", "LedgerEntry"] {
        let columns = columns_of(&message(name), &nothing_hidden);
        let mut names: Vec<_> = columns.iter().map(Column::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), columns.len(), "{name}");
    }
}
