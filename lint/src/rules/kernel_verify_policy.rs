use signer::anchor::TrustClass;
use signer::cross_certificate;

use crate::facts::shared::Defect;
use crate::facts::{Facts, Signature};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A driver is signed for programs, not for the kernel
    ///
    /// ## What it checks
    /// The chain of a driver in a retail image is one that the kernel takes: under Microsoft's roots the signer's
    /// certificate has a purpose for drivers or system files, and no chain ends at a public root that Microsoft never
    /// cross-certified. What ends at a root of your own is a matter of the code-integrity policy (`retail-ci-missing`).
    ///
    /// ## Why
    /// The kit verifies drivers by the rules for programs (`signtool verify /pa`). Under these a driver with a Store
    /// signature or a public certificate passes, and the kernel does not load it.
    ///
    /// ## Passes
    /// A driver signed by "Microsoft Windows Hardware Compatibility Publisher".
    ///
    /// ## Fails
    /// A driver signed with a certificate for programs of a public authority.
    ///
    /// ## Fix
    /// Have Microsoft sign the driver through the hardware dashboard.
    ///
    /// ## Parameters
    /// `purposes`: extended key usages of Microsoft's certificates for drivers and system files.
    ///
    /// ## References
    /// - Microsoft, "Kernel-mode code signing requirements"
    /// - iot-adk-addonkit, Test-IoTSignature: `/pa`
    struct KernelVerifyPolicy {
        /// Purposes of Microsoft's certificates for drivers and system files.
        purposes: Vec<String> = [
            "1.3.6.1.4.1.311.10.3.5",
            "1.3.6.1.4.1.311.10.3.5.1",
            "1.3.6.1.4.1.311.10.3.6",
            "1.3.6.1.4.1.311.10.3.7",
            "1.3.6.1.4.1.311.61.4.1",
            "1.3.6.1.4.1.311.61.5.1",
        ]
        .map(str::to_owned)
        .into(),
    }
    id: "kernel-verify-policy",
    authority: "Microsoft, Kernel-mode code signing requirements",
    clause: "signature requirements",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for KernelVerifyPolicy {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| self.defect(signature)) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("have Microsoft sign the driver for the kernel");
        }
    }
}

impl KernelVerifyPolicy {
    fn defect(&self, signature: &Signature) -> Option<Defect> {
        let (record, anchor) = signature.anchored().filter(|_| signature.is_driver())?;
        match anchor.class {
            TrustClass::Public if cross_certificate::of_root(&anchor.public_key).is_none() => {
                let root = &anchor.name;
                Some((
                    "chain",
                    format!(
                        " is a driver whose chain ends at {root}, which the kernel never trusted"
                    ),
                ))
            }
            TrustClass::MicrosoftProduction => {
                let leaf = record.leaf.as_ref()?;
                let mut purposes = leaf.extended_key_usage.iter().flatten();
                let is_for_kernel = purposes.any(|purpose| self.purposes.contains(purpose));
                let name = &leaf.subject.common_name;
                (!is_for_kernel).then(|| {
                    (
                        "signer",
                        format!(
                            " is a driver signed by {name}, whose certificate is not for drivers"
                        ),
                    )
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use formats::certificate::Certificate;
    use signer::anchor::TrustClass;

    use crate::facts::contents::Content;
    use crate::facts::signature::{Carrier, State};
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, signed, workspace_with};

    fn lint(class: TrustClass, leaf: &[u8]) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        let mut workspace = workspace_with(&[("a.sys", "")], &options);
        let mut signature = signed("a.sys", class);
        signature.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
        if let State::Signed(report) = &mut signature.state {
            report.leaf = Some(Certificate::parse(leaf, 0).unwrap());
        }
        workspace.signatures.push(signature);
        run("kernel-verify-policy", &workspace)
    }

    #[test]
    fn only_what_the_kernel_takes_passes() {
        let oem = include_bytes!("../../../testcerts/oem.cer");
        let hal = include_bytes!("../../../testcerts/hal-extension.cer");
        assert!(lint(TrustClass::MicrosoftProduction, oem)[0].contains("not for drivers"));
        assert!(lint(TrustClass::MicrosoftProduction, hal).is_empty());
        assert!(lint(TrustClass::Public, oem)[0].contains("never trusted"));
        assert!(lint(TrustClass::Named, oem).is_empty());
    }
}
