use std::collections::BTreeSet;

use signer::anchor::TrustClass;
use signer::chain::weak_signatures;
use signer::digest::DigestAlgorithm;
use signer::verify::SignatureReport;

use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::shared::Defect;
use crate::facts::signature::Subject;
use crate::facts::version::OsBuild;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A signature uses SHA-1
    ///
    /// ## What it checks
    /// No file is signed by its SHA-1 alone, and no certificate of a signer's chain, the root excepted, is signed with
    /// SHA-1. A file with a second signature that uses SHA-256 passes. For an OS before 17763.615 and for what Microsoft
    /// signed it is a warning; `OSVERSION` says the OS.
    ///
    /// ## Why
    /// Microsoft has given SHA-1 up: images from 17763.615 on take no package that is signed with it, and a file with the
    /// same SHA-1 can be made.
    ///
    /// ## Passes
    /// `proofmark sign --digest sha256`, which is the default
    ///
    /// ## Fails
    /// `signtool sign` without `/fd SHA256`
    ///
    /// ## Fix
    /// Sign again with SHA-256 and a certificate that was issued with it.
    ///
    /// ## References
    /// - iot-adk-addonkit, `README.md`: SHA-2
    /// - Microsoft, "2019 SHA-2 code signing support requirement for Windows and WSUS"
    struct Sha1Digest;
    id: "sha1-digest",
    authority: "Microsoft, 2019 SHA-2 code signing support requirement",
    clause: "summary",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for Sha1Digest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let strong = facts.signatures.iter().filter(|signature| {
            signature
                .report()
                .is_some_and(|record| defect(record).is_none())
        });
        let strong: BTreeSet<&Subject> = strong.map(|signature| &signature.subject).collect();
        let is_before = facts
            .workspace
            .os_build()
            .is_some_and(|build| build < FIRST);
        for found in facts.shared(|signature| {
            let is_alone = !strong.contains(&signature.subject);
            signature.report().filter(|_| is_alone).and_then(defect)
        }) {
            let is_microsofts = found.first.class() == Some(TrustClass::MicrosoftProduction);
            let finding = report.at_signature(facts, found.first, found.part, found.message());
            finding.help("sign it again with SHA-256");
            if is_before || is_microsofts {
                finding.at_most(Level::Warning);
            }
        }
    }
}

/// The first OS that does without SHA-1.
const FIRST: OsBuild = OsBuild {
    build: 17763,
    revision: 615,
};

fn defect(record: &SignatureReport) -> Option<Defect> {
    let sha1 = DigestAlgorithm::Sha1;
    let digest = record.digest_algorithm.filter(|digest| *digest <= sha1);
    if let Some(digest) = digest {
        return Some(("digest", format!(" is signed with {digest}")));
    }
    let signed = record.signed_digest.as_ref();
    if signed.is_some_and(|signed| signed.len() <= sha1.length()) {
        return Some(("digest", format!(" is signed by its {sha1}")));
    }
    let weak = weak_signatures(record.chain.as_ref()?).into_iter().next()?;
    Some(("chain", format!(": {weak}")))
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/sha1-digest/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint =
            |bytes, image| lint_package("sha1-digest", "Fjordlight.Kiosk.Agent.cab", bytes, image);
        let found = lint(WRONG, Some(ImageType::Test));
        assert!(found[0].contains("is signed with SHA-1"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Test)).is_empty());
    }
}
