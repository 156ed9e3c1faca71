//! What bytes are, whatever their sender calls them: found in their first piece, held against an allow-list,
//! and images bounded by what it would take to show them.

use serde::{Deserialize, Serialize};

use super::{Bounds, Hash, Received};
use crate::text::Text;

/// Bytes of a file's beginning that suffice to know it.
pub const HEAD_BYTES: usize = 512 * 1024;

/// The types of files that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ContentType {
    /// A JPEG image.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A PNG image.
    #[serde(rename = "image/png")]
    Png,
    /// A WebP image.
    #[serde(rename = "image/webp")]
    Webp,
    /// An HEIF image, as phones take them.
    #[serde(rename = "image/heif")]
    Heif,
    /// A PDF document.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// An MP4 film.
    #[serde(rename = "video/mp4")]
    Mp4,
    /// Plain text.
    #[serde(rename = "text/plain")]
    Text,
    /// A table of values.
    #[serde(rename = "text/csv")]
    Csv,
    /// JSON.
    #[serde(rename = "application/json")]
    Json,
    /// A GPS track.
    #[serde(rename = "application/gpx+xml")]
    Gpx,
}

impl ContentType {
    /// Every type.
    pub const ALL: [ContentType; 10] = [
        ContentType::Jpeg,
        ContentType::Png,
        ContentType::Webp,
        ContentType::Heif,
        ContentType::Pdf,
        ContentType::Mp4,
        ContentType::Text,
        ContentType::Csv,
        ContentType::Json,
        ContentType::Gpx,
    ];

    /// The media type that it is served as.
    pub fn media_type(self) -> &'static str {
        match self {
            ContentType::Jpeg => "image/jpeg",
            ContentType::Png => "image/png",
            ContentType::Webp => "image/webp",
            ContentType::Heif => "image/heif",
            ContentType::Pdf => "application/pdf",
            ContentType::Mp4 => "video/mp4",
            ContentType::Text => "text/plain",
            ContentType::Csv => "text/csv",
            ContentType::Json => "application/json",
            ContentType::Gpx => "application/gpx+xml",
        }
    }

    /// The type of a media type, parameters and other usual spellings included.
    pub fn of_media_type(text: &str) -> Option<Self> {
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let usual = match essence.as_str() {
            "image/jpg" | "image/pjpeg" => "image/jpeg",
            "image/heic" => "image/heif",
            "application/geo+json" => "application/json",
            "application/gpx" => "application/gpx+xml",
            other => other,
        };
        Self::ALL.into_iter().find(|known| known.media_type() == usual)
    }

    /// The media types that are taken, for people.
    pub fn list() -> String {
        Self::ALL.map(Self::media_type).join(", ")
    }

    fn is_image(self) -> bool {
        match self {
            ContentType::Jpeg | ContentType::Png | ContentType::Webp | ContentType::Heif => true,
            ContentType::Pdf
            | ContentType::Mp4
            | ContentType::Text
            | ContentType::Csv
            | ContentType::Json
            | ContentType::Gpx => false,
        }
    }
}

/// What bytes turned out to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// What they are.
    pub content_type: ContentType,
    /// Their hash, as the server computed it.
    pub hash: Hash,
    /// Width of an image.
    #[serde(default)]
    pub width: Option<u32>,
    /// Height of an image.
    #[serde(default)]
    pub height: Option<u32>,
}

/// Why bytes are not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentFault {
    /// Another number of them came.
    WrongSize {
        /// What was said.
        declared: u64,
        /// What came.
        found: u64,
    },
    /// They have another hash.
    WrongHash {
        /// What was said.
        declared: Hash,
        /// What was computed.
        found: Hash,
    },
    /// They are a program.
    Executable {
        /// What they look like.
        found: &'static str,
    },
    /// Files like this are not taken.
    TypeNotAllowed {
        /// What they look like; empty if like nothing known.
        found: &'static str,
    },
    /// They are not what the sender says.
    TypeMismatch {
        /// What was said.
        declared: ContentType,
        /// What they look like.
        found: ContentType,
    },
    /// They look like an image whose size can't be read.
    UnreadableImage,
    /// The image has too many pixels.
    TooManyPixels {
        /// How many it has.
        found: u64,
        /// How many it may have.
        most: u64,
    },
}

impl ContentFault {
    /// The stable name of the rule that they break.
    pub fn rule(&self) -> &'static str {
        match self {
            ContentFault::WrongSize { .. } => "WRONG_SIZE",
            ContentFault::WrongHash { .. } => "WRONG_HASH",
            ContentFault::Executable { .. } => "EXECUTABLE",
            ContentFault::TypeNotAllowed { .. } => "TYPE_NOT_ALLOWED",
            ContentFault::TypeMismatch { .. } => "TYPE_MISMATCH",
            ContentFault::UnreadableImage => "UNREADABLE_IMAGE",
            ContentFault::TooManyPixels { .. } => "TOO_MANY_PIXELS",
        }
    }

    /// What people are told, with the way out.
    pub fn text(&self) -> Text {
        match self {
            ContentFault::WrongSize { declared, found } => Text::new(
                format!("{found} bytes came instead of {declared}; send the file again"),
                format!("收到 {found} 字节，应为 {declared} 字节；请重新上传"),
            ),
            ContentFault::WrongHash { declared, found } => Text::new(
                format!("the bytes have the SHA-256 {found}, not {declared}; send the file again"),
                format!("内容的 SHA-256 为 {found}，与申报的 {declared} 不符；请重新上传"),
            ),
            ContentFault::Executable { found } => Text::new(
                format!("this is a program ({found}), whatever its name says; programs are not taken"),
                format!("该文件是可执行程序（{found}），不予接收"),
            ),
            ContentFault::TypeNotAllowed { found } => {
                let (known, what) = (ContentType::list(), if found.is_empty() { "unknown" } else { found });
                Text::new(
                    format!("files like this ({what}) are not taken; those that are: {known}"),
                    format!("不接收此类文件（{what}）；可接收：{known}"),
                )
            }
            ContentFault::TypeMismatch { declared, found } => {
                let (declared, found) = (declared.media_type(), found.media_type());
                Text::new(
                    format!("the bytes are {found}, not {declared} as declared; create an attachment of that type"),
                    format!("内容为 {found}，与申报的 {declared} 不符；请按实际类型重新创建附件"),
                )
            }
            ContentFault::UnreadableImage => Text::new(
                "the image's size can't be read from its beginning; save it again and send that",
                "无法从文件头读取图像尺寸；请重新保存后上传",
            ),
            ContentFault::TooManyPixels { found, most } => Text::new(
                format!("the image has {found} pixels, more than the {most} that are taken; send a smaller one"),
                format!("图像有 {found} 像素，超过上限 {most}；请缩小后上传"),
            ),
        }
    }
}

/// What bytes are, and whether they are taken.
pub fn examine(
    received: &Received<'_>,
    declared: Option<ContentType>,
    bounds: Bounds,
) -> Result<Content, ContentFault> {
    let head = received.head;
    let whole = received.size == head.len() as u64;
    let signature = infer::get(head)
        // "BM" and "MZ" also begin part numbers: what is declared as text and is text is no picture or program.
        .filter(|kind| kind.matcher_type() == infer::MatcherType::Text || !is_declared_text(head, whole, declared));
    let content_type = match signature {
        Some(kind) => of_known(kind, head)?,
        None => of_text(head, whole, declared).ok_or(ContentFault::TypeNotAllowed { found: "" })?,
    };
    if let Some(declared) = declared.filter(|declared| *declared != content_type) {
        return Err(ContentFault::TypeMismatch { declared, found: content_type });
    }
    let mut content = Content { content_type, hash: received.hash.clone(), width: None, height: None };
    if content_type.is_image() {
        let size = imagesize::blob_size(head).map_err(|_| ContentFault::UnreadableImage)?;
        let (width, height) = (size.width as u64, size.height as u64);
        let found = width.saturating_mul(height);
        if found > bounds.pixels {
            return Err(ContentFault::TooManyPixels { found, most: bounds.pixels });
        }
        content.width = u32::try_from(width).ok();
        content.height = u32::try_from(height).ok();
        if content.width.is_none_or(|side| side == 0) || content.height.is_none_or(|side| side == 0) {
            return Err(ContentFault::UnreadableImage);
        }
    }
    Ok(content)
}

/// What a signature stands for.
fn of_known(kind: infer::Type, head: &[u8]) -> Result<ContentType, ContentFault> {
    let found = kind.mime_type();
    match (kind.matcher_type(), found) {
        (_, "text/x-shellscript") | (infer::MatcherType::App, _) => Err(ContentFault::Executable { found }),
        // An XML file is taken for one reason only.
        (_, "text/xml") if holds(head, b"<gpx") => Ok(ContentType::Gpx),
        (infer::MatcherType::Video, "video/x-m4v" | "video/mp4") => Ok(ContentType::Mp4),
        _ => ContentType::of_media_type(found).ok_or(ContentFault::TypeNotAllowed { found }),
    }
}

fn is_declared_text(head: &[u8], whole: bool, declared: Option<ContentType>) -> bool {
    let says_text = matches!(declared, Some(ContentType::Text | ContentType::Csv | ContentType::Json));
    says_text && of_text(head, whole, declared).is_some()
}

/// Text has no signature: it is what it says as long as it is text at all, and has nothing that a browser would
/// take for a page.
fn of_text(head: &[u8], whole: bool, declared: Option<ContentType>) -> Option<ContentType> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // Only the last character may be cut through, and only where the file goes on.
        Err(error) if !whole && error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.is_empty() || text.chars().any(odd) {
        return None;
    }
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    let is_json = begins.starts_with(['{', '[']);
    match declared {
        Some(ContentType::Gpx) if begins.starts_with("<gpx") => Some(ContentType::Gpx),
        Some(ContentType::Json) if is_json => Some(ContentType::Json),
        _ if begins.starts_with('<') => None,
        Some(ContentType::Csv) => Some(ContentType::Csv),
        Some(
            ContentType::Jpeg
            | ContentType::Png
            | ContentType::Webp
            | ContentType::Heif
            | ContentType::Pdf
            | ContentType::Mp4
            | ContentType::Text
            | ContentType::Json
            | ContentType::Gpx,
        ) => Some(ContentType::Text),
        None => Some(if is_json { ContentType::Json } else { ContentType::Text }),
    }
}

fn holds(head: &[u8], piece: &[u8]) -> bool {
    head.windows(piece.len()).take(4096).any(|window| window == piece)
}
