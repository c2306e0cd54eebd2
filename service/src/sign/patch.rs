//! A signature as a change to the file that was sent: `application/vnd.proofmark.patch+json`.

use base64ct::{Base64, Encoding};
use formats::patch::{Hunk, Patch};
use serde::{Deserialize, Serialize};

/// The media type.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.proofmark.patch+json";

/// A file before or after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Side {
    /// SHA-256 of all bytes, hexadecimal.
    pub(crate) sha256: String,
    /// Length in bytes.
    pub(crate) size: u64,
}

/// A patch, and what it makes of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PatchForm {
    /// Version of this form.
    pub(crate) schema_version: u32,
    /// The file that was sent.
    pub(crate) input: Side,
    /// The file that comes of it.
    pub(crate) output: Side,
    /// Replacements in the order of the input.
    pub(crate) hunks: Vec<HunkForm>,
}

/// Bytes of the input from `start` to before `end` become `replacement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HunkForm {
    /// First byte.
    pub(crate) start: u64,
    /// Byte after the last.
    pub(crate) end: u64,
    /// Base64.
    pub(crate) replacement: String,
}

impl PatchForm {
    /// The form of a patch.
    pub(crate) fn new(patch: &Patch, input: Side, output: Side) -> Self {
        let hunks = patch.hunks().iter().map(|hunk| HunkForm {
            start: hunk.range.start,
            end: hunk.range.end,
            replacement: Base64::encode_string(&hunk.replacement),
        });
        Self {
            schema_version: 1,
            input,
            output,
            hunks: hunks.collect(),
        }
    }

    /// The patch; `None` where the form holds none.
    pub(crate) fn patch(&self) -> Option<Patch> {
        let hunks = self.hunks.iter().map(|hunk| {
            Some(Hunk {
                range: hunk.start..hunk.end,
                replacement: Base64::decode_vec(&hunk.replacement).ok()?,
            })
        });
        Patch::new(hunks.collect::<Option<_>>()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_survives_its_form() {
        let side = |size| Side {
            sha256: "00".to_owned(),
            size,
        };
        let hunks = [(2..4, &b"head"[..]), (9..9, b"signature")];
        let hunks = hunks.map(|(range, bytes)| Hunk {
            range,
            replacement: bytes.to_vec(),
        });
        let patch = Patch::new(hunks.to_vec()).unwrap();
        let form = PatchForm::new(&patch, side(9), side(20));
        let text = serde_json::to_string(&form).unwrap();
        let read: PatchForm = serde_json::from_str(&text).unwrap();
        assert_eq!(read, form);
        assert_eq!(read.patch().unwrap(), patch);
        let broken = PatchForm {
            hunks: vec![HunkForm {
                start: 5,
                end: 4,
                replacement: String::new(),
            }],
            ..form
        };
        assert!(broken.patch().is_none());
    }
}
