use crate::facts::Facts;
use crate::facts::inf;
use crate::facts::system::System;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The INF file of a driver is not universal
    ///
    /// ## What it checks
    /// An INF file of a driver has no section and no directive that a universal one may not have: `ClassInstall32`,
    /// `*.CoInstallers`, `*.FactDef`, `*.LogConfigOverride`, `DefaultInstall` without a processor, and directives that
    /// delete, register or change files of settings (`DelReg`, `RegisterDlls`, `UpdateInis`, ...). `CopyINF` is
    /// allowed.
    ///
    /// ## Why
    /// Packages of IoT Core are built for universal drivers: only operations that add something and are fully described
    /// in the file. Others are skipped or stop the build.
    ///
    /// ## Passes
    /// ```ini
    /// [Probe_Install.NT]
    /// CopyFiles = Probe_Files
    /// ```
    ///
    /// ## Fails
    /// ```ini
    /// [Probe_Install.NT]
    /// RegisterDlls = Probe_Dlls
    /// [Probe_Install.NT.CoInstallers]
    /// ```
    ///
    /// ## Fix
    /// Take the section or directive out; what it did belongs into the driver or a service.
    ///
    /// ## References
    /// - Microsoft, "Using a universal INF file"
    /// - IoT Core, package generator: /universalbsp
    struct InfNotUniversal;
    id: "inf-not-universal",
    authority: "Microsoft, Using a universal INF file",
    clause: "Which INF sections and directives are invalid",
    images: All,
    input: PackageDefinition,
    level: Warning,
    since: "0.1.0",
}

/// Ends of section names that a universal INF file may not have, lower case.
const SECTIONS: &str = "classinstall32 .coinstallers .factdef .logconfigoverride";
/// Directives that it may not have, lower case.
const DIRECTIVES: &str = "bitreg delfiles delproperty delreg delservice ini2reg logconfig profileitems registerdlls \
    renfiles unregisterdlls updateinifields updateinis";

impl Rule for InfNotUniversal {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in facts
            .documents
            .infs
            .iter()
            .filter(|file| inf::is_of_driver(file))
        {
            if !facts.systems_of(file.path()).contains(&System::IotCore)
                && facts.has_owner(file.path())
            {
                continue;
            }
            for section in &file.sections {
                let name = section.name.value.to_lowercase();
                let install = name.strip_suffix(".services").unwrap_or(&name);
                if SECTIONS.split(' ').any(|end| name.ends_with(end)) || install == "defaultinstall"
                {
                    report
                        .at(
                            file.value(&section.name, ""),
                            format!("the section `{}` is not universal", section.name.value),
                        )
                        .help("take the section out");
                }
                let keys = section
                    .entries
                    .iter()
                    .filter_map(|entry| entry.key.as_ref());
                for key in
                    keys.filter(|key| !name.starts_with("strings") && is_directive(&key.value))
                {
                    report
                        .at(
                            file.value(key, ""),
                            format!("the directive `{}` is not universal", key.value),
                        )
                        .help("take the directive out");
                }
            }
        }
    }
}

fn is_directive(key: &str) -> bool {
    let key = key.to_lowercase();
    DIRECTIVES.split_whitespace().any(|known| known == key)
}

#[cfg(test)]
mod tests {
    use crate::testing::lint_one;

    fn lint(text: &str) -> Vec<String> {
        let text = format!("[Version]\nSignature=\"$WINDOWS NT$\"\n{text}");
        lint_one("inf-not-universal", &[("a.inf", text)])
    }

    #[test]
    fn sections_and_directives_that_only_add_pass() {
        assert!(
            lint("[A.NT]\nCopyFiles=F\nAddReg=R\nCopyINF=b.inf\n[A.NT.Services]\nAddService=S\n")
                .is_empty()
        );
        assert!(lint("[Strings]\nDelReg=\"x\"\n[DefaultInstall.NTarm]\n").is_empty());
    }

    #[test]
    fn others_are_found_where_they_stand() {
        let found = lint("[A.NT]\nDelReg = R\n[A.NT.CoInstallers]\n[DefaultInstall]\n");
        assert_eq!(
            found[0],
            "warning a.inf:4:1 the directive `DelReg` is not universal"
        );
        assert_eq!(
            found[1],
            "warning a.inf:5:2 the section `A.NT.CoInstallers` is not universal"
        );
        assert_eq!(found.len(), 3);
    }

    #[test]
    fn other_inf_files_are_not_judged() {
        assert!(
            lint_one(
                "inf-not-universal",
                &[("autorun.inf", "[A.CoInstallers]\n")]
            )
            .is_empty()
        );
    }
}
