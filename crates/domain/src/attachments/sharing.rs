//! What appraisers and suppliers get of a station's attachments: what shows the failure, without what it shows of
//! people. An image comes as a copy without its metadata; the original and its hash stay as they are.
//!
//! An image's container is a list of pieces, and a copy is the pieces that are needed to show it: what is not known
//! to be needed is left out, and so is whatever stands behind the end of the image, where phones keep films and
//! other sizes with metadata of their own. The image itself is not decoded.

use super::{Category, ContentType};

/// How an attachment is shared with a third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// As it is: plain text has no metadata.
    AsItIs,
    /// As a copy without metadata.
    WithoutMetadata,
    /// Not at all.
    Withheld,
}

impl Category {
    /// Whether attachments of the category show the failure, and not by their nature prices, places or people.
    pub fn is_shared(self) -> bool {
        match self {
            Category::Photo | Category::FaultMemory | Category::Report => true,
            Category::Invoice
            | Category::Signature
            | Category::Track
            | Category::Quotation
            | Category::StockOutProof
            | Category::Other => false,
        }
    }
}

impl ContentType {
    /// How files of the type are shared. Documents and films tell of their authors in more places than are known
    /// here, so they are not.
    pub fn sharing(self) -> Sharing {
        match self {
            ContentType::Jpeg | ContentType::Png | ContentType::Webp => Sharing::WithoutMetadata,
            ContentType::Text | ContentType::Csv | ContentType::Json => Sharing::AsItIs,
            ContentType::Heif | ContentType::Pdf | ContentType::Mp4 | ContentType::Gpx => Sharing::Withheld,
        }
    }
}

/// A copy of an image without its metadata; none if its container is not as it should be.
pub fn without_metadata(content_type: ContentType, bytes: &[u8]) -> Option<Vec<u8>> {
    match content_type {
        ContentType::Jpeg => jpeg(bytes),
        ContentType::Png => png(bytes),
        ContentType::Webp => webp(bytes),
        ContentType::Heif
        | ContentType::Pdf
        | ContentType::Mp4
        | ContentType::Text
        | ContentType::Csv
        | ContentType::Json
        | ContentType::Gpx => None,
    }
}

/// The first bytes, and the rest.
fn split(bytes: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(at)
}

fn number_be(bytes: &[u8]) -> Option<usize> {
    let bytes: [u8; 4] = bytes.try_into().ok()?;
    usize::try_from(u32::from_be_bytes(bytes)).ok()
}

const SOI: [u8; 2] = [0xFF, 0xD8];
const EOI: [u8; 2] = [0xFF, 0xD9];
const START_OF_SCAN: u8 = 0xDA;

fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&SOI)?;
    let mut copy = Vec::with_capacity(bytes.len());
    copy.extend(SOI);
    loop {
        let (marker, after) = next_marker(rest)?;
        if marker == EOI[1] {
            copy.extend(EOI);
            return Some(copy);
        }
        let (length, _) = split(after, 2)?;
        let length = usize::from(u16::from_be_bytes([*length.first()?, *length.get(1)?]));
        let (segment, behind) = split(after, length)?;
        let content = segment.get(2..)?;
        if let Some(kept) = kept_segment(marker, content) {
            copy.extend([0xFF, marker]);
            copy.extend(u16::try_from(kept.len() + 2).ok()?.to_be_bytes());
            copy.extend(kept);
        }
        rest = behind;
        if marker == START_OF_SCAN {
            let end = end_of_scan(rest)?;
            let (scan, behind) = split(rest, end)?;
            copy.extend(scan);
            rest = behind;
        }
    }
}

/// The next marker, which may be preceded by filling.
fn next_marker(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = bytes.strip_prefix(&[0xFF])?;
    while let Some(filled) = rest.strip_prefix(&[0xFF]) {
        rest = filled;
    }
    let (marker, rest) = rest.split_first()?;
    (*marker != 0).then_some((*marker, rest))
}

/// Where coded data ends: at a marker that is neither an escaped byte nor a restart within it.
fn end_of_scan(bytes: &[u8]) -> Option<usize> {
    let marks = bytes.windows(2).enumerate().filter(|(_, pair)| pair.first() == Some(&0xFF));
    let mut ends = marks.filter(|(_, pair)| !matches!(pair.get(1), None | Some(0x00 | 0xFF | 0xD0..=0xD7)));
    ends.next().map(|(at, _)| at)
}

/// What of a segment is needed to show the image: tables, frames and scans; the density; the colour profile; how
/// the colours are coded; and of the rest only which way is up.
fn kept_segment(marker: u8, content: &[u8]) -> Option<Vec<u8>> {
    match marker {
        0xC0..=0xCF | 0xDA..=0xDF => Some(content.to_vec()),
        0xE0 => {
            let mut density = content.get(..12).filter(|head| head.starts_with(b"JFIF\0"))?.to_vec();
            // No thumbnail.
            density.extend([0, 0]);
            Some(density)
        }
        0xE1 => orientation(content.strip_prefix(b"Exif\0\0")?).map(only_orientation),
        0xE2 if content.starts_with(b"ICC_PROFILE\0") => Some(content.to_vec()),
        0xEE if content.starts_with(b"Adobe") => Some(content.to_vec()),
        _ => None,
    }
}

/// The tag that says which way is up.
const ORIENTATION: u16 = 0x0112;
/// A whole number of two bytes.
const SHORT: u16 = 3;

fn orientation(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let first: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
    let first = usize::try_from(if big { u32::from_be_bytes(first) } else { u32::from_le_bytes(first) }).ok()?;
    let entries = usize::from(short(first)?);
    (0..entries).find_map(|index| {
        let at = first.checked_add(2 + index * 12)?;
        let found = short(at)? == ORIENTATION && short(at.checked_add(2)?)? == SHORT;
        short(at.checked_add(8)?).filter(|value| found && (1..=8).contains(value))
    })
}

/// Exif with nothing but an orientation.
fn only_orientation(value: u16) -> Vec<u8> {
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01".to_vec();
    exif.extend(ORIENTATION.to_be_bytes());
    exif.extend(SHORT.to_be_bytes());
    exif.extend(1_u32.to_be_bytes());
    exif.extend(value.to_be_bytes());
    // The rest of the value's place, and no further directory.
    exif.extend([0; 6]);
    exif
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Chunks that are needed to show an image, a moving one too.
const PNG_KEPT: [&[u8]; 16] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"bKGD",
    b"pHYs", b"acTL", b"fcTL", b"fdAT",
];

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(PNG)?;
    let mut copy = Vec::with_capacity(bytes.len());
    copy.extend(PNG);
    loop {
        let length = number_be(rest.get(..4)?)?;
        let kind = rest.get(4..8)?;
        let (chunk, behind) = split(rest, length.checked_add(12)?)?;
        if PNG_KEPT.contains(&kind) {
            copy.extend(chunk);
        } else if kind.first().is_some_and(u8::is_ascii_uppercase) {
            // Whoever does not know a critical chunk can't show the image.
            return None;
        }
        if kind == b"IEND" {
            return Some(copy);
        }
        rest = behind;
    }
}

/// Chunks that are needed to show an image, a moving one too.
const WEBP_KEPT: [&[u8]; 7] = [b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];
/// Of the header's flags those that announce Exif and XMP.
const WEBP_METADATA: u8 = 0x08 | 0x04;

fn webp(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = |bytes: &[u8]| {
        let bytes: [u8; 4] = bytes.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let told = size(bytes.strip_prefix(b"RIFF")?.get(..4)?)?;
    // What stands behind the end that is told is no part of the image.
    let mut rest = bytes.get(8..told.checked_add(8)?)?.strip_prefix(b"WEBP")?;
    let mut chunks = b"WEBP".to_vec();
    while !rest.is_empty() {
        let (kind, length) = (rest.get(..4)?, size(rest.get(4..8)?)?);
        let whole = length.checked_add(8)?.checked_add(length % 2)?;
        let (chunk, behind) = split(rest, whole)?;
        if WEBP_KEPT.contains(&kind) {
            let start = chunks.len();
            chunks.extend(chunk);
            if let Some(flags) = chunks.get_mut(start + 8).filter(|_| kind == b"VP8X") {
                *flags &= !WEBP_METADATA;
            }
        }
        rest = behind;
    }
    let mut copy = b"RIFF".to_vec();
    copy.extend(u32::try_from(chunks.len()).ok()?.to_le_bytes());
    copy.extend(chunks);
    Some(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"GPS 32.06N 118.79E, camera of Wang";

    fn holds(bytes: &[u8], words: &[u8]) -> bool {
        bytes.windows(words.len()).any(|window| window == words)
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], content].concat()
    }

    fn exif(tag: u16, value: u16) -> Vec<u8> {
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
        for (tag, value) in [(0x010F_u16, 7_u16), (tag, value)] {
            exif.extend(tag.to_le_bytes());
            exif.extend(SHORT.to_le_bytes());
            exif.extend(1_u32.to_le_bytes());
            exif.extend(value.to_le_bytes());
            exif.extend([0, 0]);
        }
        exif.extend(SECRET);
        exif
    }

    /// A progressive one: a table stands between its scans, and holds the bytes of an end.
    fn photo(tag: u16) -> Vec<u8> {
        let icc = segment(0xE2, b"ICC_PROFILE\0\x01\x01profile");
        [
            SOI.to_vec(),
            segment(0xE0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\x01\x01abc"),
            segment(0xE1, &exif(tag, 6)),
            segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", SECRET].concat()),
            segment(0xED, SECRET),
            segment(0xFE, SECRET),
            icc,
            segment(0xC2, b"frame"),
            segment(0xDA, b"scan"),
            b"coded\xFF\x00\xFF\xD3more".to_vec(),
            segment(0xC4, b"\xFF\xD9table"),
            vec![0xFF],
            segment(0xDA, b"second"),
            b"rest".to_vec(),
            EOI.to_vec(),
            b"a film behind the image ".to_vec(),
            SECRET.to_vec(),
        ]
        .concat()
    }

    #[test]
    fn a_copy_of_a_jpeg_shows_the_same_and_tells_nothing_of_people() {
        let copy = without_metadata(ContentType::Jpeg, &photo(ORIENTATION)).unwrap();
        assert!(!holds(&copy, SECRET) && !holds(&copy, b"abc") && !holds(&copy, b"film"));
        for kept in [&b"profile"[..], b"frame", b"scan", b"coded\xFF\x00\xFF\xD3more", b"table", b"second", b"rest"] {
            assert!(holds(&copy, kept), "{}", String::from_utf8_lossy(kept));
        }
        assert!(copy.ends_with(&EOI));
        let at = copy.windows(6).position(|window| window == b"Exif\0\0").unwrap();
        assert_eq!(orientation(&copy[at + 6..]), Some(6), "which way is up is kept");
        assert_eq!(without_metadata(ContentType::Jpeg, &copy), Some(copy.clone()), "nothing more to leave out");
        let plain = without_metadata(ContentType::Jpeg, &photo(0x0100)).unwrap();
        assert!(!holds(&plain, b"Exif"));
    }

    fn chunk(kind: &[u8], content: &[u8]) -> Vec<u8> {
        [&u32::try_from(content.len()).unwrap().to_be_bytes(), kind, content, b"crc."].concat()
    }

    #[test]
    fn a_copy_of_a_png_has_no_words() {
        let image = |extra: &[u8]| {
            [
                PNG,
                &chunk(b"IHDR", b"size"),
                &chunk(extra, SECRET),
                &chunk(b"IDAT", b"pixels"),
                &chunk(b"IEND", b""),
                SECRET,
            ]
            .concat()
        };
        for words in [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"xyZz"] {
            let copy = without_metadata(ContentType::Png, &image(words)).unwrap();
            assert!(!holds(&copy, SECRET) && holds(&copy, b"pixels"), "{words:?}");
            assert!(copy.ends_with(&chunk(b"IEND", b"")));
        }
        assert_eq!(without_metadata(ContentType::Png, &image(b"XYZZ")), None);
    }

    #[test]
    fn a_copy_of_a_webp_announces_nothing_that_is_gone() {
        let chunk = |kind: &[u8], content: &[u8]| {
            let size = u32::try_from(content.len()).unwrap().to_le_bytes();
            [kind, &size, content, &vec![0; content.len() % 2]].concat()
        };
        let chunks = [
            b"WEBP".to_vec(),
            chunk(b"VP8X", &[0x10 | WEBP_METADATA, 0, 0, 0, 1, 0, 0, 1, 0, 0]),
            chunk(b"VP8 ", b"pixel"),
            chunk(b"EXIF", SECRET),
            chunk(b"XMP ", SECRET),
        ]
        .concat();
        let size = u32::try_from(chunks.len()).unwrap().to_le_bytes();
        let image = [b"RIFF", &size[..], &chunks, SECRET].concat();
        let copy = without_metadata(ContentType::Webp, &image).unwrap();
        assert!(!holds(&copy, SECRET) && holds(&copy, b"pixel"));
        assert_eq!(copy[20], 0x10);
        assert_eq!(u32::from_le_bytes(copy[4..8].try_into().unwrap()), u32::try_from(copy.len() - 8).unwrap());
    }

    #[test]
    fn a_container_that_is_not_as_it_should_be_has_no_copy_and_harms_nobody() {
        let whole = photo(ORIENTATION);
        for content_type in [ContentType::Jpeg, ContentType::Png, ContentType::Webp] {
            for end in 0..whole.len().min(200) {
                let _ = without_metadata(content_type, &whole[..end]);
            }
            assert_eq!(without_metadata(content_type, b"<html>"), None);
        }
        assert_eq!(without_metadata(ContentType::Jpeg, &whole[..40]), None);
        let endless = [PNG, &[0xFF, 0xFF, 0xFF, 0xFF], b"IHDR"].concat();
        assert_eq!(without_metadata(ContentType::Png, &endless), None);
        assert_eq!(without_metadata(ContentType::Webp, b"RIFF\xFF\xFF\xFF\xFFWEBP"), None);
    }

    #[test]
    fn only_what_shows_the_failure_is_shared() {
        let shared: Vec<&str> =
            Category::ALL.into_iter().filter(|category| category.is_shared()).map(Category::word).collect();
        assert_eq!(shared, ["PHOTO", "FAULT_MEMORY", "REPORT"]);
        assert_eq!(ContentType::Pdf.sharing(), Sharing::Withheld);
        assert_eq!(ContentType::Csv.sharing(), Sharing::AsItIs);
    }
}
