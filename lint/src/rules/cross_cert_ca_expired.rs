use signer::clock::rfc3339;

use crate::diagnostic::Level;
use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A driver counts on a cross-certificate that had ended when it was signed
    ///
    /// ## What it checks
    /// A driver in a retail image whose chain goes through a cross-certificate carries a time stamp from before the end of
    /// that cross-certificate. One that does is told of for information.
    ///
    /// ## Why
    /// All of Microsoft's cross-certificates have ended, the last on 2025-07-07. What was signed and stamped before goes on
    /// to load; anything else does not.
    ///
    /// ## Passes
    /// A driver that was signed and time-stamped in 2020.
    ///
    /// ## Fails
    /// The same driver without a time stamp.
    ///
    /// ## Fix
    /// Have Microsoft sign the driver, or name its signer in a code-integrity policy of your own.
    ///
    /// ## References
    /// - Microsoft, "Cross-certificates for kernel mode code signing": end dates
    struct CrossCertCaExpired;
    id: "cross-cert-ca-expired",
    authority: "Microsoft, Cross-certificates for kernel mode code signing",
    clause: "end dates",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for CrossCertCaExpired {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(defect) {
            let finding = report.at_signature(facts, found.first, found.part, found.message());
            finding.help(
                "have Microsoft sign the driver, or name the signer in a code-integrity policy",
            );
            if found.part == "timestamp" {
                finding.at_most(Level::Info);
            }
        }
    }
}

fn defect(signature: &Signature) -> Option<Defect> {
    let record = signature.report().filter(|_| signature.is_driver())?;
    let cross = record.chain.as_ref()?.cross_certificate()?;
    let (issuer, end) = (&cross.subject.common_name, cross.not_after);
    let day = rfc3339(end);
    match &record.timestamp {
        Some(stamp) if stamp.time <= end => {
            let text = format!(
                " is a driver that loads because it was time-stamped before {day}, when the cross-certificate of {issuer} ended"
            );
            Some(("timestamp", text))
        }
        _ => {
            let text = format!(
                " is a driver without a time stamp from before {day}, when the cross-certificate of {issuer} ended"
            );
            Some(("chain", text))
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::certificate::Certificate;
    use signer::anchor::{Anchor, TrustClass};
    use signer::chain::End;

    use crate::facts::contents::Content;
    use crate::facts::signature::{Carrier, State};
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, signed, workspace_with};

    #[test]
    fn a_driver_through_a_cross_certificate_needs_a_stamp() {
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        let mut workspace = workspace_with(&[("a.sys", "")], &options);
        let mut signature = signed("a.sys", TrustClass::CrossSigned);
        signature.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
        let read = |der: &[u8]| Certificate::parse(der, 0).unwrap();
        let cross = read(include_bytes!("../../../testcerts/intermediate.cer"));
        let mut root = Anchor::named(&read(include_bytes!("../../../testcerts/root.cer")));
        root.class = TrustClass::CrossSigned;
        if let State::Signed(report) = &mut signature.state {
            let chain = report.chain.as_mut().unwrap();
            chain.certificates = vec![cross];
            chain.end = End::Anchor(Box::new(root));
        }
        workspace.signatures.push(signature);
        let found = run("cross-cert-ca-expired", &workspace).concat();
        assert!(
            found.contains("without a time stamp from before 2045-01-01"),
            "{found}"
        );
        workspace.signatures[0].carrier = Carrier::Package;
        assert!(run("cross-cert-ca-expired", &workspace).is_empty());
    }
}
