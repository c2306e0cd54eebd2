use crate::facts::Facts;
use crate::facts::full_flash::workspace::Comparison;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A finished image is not what the workspace builds
    ///
    /// ## What it checks
    /// The image against the workspace that was named with it (`--workspace DIR`, or both paths): its `OEMInput.xml`
    /// against that of the product which is most like it, by values, features and manifests; its packages against those
    /// that the product takes in; and each package that is built there against the one in the image, by version and by
    /// the SHA-256 of `update.mum`, which has the hashes of all its files.
    ///
    /// ## Why
    /// The inputs were judged, and then something else was built: an old cabinet, a stale merged manifest, a changed
    /// configuration. What was approved is not what is flashed.
    ///
    /// ## Passes
    /// an image that was just built from the workspace
    ///
    /// ## Fails
    /// `Fjordlight.Kiosk.Agent` 10.1.4.0 in the image, 10.1.5.0 in Build/arm/pkgs
    ///
    /// ## Fix
    /// Build the image again from the workspace, or look for the workspace that it was built from.
    ///
    /// ## References
    /// - Microsoft, IoT Core manufacturing guide: building an image
    struct ImageDiffersFromWorkspace;
    id: "image-differs-from-workspace",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Building an image",
    images: All,
    input: Image,
    level: Warning,
    since: "0.1.0",
}

impl Rule for ImageDiffersFromWorkspace {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let Some(image) = facts.finished() else {
            return;
        };
        let Some(workspace) = facts.workspace.built_from.as_deref() else {
            return;
        };
        let product = facts.workspace.products.first();
        let Some(comparison) =
            product.and_then(|product| Comparison::of(image, product, workspace))
        else {
            let message = "the workspace has no product of this image's type to compare it with";
            report.at(image.place("", ""), message);
            return;
        };
        for difference in comparison.differences() {
            let finding = report.at(difference.place, difference.message);
            for (place, label) in difference.related {
                finding.also(place, label);
            }
            finding.help(
                "build the image again from the workspace, or find the one that it was built from",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::testing::image::{image, installed};
    use crate::testing::{oem_input, product, run, workspace};

    fn found(there: &str, here: &str, package: &str) -> Vec<String> {
        let mut image = image();
        image.installed = vec![installed(package, "1.0.0.0", "Production")];
        let mut finished = workspace(&[(
            "Flash.ffu/MainOS:Windows/ImageUpdate/OEMInput.xml",
            oem_input(there),
        )]);
        finished.finished = Some(Arc::new(image));
        let mut files = product(here, &[("Agent", crate::testing::wm_xml("Agent", ""))]);
        files.push((
            "IoTWorkspace.xml".into(),
            crate::testing::WORKSPACE.1.into(),
        ));
        finished.built_from = Some(Arc::new(workspace(&files)));
        run("image-differs-from-workspace", &finished)
    }

    const SAME: &str = "<SOC>Board</SOC><ReleaseType>Production</ReleaseType>";

    #[test]
    fn values_and_packages_that_differ_are_found() {
        let same = found(
            &format!("{SAME}<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>"),
            SAME,
            "Fjord.Test.Agent",
        );
        assert!(same.is_empty(), "{same:?}");
        let other = found(&SAME.replace("Board", "Other"), SAME, "Fjord.Test.Agant").join("\n");
        for part in [
            "`SOC` is `Other`, the workspace has `Board`",
            "`Fjord.Test.Agant` is in the image, and the product does not take it in",
            "`Fjord.Test.Agent` is taken in by the product, and is not in the image",
            "manifests of the product and not of the image: `OEMFM.xml`",
        ] {
            assert!(other.contains(part), "{part}\n{other}");
        }
    }

    #[test]
    fn a_workspace_without_such_a_product_is_told() {
        let test = SAME.replace("Production", "Test");
        assert!(found(SAME, &test, "A")[0].contains("no product of this image's type"));
    }
}
