use formats::document::command_script::words;

use crate::facts::Facts;
use crate::lists;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image runs a command that is for development
    ///
    /// ## What it checks
    /// The command scripts of a retail image, such as `oemcustomization.cmd`, start no secure shell or file server, open or
    /// switch off no firewall, exempt no app from network isolation, and change no boot setting of development. Accepting
    /// test signatures, switching code integrity off and kernel debugging are errors. Passwords are the matter of
    /// `autologon-or-password`. Commands that are commented out do not count. The list is `policies/debug-commands.tsv`.
    ///
    /// ## Why
    /// The script runs on every device at every start, with all rights.
    ///
    /// ## Passes
    /// ```xml
    /// REM net start sshd
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// bcdedit /set testsigning on
    /// ```
    ///
    /// ## Fix
    /// Take the command out, or keep it in a script of test images.
    ///
    /// ## References
    /// - IoT Core manufacturing guide, "Retail and test images"
    /// - iot-adk-addonkit, templates
    struct CustomCmdDebug;
    id: "custom-cmd-debug",
    authority: "Microsoft, IoT Core manufacturing guide",
    clause: "Retail and test images",
    images: [Retail],
    input: Document,
    level: Error,
    since: "0.1.0",
}

impl Rule for CustomCmdDebug {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let known: Vec<lists::DebugCommand> = lists::debug_commands().collect();
        for script in &facts.documents.scripts {
            for command in &script.commands {
                let words = words(&command.value);
                if let Some(found) = known.iter().find(|known| known.is_in(&words)) {
                    report
                        .at(
                            script.value(command, ""),
                            format!("{} in a retail image", found.why),
                        )
                        .help("take the command out, or keep it in a script of test images")
                        .at_most(found.level);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{run, workspace_with};

    fn lint(text: &str) -> Vec<String> {
        let options = ResolveOptions {
            image: Some(ImageType::Retail),
            ..ResolveOptions::default()
        };
        run(
            "custom-cmd-debug",
            &workspace_with(&[("oemcustomization.cmd", text)], &options),
        )
    }

    #[test]
    fn commands_of_development_are_found_wherever_they_stand() {
        let wanted =
            "error oemcustomization.cmd:2:1 test signatures are accepted in a retail image";
        assert_eq!(
            lint(
                "echo off\nif exist x %windir%\\System32\\bcdedit.exe /set {default} testsigning on"
            ),
            [wanted]
        );
        assert_eq!(lint("net start sshd").len(), 1);
        assert!(lint("NETSH advfirewall set allprofiles state off")[0].starts_with("warning "));
    }

    #[test]
    fn others_pass() {
        for text in [
            "rem net start sshd",
            "net start w32time",
            "bcdedit /set testsigning off",
            "netsh interface show",
            "echo net start sshd",
        ] {
            assert!(lint(text).is_empty(), "{text}");
        }
    }
}
