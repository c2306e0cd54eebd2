//! Client certificates: what TLS accepted, by subject or thumbprint.

use std::collections::BTreeSet;

use formats::certificate::Certificate;
use formats::x500::DistinguishedName;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use signer::digest::{DigestAlgorithm, hex};

use super::{Grant, Role};

/// `[[service.certificate]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CertificateRule {
    /// The whole subject, e.g. `CN=build-7, O=Fjordlight`.
    #[serde(default, deserialize_with = "subject")]
    pub subject: Option<DistinguishedName>,
    /// SHA-256 of the certificate, hexadecimal.
    pub sha256: Option<String>,
    /// Who holds it, as `proofmark token create --for` names people; otherwise the certificate stands for itself.
    pub person: Option<String>,
    /// Profiles by name; `*` is every one.
    pub profiles: BTreeSet<String>,
    /// What may be done with them.
    pub roles: BTreeSet<Role>,
}

fn subject<'de, D: Deserializer<'de>>(text: D) -> Result<Option<DistinguishedName>, D::Error> {
    let name = DistinguishedName::parse(&String::deserialize(text)?);
    name.map(Some).map_err(D::Error::custom)
}

/// Whose certificate it is.
pub(super) struct Known {
    pub(super) thumbprint: String,
    pub(super) subject: String,
    pub(super) person: Option<String>,
    pub(super) grants: Vec<Grant>,
}

/// Reads a certificate that TLS verified; `None` where it cannot be read.
pub(super) fn identify(der: &[u8], rules: &[CertificateRule]) -> Option<Known> {
    let certificate = Certificate::parse(der, 0).ok()?;
    let thumbprint = hex(&DigestAlgorithm::Sha256.of(der));
    let subject = DistinguishedName::read(&certificate.subject.raw).ok()?;
    let matching = rules.iter().filter(|rule| {
        let by_subject = rule
            .subject
            .as_ref()
            .is_none_or(|wanted| *wanted == subject);
        let by_hash = rule.sha256.as_ref();
        let by_hash = by_hash.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&thumbprint));
        // A rule that names nobody means nobody.
        (rule.subject.is_some() || rule.sha256.is_some()) && by_subject && by_hash
    });
    let mut person = None;
    let mut grants = Vec::new();
    for rule in matching {
        person = person.or(rule.person.as_deref().map(super::token::person));
        grants.push(Grant {
            profiles: rule.profiles.clone(),
            roles: rule.roles.clone(),
        });
    }
    Some(Known {
        thumbprint,
        subject: subject.to_string(),
        person,
        grants,
    })
}
