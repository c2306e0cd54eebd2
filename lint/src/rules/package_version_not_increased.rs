use std::collections::BTreeSet;

use crate::facts::Facts;
use crate::facts::built::BuiltPackage;
use crate::facts::product::Arch;
use crate::facts::version::PackageVersion;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The packages have no higher version than those that were shipped
    ///
    /// ## What it checks
    /// With `--shipped DIR`, which names the folder of an earlier release: the `BSPVersion` of every processor is higher than in
    /// the `IoTWorkspace.xml` of that release, and a built package that differs from the one of that name there has a higher
    /// version; catalogs do not count, which signing changes. Without the option nothing is checked.
    ///
    /// ## Why
    /// Devices install a package only when its version is higher than the one they have. What is not raised never arrives.
    ///
    /// ## Passes
    /// `<BSPVersion>10.0.4.0</BSPVersion>` after `10.0.3.0`
    ///
    /// ## Fails
    /// `<BSPVersion>10.0.3.0</BSPVersion>` after `10.0.3.0`
    ///
    /// ## Fix
    /// Raise the version with every release.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Update requirements"
    /// - iot-adk-addonkit, export of packages for the update service
    struct PackageVersionNotIncreased;
    id: "package-version-not-increased",
    authority: "Microsoft, Windows 10 Mobile: update requirements",
    clause: "Versions of packages",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageVersionNotIncreased {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(shipped) = &facts.workspace.shipped else {
            return;
        };
        for settings in &facts.documents.workspace_settings {
            for env in &settings.envs {
                let before = Arch::of_env(env).and_then(|arch| shipped.env(arch));
                let before = before.and_then(|env| env.bsp_version.as_ref());
                let (Some(now), Some(before)) = (&env.bsp_version, before) else {
                    continue;
                };
                let versions = [now, before].map(|version| PackageVersion::parse(&version.value));
                if let [Some(new), Some(old)] = versions
                    && new <= old
                {
                    let place = settings.value(now, "IoTWorkspace/Env/BSPVersion");
                    let message = format!("`BSPVersion` is {new}, and {old} was shipped");
                    report.at(place, message).help("raise the version");
                }
            }
        }
        for built in &facts.built {
            let Some(before) = shipped.built(built.name()) else {
                continue;
            };
            let version = |built: &BuiltPackage| {
                let version = built.contents.identity.version.as_deref();
                PackageVersion::parse(version?)
            };
            if let (Some(new), Some(old)) = (version(built), version(before))
                && new <= old
                && files(built) != files(before)
            {
                let name = built.name();
                let message =
                    format!("`{name}` was changed, its version is {new} and {old} was shipped");
                report
                    .at(built.manifest_place("assemblyIdentity/@version"), message)
                    .help("raise the version and build the package again");
            }
        }
    }
}

/// The files of a package without its catalogs: name and digest.
fn files(built: &BuiltPackage) -> BTreeSet<(&str, &str)> {
    let members = built.contents.members.iter();
    let files = members.map(|member| (member.path.as_str(), member.sha256.as_str()));
    files
        .filter(|(path, _)| !path.to_ascii_lowercase().ends_with(".cat"))
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::facts::shipped::Shipped;
    use crate::resolve::ResolveOptions;
    use crate::testing::{lint_after, run, verified};

    const OLD: &[u8] = include_bytes!(
        "../../tests/fixtures/package-version-mixed/Build/arm/pkgs/Fjordlight.Kiosk.Agent.cab"
    );
    const NEW: &[u8] =
        include_bytes!("../../tests/fixtures/unsigned-pe/Fjordlight.Kiosk.Agent.cab");

    fn lint(before: &str, now: &str) -> Vec<String> {
        let workspace = |version: &str| {
            let env = format!("<Env Name=\"arm\">\n<BSPVersion>{version}</BSPVersion></Env>");
            [(
                "IoTWorkspace.xml",
                format!("<IoTWorkspace>{env}</IoTWorkspace>"),
            )]
        };
        lint_after(
            "package-version-not-increased",
            &workspace(before),
            &workspace(now),
        )
    }

    #[test]
    fn the_version_rises() {
        let wanted =
            "error IoTWorkspace.xml:2:13 `BSPVersion` is 10.0.9.0, and 10.0.10.0 was shipped";
        assert_eq!(lint("10.0.10.0", "10.0.9.0"), [wanted]);
        assert_eq!(lint("10.0.3.0", "10.0.3.0").len(), 1);
        assert!(lint("10.0.3.0", "10.0.10.0").is_empty());
    }

    #[test]
    fn a_changed_package_has_a_higher_version() {
        let lint = |before: &[u8], now: &[u8]| {
            let of = |bytes: &[u8]| {
                verified(
                    &[("Fjordlight.Kiosk.Agent.cab", bytes)],
                    &ResolveOptions::default(),
                )
            };
            let mut workspace = of(now);
            workspace.shipped = Some(Shipped::new(of(before)).into());
            run("package-version-not-increased", &workspace).concat()
        };
        assert_eq!((lint(OLD, NEW), lint(NEW, NEW)), Default::default());
        let found = lint(NEW, OLD);
        let wanted = "was changed, its version is 10.1.3.0 and 10.1.4.0 was shipped";
        assert!(found.contains(wanted), "{found}");
    }
}
