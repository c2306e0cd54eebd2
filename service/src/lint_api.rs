//! `POST /v1/lint`: a file or a workspace comes in, a report goes out.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use lint::diagnostic::Level;
use lint::engine::{Outcome, judge};
use lint::render::sarif::SarifOptions;
use lint::render::{Repository, json, sarif};
use serde::Deserialize;

use crate::archive::{self, ArchiveError, Packed};
use crate::auth::{Principal, Role};
use crate::config::Gate;
use crate::files::Folder;
use crate::gate::{self, GateError};
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::upload::{self, Upload};

/// Whether something was judged and nothing weighs as an error, for those who do not read the report.
const PASSES: &str = "proofmark-passes";

/// What is said of a file that no rule speaks about.
const NOTHING: &str = "there is nothing to lint in it: that are image inputs, documents of packages, built packages \
                       and full flash updates, which \
                       `name` tells apart; an archive comes with its media type";

/// What a request says beside the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LintQuery {
    /// The type of image; otherwise the products say it themselves.
    image: Option<Gate>,
    /// The name of the file, for the report.
    name: Option<String>,
    /// What of an archive is judged, a path a line; otherwise everything.
    path: Option<String>,
    /// The form of the report.
    #[serde(default)]
    format: Form,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    #[default]
    Json,
    Sarif,
}

/// Lints what a request holds.
pub(crate) async fn lint(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<LintQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let Query(query) = query?;
    principal.expect_somewhere(Role::Lint)?;
    let _ticket = state.admit(&principal)?;
    let packed = packed(&headers);
    let upload = upload::receive(&state, &headers, body, query.name.as_deref()).await?;
    let at_work = Arc::clone(&state);
    let worked = state
        .workers
        .run(move || report(&at_work, &upload, packed, &query));
    let (report, kind, passes) = worked.await??;
    let mut response = report.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let passes = if passes { "true" } else { "false" };
    headers.insert(PASSES, HeaderValue::from_static(passes));
    Ok(response)
}

/// The archive that a request says it is.
pub(crate) fn packed(headers: &HeaderMap) -> Option<Packed> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Packed::from_media_type(kind)
}

fn report(
    state: &Inner,
    upload: &Upload,
    packed: Option<Packed>,
    query: &LintQuery,
) -> Result<(Vec<u8>, &'static str, bool), Problem> {
    let asked = query.path.as_deref().unwrap_or(".");
    let (folder, paths) = match packed {
        Some(packed) => (archive::unpack(upload, packed)?, asked.lines()),
        None => {
            let folder = upload.own_folder();
            let folder = folder.map_err(|error| Problem::storage(&error))?;
            (folder, upload.name.lines())
        }
    };
    let paths: Vec<String> = paths.map(str::to_owned).collect();
    let now = state.setup.environment.now();
    let image = query.image.map(Gate::image);
    let files = Folder::new(&folder);
    let facts = gate::facts(&files, &paths, image, &state.setup.anchors, now)?;
    let outcome = judge(&facts, &state.gate.on(now.date()));
    // A gate that looks at the wrong file or folder must not pass.
    let is_of_nothing = outcome.is_of_nothing();
    if is_of_nothing && packed.is_none() {
        return Err(Problem::because(Slug::NotReadable, NOTHING));
    }
    if let Some((rule, problem)) = outcome.failures.iter().next() {
        return Err(Problem::internal(&format_args!(
            "own rule {rule}: {problem}"
        )));
    }
    let passes = !is_of_nothing && !outcome.reaches(Level::Error);
    let (report, kind) =
        render(&outcome, query.format).map_err(|error| Problem::internal(&error))?;
    Ok((report, kind, passes))
}

fn render(outcome: &Outcome, form: Form) -> std::io::Result<(Vec<u8>, &'static str)> {
    let mut report = Vec::new();
    match form {
        Form::Json => {
            json::render(outcome, &mut report)?;
            Ok((report, "application/json"))
        }
        Form::Sarif => {
            let options = SarifOptions {
                repository: &Repository {
                    root: String::new(),
                    folder: String::new(),
                },
                category: "proofmark-lint",
                suppressed: false,
            };
            sarif::render(outcome, &options, &mut report)?;
            Ok((report, "application/sarif+json"))
        }
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Io(error) => Self::storage(&error),
            error => Self::because(Slug::BadArchive, error),
        }
    }
}

impl From<GateError> for Problem {
    fn from(error: GateError) -> Self {
        match error {
            GateError::File(problem) => Self::because(Slug::NotReadable, problem),
            GateError::Io(error) => Self::storage(&error),
            error @ GateError::Rule(..) => Self::internal(&error),
        }
    }
}
