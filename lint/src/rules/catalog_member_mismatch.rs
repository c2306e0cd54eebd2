use crate::diagnostic::Level;
use crate::facts::Facts;
use crate::facts::built::BuiltPackage;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A catalog in a package does not list the package's files as they are
    ///
    /// ## What it checks
    /// The catalog of a package lists every file but itself, by SHA-256 and by SHA-1, and what an entry says of a file is
    /// true of it; other catalogs are asked for the latter only. A file that one digest is missing of, and entries of the
    /// package's catalog that are of none of its files, are warnings.
    ///
    /// ## Why
    /// The kit verifies the signature of a catalog and never what it lists, so that a file that was replaced after the
    /// catalog was made passes. The device compares, and refuses the file or the package.
    ///
    /// ## Passes
    /// A package as the tools build it, or as `proofmark resign` leaves it.
    ///
    /// ## Fails
    /// A package into which a file was put afterwards.
    ///
    /// ## Fix
    /// `proofmark resign` makes the entries anew for files that the catalog listed; otherwise build the package again.
    ///
    /// ## References
    /// - Microsoft, "Catalog files and digital signatures"
    struct CatalogMemberMismatch;
    id: "catalog-member-mismatch",
    authority: "Microsoft, Catalog files and digital signatures",
    clause: "contents of a catalog",
    images: All,
    input: Package,
    level: Error,
    since: "0.1.0",
}

impl Rule for CatalogMemberMismatch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for built in &facts.built {
            for catalog in &built.contents.catalogs {
                let path = &catalog.path;
                let mut say = |text: String, level| {
                    let part = built.place(format!("{path}: trustedSubjects"));
                    report.at_built(facts, built, part, text).help("build the package again, or sign it from the inside out: `proofmark resign`").at_most(level);
                };
                let name = title(built, path);
                if !catalog.missing.is_empty() {
                    let files = listed(catalog.missing.iter().map(String::as_str));
                    say(format!("{name} does not list {files}"), Level::Error);
                }
                for (file, reason) in &catalog.changed {
                    let file = crate::files::name_of(file);
                    say(
                        format!("{name} lists another `{file}`: {reason}"),
                        Level::Error,
                    );
                }
                for digest in ["SHA-1", "SHA-256"] {
                    let files = catalog
                        .by_one_digest
                        .iter()
                        .filter(|(_, only)| only == digest);
                    let mut files = files.map(|(file, _)| file.as_str()).peekable();
                    if catalog.is_of_package && files.peek().is_some() {
                        say(
                            format!("{name} lists {} by {digest} only", listed(files)),
                            Level::Warning,
                        );
                    }
                }
                if catalog.is_of_package && !catalog.extra.is_empty() {
                    let entries = listed(catalog.extra.iter().map(String::as_str));
                    say(
                        format!("{name} lists {entries}, of which the package has no file"),
                        Level::Warning,
                    );
                }
            }
        }
    }
}

fn title(built: &BuiltPackage, path: &str) -> String {
    format!("`{}` of `{}`", crate::files::name_of(path), built.name())
}

/// How many files a message names.
const NAMED: usize = 4;

fn listed<'a>(files: impl Iterator<Item = &'a str>) -> String {
    let files: Vec<String> = files
        .map(|file| format!("`{}`", crate::files::name_of(file)))
        .collect();
    let more = files.len().saturating_sub(NAMED);
    let named = files.iter().take(NAMED).cloned().collect::<Vec<_>>();
    match more {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    const WRONG: &[u8] =
        include_bytes!("../../tests/fixtures/catalog-member-mismatch/Fjordlight.Kiosk.Agent.cab");
    const RIGHT: &[u8] =
        include_bytes!("../../tests/fixtures/pe-checksum/Fjordlight.Kiosk.Agent.cab");

    use crate::testing::lint_package;

    #[test]
    fn the_defect_is_found_and_a_sound_package_passes() {
        let lint = |bytes, image| {
            lint_package(
                "catalog-member-mismatch",
                "Fjordlight.Kiosk.Agent.cab",
                bytes,
                image,
            )
        };
        let found = lint(WRONG, None);
        assert!(found[0].contains("does not list `notes.txt`"), "{found:?}");
        assert!(lint(RIGHT, None).is_empty());
    }
}
