//! The root certificates that an image makes its device trust.

use formats::certificate::Certificate;
use formats::cursor::Cursor;
use formats::document::registry::RegistryData;

use super::Facts;
use super::registry::RegistryFile;
use crate::diagnostic::Place;

/// Below this key lie the roots that a device trusts, one key for each thumbprint.
const ROOTS: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\SystemCertificates\ROOT\Certificates";

impl Facts<'_> {
    /// The root certificates that provisioning installs, where the file that it names is there: its place, and the
    /// certificate.
    pub fn provisioned_roots(&self) -> Vec<(Place, &Certificate)> {
        let files = self.documents.customizations.iter();
        let roots =
            files.flat_map(|file| file.root_certificates.iter().map(move |root| (file, root)));
        let found = roots.filter_map(|(file, root)| {
            let path = root.certificate_path.as_ref()?;
            let certificate = self.provisioned_root(file.folder(), &path.value)?;
            Some((file.value(path, root.route.clone()), certificate))
        });
        found.collect()
    }

    /// The certificate that a provisioning package in `folder` names by its path.
    pub fn provisioned_root(&self, folder: &str, path: &str) -> Option<&Certificate> {
        let found = self
            .workspace
            .tree
            .find_from(folder, &path.replace('\\', "/"))?;
        let certificates = &self.workspace.security.certificates;
        certificates.get(&found.path).map(AsRef::as_ref)
    }

    /// The root certificates that packages and `.reg` files put into the registry: the place of the value, and the
    /// certificate.
    pub fn registry_roots(&self) -> Vec<(Place, Certificate)> {
        let values = self.registry().flat_map(RegistryFile::values);
        let blobs = values.filter(|value| {
            let key = value.resolved();
            value.name.value.eq_ignore_ascii_case("Blob")
                && key.is_some_and(|key| key.below(ROOTS).is_some())
        });
        blobs
            .filter_map(|value| match value.data() {
                Ok(RegistryData::Bytes(blob)) => Some((value.key_place(), certificate_of(&blob)?)),
                _ => None,
            })
            .collect()
    }
}

/// The certificate in a registry blob: a row of properties, each its number, a 1, a length and the value.
fn certificate_of(blob: &[u8]) -> Option<Certificate> {
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
