//! The request as a file: JSON, described in `docs/detached.md`.
//!
//! Whoever approves a request reads digests and names in it; what is said twice, for people and for the program, is
//! therefore compared when it is read.

use base64ct::{Base64, Encoding};
use formats::certificate::Certificate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use super::DetachedError;
use super::request::SigningRequest;
use crate::clock::{parse_rfc3339, rfc3339};
use crate::cms::Attributes;
use crate::digest::{DigestAlgorithm, hex};
use crate::identity::thumbprint;
use crate::sign::{Action, SignOptions};
use crate::signer_certificates::SignerCertificates;

/// What `kind` says in every request.
pub const KIND: &str = "proofmark-signing-request";
/// The version that is written and read.
pub const VERSION: u32 = 1;
/// Most certificates of a request: no chain is longer.
const MAX_CERTIFICATES: usize = 16;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    kind: String,
    version: u32,
    file: FileForm,
    action: String,
    signer: SignerForm,
    digest_algorithm: String,
    content_digest: String,
    digest_to_sign: String,
    signed_attributes: String,
    certificates: Vec<String>,
    options: OptionsForm,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    name: String,
    format: String,
    size: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignerForm {
    subject: String,
    thumbprint: String,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionsForm {
    program_name: Option<String>,
    more_info: Option<String>,
    signing_time: Option<String>,
    page_hashes: bool,
    allow_publisher_mismatch: bool,
}

pub(super) fn write(request: &SigningRequest) -> Result<String, DetachedError> {
    let text = serde_json::to_string_pretty(&form(request)?).map_err(unreadable)?;
    Ok(text + "\n")
}

pub(super) fn read(json: &[u8]) -> Result<SigningRequest, DetachedError> {
    let value: Value = serde_json::from_slice(json).map_err(unreadable)?;
    if value.get("kind").and_then(Value::as_str) != Some(KIND) {
        return Err(DetachedError::Request(format!(
            "its field kind is not '{KIND}'"
        )));
    }
    match value.get("version").and_then(Value::as_u64) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(version) => {
            return Err(DetachedError::Request(format!(
                "it has version {version}, this program reads version {VERSION}"
            )));
        }
        None => return Err(unreadable("it has no version")),
    }
    // From the text, so that messages have line and column and a field that comes twice is refused.
    let parsed: Form = serde_json::from_slice(json).map_err(unreadable)?;
    let request = request(&parsed)?;
    let again = serde_json::to_value(form(&request)?).map_err(unreadable)?;
    match difference("", &value, &again) {
        None => Ok(request),
        Some(field) => Err(DetachedError::Inconsistent(field)),
    }
}

fn unreadable(error: impl std::fmt::Display) -> DetachedError {
    DetachedError::Request(error.to_string())
}

fn form(request: &SigningRequest) -> Result<Form, DetachedError> {
    let options = &request.options;
    let leaf = request.certificates.leaf();
    let certificates = std::iter::once(leaf).chain(request.certificates.intermediates());
    Ok(Form {
        kind: KIND.to_owned(),
        version: VERSION,
        file: FileForm {
            name: request.file_name.clone(),
            format: request.format.clone(),
            size: request.size,
            sha256: hex(&request.sha256),
        },
        action: request.action.name().to_owned(),
        signer: SignerForm {
            subject: leaf.subject.to_string(),
            thumbprint: thumbprint(leaf),
            key: request.key_kind()?.to_string(),
        },
        digest_algorithm: options.digest.to_string(),
        content_digest: hex(&request.content_digest()?),
        digest_to_sign: hex(&request.digest()),
        signed_attributes: Base64::encode_string(&request.signed_attributes),
        certificates: certificates
            .map(|certificate| Base64::encode_string(&certificate.der))
            .collect(),
        options: OptionsForm {
            program_name: options.attributes.program_name.clone(),
            more_info: options.attributes.more_info.clone(),
            signing_time: options.attributes.signing_time.map(rfc3339),
            page_hashes: options.page_hashes,
            allow_publisher_mismatch: options.allow_publisher_mismatch,
        },
    })
}

fn request(form: &Form) -> Result<SigningRequest, DetachedError> {
    let action = [Action::Signed, Action::Replaced, Action::Appended];
    let action = action
        .into_iter()
        .find(|action| action.name() == form.action);
    let digest = DigestAlgorithm::from_name(&form.digest_algorithm).filter(|d| d.is_strong());
    if form.certificates.len() > MAX_CERTIFICATES {
        return Err(field("certificates"));
    }
    let mut certificates = Vec::new();
    for text in &form.certificates {
        let der = base64(text, "certificates")?;
        let certificate = Certificate::parse(&der, 0);
        certificates.push(certificate.map_err(|error| unreadable(error.to_string()))?);
    }
    let leaf = certificates.first().cloned();
    let leaf = leaf.ok_or_else(|| field("certificates"))?;
    Ok(SigningRequest {
        file_name: form.file.name.clone(),
        size: form.file.size,
        sha256: unhex(&form.file.sha256).ok_or_else(|| field("file.sha256"))?,
        format: form.file.format.clone(),
        action: action.ok_or_else(|| field("action"))?,
        options: SignOptions {
            digest: digest.ok_or_else(|| field("digest_algorithm"))?,
            attributes: Attributes {
                program_name: form.options.program_name.clone(),
                more_info: form.options.more_info.clone(),
                signing_time: signing_time(form.options.signing_time.as_deref())?,
            },
            page_hashes: form.options.page_hashes,
            allow_publisher_mismatch: form.options.allow_publisher_mismatch,
            ..SignOptions::default()
        },
        certificates: SignerCertificates::new(leaf, &certificates),
        signed_attributes: base64(&form.signed_attributes, "signed_attributes")?,
    })
}

fn field(name: &str) -> DetachedError {
    DetachedError::Request(format!("its field {name} has a value that is not allowed"))
}

fn signing_time(text: Option<&str>) -> Result<Option<OffsetDateTime>, DetachedError> {
    let time = text.map(|text| parse_rfc3339(text).ok_or_else(|| field("options.signing_time")));
    time.transpose()
}

fn base64(text: &str, name: &str) -> Result<Vec<u8>, DetachedError> {
    Base64::decode_vec(text).map_err(|_| field(name))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    digits.collect()
}

/// The first field that two requests do not have alike.
fn difference(path: &str, a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.into_iter().find_map(|key| {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                let missing = &Value::Null;
                let (a, b) = (a.get(key), b.get(key));
                difference(&path, a.unwrap_or(missing), b.unwrap_or(missing))
            })
        }
        _ => (a != b).then(|| path.to_owned()),
    }
}
