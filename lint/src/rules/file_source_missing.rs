use crate::facts::Facts;
use crate::facts::payload::Payload;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A file that a package definition names does not exist
    ///
    /// ## What it checks
    /// The source of every file, driver and boot configuration of a package definition is on disk, beside the
    /// definition or where its path leads. Paths with variables that are not known, absolute paths, and definitions
    /// that are judged without their folder are left out.
    ///
    /// ## Why
    /// The package generator stops at a missing file, in the middle of the build.
    ///
    /// ## Passes
    /// ```xml
    /// <file source="agent.json" />  with agent.json beside it
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <file source="agnet.json" />
    /// ```
    ///
    /// ## Fix
    /// Mend the path, or add the file.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Specifying files and registry entries in a package project file": Source
    struct FileSourceMissing;
    id: "file-source-missing",
    authority: "Microsoft, Specifying files and registry entries in a package project file",
    clause: "Files: Source",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for FileSourceMissing {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let built = facts.packages.iter().map(|package| &package.definition);
        for definition in built.filter(|definition| definition.is_built()) {
            let files = definition.files().into_iter().filter_map(|file| {
                let source = file.source.as_ref()?;
                Some((source.value.as_str(), definition.place(source, file.route)))
            });
            let infs = definition.driver_infs();
            let infs = infs
                .iter()
                .map(|(inf, place)| (inf.as_str(), place.clone()));
            for (source, place) in files.chain(infs).chain(definition.boot_stores()) {
                if !matches!(facts.payload(definition, source), Payload::Missing) {
                    continue;
                }
                let name = source.rsplit(['\\', '/']).next().unwrap_or(source);
                let beside = facts
                    .workspace
                    .tree
                    .in_folder(definition.folder())
                    .take(256);
                let help = match nearest(name, beside) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "mend the path, or add the file".to_owned(),
                };
                report
                    .at(place, format!("`{source}` does not exist"))
                    .help(help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, wm_xml};

    fn lint(body: &str) -> Vec<String> {
        let files = [
            ("p/A.wm.xml", wm_xml("A", body)),
            ("p/sub/agent.json", "{}".to_owned()),
        ];
        lint_one("file-source-missing", &files)
    }

    fn file(source: &str) -> String {
        format!("<files><file\nsource=\"{source}\"/></files>")
    }

    #[test]
    fn files_that_are_there_and_paths_that_are_not_known_pass() {
        for source in [
            r".\Sub\AGENT.json",
            "sub/agent.json",
            r"$(_RELEASEDIR)\sub\agent.json",
            r"$(BLDDIR)\x.ppkg",
            r"C:\x",
            "{Name}.xml",
        ] {
            assert!(lint(&file(source)).is_empty(), "{source}");
        }
    }

    #[test]
    fn missing_files_drivers_and_boot_settings_are_found() {
        assert_eq!(
            lint(&file("agent.json")),
            ["error p/A.wm.xml:2:9 `agent.json` does not exist"]
        );
        let others = r#"<bcdStore source="a.bcd.xml"/><drivers><driver><inf source="a.inf"/></driver></drivers>"#;
        assert_eq!(lint(others).len(), 2);
    }

    #[test]
    fn a_definition_without_its_folder_is_not_judged() {
        use crate::engine::{gather, judge};
        use crate::files::Memory;
        use crate::policy::Policies;
        let files: Memory = [("A.wm.xml", wm_xml("A", &file("x")).into_bytes())]
            .into_iter()
            .collect();
        let workspaces = gather(&files, &["A.wm.xml".into()], &Default::default()).unwrap();
        let found = judge(&workspaces, &Policies::built_in()).diagnostics;
        assert!(
            found
                .iter()
                .all(|found| found.rule != "file-source-missing")
        );
    }
}
