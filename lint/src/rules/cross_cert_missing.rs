use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};
use signer::anchor::TrustClass;
use signer::cross_certificate;

declare_rule! {
    /// A driver is signed under a public root without Microsoft's cross-certificate
    ///
    /// ## What it checks
    /// The chain of a driver in a retail image that ends at a public root which Microsoft cross-certified leads on to
    /// Microsoft's code verification root.
    ///
    /// ## Why
    /// The kernel trusts no public root. It took such a driver only through the cross-certificate that `signtool /ac` puts
    /// into the signature; without it the driver verifies on every desk and is not loaded.
    ///
    /// ## Passes
    /// A signature made with `signtool sign /ac cross.cer`, or by Microsoft.
    ///
    /// ## Fails
    /// A driver signed with a public certificate like a program.
    ///
    /// ## Fix
    /// Have Microsoft sign the driver, or name its signer in a code-integrity policy of your own: the cross-certificates
    /// have ended.
    ///
    /// ## References
    /// - Microsoft, "Cross-certificates for kernel mode code signing"
    struct CrossCertMissing;
    id: "cross-cert-missing",
    authority: "Microsoft, Cross-certificates for kernel mode code signing",
    clause: "signing a driver",
    images: [Retail],
    input: Signature,
    level: Error,
    since: "0.1.0",
}

impl Rule for CrossCertMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for found in facts.shared(|signature| {
            let (_, anchor) = signature.anchored().filter(|_| signature.is_driver())?;
            let cross = cross_certificate::of_root(&anchor.public_key);
            let is_public = anchor.class == TrustClass::Public && cross.is_some();
            let root = &anchor.name;
            is_public.then(|| ("chain", format!(" is a driver whose chain ends at {root} and not at Microsoft's code verification root")))
        }) {
            report
                .at_signature(facts, found.first, found.part, found.message())
                .help("have Microsoft sign the driver, or name the signer in a code-integrity policy");
        }
    }
}

#[cfg(test)]
mod tests {
    use signer::anchor::{Anchors, TrustClass};
    use signer::cross_certificate;

    use crate::facts::contents::Content;
    use crate::facts::signature::{Carrier, State};
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, signed, workspace_with};

    fn lint(name: &str, is_cross_certified: bool) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        let mut workspace = workspace_with(&[("a.cab", "")], &options);
        let mut signature = signed("a.cab", TrustClass::Public);
        signature.subject.member = Some(name.into());
        signature.carrier = Carrier::File(Content::Image { machine: 0x1c4 });
        let mut roots = Anchors::all_built_in().into_iter();
        let is_wanted = |public_key: &[u8]| {
            cross_certificate::of_root(public_key).is_some() == is_cross_certified
        };
        let root = roots.find(|a| a.class == TrustClass::Public && is_wanted(&a.public_key));
        if let State::Signed(report) = &mut signature.state {
            report.chain.as_mut().unwrap().end =
                signer::chain::End::Anchor(Box::new(root.unwrap()));
        }
        workspace.signatures.push(signature);
        run("cross-cert-missing", &workspace)
    }

    #[test]
    fn drivers_below_roots_that_were_cross_certified_are_found() {
        assert_eq!(lint("a.sys", true).len(), 1);
        assert!(lint("a.exe", true).is_empty());
        assert!(lint("a.sys", false).is_empty());
    }
}
