//! Secure-boot variables: a signature over name, vendor, attributes, time and content, of which the file has the last two.
//!
//! The signature itself says which variable it is for, as it holds for the right name only. Where the caller knows the
//! name, it has to be that one.

use std::fmt;

use formats::certificate::Certificate;
use formats::container::efi_variable::{ATTRIBUTES, ATTRIBUTES_APPEND, EfiVariable, Variable};
use formats::oid;
use formats::signed_data::{SignedData, SignerInfo};

use super::signer::check_signature;
use super::{Check, Examined, FailureKind};
use crate::digest::DigestAlgorithm;

/// What the content of a secure-boot variable was signed to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedVariable {
    /// The variable.
    pub variable: Variable,
    /// Its attributes, as `SetVariable()` takes them.
    pub attributes: u32,
    /// Whether the caller named the variable; otherwise the signature alone says so.
    pub was_named: bool,
}

impl SignedVariable {
    /// Whether the content is added to what the variable has.
    pub fn appends(&self) -> bool {
        self.attributes == ATTRIBUTES_APPEND
    }
}

impl fmt::Display for SignedVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = match self.appends() {
            true => "added to",
            false => "the content of",
        };
        let whence = match self.was_named {
            true => "as it was named",
            false => "as the signature itself says",
        };
        write!(f, "{change} {}, {whence}", self.variable)
    }
}

impl Examined {
    /// Checks that the signature is over the content of the variable. Returns what it covers, as far as that could be
    /// found out.
    pub(super) fn check_variable(
        &mut self,
        signed_data: &SignedData<'_>,
        signer: &SignerInfo<'_>,
        leaf: Option<&Certificate>,
        variable: &EfiVariable,
    ) -> Vec<u8> {
        let algorithm = signer.digest_algorithm.algorithm;
        self.digest_algorithm = DigestAlgorithm::from_oid(algorithm);
        let named = variable.variable();
        let assumed = named.unwrap_or(Variable::Db);
        let message = variable.message(assumed, ATTRIBUTES);
        if signed_data.content.is_some() {
            let problem = "it carries a content, and is to be over that of the variable";
            self.fail(Check::Digest, FailureKind::Malformed, problem);
            return message;
        }
        match (signed_as(variable, signer, leaf), named) {
            (Some((found, _)), Some(named)) if found.variable != named => {
                let problem = format!("it is signed to become {}, not {named}", found.variable);
                self.fail(Check::Digest, FailureKind::DigestMismatch, problem);
                message
            }
            (Some((found, message)), named) => {
                self.variable = Some(SignedVariable {
                    was_named: named.is_some(),
                    ..found
                });
                self.pass(Check::Digest);
                message
            }
            (None, _) => {
                let problem = match named {
                    Some(named) => format!("it is not over this content of {named}"),
                    None => "it is over this content of no variable of secure boot".to_owned(),
                };
                self.fail(Check::Digest, FailureKind::DigestMismatch, problem);
                message
            }
        }
    }
}

/// The variable and the attributes for which the signature holds, the named variable first, with what it covers.
fn signed_as(
    variable: &EfiVariable,
    signer: &SignerInfo<'_>,
    leaf: Option<&Certificate>,
) -> Option<(SignedVariable, Vec<u8>)> {
    let named = variable.variable();
    let others = Variable::ALL
        .into_iter()
        .filter(|other| Some(*other) != named);
    let candidates = named.into_iter().chain(others);
    let mut candidates =
        candidates.flat_map(|name| [(name, ATTRIBUTES), (name, ATTRIBUTES_APPEND)]);
    candidates.find_map(|(name, attributes)| {
        let message = variable.message(name, attributes);
        let found = SignedVariable {
            variable: name,
            attributes,
            was_named: false,
        };
        is_over(signer, leaf, &message).then_some((found, message))
    })
}

/// Whether a signature is over `message`: by the digest that it states, or else by the signature value alone.
fn is_over(signer: &SignerInfo<'_>, leaf: Option<&Certificate>, message: &[u8]) -> bool {
    match &signer.signed_attributes {
        Some(attributes) => {
            let digest = DigestAlgorithm::from_oid(signer.digest_algorithm.algorithm);
            let stated = attributes.single(oid::MESSAGE_DIGEST);
            matches!((digest, stated), (Some(digest), Some(stated)) if digest.of(message) == stated.value)
        }
        None => leaf.is_some_and(|leaf| check_signature(signer, leaf, message).is_ok()),
    }
}
