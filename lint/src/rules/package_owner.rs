use crate::diagnostic::{Fix, Level};
use crate::facts::Facts;
use crate::image::ImageType;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package has no owner, or one that is not its own
    ///
    /// ## What it checks
    /// A package definition has an owner that is not empty and not `Microsoft`. In retail images it is not `Contoso`,
    /// the owner of Microsoft's samples, either; that is a warning.
    ///
    /// ## Why
    /// The owner is the first part of the cabinet's name and decides who may update the package. Microsoft's name is
    /// Microsoft's; with the sample name packages of different manufacturers collide.
    ///
    /// ## Passes
    /// ```xml
    /// owner="$(OEMNAME)"
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// owner="Contoso"
    /// owner="Microsoft"
    /// ```
    ///
    /// ## Fix
    /// Write your own name, or the variable for it.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file"
    /// - IoT Core, "Windows Universal OEM Package Schema": identity
    struct PackageOwner;
    id: "package-owner",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageOwner {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            let owner = definition.owner();
            let name = owner.as_ref().map_or("", |owner| owner.value.trim());
            let at = owner
                .as_ref()
                .map_or_else(|| definition.root_place(), |owner| owner.place.clone());
            let help = "write your own name, or the variable for it";
            let fix = Fix::guess(&at, "$(OEMNAME)");
            if name.is_empty() {
                report
                    .at(definition.root_place(), "the package has no owner")
                    .help(help);
            } else if name.eq_ignore_ascii_case("Microsoft") {
                report
                    .at(at, "the owner is `Microsoft`, expected your own name")
                    .help(help)
                    .fix(fix);
            } else if name.eq_ignore_ascii_case("Contoso") && facts.image == Some(ImageType::Retail)
            {
                let message = "the owner is `Contoso`, the sample name, in a retail image";
                report
                    .at(at, message)
                    .help(help)
                    .fix(fix)
                    .at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, run, wm_xml, workspace_with};

    fn lint(owner: &str, image: Option<ImageType>) -> Vec<String> {
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        let wm = wm_xml("A", "").replace("owner=\"$(OEMNAME)\"", owner);
        run(
            "package-owner",
            &workspace_with(&[("A.wm.xml", wm)], &options),
        )
    }

    #[test]
    fn no_owner_and_microsoft_are_errors_and_the_sample_a_warning_in_retail_images() {
        assert!(
            lint("", None)
                .concat()
                .starts_with("error A.wm.xml:1:2 the package has no owner")
        );
        assert!(
            lint("owner=\"microsoft\"", None)
                .concat()
                .starts_with("error ")
        );
        assert!(lint("owner=\"Contoso\"", None).is_empty());
        assert!(
            lint("owner=\"Contoso\"", Some(ImageType::Retail))
                .concat()
                .starts_with("warning ")
        );
        let pkg = [("A.pkg.xml", pkg_xml("Owner=\" \"", ""))];
        let pkg = workspace_with(&pkg, &ResolveOptions::default());
        assert_eq!(run("package-owner", &pkg).len(), 1);
    }

    #[test]
    fn a_variable_and_another_name_pass() {
        assert!(lint("owner=\"$(OEMNAME)\"", Some(ImageType::Retail)).is_empty());
        assert!(lint("owner=\"Fjordlight\"", None).is_empty());
    }
}
