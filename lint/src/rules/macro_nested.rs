use formats::source::Span;

use crate::facts::{Definition, Facts};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A macro of a legacy package is named by another macro
    ///
    /// ## What it checks
    /// No text of a `*.pkg.xml` has a reference inside a reference, `$(A_$(B))`, and no macro has itself in its value.
    /// Macros in the value of a macro are fine.
    ///
    /// ## Why
    /// The package generator replaces each reference as a whole; one inside another is left in the text or stops it.
    ///
    /// ## Passes
    /// ```xml
    /// <Macro Id="Dir" Value="$(runtime.data)\Factory" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RegKey KeyName="$(Key_$(Board))" />
    /// ```
    ///
    /// ## Fix
    /// Write one macro for each combination.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Primary elements and attributes of a package project file": Macros
    struct MacroNested;
    id: "macro-nested",
    authority: "Microsoft, Primary elements and attributes of a package project file",
    clause: "The Macros element and local project macros",
    images: All,
    input: PackageDefinition,
    level: Error,
    since: "0.1.0",
}

impl Rule for MacroNested {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for package in &facts.packages {
            let Definition::Pkg(file) = &package.definition else {
                continue;
            };
            let is_comment = |at: usize| {
                file.comments
                    .iter()
                    .any(|comment| comment.span.range().contains(&at))
            };
            for span in nested(file.source.text()) {
                if !is_comment(span.start) {
                    let written = file.source.slice(span);
                    report
                        .at(
                            file.place(span, "Package"),
                            format!("`{written}` has a macro inside a macro"),
                        )
                        .help("write one macro for each combination");
                }
            }
            for defined in &file.macros {
                let (Some(id), Some(value)) = (&defined.id, &defined.value) else {
                    continue;
                };
                let own = format!("$({})", id.value);
                if value.value.contains(&own) {
                    report
                        .at(
                            file.value(value, defined.route.clone()),
                            format!("`{own}` holds itself"),
                        )
                        .help("write the value without the macro");
                }
            }
        }
    }
}

/// The references that have another one inside, from `$(` to the inner `)`.
fn nested(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices("$(") {
        let body = text.get(start.saturating_add(2)..).unwrap_or_default();
        let end = body.find([')', '"', '<', '\n']).unwrap_or(body.len());
        let inner = body.get(..end).unwrap_or_default();
        if inner.contains("$(") && body.get(end..).is_some_and(|rest| rest.starts_with(')')) {
            let end = start.saturating_add(end).saturating_add(3);
            found.push(Span { start, end });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::testing::{lint_one, pkg_registry};

    fn lint(macros: &[(&str, &str)], key: &str) -> Vec<String> {
        lint_one(
            "macro-nested",
            &[("A.pkg.xml", pkg_registry(macros, key, ""))],
        )
    }

    #[test]
    fn macros_inside_macros_are_found_and_macros_in_values_pass() {
        assert!(
            lint(&[], "$(Key_$(Board))")
                .concat()
                .ends_with("`$(Key_$(Board)` has a macro inside a macro")
        );
        assert!(lint(&[("A", "$(hklm.software)"), ("B", r"$(A)\$(A)")], "$(B)").is_empty());
        assert!(lint(&[], r"$(A)\$(B").is_empty());
    }

    #[test]
    fn a_macro_that_holds_itself_is_found_and_comments_do_not_count() {
        assert!(
            lint(&[("A", r"$(A)\x")], "$(A)")
                .concat()
                .contains("`$(A)` holds itself")
        );
        let text = pkg_registry(&[], "k", "<!-- $(A_$(B)) -->");
        assert!(lint_one("macro-nested", &[("A.pkg.xml", text)]).is_empty());
    }
}
