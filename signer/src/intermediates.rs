//! Certificates from beside the signed file, which fill the gaps that its signer left.

use std::collections::HashMap;

use formats::certificate::Certificate;

/// Certificates by their subject. They are not trusted: what they lead to decides.
#[derive(Debug, Clone, Default)]
pub struct Intermediates {
    certificates: Vec<Certificate>,
    by_subject: HashMap<Vec<u8>, Vec<usize>>,
}

impl Intermediates {
    /// Adds certificates; one that is there already is passed over.
    pub fn extend(&mut self, certificates: Vec<Certificate>) {
        for certificate in certificates {
            if self
                .of_subject(&certificate.subject.raw)
                .any(|known| *known == certificate)
            {
                continue;
            }
            let index = self.certificates.len();
            let subject = certificate.subject.raw.clone();
            self.by_subject.entry(subject).or_default().push(index);
            self.certificates.push(certificate);
        }
    }

    /// The certificates of a subject, in the order in which they were added.
    pub fn of_subject(&self, subject: &[u8]) -> impl Iterator<Item = &Certificate> {
        let indices = self.by_subject.get(subject).map_or(&[][..], Vec::as_slice);
        indices
            .iter()
            .filter_map(|index| self.certificates.get(*index))
    }

    /// Every certificate, in the order in which they were added.
    pub fn all(&self) -> &[Certificate] {
        &self.certificates
    }
}
