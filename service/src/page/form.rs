//! Forms of our pages: small, and of the one kind that browsers send.

use axum::extract::{FromRequest, Query, Request};
use axum::http::Uri;
use serde::de::DeserializeOwned;

use crate::problem::{Problem, Slug};
use crate::upload;

/// Longest form, in bytes.
const LONGEST: usize = 16 << 10;

/// What a form says.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let malformed = || Problem::because(Slug::BadRequest, "this is no form of these pages");
        let body = upload::small(request.into_body(), LONGEST).await?;
        let text = std::str::from_utf8(&body).map_err(|_| malformed())?;
        // A form is written as a query is.
        let uri: Uri = format!("/?{text}").parse().map_err(|_| malformed())?;
        let Query(form) = Query::try_from_uri(&uri).map_err(|_| malformed())?;
        Ok(Self(form))
    }
}
