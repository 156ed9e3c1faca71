//! The one funnel from what went wrong to what a caller is told, on both transports.
//!
//! A [`Refusal`] has a public reason, a text in both languages and, where a field is at fault, the field. It
//! knows no transport: [`Refusal::status`] makes the gRPC status with its details, and the gateway makes the
//! problem document of REST from that same status.

use std::collections::BTreeMap;
use std::time::Duration;

use recourse_domain::access::Denial;
use recourse_domain::text::{Lang, Text, Violation};
use recourse_proto::status;
use recourse_proto::v1::error_reason::Code as Reason;
use recourse_repository::{CommandError, StoreError};
use tonic::{Code, Status};

use crate::convert;

/// Violations told at most: trailers of gRPC are small.
pub(crate) const MAX_VIOLATIONS: usize = 20;

/// Why a call was refused.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The public reason.
    pub reason: Reason,
    /// What a person reads.
    pub text: Box<Text>,
    /// Facts for a program.
    pub metadata: BTreeMap<String, String>,
    /// Fields at fault.
    pub violations: Vec<Violation>,
    /// Seconds after which to try again.
    pub retry_after: Option<u32>,
    /// What only the log is told.
    pub cause: Option<String>,
    /// Running the transaction again may help.
    retry: bool,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.text.en)?;
        self.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

/// The result of a use case.
pub type Answer<T> = Result<T, Refusal>;

impl Refusal {
    /// A refusal with a text in both languages.
    pub fn new(reason: Reason, en: impl Into<String>, zh_cn: impl Into<String>) -> Self {
        Self {
            reason,
            text: Box::new(Text::new(en, zh_cn)),
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
            retry: false,
        }
    }

    /// The same with a fact for programs.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    /// One or more fields break a rule.
    pub fn invalid(violations: Vec<Violation>) -> Self {
        let count = violations.len();
        let first = violations.first();
        let (en, zh) = first.map_or_else(
            || (String::new(), String::new()),
            |v| (format!("{}: {}", v.field, v.text.en), format!("{}：{}", v.field, v.text.zh_cn)),
        );
        let more = count.saturating_sub(1);
        let (en, zh) = if more == 0 {
            (en, zh)
        } else {
            (format!("{en} (and {more} more)"), format!("{zh}（另有 {more} 项）"))
        };
        let mut refusal = Self::new(Reason::InvalidFields, en, zh);
        refusal.violations = violations;
        refusal
    }

    /// Refuses if there is anything to refuse.
    pub fn check(violations: Vec<Violation>) -> Answer<()> {
        if violations.is_empty() { Ok(()) } else { Err(Self::invalid(violations)) }
    }

    /// One field breaks a rule.
    pub fn field(field: &str, rule: &'static str, en: impl Into<String>, zh_cn: impl Into<String>) -> Self {
        Self::invalid(vec![Violation::new(field, rule, en, zh_cn)])
    }

    /// No such resource among those the caller may see.
    pub fn not_found(name: &str) -> Self {
        Self::new(
            Reason::ResourceNotFound,
            format!("{name} does not exist among the resources you may see"),
            format!("在您可查看的范围内没有 {name}"),
        )
        .with("resource", name)
    }

    /// The name is taken.
    pub fn already_exists(name: &str) -> Self {
        Self::new(
            Reason::ResourceAlreadyExists,
            format!("{name} is taken; read it, or choose another name"),
            format!("{name} 已被占用；请读取该资源或另选名称"),
        )
        .with("resource", name)
    }

    /// The etag is not the present one.
    pub fn stale(name: &str) -> Self {
        Self::new(
            Reason::StaleEtag,
            format!("{name} was changed since you read it; read it again and repeat the change"),
            format!("{name} 在您读取之后已被修改；请重新读取后再操作"),
        )
        .with("resource", name)
    }

    /// The state does not allow the step.
    pub fn state_conflict(name: &str, state: &str, verb: &str) -> Self {
        Self::new(
            Reason::StateConflict,
            format!("{name} is {state}, which does not allow {verb}; read it for what became of it"),
            format!("{name} 处于 {state} 状态，不允许执行 {verb}；请读取该资源以查看其现状"),
        )
        .with("resource", name)
        .with("state", state)
        .with("verb", verb)
    }

    /// A fault of ours. The caller learns nothing of it but that nothing was written.
    pub fn fault(cause: impl Into<String>) -> Self {
        let mut refusal = Self::new(
            Reason::InternalFault,
            "a fault of ours; nothing was written, and the request id leads to the log",
            "系统内部错误；未写入任何数据，可凭请求编号查日志",
        );
        refusal.cause = Some(cause.into());
        refusal
    }

    /// The status on gRPC, details included; the gateway reads the same.
    pub fn status(self, lang: Lang) -> Status {
        if let Some(cause) = &self.cause {
            tracing::error!(reason = self.reason.as_str_name(), cause, "call failed");
        }
        let wire_lang = convert::wire_lang(lang);
        let text = self.text.in_lang(lang).to_owned();
        let mut status =
            status::Refusal::new(grpc_code(self.reason), self.reason, self.text.en).localized(wire_lang, text);
        for (key, value) in self.metadata {
            status = status.metadata(key, value);
        }
        let hidden = self.violations.len().saturating_sub(MAX_VIOLATIONS);
        if hidden > 0 {
            status = status.metadata("moreViolations", hidden.to_string());
        }
        for violation in self.violations.into_iter().take(MAX_VIOLATIONS) {
            let text = violation.text.in_lang(lang).to_owned();
            status = status.violation(violation.field, violation.rule, wire_lang, text);
        }
        if let Some(seconds) = self.retry_after {
            status = status.retry_after(Duration::from_secs(u64::from(seconds)));
        }
        status.into_status()
    }
}

/// The gRPC code that each reason comes with.
fn grpc_code(reason: Reason) -> Code {
    match reason {
        Reason::InvalidFields
        | Reason::InvalidJson
        | Reason::UnknownField
        | Reason::InvalidFilter
        | Reason::InvalidOrderBy
        | Reason::InvalidPageToken
        | Reason::InvalidUpdateMask
        | Reason::IdempotencyKeyReused
        | Reason::IdempotencyKeyMismatch
        | Reason::EtagRequired
        | Reason::UnsupportedMediaType
        | Reason::BodyTooLarge
        | Reason::UriTooLong
        | Reason::HeadersTooLarge
        | Reason::ContentRefused
        | Reason::ChecksumMismatch => Code::InvalidArgument,
        Reason::TokenInvalid | Reason::CredentialsInvalid => Code::Unauthenticated,
        Reason::RoleNotAllowed | Reason::NotPermitted | Reason::SamePerson => Code::PermissionDenied,
        Reason::ResourceNotFound | Reason::RouteNotFound => Code::NotFound,
        Reason::ResourceAlreadyExists => Code::AlreadyExists,
        Reason::IdempotencyKeyInFlight | Reason::StaleEtag | Reason::UploadOffsetConflict => Code::Aborted,
        Reason::ResourceRetired
        | Reason::StateConflict
        | Reason::ClaimHasErrors
        | Reason::GoodwillBudgetExceeded
        | Reason::ProposalEnded
        | Reason::SecondPersonNeeded => Code::FailedPrecondition,
        Reason::TooManyRequests | Reason::StorageLimitReached => Code::ResourceExhausted,
        Reason::StoreUnavailable | Reason::Overloaded | Reason::ServerStopping => Code::Unavailable,
        Reason::RequestTimeout | Reason::BodyTooSlow | Reason::StreamTimeout => Code::DeadlineExceeded,
        Reason::CursorExpired => Code::OutOfRange,
        Reason::MethodNotAllowed => Code::Unimplemented,
        Reason::Unspecified | Reason::InternalFault => Code::Internal,
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::RoleNotAllowed => Self::new(
                Reason::RoleNotAllowed,
                "none of your roles may call this method",
                "您的任何角色都无权调用此方法",
            ),
            Denial::NotPermitted => Self::new(
                Reason::NotPermitted,
                "you may see this resource but not act on it in this way; ask a colleague whose role or rights cover it",
                "您可以查看该资源，但无权执行此操作；请由具备相应角色或权限的同事处理",
            ),
            Denial::PasswordOfAnother => Self::new(
                Reason::NotPermitted,
                "whoever made your account may know its password; choose one of your own \
                 (POST /v1/users/me:changePassword), then propose and decide",
                "创建您账号的人可能知道其密码；请先自行修改密码（POST /v1/users/me:changePassword），再提交或审核变更申请",
            )
            .with("rule", "PASSWORD_OF_ANOTHER"),
            Denial::SamePerson => Self::new(
                Reason::SamePerson,
                "a person may not decide or confirm what they made, submitted or asked for; ask a colleague",
                "不能审核或确认本人创建、提交或申请的事项，请由其他人员处理",
            ),
        }
    }
}

impl Refusal {
    /// Somebody else was faster: the command is run again, over what stands then.
    pub fn overtaken() -> Self {
        StoreError::Retry.into()
    }

    /// What a write answers that another may have overtaken: if one has, the command is run again.
    pub fn unless_overtaken(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::overtaken(),
            other => other.into(),
        }
    }

    /// What the write of a resource answers whose caller may have read an older version of it.
    pub fn unless_stale(error: StoreError, name: &str) -> Self {
        match error {
            StoreError::Stale => Self::stale(name),
            other => other.into(),
        }
    }

    /// What the creation of a resource answers whose key the caller may have chosen.
    pub fn unless_taken(error: StoreError, name: &str) -> Self {
        match error {
            StoreError::AlreadyExists { .. } => Self::already_exists(name),
            other => other.into(),
        }
    }

    /// Whether running the transaction again may help.
    pub fn is_retryable(&self) -> bool {
        self.retry
    }
}

impl CommandError for Refusal {
    fn is_retryable(&self) -> bool {
        self.retry
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Retry => {
                let mut refusal = unavailable();
                refusal.retry = true;
                refusal
            }
            StoreError::InFlight => {
                let mut refusal = Self::new(
                    Reason::IdempotencyKeyInFlight,
                    "a command with this request id is still running; ask again in a moment",
                    "相同 request_id 的请求仍在处理中；请稍后重试",
                );
                refusal.retry = true;
                refusal
            }
            StoreError::Unavailable(cause) | StoreError::Timeout(cause) => {
                tracing::error!(cause, "the store is unavailable");
                unavailable()
            }
            StoreError::Stale => Self::new(
                Reason::StaleEtag,
                "somebody changed the resource meanwhile; read it again and repeat the change",
                "该资源刚被他人修改；请重新读取后再操作",
            ),
            StoreError::AlreadyExists { .. }
            | StoreError::Reference(_)
            | StoreError::CorruptRow { .. }
            | StoreError::Database(_) => Self::fault(error.to_string()),
        }
    }
}

fn unavailable() -> Refusal {
    let mut refusal = Refusal::new(
        Reason::StoreUnavailable,
        "the store is busy or unreachable; repeat the call with the same request id",
        "存储暂不可用；请用相同的 request_id 重试",
    );
    refusal.retry_after = Some(1);
    refusal
}
