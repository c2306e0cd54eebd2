use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};
use formats::source::Span;

declare_rule! {
    /// The app that starts with the device is not the one that is installed
    ///
    /// ## What it checks
    /// Where the provisioning of an image installs apps, the package family name before the `!` of every `StartupApp` and of
    /// every background task is that of one of them, letter case included. Apps that come in other ways (with a feature
    /// of Microsoft's) begin with `Microsoft.` or `IoT` and are left out. Without any installed app nothing is checked.
    ///
    /// ## Why
    /// The device starts with a blank screen, and nothing says why.
    ///
    /// ## Passes
    /// `<Default>Fjordlight.Kiosk_q1w2e3r4t5y6u!App</Default>` with
    /// `<Application PackageFamilyName="Fjordlight.Kiosk_q1w2e3r4t5y6u">`
    ///
    /// ## Fails
    /// `<Default>Fjordlight.kiosk_q1w2e3r4t5y6u!App</Default>` with the same
    ///
    /// ## Fix
    /// Write the package family name of the installed app; the fix does so where only the case differs.
    ///
    /// ## References
    /// - iot-adk-addonkit, samples of provisioning
    struct StartupAppNotInstalled;
    id: "startup-app-not-installed",
    authority: "iot-adk-addonkit",
    clause: "Samples of provisioning",
    images: All,
    input: Provisioning,
    level: Error,
    since: "0.1.0",
}

impl Rule for StartupAppNotInstalled {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for files in facts.provisioning_scopes() {
            let apps = files.iter().flat_map(|file| &file.applications);
            let installed: Vec<&str> = apps
                .filter_map(|app| app.package_family_name.as_ref())
                .map(|name| name.value.as_str())
                .collect();
            if installed.is_empty() {
                continue;
            }
            for file in files.iter().filter(|file| facts.is_judged(file.path())) {
                for started in file
                    .startup_apps
                    .iter()
                    .chain(&file.startup_background_tasks)
                {
                    let id = started.text.value.as_str();
                    let family = id.split('!').next().unwrap_or(id);
                    let is_inbox = family.starts_with("Microsoft.") || family.starts_with("IoT");
                    let same = installed
                        .iter()
                        .find(|known| known.eq_ignore_ascii_case(family));
                    if family.is_empty()
                        || installed.contains(&family)
                        || (is_inbox && same.is_none())
                    {
                        continue;
                    }
                    let finding = report.at(
                        file.item(started),
                        format!("the app `{family}` is not installed"),
                    );
                    let Some(known) = same else {
                        finding.help(match nearest(family, installed.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("installed are `{}`", installed.join("`, `")),
                        });
                        continue;
                    };
                    let start = started.text.span.start;
                    let span = Span {
                        start,
                        end: start.saturating_add(family.len()),
                    };
                    let title = format!("write `{known}`");
                    let is_there = file.source.slice(span) == family;
                    let fix = Fix::guess(&file.place(span, ""), known);
                    finding.help(title).fix(fix.filter(|_| is_there));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{customizations, fixed, help, lint_one};

    const ID: &str = "startup-app-not-installed";

    fn files(started: &str, installed: &str) -> [(&'static str, String); 1] {
        let app = match installed {
            "" => String::new(),
            name => format!(
                "<UniversalAppInstall><UserContextApp><Application PackageFamilyName=\"{name}\"/></UserContextApp></UniversalAppInstall>"
            ),
        };
        [(
            "customizations.xml",
            customizations(&format!(
                "\n<StartupApp><Default>{started}</Default></StartupApp>{app}"
            )),
        )]
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let of = |started| help(ID, &files(started, "Fjord.Kiosk_x")).concat();
        assert_eq!(of("Fjord.Kisok_x!App"), "did you mean `Fjord.Kiosk_x`?");
        assert_eq!(of("Fjord.Till_x!App"), "installed are `Fjord.Kiosk_x`");
    }

    #[test]
    fn what_starts_is_installed() {
        assert!(lint_one(ID, &files("Fjord.A_x!App", "Fjord.A_x")).is_empty());
        let wanted = "error customizations.xml:2:22 the app `Fjord.a_x` is not installed";
        assert_eq!(lint_one(ID, &files("Fjord.a_x!App", "Fjord.A_x")), [wanted]);
        assert_eq!(lint_one(ID, &files("Fjord.B_x!App", "Fjord.A_x")).len(), 1);
        assert!(lint_one(ID, &files("Fjord.B_x!App", "")).is_empty());
        assert!(lint_one(ID, &files("IoTUAP.OOBE_x!App", "Fjord.A_x")).is_empty());
    }

    #[test]
    fn the_fix_corrects_the_case() {
        let text = fixed(
            ID,
            &files("Fjord.a_x!App", "Fjord.A_x"),
            "customizations.xml",
        );
        assert!(text.contains(">Fjord.A_x!App<"), "{text}");
    }
}
