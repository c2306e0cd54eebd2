use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A list of a legacy package is for a language and a resolution at once
    ///
    /// ## What it checks
    /// A `Files` or `RegKeys` of a `*.pkg.xml` has `Language` or `Resolution`, not both.
    ///
    /// ## Why
    /// Contents for a language and contents for a resolution go into packages of their own; one for both does not
    /// exist, and the package generator refuses the list.
    ///
    /// ## Passes
    /// ```xml
    /// <Files Language="(de-DE;fi-FI)">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Files Language="*" Resolution="*">
    /// ```
    ///
    /// ## Fix
    /// Make two lists, or leave one of the attributes out.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": Language, Resolution
    struct LangAndResolution;
    id: "lang-and-resolution",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "Language and resolution expansion",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for LangAndResolution {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let lists = file.file_lists.iter().chain(&file.reg_key_lists);
            let lists = lists.map(|list| (&list.conditions, &list.route));
            let files = file
                .files
                .iter()
                .map(|file| (&file.conditions, &file.route));
            for (conditions, route) in lists.chain(files) {
                if let (Some(language), Some(resolution)) =
                    (&conditions.language, &conditions.resolution)
                {
                    let message = format!(
                        "`Resolution` `{}` together with `Language` `{}`",
                        resolution.value, language.value
                    );
                    report
                        .at(file.value(resolution, route.clone()), message)
                        .also(file.value(language, route.clone()), "the language")
                        .help("make two lists, or leave one of the attributes out");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_xml};

    #[test]
    fn both_on_one_list_are_found() {
        let lint = |attributes: &str| {
            let list = format!("<RegKeys {attributes}><RegKey KeyName=\"k\"/></RegKeys>");
            let body = format!("<Components><OSComponent>{list}</OSComponent></Components>");
            lint_one("lang-and-resolution", &[("A.pkg.xml", pkg_xml("", &body))])
        };
        assert_eq!(lint("Language=\"*\" Resolution=\"*\"").len(), 1);
        assert!(lint("Language=\"*\" CpuFilter=\"ARM\"").is_empty());
    }
}
