//! The refusals that the gateway itself makes, in both languages.

use tonic::{Code, Status};

use crate::{Lang, status::Refusal, v1::error_reason::Code as Reason};

/// The word of a violation whose value can't be read.
pub(super) const INVALID_VALUE: &str = "INVALID_VALUE";
/// The word of a violation whose field does not exist.
pub(super) const UNKNOWN_FIELD: &str = "UNKNOWN_FIELD";

fn refusal(code: Code, reason: Reason, lang: Lang, en: &str, zh_cn: &str) -> Refusal {
    Refusal::new(code, reason, en).localized(lang, lang.pick(en, zh_cn))
}

pub(super) fn route_not_found(path: &str, lang: Lang) -> Status {
    refusal(
        Code::NotFound,
        Reason::RouteNotFound,
        lang,
        &format!("there is no path {path}; the API reference lists all"),
        &format!("路径 {path} 不存在，请查阅接口文档"),
    )
    .into_status()
}

/// `allow` becomes the `Allow` header.
pub(super) fn method_not_allowed(allow: &str, lang: Lang) -> Status {
    refusal(
        Code::Unimplemented,
        Reason::MethodNotAllowed,
        lang,
        &format!("this path does not take that verb; use {allow}"),
        &format!("该路径不支持此请求方法，请使用 {allow}"),
    )
    .metadata("allow", allow)
    .into_status()
}

pub(super) fn unsupported_media_type(expected: &str, lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::UnsupportedMediaType,
        lang,
        &format!("send the body as {expected}"),
        &format!("请求体的类型必须是 {expected}"),
    )
    .into_status()
}

pub(super) fn body_too_large(max_bytes: usize, lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::BodyTooLarge,
        lang,
        &format!("the body is larger than {max_bytes} bytes; send less at once"),
        &format!("请求体超过 {max_bytes} 字节，请分批发送"),
    )
    .into_status()
}

pub(super) fn not_utf8(lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidJson,
        lang,
        "the file is not UTF-8; save it as UTF-8 and send it again",
        "文件不是 UTF-8 编码，请另存为 UTF-8 后重新发送",
    )
    .into_status()
}

pub(super) fn too_many_columns(most: usize, lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidJson,
        lang,
        &format!("a row has more than {most} columns; is the comma the separator?"),
        &format!("某行超过 {most} 列，请确认分隔符为英文逗号"),
    )
    .into_status()
}

pub(super) fn export_too_long(lang: Lang) -> Status {
    refusal(
        Code::DeadlineExceeded,
        Reason::StreamTimeout,
        lang,
        "the export takes too long; narrow it by a filter, or read pages",
        "导出耗时过长，请用筛选条件缩小范围，或改为分页读取",
    )
    .into_status()
}

pub(super) fn body_not_taken(lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidJson,
        lang,
        "this method takes no body; leave it out",
        "该方法不接受请求体，请移除",
    )
    .into_status()
}

pub(super) fn body_unreadable(lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidJson,
        lang,
        "the body ended before it was complete; send it again",
        "请求体不完整，请重新发送",
    )
    .into_status()
}

pub(super) fn invalid_json(error: &serde_json::Error, lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidJson,
        lang,
        &format!("the body is not JSON: {error}"),
        &format!("请求体不是有效的 JSON：{error}"),
    )
    .into_status()
}

/// One or more fields of a body or query that do not exist or can't be read.
pub(super) fn fields(faults: &[Fault], lang: Lang) -> Status {
    let first = faults.first().map_or("", |fault| fault.field.as_str());
    let unknown = faults.iter().any(|fault| fault.reason == UNKNOWN_FIELD);
    let refusal = if unknown {
        refusal(
            Code::InvalidArgument,
            Reason::UnknownField,
            lang,
            &format!("unknown field {first}"),
            &format!("未知字段 {first}"),
        )
    } else {
        refusal(
            Code::InvalidArgument,
            Reason::InvalidJson,
            lang,
            &format!("can't read {first}"),
            &format!("无法读取字段 {first}"),
        )
    };
    faults
        .iter()
        .fold(refusal, |r, fault| r.violation(&fault.field, fault.reason, lang, lang.pick(&fault.en, &fault.zh_cn)))
        .into_status()
}

/// A field that can't be taken, with its text in both languages.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) field: String,
    pub(super) reason: &'static str,
    en: String,
    zh_cn: String,
}

impl Fault {
    pub(super) fn unknown(field: String) -> Self {
        Self {
            field,
            reason: UNKNOWN_FIELD,
            en: "there is no such field; remove it or correct its name".into(),
            zh_cn: "没有此字段，请移除或更正名称".into(),
        }
    }

    /// The value can't be read; `what` can be, in English and Chinese.
    pub(super) fn invalid(field: String, (en, zh_cn): &(String, String)) -> Self {
        Self {
            field,
            reason: INVALID_VALUE,
            en: format!("this value can't be read; write {en}"),
            zh_cn: format!("值无法读取，请填写{zh_cn}"),
        }
    }

    pub(super) fn given_twice(field: String) -> Self {
        Self {
            field,
            reason: INVALID_VALUE,
            en: "is given more than once; give it once".into(),
            zh_cn: "重复给出，请只给一次".into(),
        }
    }

    pub(super) fn one_of(field: String, other: &str) -> Self {
        Self {
            field,
            reason: INVALID_VALUE,
            en: format!("excludes {other}: only one of the two can be set; remove one"),
            zh_cn: format!("与 {other} 互斥，只能设置其中之一，请移除一个"),
        }
    }
}

pub(super) fn idempotency_key_mismatch(lang: Lang) -> Status {
    let (en, zh_cn) = (
        "differs from the Idempotency-Key header; send one of them, or the same in both",
        "与 Idempotency-Key 请求头不一致，请只发送其一或保持一致",
    );
    refusal(
        Code::InvalidArgument,
        Reason::IdempotencyKeyMismatch,
        lang,
        "request_id and the Idempotency-Key header differ",
        "request_id 与 Idempotency-Key 请求头不一致",
    )
    .violation("request_id", "IDEMPOTENCY_KEY_MISMATCH", lang, lang.pick(en, zh_cn))
    .into_status()
}

pub(super) fn header(name: &str, en: &str, zh_cn: &str, lang: Lang) -> Status {
    refusal(
        Code::InvalidArgument,
        Reason::InvalidFields,
        lang,
        &format!("the {name} header {en}"),
        &format!("请求头 {name} {zh_cn}"),
    )
    .violation(name, INVALID_VALUE, lang, lang.pick(en, zh_cn))
    .into_status()
}
