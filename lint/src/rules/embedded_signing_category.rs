use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A file of a retail package asks for a signing category of its own
    ///
    /// ## What it checks
    /// In a retail image no file of a `*.pkg.xml` has an `EmbeddedSigningCategory` with an option besides `-oem`, such
    /// as `-hal`.
    ///
    /// ## Why
    /// The text is passed to the signing script of the old kit. `-hal` and others ask for certificates that only
    /// Microsoft uses for retail; with yours the file is not what it claims to be, and the system does not load it.
    ///
    /// ## Passes
    /// ```xml
    /// <File Source="haltimer.dll" EmbeddedSigningCategory="-oem" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <File Source="haltimer.dll" EmbeddedSigningCategory="-oem -hal" />
    /// ```
    ///
    /// ## Fix
    /// Have Microsoft sign the file, and leave the attribute out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": EmbeddedSigningCategory
    struct EmbeddedSigningCategory;
    id: "embedded-signing-category",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "Files: EmbeddedSigningCategory",
    images: [Retail],
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

impl Rule for EmbeddedSigningCategory {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            for found in &file.files {
                let Some(category) = &found.embedded_signing_category else {
                    continue;
                };
                let mut options = category.value.split_whitespace();
                if let Some(option) = options.find(|option| !option.eq_ignore_ascii_case("-oem")) {
                    report
                        .at(file.value(category, found.route.clone()), format!("`{option}` asks for a signature that a manufacturer cannot give for retail"))
                        .help("have Microsoft sign the file, and leave the attribute out");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{pkg_xml, run, workspace_with};

    #[test]
    fn categories_of_microsoft_are_found_in_retail_images() {
        let lint = |category: &str, image| {
            let file = format!("<File Source=\"a.dll\"\nEmbeddedSigningCategory=\"{category}\"/>");
            let body = format!(
                "<Components><OSComponent><Files>{file}</Files></OSComponent></Components>"
            );
            let options = ResolveOptions {
                image: Some(image),
                ..ResolveOptions::default()
            };
            run(
                "embedded-signing-category",
                &workspace_with(&[("A.pkg.xml", pkg_xml("", &body))], &options),
            )
        };
        let found = lint("-oem -hal", ImageType::Retail).concat();
        assert!(
            found.starts_with("warning A.pkg.xml:2:26 `-hal` asks for"),
            "{found}"
        );
        assert!(lint("-oem", ImageType::Retail).is_empty());
        assert!(lint("-oem -hal", ImageType::Test).is_empty());
    }
}
