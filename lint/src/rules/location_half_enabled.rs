use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::facts::location::{Consent, NAMES, consents};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// Only one of the two location consent values is set, or they differ
    ///
    /// ## What it checks
    /// All packages of a product together set either both `InitSystemGlobalConsentDenied` and
    /// `InitUserGlobalConsentDenied` or neither, and to the same number. A definition or `.reg` file that belongs to no
    /// product is looked at alone.
    ///
    /// ## Why
    /// One value is the consent of the system, the other that of its users. With one of them apps are still refused, and
    /// nothing says why.
    ///
    /// ## Passes
    /// ```xml
    /// <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// <regValue name="InitUserGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <regValue name="InitSystemGlobalConsentDenied" type="REG_DWORD" value="00000000" />
    /// ```
    ///
    /// ## Fix
    /// Set both, under one key and to one number. The fix adds the missing one below the other.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, introduction
    /// - IoT Core, "OS customizations": Location settings
    struct LocationHalfEnabled;
    id: "location-half-enabled",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Introduction, location services",
    images: All,
    input: Registry,
    level: Warning,
    since: "0.1.0",
}

impl Rule for LocationHalfEnabled {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for scope in facts.registry_scopes() {
            let files = scope.files.iter().copied();
            let set: Vec<Consent<'_>> = files
                .flat_map(consents)
                .filter(Consent::is_in_place)
                .collect();
            let judged = |consent: &&Consent<'_>| facts.is_judged(consent.value.source.name());
            let Some(one) = set.iter().find(judged) else {
                continue;
            };
            match set.iter().find(|other| other.name != one.name) {
                None => alone(one, report),
                Some(other) => differing(one, other, report),
            }
        }
    }
}

fn alone(one: &Consent<'_>, report: &mut Report) {
    let missing = NAMES.into_iter().find(|name| *name != one.name);
    let missing = missing.unwrap_or_default();
    let (place, message) = (
        one.value.place(),
        format!("`{}` is set without `{missing}`", one.name),
    );
    let title = format!("add `{missing}`");
    let fix = Fix::insert_after(title, &place, one.copied_as(missing));
    report
        .at(place, message)
        .help(format!(
            "set `{missing}` under the same key to the same number"
        ))
        .fix(fix);
}

fn differing(one: &Consent<'_>, other: &Consent<'_>, report: &mut Report) {
    // Data that is no number at all is another rule's finding.
    let (Some(denied), Some(other_denied)) = (one.is_denied(), other.is_denied()) else {
        return;
    };
    if denied != other_denied {
        let (number, other_number) = (u8::from(denied), u8::from(other_denied));
        let message = format!(
            "`{}` is {number} and `{}` is {other_number}, expected the same number",
            one.name, other.name
        );
        report
            .at(one.value.data_place(), message)
            .also(other.value.data_place(), "the other value")
            .help("set both to 0 to turn location on, both to 1 to keep it off");
    }
}

#[cfg(test)]
mod tests {
    use crate::facts::location::{DEFINITION_KEY, KEY};
    use crate::testing::{fixed, lint_one, product, reg_file, wm_registry};

    const RULE: &str = "location-half-enabled";

    fn value(which: &str, number: u8) -> String {
        let name = format!("Init{which}GlobalConsentDenied");
        format!("\n  <regValue name=\"{name}\" type=\"REG_DWORD\" value=\"{number}\" />")
    }

    fn wm(values: &str) -> String {
        wm_registry(DEFINITION_KEY, values)
    }

    #[test]
    fn a_definition_alone_must_set_both_alike() {
        let lint = |values: &[String]| lint_one(RULE, &[("A.wm.xml", wm(&values.concat()))]);
        assert!(lint(&[value("System", 0), value("User", 0)]).is_empty());
        let found = lint(&[value("User", 0)]).concat();
        assert!(found.starts_with("warning A.wm.xml:2:3 "), "{found}");
        assert!(found.contains("is set without `InitSystemGlobalConsentDenied`"));
        let found = lint(&[value("System", 0), value("User", 1)]).concat();
        assert!(found.contains("is 0 and `InitUserGlobalConsentDenied` is 1"));
    }

    #[test]
    fn the_packages_of_a_product_are_taken_together() {
        let input = "<ReleaseType>Test</ReleaseType>";
        let half = wm(&value("System", 0));
        let other = wm(&value("User", 0)).replace(".Test.A\"", ".Test.B\"");
        let mut files = product(input, &[("A", half.clone()), ("B", other.clone())]);
        assert!(lint_one(RULE, &files).is_empty());
        files = product(input, &[("A", half)]);
        assert_eq!(lint_one(RULE, &files).len(), 1);
        files.push(("B.wm.xml".into(), other));
        assert_eq!(lint_one(RULE, &files).len(), 2, "B is not in the product");
    }

    #[test]
    fn the_fix_adds_the_missing_value() {
        let files = [("A.wm.xml", wm(&value("User", 0)))];
        let both = format!("{}{}", value("User", 0), value("System", 0));
        assert!(fixed(RULE, &files, "A.wm.xml").contains(&both));
        let lines = format!("[{KEY}]\n\"InitUserGlobalConsentDenied\"=dword:0");
        let text = fixed(RULE, &[("a.reg", reg_file(&lines))], "a.reg");
        let both = "=dword:0\n\"InitSystemGlobalConsentDenied\"=dword:0\n";
        assert!(text.ends_with(both), "{text}");
    }
}
