use std::collections::BTreeSet;

use crate::diagnostic::{Level, Place};
use crate::facts::Facts;
use crate::facts::system::System;
use crate::files::name_of;
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A package that was shipped is not there any more
    ///
    /// ## What it checks
    /// With `--shipped DIR`, which names the folder of an earlier release: every package of that release, built or defined, is
    /// built or defined now, or in a manifest. Without the option nothing is checked. It is an error for Windows 10 Mobile and
    /// a warning for IoT Core, whose documents do not speak about it.
    ///
    /// ## Why
    /// Devices keep a package until an update removes it. One that is renamed is there twice, and the old one gets no
    /// updates.
    ///
    /// ## Passes
    /// `Fjordlight.Kiosk.Agent.cab` in both releases
    ///
    /// ## Fails
    /// `Fjordlight.Kiosk.Agent.cab` in the earlier and `Fjordlight.Kiosk.Agent2.cab` in the new one
    ///
    /// ## Fix
    /// Keep the name, and the package with it: an empty one if need be.
    ///
    /// ## References
    /// - Windows 10 Mobile, "Update requirements"
    struct PackageRemovedOrRenamed;
    id: "package-removed-or-renamed",
    authority: "Microsoft, Windows 10 Mobile: update requirements",
    clause: "Submission of packages",
    images: All,
    input: Workspace,
    level: Error,
    since: "0.1.0",
}

impl Rule for PackageRemovedOrRenamed {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        let Some(shipped) = &workspace.shipped else {
            return;
        };
        // Told where the workspace file is, or once for a folder that has none.
        let settings = facts.documents.workspace_settings.first();
        let place = match settings {
            Some(settings) => settings.root_place(),
            None if facts.image.is_none() && !workspace.is_whole() => {
                Place::binary(workspace.root.as_str(), "")
            }
            None => return,
        };
        let defined = workspace
            .packages
            .iter()
            .map(|package| format!("{}.cab", package.name));
        let built = workspace
            .tree
            .iter()
            .map(|file| name_of(&file.path).to_owned());
        let manifests = workspace.documents.manifests.iter();
        let listed = manifests.flat_map(|manifest| {
            let entries = manifest.packages.iter();
            entries.filter_map(|entry| workspace.cab_name(manifest, entry))
        });
        let now: BTreeSet<String> = defined
            .chain(built)
            .chain(listed)
            .map(|name| name.to_lowercase())
            .collect();
        let before = shipped.packages();
        let old: BTreeSet<String> = before.iter().map(|name| name.to_lowercase()).collect();
        let new: Vec<&str> = now.difference(&old).map(String::as_str).collect();
        for name in before
            .iter()
            .filter(|name| !now.contains(&name.to_lowercase()))
        {
            let finding = report.at(
                place.clone(),
                format!("`{name}` was shipped and is not there any more"),
            );
            finding.help(match nearest(&name.to_lowercase(), new.iter().copied()) {
                Some(near) => format!("was it renamed to `{near}`? Keep the name"),
                None => "keep the package, empty if need be".to_owned(),
            });
            if !workspace
                .products
                .iter()
                .any(|product| product.system() == Some(System::Mobile))
            {
                finding.at_most(Level::Warning);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, lint_after, wm_xml};

    fn lint(now: &str) -> Vec<String> {
        let files = |name: &str| {
            let cab = format!("pkgs/{name}.cab");
            vec![
                (WORKSPACE.0.to_owned(), WORKSPACE.1.to_owned()),
                ("A.wm.xml".to_owned(), wm_xml("A", "")),
                (cab, String::new()),
            ]
        };
        lint_after(
            "package-removed-or-renamed",
            &files("Fjord.Test.Agent"),
            &files(now),
        )
    }

    #[test]
    fn what_was_shipped_is_still_there() {
        assert!(lint("fjord.test.agent").is_empty());
        let wanted = "warning IoTWorkspace.xml:1:2 `Fjord.Test.Agent.cab` was shipped and is not there any more";
        assert_eq!(lint("Fjord.Test.Other"), [wanted]);
    }
}
