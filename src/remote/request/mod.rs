//! Requests: files that wait at the service until people agree. `proofmark request`, `status`, `approve`, `reject`,
//! `cancel` and `fetch`.

mod ask;
mod decide;
mod fetch;
mod show;

pub(crate) use ask::{RequestArgs, run as ask};
pub(crate) use decide::{ApproveArgs, CancelArgs, RejectArgs, approve, cancel, reject};
pub(crate) use fetch::{FetchArgs, run as fetch};
pub(crate) use show::{StatusArgs, run as status};

use serde_json::Value;

use super::{Remote, encoded};
use crate::error::Error;

/// A request by its id.
fn get(remote: &Remote, id: &str) -> Result<Value, Error> {
    remote.get_json(&format!("/v1/requests/{}", encoded(id)))
}

/// A text of an answer, empty where there is none; harmless on a terminal.
pub(super) fn text(value: &Value, pointer: &str) -> String {
    let text = value.pointer(pointer).and_then(Value::as_str);
    crate::output::printable(text.unwrap_or_default())
}

/// Whether a request has ended without a signature.
fn has_failed(request: &Value) -> bool {
    !matches!(
        request["state"].as_str(),
        Some("pending" | "approved" | "signed")
    )
}
