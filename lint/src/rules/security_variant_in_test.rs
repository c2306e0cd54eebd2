use crate::diagnostic::Fix;
use crate::facts::{Facts, Product, Signature};
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The retail variant of a security feature is in an image with test-signed content
    ///
    /// ## What it checks
    /// No test image with test-signed content chooses `SEC_SECUREBOOT`, `SEC_DEVICEGUARD` or `QC_UEFI_PRODUCTION`. An image has such
    /// content where it chooses `IOT_ENABLE_TESTSIGNING`, or where the signature of one of its packages says so.
    ///
    /// ## Why
    /// These features accept what is signed for retail and nothing else: the device refuses its own drivers and does not
    /// start. It may be wanted, to try the retail variant with packages that are signed for retail.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// <Feature>SEC_SECUREBOOT_TEST</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_ENABLE_TESTSIGNING</Feature>
    /// <Feature>SEC_SECUREBOOT</Feature>
    /// ```
    ///
    /// ## Fix
    /// Choose the test variant, or sign for retail and switch test signing off. There is no mechanical fix for the latter;
    /// the fix writes the test variant.
    ///
    /// ## References
    /// - IoT Core, "Secure boot, BitLocker and Device Guard"
    /// - iot-adk-addonkit, issues 166, 306 and 322
    struct SecurityVariantInTest;
    id: "security-variant-in-test",
    authority: "Microsoft, Secure boot, BitLocker and Device Guard",
    clause: "Test packages",
    images: [Test],
    input: OemInput,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SecurityVariantInTest {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let switch = product.feature("IOT_ENABLE_TESTSIGNING");
            let package = test_signed(product, facts);
            if switch.is_none() && package.is_none() {
                continue;
            }
            for variant in lists::variants() {
                let Some(feature) = product.feature(variant.retail) else {
                    continue;
                };
                let place = product.oem_input.item(feature);
                let finding = report.at(
                    place.clone(),
                    format!(
                        "`{}` in an image with test-signed content",
                        feature.text.value
                    ),
                );
                if let Some(switch) = switch {
                    finding.also(
                        product.oem_input.item(switch),
                        "this makes it accept test signatures",
                    );
                }
                if let Some(package) = package {
                    finding.also(package.place("signer"), "this is signed for testing");
                }
                finding.help(format!("choose `{}`, or sign for retail", variant.test));
                if product.feature(variant.test).is_none() {
                    finding.fix(Fix::guess(&place, variant.test));
                }
            }
        }
    }
}

/// The signature of a package of the image that is signed, and not for production.
fn test_signed<'a>(product: &Product, facts: &Facts<'a>) -> Option<&'a Signature> {
    let cabs = product
        .packages
        .iter()
        .filter_map(|package| package.cab.as_ref());
    let mut signed = cabs.flat_map(|cab| facts.signatures_of(&cab.path));
    signed.find(|found| found.report().is_some() && !found.is_of_production())
}

#[cfg(test)]
mod tests {
    use signer::anchor::TrustClass;

    use crate::testing::{fixed, lint_one, oem_input, oem_manifest, run, signed, workspace};

    const ID: &str = "security-variant-in-test";

    fn files(microsoft: &str) -> [(&'static str, String); 3] {
        let text = format!(
            "<ReleaseType>Test</ReleaseType><AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\
             <Features><Microsoft><Feature>{microsoft}</Feature></Microsoft><OEM>\n<Feature>SEC_SECUREBOOT</Feature></OEM></Features>"
        );
        let manifest = oem_manifest(&[("Boot", "SEC_SECUREBOOT")]);
        [
            ("OEMInput.xml", oem_input(&text)),
            ("OEMFM.xml", manifest),
            ("Boot.cab", String::new()),
        ]
    }

    #[test]
    fn the_retail_variant_beside_test_signing_is_warned_of() {
        let files = files("IOT_ENABLE_TESTSIGNING");
        let wanted =
            "warning OEMInput.xml:2:10 `SEC_SECUREBOOT` in an image with test-signed content";
        assert_eq!(lint_one(ID, &files), [wanted]);
        assert!(
            fixed(ID, &files, "OEMInput.xml").contains("<Feature>SEC_SECUREBOOT_TEST</Feature>")
        );
    }

    #[test]
    fn the_signature_of_a_package_decides_where_test_signing_is_off() {
        let found = |class| {
            let mut workspace = workspace(&files("IOT_SSH"));
            workspace.signatures.push(signed("Boot.cab", class));
            run(ID, &workspace).len()
        };
        assert_eq!(found(TrustClass::OemTest2017), 1);
        assert_eq!(found(TrustClass::Public), 0);
        assert!(
            lint_one(ID, &files("IOT_SSH")).is_empty(),
            "nobody looked at the package"
        );
    }
}
