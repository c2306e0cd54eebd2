use crate::facts::Facts;
use crate::facts::product::Arch;
use crate::files::written_name;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An app depends on a library for another processor
    ///
    /// ## What it checks
    /// Where the file name of an app or of one of its dependencies names a processor (`Microsoft.VCLibs.ARM.14.00.appx`), it is
    /// that of the folder `Source-<arch>` that the `customizations.xml` is in.
    ///
    /// ## Why
    /// The app is not installed, and the device shows nothing.
    ///
    /// ## Passes
    /// `Microsoft.VCLibs.ARM.14.00.appx` below `Source-arm`
    ///
    /// ## Fails
    /// `Microsoft.VCLibs.x64.14.00.appx` below `Source-arm`
    ///
    /// ## Fix
    /// Name the file for the processor of the image.
    ///
    /// ## References
    /// - iot-adk-addonkit, samples of apps
    struct ProvDependencyArch;
    id: "prov-dependency-arch",
    authority: "iot-adk-addonkit",
    clause: "Samples of apps",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for ProvDependencyArch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.customizations {
            let Some(wanted) = Arch::of_path(file.path()) else {
                continue;
            };
            for app in &file.applications {
                let dependencies = app.dependencies.iter().map(|item| &item.text);
                for path in app.application_file.iter().chain(dependencies) {
                    let name = written_name(&path.value);
                    let mut words = name.split(['.', '_', '-', ' ']).filter_map(Arch::from_word);
                    if let Some(found) = words.find(|found| *found != wanted) {
                        report
                            .at(
                                file.value(path, app.route.clone()),
                                format!("`{name}` is for {found}, the image is for {wanted}"),
                            )
                            .help(format!("name the file for {wanted}"));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, lint_one};

    #[test]
    fn the_processor_is_in_the_name() {
        let lint = |name: &str| {
            let app = format!(
                "<Application><DependencyAppxFiles>\n<Dependency>{name}</Dependency></DependencyAppxFiles></Application>"
            );
            let install = format!(
                "<UniversalAppInstall><UserContextApp>{app}</UserContextApp></UniversalAppInstall>"
            );
            lint_one(
                "prov-dependency-arch",
                &[("Source-arm/A/customizations.xml", customizations(&install))],
            )
        };
        assert!(
            lint("Microsoft.VCLibs.ARM.14.00.appx").is_empty() && lint("Charm.appx").is_empty()
        );
        let wanted = "error Source-arm/A/customizations.xml:2:13 `Microsoft.VCLibs.x64.14.00.appx` is for x64, the image is for arm";
        assert_eq!(lint("Microsoft.VCLibs.x64.14.00.appx"), [wanted]);
    }
}
