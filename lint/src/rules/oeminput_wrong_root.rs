use formats::document::Kind;
use formats::document::oem_input::{IMAGE_UPDATE, ROOT};
use formats::document::parts::Root;

use crate::diagnostic::Place;
use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

/// A root of the same namespace that describes an update and may lie under any name.
const UPDATE: &str = "UpdateOSInput";

declare_rule! {
    /// An image configuration has another root element
    ///
    /// ## What it checks
    /// A file that is called an `OEMInput` has the root `OEMInput` in the namespace
    /// `http://schemas.microsoft.com/embedded/2004/10/ImageUpdate`, and so has every file with that root. `UpdateOSInput`, the
    /// description of an update, is something else and right.
    ///
    /// ## Why
    /// The imaging tools compare name and namespace. Anything else they do not read as an image configuration at all.
    ///
    /// ## Passes
    /// ```xml
    /// <OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <OEMInput>
    /// <OemInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
    /// ```
    ///
    /// ## Fix
    /// Write the root as above, or give the file another name.
    ///
    /// ## References
    /// - Windows 10 Mobile, "OEMInput file contents"
    struct OeminputWrongRoot;
    id: "oeminput-wrong-root",
    authority: "Microsoft, OEMInput file contents",
    clause: "OEMInput",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for OeminputWrongRoot {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.misnamed {
            if file.claimed == Kind::OemInput && file.root.name.value != UPDATE {
                let root = &file.root;
                tell(
                    root,
                    Place::text(&file.source, root.name.span, root.name.value.clone()),
                    report,
                );
            }
        }
        for product in &facts.products {
            let input = &product.oem_input;
            if !input.root.is(ROOT, IMAGE_UPDATE) {
                tell(&input.root, input.root_place(), report);
            }
        }
    }
}

fn tell(root: &Root, place: Place, report: &mut Report) {
    let found = match &root.namespace {
        Some(namespace) => format!("`{}` in the namespace `{namespace}`", root.name.value),
        None => format!("`{}` in no namespace", root.name.value),
    };
    report
        .at(
            place,
            format!("the root is {found}, expected `{ROOT}` in `{IMAGE_UPDATE}`"),
        )
        .help(format!(
            "write `<{ROOT} xmlns=\"{IMAGE_UPDATE}\">`, or rename the file"
        ));
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, oem_input};

    fn lint(text: &str) -> Vec<String> {
        lint_one("oeminput-wrong-root", &[("TestOEMInput.xml", text)])
    }

    #[test]
    fn another_name_or_namespace_is_an_error_at_the_name() {
        let found = lint("<OEMInput/>");
        assert!(
            found[0]
                .starts_with("error TestOEMInput.xml:1:2 the root is `OEMInput` in no namespace"),
            "{found:?}"
        );
        let other = oem_input("").replace("OEMInput", "OemInput");
        assert!(
            lint(&other)[0].contains("`OemInput` in the namespace `http:"),
            "{other}"
        );
        assert_eq!(lint("<OEMInput xmlns=\"urn:other\"/>").len(), 1);
    }

    #[test]
    fn the_right_root_and_an_update_pass() {
        assert!(lint(&oem_input("")).is_empty());
        assert!(lint(&oem_input("").replace("OEMInput", "UpdateOSInput")).is_empty());
    }
}
