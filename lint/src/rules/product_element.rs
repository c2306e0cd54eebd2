use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// The `Product` of every image of IoT Core.
const IOT_CORE: &str = "Windows 10 IoT Core";

declare_rule! {
    /// An image of IoT Core does not say so in `Product`
    ///
    /// ## What it checks
    /// `Product` of an image of IoT Core is `Windows 10 IoT Core`. Where only case differs it is a warning. An image is one of
    /// IoT Core by the words of `Product`, or, where it is missing, by its workspace or a feature that begins with `IOT_`.
    ///
    /// ## Why
    /// `Product` chooses the operating system. Without it the tools build the full system of Windows 10 Mobile.
    ///
    /// ## Passes
    /// ```xml
    /// <Product>Windows 10 IoT Core</Product>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Product>IoTCore</Product>
    /// ```
    ///
    /// ## Fix
    /// Write the element as above, which the fix does.
    ///
    /// ## References
    /// - iot-adk-addonkit, sample products
    struct ProductElement;
    id: "product-element",
    authority: "iot-adk-addonkit",
    clause: "Sample products: Product",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProductElement {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in facts
            .products
            .iter()
            .filter(|product| product.is_iot_core())
        {
            let input = &product.oem_input;
            let title = format!("write `<Product>{IOT_CORE}</Product>`");
            let Some(found) = &input.product else {
                let element = format!("<Product>{IOT_CORE}</Product>");
                let root = input.root.element;
                report
                    .at(
                        input.root_place(),
                        format!("no `Product`, expected `{IOT_CORE}`"),
                    )
                    .help(title.clone())
                    .fix(Fix::append(title, &input.source, root, &element));
                continue;
            };
            if found.value == IOT_CORE {
                continue;
            }
            let place = input.value(found, "OEMInput/Product");
            let finding = report.at(
                place.clone(),
                format!("`Product` is `{}`, expected `{IOT_CORE}`", found.value),
            );
            finding
                .help(title.clone())
                .fix(Fix::replace(title, &place, IOT_CORE));
            if found.value.trim().eq_ignore_ascii_case(IOT_CORE) {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, oem_input};

    const FEATURE: &str =
        "<Features><Microsoft><Feature>IOT_EFIESP</Feature></Microsoft></Features>";

    fn files(product: &str) -> [(&'static str, String); 1] {
        [("OEMInput.xml", oem_input(&format!("{FEATURE}\n{product}")))]
    }

    fn lint(product: &str) -> Vec<String> {
        lint_one("product-element", &files(product))
    }

    #[test]
    fn a_missing_or_wrong_product_is_an_error_and_is_mended() {
        assert_eq!(
            lint(""),
            ["error OEMInput.xml:1:2 no `Product`, expected `Windows 10 IoT Core`"]
        );
        let wrong = "<Product>IoTCore</Product>";
        assert_eq!(
            lint(wrong),
            ["error OEMInput.xml:2:10 `Product` is `IoTCore`, expected `Windows 10 IoT Core`"]
        );
        for product in ["", wrong] {
            let text = fixed("product-element", &files(product), "OEMInput.xml");
            assert!(lint_one("product-element", &[("OEMInput.xml", text)]).is_empty());
        }
    }

    #[test]
    fn another_case_is_a_warning() {
        assert!(lint("<Product>windows 10 iot core</Product>")[0].starts_with("warning "));
    }

    #[test]
    fn the_right_product_and_other_systems_pass() {
        assert!(lint("<Product>Windows 10 IoT Core</Product>").is_empty());
        assert!(lint("<Product>Manufacturing OS</Product>").is_empty());
        assert!(lint_one("product-element", &[("OEMInput.xml", oem_input(""))]).is_empty());
    }
}
