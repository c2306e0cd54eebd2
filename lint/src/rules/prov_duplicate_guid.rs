use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Two provisioning packages of an image have the same identifier
    ///
    /// ## What it checks
    /// The `ID` of every provisioning package of an image is its own, with or without braces. Packages of different images
    /// may share one.
    ///
    /// ## Why
    /// Windows takes the second for another version of the first, and applies one of them.
    ///
    /// ## Passes
    /// Two identifiers for two packages.
    ///
    /// ## Fails
    /// A `customizations.xml` that was copied with its `ID`.
    ///
    /// ## Fix
    /// Make a new GUID for one of them: not for the one that devices have.
    ///
    /// ## References
    /// - Windows, provisioning packages: identification
    struct ProvDuplicateGuid;
    id: "prov-duplicate-guid",
    authority: "Microsoft, Windows provisioning packages",
    clause: "Identification of packages",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProvDuplicateGuid {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for files in facts.provisioning_scopes() {
            let mut first = BTreeMap::new();
            for file in files {
                let Some(id) = &file.package_config.id else {
                    continue;
                };
                let guid = id.value.trim().trim_matches(['{', '}']).to_lowercase();
                let place = file.value(id, "PackageConfig/ID");
                let Some(other) = first.get(&guid).cloned() else {
                    first.insert(guid, place);
                    continue;
                };
                if facts.is_judged(file.path()) {
                    report
                        .at(place, format!("the identifier `{guid}` is taken"))
                        .also(other, "by this package")
                        .help("make a new GUID for the package that devices do not have yet");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, package_config, product, wm_xml};

    #[test]
    fn packages_of_one_image_have_identifiers_of_their_own() {
        let lint = |other: &str| {
            let mut files = product("", &[("A", wm_xml("A", "")), ("B", wm_xml("B", ""))]);
            for (name, id) in [
                ("A", "{6d25ff81-23ed-4d35-968f-3fc2408ceac7}"),
                ("B", other),
            ] {
                let text = package_config(&format!("\n<ID>{id}</ID>"));
                files.push((format!("{name}/customizations.xml"), text));
            }
            lint_one("prov-duplicate-guid", &files)
        };
        let guid = "6d25ff81-23ed-4d35-968f-3fc2408ceac7";
        let wanted = format!("error B/customizations.xml:2:5 the identifier `{guid}` is taken");
        assert_eq!(lint(&guid.to_uppercase()), [wanted]);
        assert!(lint("{00000000-23ed-4d35-968f-3fc2408ceac7}").is_empty());
    }

    #[test]
    fn packages_of_no_image_are_not_compared() {
        let text = package_config("<ID>{6d25ff81-23ed-4d35-968f-3fc2408ceac7}</ID>");
        let files = [
            ("a/customizations.xml", text.clone()),
            ("b/customizations.xml", text),
        ];
        assert!(lint_one("prov-duplicate-guid", &files).is_empty());
    }
}
