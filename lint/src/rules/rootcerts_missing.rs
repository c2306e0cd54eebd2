use formats::certificate::Certificate;
use signer::anchor::{Anchors, TrustClass};
use signer::chain::issued_by;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The root of the code-integrity policy is not among the roots of the image
    ///
    /// ## What it checks
    /// Where a retail image installs a policy whose signer chains to a root of the manufacturer, a package of the image puts that
    /// root into the registry, below `SystemCertificates\ROOT\Certificates`. The root is looked for in the policy's signature and
    /// among the certificate files of the workspace; where it is in neither, nothing is said.
    ///
    /// ## Why
    /// Drivers and programs that the manufacturer signed are allowed by the policy, but programs check chains as well. Without the
    /// root on the device their signatures count as those of a stranger.
    ///
    /// ## Passes
    /// ```text
    /// Security.RootCerts with the root of the policy's signer
    /// ```
    ///
    /// ## Fails
    /// ```text
    /// Security.RootCerts with the root of another year
    /// ```
    ///
    /// ## Fix
    /// Add the root to the package of root certificates. Add-IoTRootCertificates makes it.
    ///
    /// ## References
    /// - iot-adk-addonkit, release notes of version 7: Security.RootCerts
    struct RootcertsMissing;
    id: "rootcerts-missing",
    authority: "iot-adk-addonkit",
    clause: "Release notes of version 7",
    images: [Retail],
    input: Security,
    level: Error,
    since: "0.1.0",
}

impl Rule for RootcertsMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let roots = facts.registry_roots();
        for (product, installed, read) in facts.readable_policies() {
            let Some(chain) = &read.signer else {
                continue;
            };
            let Some(root) = root_of(facts, chain) else {
                continue;
            };
            let is_built_in = Anchors::built_in().by_key(&root.public_key);
            let is_microsofts =
                is_built_in.is_some_and(|anchor| anchor.class == TrustClass::MicrosoftProduction);
            if is_microsofts
                || roots
                    .iter()
                    .any(|known| known.certificate.public_key == root.public_key)
            {
                continue;
            }
            let message = format!(
                "{}, the root of `{}`, is not among the roots of the image",
                root.subject, installed.file.name
            );
            report
                .at(installed.file.place.clone(), message)
                .because_of_image(product)
                .help("add the root to the package of root certificates");
        }
    }
}

/// The root above a signer: the last of its chain, or a certificate file of the workspace further up.
fn root_of(facts: &Facts<'_>, chain: &[Certificate]) -> Option<Certificate> {
    let mut last = chain.last()?.clone();
    for _ in 0..MOST_LEVELS {
        if last.is_self_issued() {
            return Some(last);
        }
        let mut files = facts.workspace.security.certificates.values();
        let issuer = files.find(|certificate| {
            certificate.subject.raw == last.issuer.raw
                && issued_by(&last, &certificate.public_key).is_ok()
        });
        last = issuer?.as_ref().clone();
    }
    None
}

/// How far a root may be above the signer.
const MOST_LEVELS: usize = 8;

#[cfg(test)]
mod tests {
    use crate::testing::security::{RawPolicy, certificate, lint, product, root_blob};
    use crate::testing::wm_registry;

    #[test]
    fn the_root_of_the_policy_is_in_the_registry() {
        let rule = "rootcerts-missing";
        let mut files = product("Production", &RawPolicy::default().signed());
        assert!(lint(rule, &files).is_empty());
        files.push(("Certs/root.cer".into(), certificate("root").der));
        let found = lint(rule, &files);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].ends_with(
                "the root of `SIPolicyEnforce.p7b`, is not among the roots of the image"
            ),
            "{found:?}"
        );
        let key = r"$(hklm.software)\Microsoft\SystemCertificates\ROOT\Certificates\X";
        let value = format!(
            "<regValue name=\"Blob\" type=\"REG_BINARY\" value=\"{}\"/>",
            root_blob("root")
        );
        let wm = wm_registry(key, &value);
        files.push(("product/Roots.wm.xml".into(), wm.into_bytes()));
        files.retain(|(path, _)| path != "OEMFM.xml");
        let entries = ["Guard", "A"]
            .map(|name| format!("<PackageFile Name=\"%OEM_NAME%.Test.{name}.cab\"/>"))
            .concat();
        let manifest =
            crate::testing::feature_manifest(&format!("<BasePackages>{entries}</BasePackages>"));
        files.push(("OEMFM.xml".into(), manifest.into_bytes()));
        assert_eq!(lint(rule, &files), [""; 0]);
    }
}
