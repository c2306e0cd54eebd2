use crate::facts::{Arch, Facts};
use crate::lists::{Existence, existence, release_of};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A feature does not exist for the processor of the image
    ///
    /// ## What it checks
    /// No image chooses a feature of Microsoft's that exists for other processors only: `IOT_FFU_FLASHMODE` and
    /// `IOT_MIRACAST_RX_APP` are for arm, `IOT_CONTAINERS` is for x64, and for arm from release 1809 on. The release is known
    /// where the user defines `OSVERSION`. The feature list does not speak about arm64.
    ///
    /// ## Why
    /// The packages of the feature do not exist, and the imaging tools stop.
    ///
    /// ## Passes
    /// ```xml
    /// <Feature>IOT_FFU_FLASHMODE</Feature>   (in Source-arm)
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <Feature>IOT_FFU_FLASHMODE</Feature>   (in Source-x64)
    /// ```
    ///
    /// ## Fix
    /// Switch the feature off. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list: `IOT_FFU_FLASHMODE`, `IOT_MIRACAST_RX_APP`, `IOT_CONTAINERS`
    struct FeatureArch;
    id: "feature-arch",
    authority: "Microsoft, IoT Core feature list",
    clause: "IOT_FFU_FLASHMODE, IOT_MIRACAST_RX_APP, IOT_CONTAINERS",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureArch {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let release = facts
            .workspace
            .os_build()
            .and_then(|os| release_of(os.build));
        for product in &facts.products {
            let Some(arch) = product.arch else {
                continue;
            };
            for feature in product.features() {
                let id = feature.text.value.as_str();
                let message = match existence(id, arch) {
                    Some(Existence::OnlyFor(archs)) => {
                        let archs: Vec<&str> = archs.into_iter().map(Arch::as_str).collect();
                        format!(
                            "`{id}` exists for {} only, the product is for {arch}",
                            archs.join(" and ")
                        )
                    }
                    Some(Existence::Since(Some(since)))
                        if release.is_some_and(|release| release < since) =>
                    {
                        format!("`{id}` exists for {arch} from release {since} on")
                    }
                    _ => continue,
                };
                report
                    .at(product.oem_input.item(feature), message)
                    .help("switch the feature off")
                    .fix(product.switch_off(feature));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::resolve::ResolveOptions;
    use crate::testing::{fixed, lint_one, oem_input, run, workspace_with};

    fn files(arch: &str, feature: &str) -> [(String, String); 1] {
        let text =
            format!("<Features><Microsoft>\n<Feature>{feature}</Feature></Microsoft></Features>");
        [(
            format!("Source-{arch}/Products/Kiosk/OEMInput.xml"),
            oem_input(&text),
        )]
    }

    #[test]
    fn a_feature_of_another_processor_is_an_error() {
        let files = files("x64", "IOT_FFU_FLASHMODE");
        let wanted = "2:10 `IOT_FFU_FLASHMODE` exists for arm only, the product is for x64";
        assert!(lint_one("feature-arch", &files)[0].ends_with(wanted));
        assert!(fixed("feature-arch", &files, &files[0].0).contains("<!-- Feature>IOT_FFU"));
    }

    #[test]
    fn some_came_later_for_a_processor() {
        let lint = |version: &str| {
            let options = ResolveOptions {
                defines: vec![("OSVERSION".into(), version.into())],
                ..ResolveOptions::default()
            };
            run(
                "feature-arch",
                &workspace_with(&files("arm", "IOT_CONTAINERS"), &options),
            )
        };
        assert_eq!(lint("10.0.17134.1").len(), 1);
        assert!(lint("10.0.17763.1").is_empty());
    }

    #[test]
    fn the_right_processor_and_an_unknown_one_pass() {
        for arch in ["arm", "arm64", "mips"] {
            assert!(lint_one("feature-arch", &files(arch, "IOT_MIRACAST_RX_APP")).is_empty());
        }
        assert!(lint_one("feature-arch", &files("x64", "IOT_CONTAINERS")).is_empty());
    }
}
