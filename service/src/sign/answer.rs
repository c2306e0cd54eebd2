//! The answer: the signed file, read from what was sent and from the patch, or the patch.

use std::io::{Cursor, SeekFrom};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use formats::patch::Patch;
use futures_util::stream;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::patch::{MEDIA_TYPE, PatchForm};
use crate::problem::Problem;
use crate::upload::Upload;

/// The number of the entry that tells of this.
pub(crate) const ENTRY: HeaderName = HeaderName::from_static("proofmark-entry");
/// SHA-256 of the signed file.
const SHA256: HeaderName = HeaderName::from_static("proofmark-sha256");

/// Bytes of a file that are sent at a time.
const STEP: u64 = 256 << 10;

/// Which of the two a client wants.
pub(crate) fn wants_patch(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let mut accepted = accepted.filter_map(|value| value.to_str().ok());
    accepted.any(|value| {
        let mut kinds = value.split(',').filter_map(|kind| kind.split(';').next());
        kinds.any(|kind| kind.trim().eq_ignore_ascii_case(MEDIA_TYPE))
    })
}

/// The patch.
pub(crate) fn patch(form: &PatchForm, entry: u64) -> Result<Response, Problem> {
    let text = serde_json::to_string(form).map_err(|error| Problem::internal(&error))?;
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    let mut response = ([kind], text).into_response();
    label(&mut response, form, entry);
    Ok(response)
}

/// The signed file.
pub(crate) async fn file(
    upload: Upload,
    form: &PatchForm,
    entry: u64,
) -> Result<Response, Problem> {
    let broken = || Problem::internal(&"a patch that cannot be read");
    let patch = form.patch().ok_or_else(broken)?;
    if let Some(bytes) = upload.small() {
        let mut signed = Vec::new();
        let applied = patch.apply(&mut Cursor::new(bytes), &mut signed);
        applied.map_err(|error| Problem::storage(&error))?;
        return Ok(whole(Body::from(signed), form, entry));
    }
    let opened = async { tokio::fs::File::open(upload.path()?).await };
    let file = opened.await.map_err(|error| Problem::storage(&error))?;
    let reading = Reading {
        pieces: pieces(&patch, upload.size).into_iter(),
        current: None,
        file,
        _upload: upload,
    };
    let parts = stream::unfold(reading, async |mut reading| {
        let next = reading.next().await.transpose()?;
        Some((next, reading))
    });
    Ok(whole(Body::from_stream(parts), form, entry))
}

fn whole(body: Body, form: &PatchForm, entry: u64) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/octet-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, form.output.size.into());
    label(&mut response, form, entry);
    response
}

fn label(response: &mut Response, form: &PatchForm, entry: u64) {
    let headers = response.headers_mut();
    headers.insert(ENTRY, entry.into());
    if let Ok(value) = HeaderValue::from_str(&form.output.sha256) {
        headers.insert(SHA256, value);
    }
}

/// A stretch of the result.
enum Piece {
    /// Bytes of the input from here to there.
    Input(u64, u64),
    /// New ones.
    New(Vec<u8>),
}

fn pieces(patch: &Patch, size: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for hunk in patch.hunks() {
        pieces.push(Piece::Input(at, hunk.range.start));
        pieces.push(Piece::New(hunk.replacement.clone()));
        at = hunk.range.end;
    }
    pieces.push(Piece::Input(at, size));
    pieces
}

/// A file on its way out. The upload lives until it is sent.
struct Reading {
    pieces: std::vec::IntoIter<Piece>,
    current: Option<(u64, u64)>,
    file: tokio::fs::File,
    _upload: Upload,
}

impl Reading {
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        loop {
            if let Some((start, end)) = self.current
                && start < end
            {
                let length = (end - start).min(STEP);
                let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
                self.file.read_exact(&mut bytes).await?;
                self.current = Some((start + length, end));
                return Ok(Some(bytes.into()));
            }
            match self.pieces.next() {
                None => return Ok(None),
                Some(Piece::New(bytes)) if bytes.is_empty() => {}
                Some(Piece::New(bytes)) => return Ok(Some(bytes.into())),
                Some(Piece::Input(start, end)) => {
                    self.file.seek(SeekFrom::Start(start)).await?;
                    self.current = Some((start, end));
                }
            }
        }
    }
}
