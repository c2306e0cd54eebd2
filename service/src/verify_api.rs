//! `POST /v1/verify`: what the signatures of a file, or of the files of an archive, are worth.

use std::fs::File;
use std::io::{BufReader, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use formats::container::Container;
use formats::container::efi_variable::Variable;
use formats::container::ffu::FullFlashUpdate;
use lint::render::verification::{
    ClassRequirement, Detail, FileRecord, Requirement, SignatureRequirement,
};
use serde::Deserialize;
use serde_json::{Value, json};
use signer::anchor::Anchors;
use signer::full_flash::verify_full_flash;
use signer::verify::{Outcome, Verification, VerifyOptions, verify as verify_container};
use time::OffsetDateTime;

use crate::archive::{self, Packed};
use crate::auth::{Principal, Role};
use crate::lint_api::packed;
use crate::problem::{Problem, Slug};
use crate::state::Inner;
use crate::upload::{self, Upload};

/// Bytes by which a file is recognised.
const LONGEST_MAGIC: u64 = 64;
/// Bytes read at a time from a file that is hashed.
const READ_BUFFER: usize = 256 << 10;

/// What a request says beside the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// The name of the file.
    name: Option<String>,
    /// Which anchors are accepted.
    require: Option<Class>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Retail,
    Test,
}

/// Verifies what a request holds.
pub(crate) async fn verify(
    State(state): State<Arc<Inner>>,
    principal: Principal,
    query: Result<Query<VerifyQuery>, QueryRejection>,
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
        .run(move || records(&at_work, &upload, packed, query.require));
    let records = worked.await??;
    let accepted = records.iter().all(FileRecord::is_accepted);
    let records = records.iter().map(|record| record.json(Detail::Outcomes));
    let answer = json!({
        "schema_version": 1,
        "accepted": accepted,
        "files": Value::Array(records.collect()),
    });
    Ok(axum::Json(answer).into_response())
}

fn records(
    state: &Inner,
    upload: &Upload,
    packed: Option<Packed>,
    class: Option<Class>,
) -> Result<Vec<FileRecord>, Problem> {
    let requirement = Requirement {
        class: class.map(|class| match class {
            Class::Retail => ClassRequirement::Retail,
            Class::Test => ClassRequirement::Test,
        }),
        signatures: SignatureRequirement::All,
    };
    let files = match packed {
        None => {
            let path = upload.path().map_err(|error| Problem::storage(&error))?;
            vec![(upload.name.clone(), path)]
        }
        Some(packed) => {
            let folder = archive::unpack(upload, packed)?;
            let found = containers(&folder).map_err(|error| Problem::storage(&error))?;
            if found.is_empty() {
                let problem = "nothing in the archive can carry a signature";
                return Err(Problem::because(Slug::NotReadable, problem));
            }
            found
        }
    };
    let now = state.setup.environment.now();
    let records = files.into_iter().map(|(name, path)| {
        let found = verify_file(&name, &path, now, &state.setup.anchors);
        FileRecord::new(name, found, requirement)
    });
    Ok(records.collect())
}

/// The files below a folder that can be read as containers, by their paths in it.
fn containers(folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_owned())];
    while let Some((above, folder)) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{above}{}", entry.file_name().to_string_lossy());
            match entry.file_type()?.is_dir() {
                true => folders.push((format!("{name}/"), entry.path())),
                false if is_container(&entry.path()) => found.push((name, entry.path())),
                false => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn is_container(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut magic = Vec::new();
    let read = file.take(LONGEST_MAGIC).read_to_end(&mut magic);
    let is_known = [
        &b"MSCF"[..],
        b"MZ",
        b"PK\x03\x04",
        &[0x30, 0x82],
        &[0x30, 0x83],
        &[0x30, 0x84],
    ];
    let is_known = is_known.iter().any(|known| magic.starts_with(known));
    read.is_ok() && (is_known || FullFlashUpdate::is_magic(&magic))
}

fn verify_file(
    name: &str,
    path: &Path,
    at: OffsetDateTime,
    anchors: &Anchors,
) -> Result<Verification, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader = BufReader::with_capacity(READ_BUFFER, file);
    let options = VerifyOptions { at, anchors };
    let mut magic = Vec::new();
    let begun = reader.by_ref().take(LONGEST_MAGIC).read_to_end(&mut magic);
    begun.map_err(|error| error.to_string())?;
    if FullFlashUpdate::is_magic(&magic) {
        return verify_image(path, &mut reader, options);
    }
    let mut container = Container::read(&mut reader).map_err(|error| error.to_string())?;
    if let Container::EfiVariable(content) = &mut container {
        content.assume(Variable::of_file_name(name));
    }
    verify_container(&container, &mut reader, options).map_err(|error| error.to_string())
}

/// Verifies the signature of an image's catalog, where the image is what the catalog says.
fn verify_image(
    path: &Path,
    reader: &mut BufReader<File>,
    options: VerifyOptions<'_>,
) -> Result<Verification, String> {
    let update = FullFlashUpdate::read(reader).map_err(|error| error.to_string())?;
    let open = || File::open(path).map(|file| BufReader::with_capacity(READ_BUFFER, file));
    let one = NonZeroUsize::MIN;
    let found = verify_full_flash(&update, &open, one, &|_| (), options);
    let found = found.map_err(|error| error.to_string())?;
    for outcome in [&found.structure, &found.hash_table, &found.chunks] {
        if let Outcome::Failed(_, problem) = outcome {
            return Err(problem.clone());
        }
    }
    let none = || "its catalog cannot be read".to_owned();
    found.catalog.ok_or_else(none)
}
