use signer::anchor::TrustClass;

use crate::facts::Facts;
use crate::facts::built::BuiltPackage;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of Microsoft's is not signed by Microsoft
    ///
    /// ## What it checks
    /// A package in a retail image whose manifest says that Microsoft owns it, by owner, owner's type or key token, is
    /// signed under a Microsoft root of production.
    ///
    /// ## Why
    /// Packages of the type Production are taken with the signature of their owner. One of Microsoft's that was signed
    /// again, or changed, is not serviced and may not load.
    ///
    /// ## Passes
    /// `Microsoft.Windows.X.cab` as the kit brings it.
    ///
    /// ## Fails
    /// The same package after `sign` went over the whole build folder.
    ///
    /// ## Fix
    /// Take Microsoft's package again. `proofmark resign` keeps Microsoft's signatures.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Code signing": packages of Microsoft
    /// - Microsoft, IoT Core manufacturing guide
    struct MsPackageNotMsSigned;
    id: "ms-package-not-ms-signed",
    authority: "Microsoft, Windows 10 Mobile code signing",
    clause: "retail signing",
    images: [Retail],
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for MsPackageNotMsSigned {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in facts.built.iter().filter(|built| is_microsofts(built)) {
            let own = facts
                .signatures_of(&built.path)
                .find(|signature| signature.is_package());
            if let Some(signature) = own
                && signature.class() != Some(TrustClass::MicrosoftProduction)
            {
                let how = match signature.class() {
                    Some(class) => format!("its signature is of the class {class}"),
                    None => "it is not".to_owned(),
                };
                let message = format!(
                    "`{}` is Microsoft's and should be signed by Microsoft; {how}",
                    built.name()
                );
                report
                    .at_signature(facts, signature, "signer", message)
                    .also(
                        built.manifest_place("phoneInformation"),
                        "this says whose it is",
                    )
                    .help("take Microsoft's package again");
            }
        }
    }
}

/// The token of Microsoft's key in the identities of its packages.
const TOKEN: &str = "31bf3856ad364e35";

fn is_microsofts(built: &BuiltPackage) -> bool {
    let identity = &built.contents.identity;
    let owners = [&identity.owner, &identity.owner_type]
        .into_iter()
        .flatten();
    let mut owners = owners.map(|owner| owner.eq_ignore_ascii_case("Microsoft"));
    owners.any(|is_owner| is_owner) || identity.public_key_token.as_deref() == Some(TOKEN)
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/ms-package-not-ms-signed/Microsoft.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/page-hashes-missing/Fjordlight.Kiosk.Agent.cab");

    use crate::image::ImageType;
    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "ms-package-not-ms-signed",
                "Microsoft.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, Some(ImageType::Retail));
        assert!(found[0].contains("is Microsoft's and should be signed by Microsoft; its signature is of the class named"), "{found:?}");
        assert!(lint(RIGHT, Some(ImageType::Retail)).is_empty());
    }
}
