//! What there is: rules, policies, profiles.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use lint::explain;
use lint::image::ImageType;
use serde_json::{Value, json};
use signer::clock::rfc3339;
use signer::identity::write_pem;

use crate::auth::{Principal, Role};
use crate::gate;
use crate::problem::Problem;
use crate::state::Inner;

/// `GET /v1/rules`: every rule, as `proofmark rules --format json` prints them.
pub(crate) async fn rules(principal: Principal) -> Result<Response, Problem> {
    principal.expect_somewhere(Role::Lint)?;
    let text = explain::rules_json().map_err(|error| Problem::internal(&error))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// `GET /v1/policies`: the version and the levels of every type of image.
pub(crate) async fn policies(
    State(state): State<Arc<Inner>>,
    principal: Principal,
) -> Result<Json<Value>, Problem> {
    principal.expect_somewhere(Role::Lint)?;
    let policies = state.gate.on(state.setup.environment.now().date());
    let images = ImageType::ALL.iter().map(|image| {
        let version = gate::version(&policies, *image);
        let rules = policies.rules_for(Some(*image));
        let levels = rules
            .iter()
            .map(|rule| (rule.info.id.to_owned(), Value::from(rule.level.to_string())));
        json!({
            "image": version.image,
            "sha256": version.sha256,
            "levels": Value::Object(levels.collect()),
        })
    });
    Ok(Json(Value::Array(images.collect())))
}

/// `GET /v1/profiles`: those with which the principal may do anything.
pub(crate) async fn profiles(State(state): State<Arc<Inner>>, principal: Principal) -> Json<Value> {
    let usable = state.setup.profiles.iter().filter_map(|(name, profile)| {
        let roles = Role::ALL
            .into_iter()
            .filter(|role| principal.may(*role, name));
        let roles: Vec<&str> = roles.map(Role::name).collect();
        if roles.is_empty() {
            return None;
        }
        let leaf = profile.identity.leaf();
        let above = profile.identity.intermediates();
        let chain = std::iter::once(leaf).chain(above);
        Some(json!({
            "name": name,
            "roles": roles,
            "gate": profile.rules.gate.image().as_str(),
            "approvals": profile.rules.approvals,
            "digest_signing": profile.rules.digest_signing,
            "certificate": {
                "subject": leaf.subject.to_string(),
                "sha256": profile.thumbprint(),
                "not_before": rfc3339(leaf.not_before),
                "not_after": rfc3339(leaf.not_after),
            },
            "certificates": chain.filter_map(|one| write_pem(one).ok()).collect::<String>(),
        }))
    });
    Json(Value::Array(usable.collect()))
}
