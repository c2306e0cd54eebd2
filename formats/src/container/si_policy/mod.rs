//! Code-integrity policies (`SIPolicy.p7b`, `.cip`): a binary policy, bare or as the content of a PKCS#7 `SignedData`.
//!
//! Unlike Authenticode's contents the policy stands in an OCTET STRING, as CMS has it (RFC 5652 §5.2). A bare policy
//! begins with a header of fixed size, whose numbers are little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | format version, 1 to 8 so far |
//! | 4 | 16 | `PolicyTypeID` |
//! | 20 | 16 | `PlatformID` |
//! | 36 | 4 | options |
//! | 40 | 4 | number of EKUs |
//! | 44 | 4 | number of file rules |
//! | 48 | 4 | number of signers |
//! | 52 | 4 | number of signing scenarios |
//! | 56 | 8 | `VersionEx` |
//! | 64 | 4 | length of the header up to here, 64 |

mod binary;
mod policy;

use std::io::{Read, Seek};

use super::read_whole;
use crate::der;
use crate::error::ParseError;
use crate::oid;
use crate::patch::{Hunk, Patch};
use crate::signed_data::SignedData;

pub use policy::{
    CertRoot, Eku, FileRule, FileRuleKind, KERNEL, Policy, PolicyOption, Reference, Scenario,
    Setting, SettingValue, Signer, SignerRule, SignerSet, USER,
};

/// Largest policy that is read into memory; Windows takes some hundreds of KiB.
pub const MAX_POLICY: u64 = 16 << 20;
/// Bytes of the header.
pub(super) const HEADER: usize = 68;
/// What the last field of a header says.
const HEADER_LENGTH: u32 = 64;
/// Newest format version that a file may state: later ones are recognised, their contents may not be.
const MAX_VERSION: u32 = 32;

/// A policy file and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiPolicy {
    bytes: Vec<u8>,
    form: Form,
}

/// How the policy stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// It is the file.
    Bare,
    /// It is the content of a `SignedData`, which has a signer or, as `signtool` never leaves it, none.
    Enveloped { signed: bool },
}

impl SiPolicy {
    /// Reads a policy, signed or bare, of at most [`MAX_POLICY`] bytes.
    ///
    /// # Errors
    /// Where the input is no policy; the message names field and offset.
    pub fn read(input: &mut (impl Read + Seek)) -> Result<Self, ParseError> {
        Self::parse(read_whole(input, "SIPolicy", MAX_POLICY)?)
    }

    /// Reads a policy from memory.
    ///
    /// # Errors
    /// As [`SiPolicy::read`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, ParseError> {
        let form = match bytes.first() {
            Some(&der::SEQUENCE) => {
                let signed_data = SignedData::read(&bytes, 0)?;
                let (policy, offset) = content(&signed_data)?;
                check_header(policy, offset)?;
                let signed = !signed_data.signer_infos.is_empty();
                Form::Enveloped { signed }
            }
            _ => {
                check_header(&bytes, 0)?;
                Form::Bare
            }
        };
        Ok(Self { bytes, form })
    }

    /// The signature, which is the file itself; `None` for a policy without a signer.
    pub fn signature(&self) -> Option<&[u8]> {
        (self.form == Form::Enveloped { signed: true }).then_some(self.bytes.as_slice())
    }

    /// The binary policy and its offset in the file.
    ///
    /// # Errors
    /// None that [`SiPolicy::parse`] would not have given.
    pub fn policy(&self) -> Result<(&[u8], u64), ParseError> {
        match self.form {
            Form::Bare => Ok((&self.bytes, 0)),
            Form::Enveloped { .. } => content(&SignedData::read(&self.bytes, 0)?),
        }
    }

    /// The content element that a signature covers: the policy in an OCTET STRING.
    ///
    /// # Errors
    /// As [`SiPolicy::policy`].
    pub fn content(&self) -> Result<Vec<u8>, ParseError> {
        Ok(der::octet_string(self.policy()?.0))
    }

    /// The policy, read to its end, so that nobody signs half of one.
    ///
    /// # Errors
    /// As [`Policy::read`].
    pub fn prepare(&self) -> Result<&Self, ParseError> {
        let (policy, offset) = self.policy()?;
        Policy::read(policy, offset)?;
        Ok(self)
    }

    /// The patch that puts a signature, which carries this policy, in place of the whole file.
    pub fn embed(&self, cms: &[u8]) -> Patch {
        self.replace(cms.to_vec())
    }

    /// The patch that leaves the bare policy; `None` where that is all there is.
    ///
    /// # Errors
    /// As [`SiPolicy::policy`].
    pub fn remove_signature(&self) -> Result<Option<Patch>, ParseError> {
        match self.form {
            Form::Bare => Ok(None),
            Form::Enveloped { .. } => Ok(Some(self.replace(self.policy()?.0.to_vec()))),
        }
    }

    fn replace(&self, replacement: Vec<u8>) -> Patch {
        let range = 0..self.bytes.len() as u64;
        Patch::whole(Hunk { range, replacement })
    }
}

/// Whether a file may be a policy, bare or signed, by its first bytes; 256 are enough.
pub fn begins(beginning: &[u8]) -> bool {
    let beginning = beginning.get(..256).unwrap_or(beginning);
    let content_type = oid::SIPOLICY.0;
    let is_der = beginning.first() == Some(&der::SEQUENCE);
    let names_it = || {
        let mut windows = beginning.windows(content_type.len());
        windows.any(|window| window == content_type)
    };
    is_bare(beginning) || is_der && names_it()
}

/// Whether a file that begins so is a bare policy.
pub(super) fn is_bare(beginning: &[u8]) -> bool {
    check_header(beginning, 0).is_ok()
}

/// The policy inside a `SignedData`, and its file offset.
fn content<'a>(signed_data: &SignedData<'a>) -> Result<(&'a [u8], u64), ParseError> {
    let wrong = |found: String| {
        let expected = format_args!("{} (code-integrity policy)", oid::SIPOLICY).to_string();
        ParseError::invalid("SignedData", "eContentType", 0, found, expected)
    };
    if signed_data.content_type != oid::SIPOLICY {
        return Err(wrong(signed_data.content_type.to_string()));
    }
    match signed_data.content {
        Some(content) if content.tag == der::OCTET_STRING => {
            Ok((content.value, content.value_offset()))
        }
        Some(content) => Err(wrong(format!("content with tag 0x{:02x}", content.tag))),
        None => Err(wrong("no content".to_owned())),
    }
}

/// Whether `policy`, which stands at `offset`, begins as every version of the format does.
fn check_header(policy: &[u8], offset: u64) -> Result<(), ParseError> {
    let mut header = crate::cursor::Cursor::new("SIPolicy", policy, offset);
    let version = header.u32("formatVersion")?;
    if version == 0 || version > MAX_VERSION {
        let expected = format_args!("1 to {MAX_VERSION}").to_string();
        return Err(ParseError::invalid(
            "SIPolicy",
            "formatVersion",
            offset,
            version,
            expected,
        ));
    }
    header.bytes("header", HEADER.saturating_sub(8))?;
    let place = header.offset();
    match header.u32("headerLength")? {
        HEADER_LENGTH => Ok(()),
        other => Err(ParseError::invalid(
            "SIPolicy",
            "headerLength",
            place,
            other,
            HEADER_LENGTH,
        )),
    }
}
