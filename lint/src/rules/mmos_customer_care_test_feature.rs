use crate::constraints;
use crate::facts::Facts;
use crate::facts::Product;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A manufacturing OS for customer care selects a feature for development
    ///
    /// ## What it checks
    /// The image of a manufacturing OS for customer care selects none of the features for development and debugging. An
    /// input is for customer care when its file name says so (`CustomerCareOEMInput.xml`).
    ///
    /// ## Why
    /// These features open the device: a boot menu, Telnet, debuggers, memory dumps. They work with test-signed
    /// packages only, and images for customer care leave the factory.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>ENABLE_BOOT_KEYS_RETAIL</Feature>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>MOBILECOREBOOTSH</Feature>
    /// <Feature>KDUSB_ON</Feature>
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "MMOS image definition": Specifying features in MMOS
    struct MmosCustomerCareTestFeature;
    id: "mmos-customer-care-test-feature",
    authority: "Microsoft, MMOS image definition",
    clause: "Specifying features in MMOS",
    images: [Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosCustomerCareTestFeature {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let products = facts.products.iter();
        for product in products.filter(|product| is_for_customer_care(product)) {
            constraints::check(RULE.id, product, "in an image for customer care", report);
        }
    }
}

/// Whether the name of the input says that the image is for customer care.
fn is_for_customer_care(product: &Product) -> bool {
    let name = product.oem_input.name().to_lowercase();
    name.contains("customercare")
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(name: &str, id: &str) -> Vec<String> {
        let features =
            format!("<Features><Microsoft>\n<Feature>{id}</Feature></Microsoft></Features>");
        let input = oem_input(&format!("<Product>Manufacturing OS</Product>{features}"));
        lint_one("mmos-customer-care-test-feature", &[(name, input)])
    }

    #[test]
    fn development_features_are_found_in_images_for_customer_care_only() {
        let found = lint("CustomerCareOEMInput.xml", "KDUSB_ON");
        let wanted = "error CustomerCareOEMInput.xml:2:10 `KDUSB_ON` in an image for customer care";
        assert_eq!(found, [wanted]);
        assert!(lint("MfgOEMInput.xml", "KDUSB_ON").is_empty());
        assert!(lint("CustomerCareOEMInput.xml", "ENABLE_IP_OVER_USB").is_empty());
    }
}
