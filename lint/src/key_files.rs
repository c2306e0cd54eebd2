//! Finds private keys among the files of a workspace. What is in them is not kept: only whether anyone can open them.

use formats::certificate::Certificate;
use rayon::prelude::*;
use signer::pfx::read_certificates;
use signer::published;
use time::OffsetDateTime;

use crate::facts::key_file::KeyFile;
use crate::facts::{Unreadable, Workspace};
use crate::files::{Files, name_of};
use crate::unchecked::cut;

/// Largest file that is looked into, bytes; a key is a few kilobytes.
const LARGEST: u64 = 1 << 20;
/// How many files are looked into; what is left out is said.
const MOST: usize = 1000;

/// Looks into the key files that were asked for; the second value says what was left out.
pub fn read_key_files(
    files: &dyn Files,
    workspace: &Workspace,
    at: OffsetDateTime,
) -> (Vec<KeyFile>, Option<Unreadable>) {
    let wanted = workspace.tree.iter().filter(|file| {
        let end = name_of(&file.path).rsplit('.').next().unwrap_or_default();
        let end = end.to_ascii_lowercase();
        let is_key = matches!(end.as_str(), "pfx" | "p12" | "pvk" | "key" | "pem");
        is_key && file.size <= LARGEST && workspace.is_target(&file.path)
    });
    let mut paths: Vec<&str> = wanted.map(|file| file.path.as_str()).collect();
    let left_out = cut(&mut paths, MOST, "key files", &workspace.targets, |path| {
        path
    });
    let found = paths.par_iter().filter_map(|path| {
        let bytes = files.read(path, LARGEST).ok()?;
        open(path, &bytes, at)
    });
    (found.collect(), left_out)
}

/// The file, where anyone can open it.
fn open(path: &str, bytes: &[u8], at: OffsetDateTime) -> Option<KeyFile> {
    let mut found = KeyFile {
        path: path.to_owned(),
        subject: None,
        published: None,
        expired: None,
    };
    let is_pfx = bytes.starts_with(&[0x30]);
    if is_pfx && !path.to_ascii_lowercase().ends_with(".key") {
        let certificates = read_certificates(bytes, "").ok()?;
        let certificates = certificates
            .iter()
            .filter_map(|der| Certificate::parse(der, 0).ok());
        let certificates: Vec<Certificate> = certificates.collect();
        let leaf = certificates.iter().find(|certificate| {
            let is_authority = certificate.basic_constraints.is_some_and(|b| b.ca);
            !is_authority
        });
        let leaf = leaf.or(certificates.first());
        found.subject = leaf.map(|leaf| leaf.subject.common_name.clone());
        found.published = certificates.iter().find_map(published::find);
        let ended = leaf.filter(|leaf| leaf.not_after < at);
        found.expired = ended.map(|leaf| signer::clock::rfc3339(leaf.not_after));
        return Some(found);
    }
    (is_plain_pvk(bytes) || is_plain_pem(bytes)).then_some(found)
}

/// `PVK`: magic, reserved, key type, encryption type (0: none).
fn is_plain_pvk(bytes: &[u8]) -> bool {
    bytes.starts_with(&0xb0b5_f11e_u32.to_le_bytes()) && bytes.get(12..16) == Some(&[0; 4])
}

/// A private key in PEM, neither PKCS#8 encrypted nor of the older form with a `Proc-Type` line.
fn is_plain_pem(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let is_key = text.contains("PRIVATE KEY-----");
    is_key && !text.contains("ENCRYPTED PRIVATE KEY") && !text.contains("Proc-Type: 4,ENCRYPTED")
}

#[cfg(test)]
mod tests {
    use signer::anchor::Anchors;
    use signer::verify::VerifyOptions;

    use super::*;
    use crate::engine::{gather, judge};
    use crate::files::Memory;
    use crate::policy::Policies;
    use crate::resolve::ResolveOptions;
    use crate::verify::verify_cabinets;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!(
            "{}/../testcerts/{name}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .unwrap()
    }

    #[test]
    fn keys_beyond_the_limit_are_said_not_to_be_looked_at() {
        let keys = (0..=MOST).map(|number| (format!("keys/{number:04}.key"), ""));
        let files: Memory = keys.collect();
        let options = ResolveOptions::default();
        let mut workspaces = gather(&files, &["keys".into()], &options).unwrap();
        let anchors = Anchors::built_in();
        let at = time::macros::datetime!(2026-06-01 0:00 UTC);
        let options = VerifyOptions {
            at,
            anchors: &anchors,
        };
        verify_cabinets(&files, &mut workspaces[0], options, None);
        let outcome = judge(&workspaces, &Policies::built_in());
        let found = outcome.diagnostics.iter();
        let said: Vec<_> = found
            .filter(|found| found.rule == "document-not-well-formed")
            .map(|found| (found.primary.file(), found.message.as_str()))
            .collect();
        let message = "not looked at: there are 1001 key files, and 1000 are looked at";
        assert_eq!(said, [("keys/1000.key", message)]);
    }

    #[test]
    fn only_what_anyone_can_open_is_told() {
        let at = time::macros::datetime!(2026-06-01 0:00 UTC);
        let found = |name: &str| open(name, &file(name), at);
        let own = found("demo-retail.pfx").unwrap();
        assert_eq!((own.published, own.expired), (None, None));
        assert!(found("oem.pfx").unwrap().published.is_some());
        assert!(found("expired.pfx").unwrap().expired.is_some());
        assert!(found("oem.key").is_some() && found("oem.cer").is_none());
        assert_eq!(found("pfx/oem-password.pfx"), None);
        let pvk = |kind: u8| {
            let mut bytes = 0xb0b5_f11e_u32.to_le_bytes().to_vec();
            bytes.extend([0, 0, 0, 0, 2, 0, 0, 0, kind, 0, 0, 0]);
            open("a.pvk", &bytes, at)
        };
        assert!(pvk(0).is_some() && pvk(1).is_none());
    }
}
