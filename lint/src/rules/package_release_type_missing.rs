use crate::diagnostic::{Fix, Level};
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package of a retail image does not say its release type
    ///
    /// ## What it checks
    /// A `*.pkg.xml` has `ReleaseType`, as its schema asks. In a `*.wm.xml`, which is `Production` where nothing is
    /// said, a missing `releaseType` is information only.
    ///
    /// ## Why
    /// The old package generator refuses a definition without it. In the new format the default is right for retail
    /// images; written down, it is there for whoever copies the package for a test.
    ///
    /// ## Passes
    /// ```xml
    /// <Package Owner="Fjordlight" ReleaseType="Production" ...>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Package Owner="Fjordlight" ...>
    /// ```
    ///
    /// ## Fix
    /// Write the release type. The fix writes `Production`.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file"
    /// - IoT Core, "Windows Universal OEM Package Schema": onecorePackageInfo
    struct PackageReleaseTypeMissing;
    id: "package-release-type-missing",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "Package attributes",
    images: [Retail],
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageReleaseTypeMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for definition in facts.packages.iter().map(|package| &package.definition) {
            if definition.release_type().is_some() {
                continue;
            }
            match definition {
                Definition::Pkg(file) => {
                    let place = file.root_place();
                    let text = " ReleaseType=\"Production\"";
                    let fix = Fix::insert_after("write `Production`", &place, text);
                    report
                        .at(place, "no `ReleaseType`, expected `Production`")
                        .help("write `ReleaseType=\"Production\"` in the root")
                        .fix(fix);
                }
                Definition::Wm(file) => {
                    let info = file.onecore_package_info.as_ref();
                    let span = info.map_or(file.root.name.span, |info| info.element);
                    report
                        .at(
                            file.place(span, "identity/onecorePackageInfo"),
                            "no `releaseType`, so it is `Production`",
                        )
                        .help("write `releaseType=\"Production\"` in `onecorePackageInfo`")
                        .at_most(Level::Info);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, run, wm_xml, workspace_with};

    const RULE: &str = "package-release-type-missing";

    fn lint(path: &str, text: String) -> Vec<String> {
        let image = Some(ImageType::Retail);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(&[(path, text)], &options))
    }

    #[test]
    fn the_old_format_must_say_it_and_the_new_one_should() {
        let found = lint("A.pkg.xml", pkg_xml("Owner=\"A\"", ""));
        assert_eq!(
            found,
            ["error A.pkg.xml:1:2 no `ReleaseType`, expected `Production`"]
        );
        assert!(
            lint("A.wm.xml", wm_xml("A", ""))
                .concat()
                .starts_with("info ")
        );
        let info = "\n<onecorePackageInfo targetPartition=\"MainOS\"/>";
        assert!(
            lint("A.wm.xml", wm_xml("A", info))
                .concat()
                .starts_with("info A.wm.xml:2:1 ")
        );
    }

    #[test]
    fn a_release_type_passes() {
        assert!(lint("A.pkg.xml", pkg_xml("ReleaseType=\"Test\"", "")).is_empty());
        let info = "<onecorePackageInfo releaseType=\"Test\"/>";
        assert!(lint("A.wm.xml", wm_xml("A", info)).is_empty());
    }
}
