use crate::diagnostic::{Fix, Level};
use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The processor filter of a legacy package is not `ARM` or `X86`
    ///
    /// ## What it checks
    /// `CpuFilter` of a list of a `*.pkg.xml` is `ARM` or `X86`, in capitals. Any other word is a warning: later tools
    /// may know it.
    ///
    /// ## Why
    /// The filter is compared by case. With another word the files and keys get into no package at all.
    ///
    /// ## Passes
    /// ```xml
    /// <Files CpuFilter="ARM">
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Files CpuFilter="arm">
    /// ```
    ///
    /// ## Fix
    /// Write the processor in capitals. The fix does that.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": CpuFilter
    struct CpufilterCase;
    id: "cpufilter-case",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "CPU filtering",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for CpufilterCase {
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
                let Some(filter) = &conditions.cpu_filter else {
                    continue;
                };
                let word = filter.value.as_str();
                let known = ["ARM", "X86"]
                    .into_iter()
                    .find(|known| known.eq_ignore_ascii_case(word));
                if known == Some(word) {
                    continue;
                }
                let place = file.value(filter, route.clone());
                let fix =
                    known.and_then(|known| Fix::replace(format!("write `{known}`"), &place, known));
                let finding = report.at(
                    place,
                    format!("`CpuFilter` is `{word}`, expected `ARM` or `X86`"),
                );
                finding.help("write `ARM` or `X86`").fix(fix);
                if known.is_none() {
                    finding.at_most(Level::Warning);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, pkg_xml};

    fn files(filter: &str) -> [(&'static str, String); 1] {
        let list = format!("<Files\nCpuFilter=\"{filter}\"><File Source=\"a\"/></Files>");
        let body = format!("<Components><OSComponent>{list}</OSComponent></Components>");
        [("A.pkg.xml", pkg_xml("", &body))]
    }

    #[test]
    fn capitals_pass_another_case_is_an_error_and_another_word_a_warning() {
        let lint = |filter| lint_one("cpufilter-case", &files(filter)).concat();
        assert_eq!(lint("ARM"), "");
        assert_eq!(
            lint("x86"),
            "error A.pkg.xml:2:12 `CpuFilter` is `x86`, expected `ARM` or `X86`"
        );
        assert!(lint("AMD64").starts_with("warning "));
        let text = fixed("cpufilter-case", &files("arm"), "A.pkg.xml");
        assert!(text.contains("CpuFilter=\"ARM\""));
    }
}
