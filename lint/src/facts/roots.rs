//! The root certificates that an image makes its device trust.

use formats::certificate::Certificate;
use formats::cursor::Cursor;
use formats::document::registry::RegistryData;

use super::Facts;
use super::registry::RegistryFile;
use crate::diagnostic::{Fix, Place};

/// Below this key lie the roots that a device trusts, one key for each thumbprint.
const ROOTS: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates";

/// A root certificate that an image installs.
#[derive(Debug, Clone)]
pub struct TrustedRoot {
    /// The key of the registry, or the path of the file.
    pub place: Place,
    /// The certificate.
    pub certificate: Certificate,
    /// Takes it out of the file, where that can be done by a comment.
    pub removal: Option<Fix>,
}

impl Facts<'_> {
    /// The root certificates that provisioning installs, where the file that it names is there.
    pub fn provisioned_roots(&self) -> Vec<TrustedRoot> {
        let files = self.documents.customizations.iter();
        let roots = files.flat_map(|file| {
            let roots = file.root_certificates.iter();
            roots.map(move |root| (file, root))
        });
        let found = roots.filter_map(|(file, root)| {
            let path = root.certificate_path.as_ref()?;
            let certificate = self.provisioned_root(file.folder(), &path.value)?;
            Some(TrustedRoot {
                place: file.value(path, root.route.clone()),
                certificate: certificate.clone(),
                removal: file.comment_out(root.element, "RootCertificate"),
            })
        });
        found.collect()
    }

    /// The certificate that a provisioning package in `folder` names by its path.
    pub fn provisioned_root(&self, folder: &str, path: &str) -> Option<&Certificate> {
        let tree = &self.workspace.tree;
        let found = tree.find_from(folder, &path.replace('\\', "/"))?;
        let certificates = &self.workspace.security.certificates;
        certificates.get(&found.path).map(AsRef::as_ref)
    }

    /// The root certificates that packages and `.reg` files put into the registry.
    pub fn registry_roots(&self) -> Vec<TrustedRoot> {
        let values = self.registry().flat_map(RegistryFile::values);
        let blobs = values.filter(|value| {
            let key = value.resolved();
            value.name.value.eq_ignore_ascii_case("Blob")
                && key.is_some_and(|key| key.below(ROOTS).is_some())
        });
        let roots = blobs.filter_map(|value| match value.data() {
            Ok(RegistryData::Bytes(blob)) => Some(TrustedRoot {
                place: value.key_place(),
                certificate: certificate_of(&blob)?,
                removal: Fix::comment_out("comment `Blob` out", &value.place(), value.source),
            }),
            _ => None,
        });
        roots.collect()
    }
}

/// The certificate in a registry blob: a row of properties, each its number, a 1, a length and the value.
pub(crate) fn certificate_of(blob: &[u8]) -> Option<Certificate> {
    /// `CERT_CERT_PROP_ID`.
    const CERTIFICATE: u32 = 32;
    let mut reader = Cursor::new("CERT_BLOB", blob, 0);
    while reader.remaining() > 0 {
        let property = reader.u32("property").ok()?;
        reader.u32("reserved").ok()?;
        let length = usize::try_from(reader.u32("length").ok()?).ok()?;
        let value = reader.bytes("value", length).ok()?;
        if property == CERTIFICATE {
            return Certificate::parse(value, 0).ok();
        }
    }
    None
}
