use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::image::MANUFACTURING_OS;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The image of a manufacturing OS has another `Product`
    ///
    /// ## What it checks
    /// The `Product` of an image that is declared to be a manufacturing OS is `Manufacturing OS`. Where only case or
    /// blanks differ the finding is a warning.
    ///
    /// ## Why
    /// `Product` is the only mark of a manufacturing OS in the input. Without it the tools build a full system, with the
    /// features and partitions of one.
    ///
    /// ## Passes
    /// ```xml
    /// <Product>Manufacturing OS</Product>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Product>MMOS</Product>
    /// ```
    ///
    /// ## Fix
    /// Write `Manufacturing OS`, or declare the image type that is meant. The fix writes or adds the element.
    ///
    /// ## References
    /// - Windows 10 Mobile, "MMOS image definition": Configuring the MMOS MfgOEMInput.xml file
    struct MmosProduct;
    id: "mmos-product",
    authority: "Microsoft, MMOS image definition",
    clause: "Configuring the MMOS MfgOEMInput.xml file",
    images: [Mmos],
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for MmosProduct {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            let input = &product.oem_input;
            let help = format!("write `<Product>{MANUFACTURING_OS}</Product>`");
            match &input.product {
                Some(found) if found.value == MANUFACTURING_OS => {}
                Some(found) => {
                    let place = input.value(found, "OEMInput/Product");
                    let fix = Fix::replace(help.clone(), &place, MANUFACTURING_OS);
                    let message = format!(
                        "`Product` is `{}`, expected `{MANUFACTURING_OS}`",
                        found.value
                    );
                    let finding = report.at(place, message);
                    finding.help(help).fix(fix);
                    if found.value.trim().eq_ignore_ascii_case(MANUFACTURING_OS) {
                        finding.at_most(Level::Warning);
                    }
                }
                None => {
                    let element = format!("<Product>{MANUFACTURING_OS}</Product>");
                    let root = input.root.element;
                    let fix = Fix::append(help.clone(), &input.source, root, &element);
                    report
                        .at(
                            input.root_place(),
                            format!("no `Product`, expected `{MANUFACTURING_OS}`"),
                        )
                        .help(help)
                        .fix(fix);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{oem_input, run, workspace_with};

    fn lint(product: &str, image: Option<ImageType>) -> Vec<String> {
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        let files = [("OEMInput.xml", oem_input(product))];
        run("mmos-product", &workspace_with(&files, &options))
    }

    const MMOS: Option<ImageType> = Some(ImageType::Mmos);

    #[test]
    fn the_right_product_passes_and_other_image_types_are_not_judged() {
        assert!(lint("<Product>Manufacturing OS</Product>", MMOS).is_empty());
        assert!(lint("<Product>Manufacturing OS</Product>", None).is_empty());
        assert!(lint("<Product>X</Product>", Some(ImageType::Test)).is_empty());
    }

    #[test]
    fn another_product_and_none_are_errors_and_another_case_is_a_warning() {
        let found = lint("<Product>MMOS</Product>", MMOS).concat();
        assert!(
            found.starts_with("error ") && found.ends_with("`MMOS`, expected `Manufacturing OS`")
        );
        let found = lint("", MMOS).concat();
        assert!(
            found.starts_with("error OEMInput.xml:1:2 no `Product`"),
            "{found}"
        );
        assert!(
            lint("<Product>manufacturing os</Product>", None)
                .concat()
                .starts_with("warning ")
        );
    }
}
