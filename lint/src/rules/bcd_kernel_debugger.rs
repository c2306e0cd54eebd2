use crate::facts::Facts;
use crate::facts::boot::{BootAt, DEBUGGING};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image starts with a debugger, a remote console or a boot menu
    ///
    /// ## What it checks
    /// No boot configuration of a retail image switches a debugger (`Debugger Enabled`, `Kernel Debugger Enabled`),
    /// emergency management (`EMS Enabled`, `Kernel EMS Enabled`) or a boot menu (`Display Boot Menu`, `Display
    /// Advanced Options`, `Display Option Edit`) on.
    ///
    /// ## Why
    /// A debugger or console on a cable reads and changes everything on the device, and a boot menu lets whoever holds
    /// it choose how it starts.
    ///
    /// ## Passes
    /// ```xml
    /// <WellKnownType>Kernel Debugger Enabled</WellKnownType>
    /// <BooleanValue>false</BooleanValue>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <WellKnownType>Kernel Debugger Enabled</WellKnownType>
    /// <BooleanValue>true</BooleanValue>
    /// ```
    ///
    /// ## Fix
    /// Take the element out of the boot configuration of retail images. The fix comments it out.
    ///
    /// ## References
    /// - IoT Core feature list, "Test features": IOT_KD_ON and others
    /// - Microsoft, "BCDEdit /set": debug, ems, bootmenu
    struct BcdKernelDebugger;
    id: "bcd-kernel-debugger",
    authority: "Microsoft, IoT Core feature list",
    clause: "Test features",
    images: [Retail],
    input: BootConfiguration,
    level: Error,
    since: "0.1.0",
}

impl Rule for BcdKernelDebugger {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for setting in facts.boot_settings().filter(BootAt::is_on) {
            for kind in DEBUGGING.into_iter().filter(|kind| setting.is(*kind)) {
                report
                    .at(
                        setting.value_place(),
                        format!("`{}` is on in a retail image", kind.name),
                    )
                    .help("take the element out of the boot configuration of retail images")
                    .fix(setting.comment_out(kind));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{boot_setting, run, workspace_with};

    fn lint(setting: &str, value: &str) -> Vec<String> {
        let image = Some(ImageType::Retail);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        let files = [("A.BCD.xml", setting.replace("VALUE", value))];
        run("bcd-kernel-debugger", &workspace_with(&files, &options))
    }

    #[test]
    fn switches_are_found_by_name_and_by_number() {
        let named = boot_setting("Kernel EMS Enabled", "<BooleanValue>VALUE</BooleanValue>");
        let found = lint(&named, "true");
        assert_eq!(
            found,
            ["error A.BCD.xml:3:15 `Kernel EMS Enabled` is on in a retail image"]
        );
        assert!(lint(&named, "false").is_empty());
        let raw = named.replace(
            "<WellKnownType>Kernel EMS Enabled</WellKnownType>",
            "<RawType>0x260000A0</RawType>",
        );
        assert!(
            lint(&raw, "true")
                .concat()
                .contains("`Kernel Debugger Enabled`")
        );
        assert!(
            lint(
                &boot_setting("Boot Menu Policy", "<BooleanValue>true</BooleanValue>"),
                ""
            )
            .is_empty()
        );
    }
}
