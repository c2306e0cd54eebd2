//! Errors as clients see them: `application/problem+json` (RFC 9457) with a closed list of types.
#![allow(dead_code, reason = "routes that are not here yet use the rest of it")]

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::store::StoreError;

/// The kinds of problems. A client may rely on these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slug {
    /// The request makes no sense; the detail says what is wrong with it.
    BadRequest,
    /// There is nothing here, or nothing that this principal may see.
    NotFound,
    /// The resource does not know this method.
    MethodNotAllowed,
    /// Something broke here; the log of the service says what.
    Internal,
    /// The service cannot do this now.
    Unavailable,
}

impl Slug {
    /// Name, status and title.
    fn describe(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => (
                "bad-request",
                StatusCode::BAD_REQUEST,
                "The request makes no sense",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "There is nothing here that you may see",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "This method is not known here",
            ),
            Self::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something broke",
            ),
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The service cannot do this now",
            ),
        }
    }
}

/// What a client is told, and nothing else: causes are logged where they happen.
#[derive(Debug)]
pub(crate) struct Problem {
    slug: Slug,
    detail: Option<String>,
    more: Map<String, Value>,
}

impl Problem {
    /// A problem without details.
    pub(crate) fn new(slug: Slug) -> Self {
        Self {
            slug,
            detail: None,
            more: Map::new(),
        }
    }

    /// What is wrong with this request.
    pub(crate) fn because(slug: Slug, detail: impl std::fmt::Display) -> Self {
        Self {
            detail: Some(detail.to_string()),
            ..Self::new(slug)
        }
    }

    /// With another member.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
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
        Self::new(Slug::Unavailable)
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
        response
    }
}
