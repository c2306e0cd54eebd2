//! The files of requests: in a folder, kept until the request is decided and some time beyond.

use std::path::{Path, PathBuf};

use super::row::Row;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::upload::Upload;

fn place(state: &Inner, id: &str) -> PathBuf {
    folder(state).join(id)
}

/// The folder that all nodes share.
pub(super) fn folder(state: &Inner) -> PathBuf {
    state.setup.config.artifacts()
}

/// Keeps the file of a request: whole and on the disk, or not at all.
pub(super) async fn keep(state: &Inner, id: &str, upload: &Upload) -> Result<(), Problem> {
    let (from, to) = (upload.path(), place(state, id));
    let kept = tokio::task::spawn_blocking(move || {
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder)?;
        }
        signer::output::write_patched(&from, &Default::default(), &to)
    });
    let kept = kept.await.map_err(|error| Problem::internal(&error))?;
    kept.map_err(|error| Problem::storage(&error))
}

/// The file of a request, as if it had just been sent.
pub(super) async fn fetch(state: &Inner, request: &Row) -> Result<Upload, Problem> {
    let path = place(state, &request.id);
    let gone = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Problem::because(Slug::Conflict, "the file is not kept any more")
        }
        _ => Problem::storage(&error),
    };
    let upload = state
        .uploads
        .of_file(&path, &request.name)
        .await
        .map_err(gone)?;
    match upload.sha256 == request.sha256 {
        true => Ok(upload),
        false => Err(Problem::internal(&format_args!(
            "the file of request {} was changed",
            request.id
        ))),
    }
}

/// Throws the file of a request away.
pub(super) async fn forget(state: &Inner, id: &str) {
    let path = place(state, id);
    if let Err(error) = tokio::fs::remove_file(&path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, request = id, "a file was not thrown away");
    }
}

/// The ids of files that are older than `age`.
pub(super) fn older(folder: &Path, age: std::time::Duration) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let is_old = entry
            .metadata()?
            .modified()?
            .elapsed()
            .is_ok_and(|since| since > age);
        if is_old && let Ok(name) = entry.file_name().into_string() {
            found.push(name);
        }
    }
    Ok(found)
}
