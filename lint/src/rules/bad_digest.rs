use signer::verify::{Check, FailureKind};

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package was changed after it was signed
    ///
    /// ## What it checks
    /// The digest of the file is the one that was signed, and the signature fits the signer's key: of the package, and of every
    /// catalog, program, driver and app in it. Nested signatures are checked like the first. Bytes that no digest covers are
    /// a matter of `signature-trailing-data`.
    ///
    /// ## Why
    /// A package that fails here is not the package that somebody signed: it was damaged, repacked or tampered with. The kit's
    /// own check says "not signed" of it, which sends people looking in the wrong place.
    ///
    /// ## Passes
    /// A package as it came from the signing tool.
    ///
    /// ## Fails
    /// A package into which one byte was written afterwards.
    ///
    /// ## Fix
    /// Build the package again and sign it. Signing the changed file again makes the finding go away, and the change stay.
    ///
    /// ## References
    /// - Microsoft, "Windows Authenticode Portable Executable Signature Format"
    /// - iot-adk-addonkit, Test-IoTCabSignature
    struct BadDigest;
    id: "bad-digest",
    authority: "Microsoft, Windows Authenticode signature format",
    clause: "verifying the digest",
    images: All,
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for BadDigest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let failures = signature
                .report()
                .into_iter()
                .flat_map(|record| record.failures());
            let of_bytes = failures.filter(|(check, kind, _)| {
                let is_of_bytes = matches!(
                    check,
                    Check::Structure | Check::Digest | Check::Signature | Check::BlockMap
                );
                is_of_bytes && *kind != FailureKind::NotCanonical
            });
            let defect = |(check, kind, message): (Check, FailureKind, &str)| {
                let kind = kind.name();
                (
                    check.name(),
                    format!(" is not as it was signed ({kind}): {message}"),
                )
            };
            of_bytes.map(defect).collect::<Vec<_>>()
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("build the package again and sign it");
        }
    }
}

#[cfg(test)]
mod tests {
    const CHANGED: &[u8] =
        include_bytes!("../../tests/fixtures/bad-digest/Fjordlight.Kiosk.Agent.cab");
    const SIGNED: &[u8] =
        include_bytes!("../../tests/fixtures/no-timestamp/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_signed;

    #[test]
    fn a_changed_byte_is_found() {
        let found = lint_signed("bad-digest", &[("a.cab", CHANGED)], None);
        assert_eq!(found.len(), 1);
        let wanted =
            "error a.cab (signature[0].digest) `a.cab` is not as it was signed (digest-mismatch)";
        assert!(found[0].starts_with(wanted), "{found:?}");
    }

    #[test]
    fn an_intact_package_passes() {
        assert!(lint_signed("bad-digest", &[("a.cab", SIGNED)], None).is_empty());
    }
}
