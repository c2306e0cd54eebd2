//! Tokens of OpenID Connect issuers, as the jobs of CI systems have them: which claims may do what.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use signer::environment::Environment;

use super::keys::{Keys, is_address};
use super::{Grant, Role, jwt};

/// How far the clocks of issuer and service may differ, in seconds.
const LEEWAY: u64 = 30;
/// Longest token that is looked at, in bytes; those of CI systems have 2,000.
const LONGEST: usize = 16 << 10;

/// `[[service.oidc]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Issuer {
    /// `iss`, as the tokens have it.
    pub issuer: String,
    /// `aud` that the tokens must have.
    pub audience: String,
    /// File or address of its public keys, a JWK set.
    pub jwks: String,
    /// What its tokens may do.
    #[serde(default)]
    pub allow: Vec<ClaimRule>,
}

/// `[[service.oidc.allow]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClaimRule {
    /// Claims that a token must have, each with this text; `*` at the end stands for anything.
    pub claims: BTreeMap<String, String>,
    /// Profiles by name; `*` is every one.
    pub profiles: BTreeSet<String>,
    /// What may be done with them.
    pub roles: BTreeSet<Role>,
}

/// The issuers that are trusted.
pub(crate) struct Issuers {
    known: Vec<(Issuer, Keys, Validation)>,
}

/// A token that holds.
pub(super) struct Verified {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The claims that rules look at.
    pub(super) claims: Value,
    pub(super) grants: Vec<Grant>,
}

impl Issuer {
    /// Makes the path of its keys relative to the current folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        if !is_address(&self.jwks) {
            let path = folder.join(&self.jwks);
            self.jwks = path.to_string_lossy().into_owned();
        }
    }
}

impl Issuers {
    /// The issuers of a configuration. No key is read yet.
    pub(crate) fn new(issuers: &[Issuer]) -> Self {
        jwt::install();
        let known = issuers.iter().map(|issuer| {
            let mut validation = Validation::new(Algorithm::RS256);
            validation.algorithms = jwt::ALGORITHMS.to_vec();
            validation.leeway = LEEWAY;
            validation.validate_nbf = true;
            validation.set_issuer(&[&issuer.issuer]);
            validation.set_audience(&[&issuer.audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
            (issuer.clone(), Keys::new(&issuer.jwks), validation)
        });
        Self {
            known: known.collect(),
        }
    }

    /// Checks a token: form, issuer, key, signature, times, audience.
    pub(super) fn verify(
        &self,
        token: &str,
        environment: &dyn Environment,
    ) -> Result<Verified, String> {
        if token.len() > LONGEST {
            return Err("a token that is too long".to_owned());
        }
        let told = |error: jsonwebtoken::errors::Error| error.to_string();
        let header = jsonwebtoken::decode_header(token).map_err(told)?;
        // Which keys to check it with is all that is taken from a token that was not checked.
        let claimed: Map<String, Value> =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(told)?;
        let claimed = claimed.get("iss").and_then(Value::as_str);
        let issuer = self
            .known
            .iter()
            .find(|(issuer, ..)| Some(issuer.issuer.as_str()) == claimed);
        let (issuer, keys, validation) = issuer.ok_or("an issuer that is not trusted")?;
        let key = keys.find(header.kid.as_deref(), environment)?;
        let key = DecodingKey::from_jwk(&key).map_err(told)?;
        // The library wants every algorithm that is accepted to be of the key's family.
        let mut validation = validation.clone();
        validation
            .algorithms
            .retain(|one| one.family() == key.family());
        let data = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
        let claims = data.map_err(told)?.claims;
        let subject = claims.get("sub").and_then(Value::as_str);
        Ok(Verified {
            issuer: issuer.issuer.clone(),
            subject: subject.unwrap_or_default().to_owned(),
            grants: grants(&issuer.allow, &claims),
            claims: looked_at(&issuer.allow, &claims),
        })
    }
}

fn grants(rules: &[ClaimRule], claims: &Map<String, Value>) -> Vec<Grant> {
    let matching = rules.iter().filter(|rule| {
        // A rule without claims would let every job of everybody in.
        !rule.claims.is_empty()
            && rule
                .claims
                .iter()
                .all(|(name, wanted)| has(claims, name, wanted))
    });
    matching
        .map(|rule| Grant {
            profiles: rule.profiles.clone(),
            roles: rule.roles.clone(),
        })
        .collect()
}

fn has(claims: &Map<String, Value>, name: &str, wanted: &str) -> bool {
    let fits = |text: &str| match wanted.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => text == wanted,
    };
    match claims.get(name) {
        Some(Value::String(text)) => fits(text),
        Some(Value::Bool(value)) => fits(&value.to_string()),
        Some(Value::Number(value)) => fits(&value.to_string()),
        _ => false,
    }
}

/// The claims that any rule names, for the log.
fn looked_at(rules: &[ClaimRule], claims: &Map<String, Value>) -> Value {
    let named: BTreeSet<&String> = rules.iter().flat_map(|rule| rule.claims.keys()).collect();
    let present = named.into_iter().filter_map(|name| {
        let value = claims.get(name)?;
        Some((name.clone(), value.clone()))
    });
    Value::Object(present.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(claims: &[(&str, &str)]) -> ClaimRule {
        let claims = claims
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ClaimRule {
            claims: claims.collect(),
            profiles: BTreeSet::from(["retail".to_owned()]),
            roles: BTreeSet::from([Role::Sign]),
        }
    }

    #[test]
    fn every_claim_of_a_rule_must_be_there() {
        let claims = json!({ "repository": "fjordlight/kiosk", "ref": "refs/heads/main", "n": 7 });
        let Value::Object(claims) = claims else {
            panic!()
        };
        let count = |rule_claims: &[(&str, &str)]| grants(&[rule(rule_claims)], &claims).len();
        assert_eq!(
            count(&[
                ("repository", "fjordlight/kiosk"),
                ("ref", "refs/heads/main")
            ]),
            1
        );
        assert_eq!(count(&[("repository", "fjordlight/*"), ("n", "7")]), 1);
        assert_eq!(
            count(&[("repository", "fjordlight/kiosk"), ("ref", "refs/heads/x")]),
            0
        );
        assert_eq!(count(&[("repository", "fjordlight")]), 0);
        assert_eq!(count(&[("environment", "*")]), 0);
        assert_eq!(count(&[]), 0);
    }
}
