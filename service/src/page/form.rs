//! Forms of our pages: small, and of the one kind that browsers send.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request};
use axum::http::Uri;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Slug};

/// Longest form, in bytes.
const LONGEST: usize = 16 << 10;

/// What a form says.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let malformed = || Problem::because(Slug::BadRequest, "this is no form of these pages");
        DefaultBodyLimit::apply(DefaultBodyLimit::max(LONGEST), &mut request);
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|_| malformed())?;
        let text = std::str::from_utf8(&body).map_err(|_| malformed())?;
        // A form is written as a query is.
        let uri: Uri = format!("/?{text}").parse().map_err(|_| malformed())?;
        let Query(form) = Query::try_from_uri(&uri).map_err(|_| malformed())?;
        Ok(Self(form))
    }
}
