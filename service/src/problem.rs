//! Errors as clients see them: `application/problem+json` (RFC 9457) with a closed list of types.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::store::StoreError;
use crate::upload;

/// Longest body of JSON, in bytes.
const LONGEST_BODY: usize = 64 << 10;

/// The kinds of problems. A client may rely on these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slug {
    /// The request makes no sense; the detail says what is wrong with it.
    BadRequest,
    /// There is no credential, or none that counts.
    Unauthenticated,
    /// There is nothing here, or nothing that this principal may see.
    NotFound,
    /// The profile does not allow it, whoever asks.
    Forbidden,
    /// People have to agree first.
    ApprovalNeeded,
    /// The resource is in another state.
    Conflict,
    /// The file cannot be read.
    NotReadable,
    /// The archive is damaged, or holds what is not accepted.
    BadArchive,
    /// This principal asks for more than it may.
    TooMany,
    /// The resource does not know this method.
    MethodNotAllowed,
    /// The client said nothing for too long.
    TooSlow,
    /// The work of this idempotency key is being done.
    InProgress,
    /// The file is larger than this service accepts.
    TooLarge,
    /// The idempotency key stood for another request.
    KeyReused,
    /// The file is damaged, or of a kind that is not signed.
    NotSignable,
    /// The file does not pass the policy; the report says why.
    PolicyRefused,
    /// Something broke here; the log of the service says what.
    Internal,
    /// No time-stamping server answered as it should.
    TimestampUnavailable,
    /// The line is too long.
    Busy,
    /// The key did not sign, or must not.
    KeyUnavailable,
    /// The service cannot do this now.
    Unavailable,
    /// There is no room left for files.
    StorageFull,
}

impl Slug {
    /// Every one.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 22] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::NotFound,
        Self::Forbidden,
        Self::ApprovalNeeded,
        Self::Conflict,
        Self::NotReadable,
        Self::BadArchive,
        Self::TooMany,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::InProgress,
        Self::TooLarge,
        Self::KeyReused,
        Self::NotSignable,
        Self::PolicyRefused,
        Self::Internal,
        Self::TimestampUnavailable,
        Self::Busy,
        Self::KeyUnavailable,
        Self::Unavailable,
        Self::StorageFull,
    ];

    /// The end of its `type`.
    #[cfg(test)]
    pub(crate) fn name(self) -> &'static str {
        self.describe().0
    }

    /// The status of its answers.
    #[cfg(test)]
    pub(crate) fn status(self) -> StatusCode {
        self.describe().1
    }

    /// Name, status and title.
    fn describe(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => (
                "bad-request",
                StatusCode::BAD_REQUEST,
                "The request makes no sense",
            ),
            Self::Unauthenticated => (
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "Who asks is not known",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "There is nothing here that you may see",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "This profile does not allow it",
            ),
            Self::ApprovalNeeded => (
                "approval-needed",
                StatusCode::FORBIDDEN,
                "People have to agree first",
            ),
            Self::Conflict => (
                "conflict",
                StatusCode::CONFLICT,
                "This cannot be done any more",
            ),
            Self::NotReadable => (
                "not-readable",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The file cannot be read",
            ),
            Self::BadArchive => (
                "bad-archive",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The archive is refused",
            ),
            Self::TooMany => (
                "too-many",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "This method is not known here",
            ),
            Self::TooSlow => (
                "too-slow",
                StatusCode::REQUEST_TIMEOUT,
                "The file came too slowly",
            ),
            Self::InProgress => ("in-progress", StatusCode::CONFLICT, "This is being done"),
            Self::TooLarge => (
                "too-large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The file is too large",
            ),
            Self::KeyReused => (
                "key-reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The idempotency key stood for another request",
            ),
            Self::NotSignable => (
                "not-signable",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The file cannot be signed",
            ),
            Self::PolicyRefused => (
                "policy-refused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The file does not pass the policy",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke",
            ),
            Self::TimestampUnavailable => (
                "timestamp-unavailable",
                StatusCode::BAD_GATEWAY,
                "There is no time stamp",
            ),
            Self::Busy => (
                "busy",
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many requests stand in line",
            ),
            Self::KeyUnavailable => (
                "key-unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The key cannot be used now",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The service cannot do this now",
            ),
            Self::StorageFull => (
                "storage-full",
                StatusCode::INSUFFICIENT_STORAGE,
                "There is no room left",
            ),
        }
    }
}

/// What a client is told, and nothing else: causes are logged where they happen.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    slug: Slug,
    detail: Option<String>,
    more: Map<String, Value>,
    /// Seconds.
    retry_after: Option<u32>,
}

impl Problem {
    /// A problem without details.
    pub(crate) fn new(slug: Slug) -> Self {
        Self {
            slug,
            detail: None,
            more: Map::new(),
            retry_after: None,
        }
    }

    /// What is wrong with this request.
    pub(crate) fn because(slug: Slug, detail: impl std::fmt::Display) -> Self {
        Self {
            detail: Some(detail.to_string()),
            ..Self::new(slug)
        }
    }

    /// What is wrong, for people.
    pub(crate) fn in_words(&self) -> String {
        let (_, _, title) = self.slug.describe();
        self.detail.clone().unwrap_or_else(|| title.to_owned())
    }

    /// With another member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// With the seconds after which it may work.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Reading or writing a file failed.
    pub(crate) fn storage(error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        tracing::error!(cause = %error, "a file could not be read or written");
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                Self::new(Slug::StorageFull).retry_after(60)
            }
            _ => Self::new(Slug::Unavailable).retry_after(10),
        }
    }

    /// Logs a cause that clients are not told.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "request failed");
        Self::new(Slug::Internal)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(cause = %error, "the database did not answer");
        match error.is_full() {
            true => Self::new(Slug::StorageFull).retry_after(60),
            false => Self::new(Slug::Unavailable).retry_after(10),
        }
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::because(Slug::BadRequest, rejection.body_text())
    }
}

/// A body of JSON, or a problem that says what is wrong with it.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let bytes = upload::small(request.into_body(), LONGEST_BODY).await?;
        // What says nothing is an object without members.
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        match serde_json::from_slice(text) {
            Ok(value) => Ok(Self(value)),
            Err(error) => Err(Problem::because(Slug::BadRequest, error)),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (name, status, title) = self.slug.describe();
        let mut body = Map::new();
        body.insert("type".to_owned(), format!("urn:proofmark:{name}").into());
        body.insert("title".to_owned(), title.into());
        body.insert("status".to_owned(), status.as_u16().into());
        if let Some(detail) = self.detail {
            body.insert("detail".to_owned(), detail.into());
        }
        body.extend(self.more);
        let mut response = (status, format!("{:#}\n", Value::Object(body))).into_response();
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if name == "unauthenticated" {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
