use formats::document::command_script::words;

use crate::facts::Facts;
use crate::facts::registry::RegistryFile;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A retail image has a password in clear text or logs on by itself
    ///
    /// ## What it checks
    /// No package of a retail image sets `DefaultPassword`, or `AutoAdminLogon` to 1, below the `Winlogon` key, and no
    /// command script of it sets the password of an account (`net user NAME PASSWORD`). Commands that are commented out
    /// do not count. Passwords in provisioning packages are the matter of `prov-plaintext-secret`.
    ///
    /// ## Why
    /// The image is the same on every device and can be read by whoever has one. A password in it is known, and works
    /// on all of them.
    ///
    /// ## Passes
    /// ```xml
    /// REM net user Administrator *
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// net user Administrator p@ssw0rd
    /// ```
    ///
    /// ## Fix
    /// Take the password out. Set one for each device at the factory, or disable the account.
    ///
    /// ## References
    /// - IoT Core, "Building secure devices"
    /// - IoT Core, "OS customizations": Runtime customizations
    struct AutologonOrPassword;
    id: "autologon-or-password",
    authority: "Microsoft, IoT Core: building secure devices",
    clause: "Accounts and remote access",
    images: [Retail],
    input: Registry,
    level: Error,
    since: "0.1.0",
}

/// Where the logon is set up.
const KEY: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon";

impl Rule for AutologonOrPassword {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for value in facts.registry().flat_map(RegistryFile::values) {
            let data = value.written.value.trim_matches('"');
            let name = value.name.value.as_str();
            let what = match name.to_lowercase().as_str() {
                "defaultpassword" if !data.is_empty() && data != "-" => "holds a password",
                "autoadminlogon" if data.ends_with('1') => "logs on by itself",
                _ => continue,
            };
            if value.resolved().is_some_and(|key| key.is(KEY)) {
                report
                    .at(value.place(), format!("`{name}` {what} in a retail image"))
                    .help("take the value out of retail images");
            }
        }
        for script in &facts.documents.scripts {
            for command in script
                .commands
                .iter()
                .filter(|command| sets_password(&command.value))
            {
                let message = "a password of an account is set in clear text in a retail image";
                report
                    .at(script.value(command, ""), message)
                    .help("take the command out; set a password for each device at the factory");
            }
        }
    }
}

/// Whether a command is `net user NAME PASSWORD`, wherever in the line it begins.
fn sets_password(command: &str) -> bool {
    let words = words(command);
    let is_net = |word: &str| matches!(word.rsplit('\\').next(), Some("net" | "net.exe"));
    let mut runs = words.windows(4);
    runs.any(|run| match run {
        [net, user, name, password] => {
            let is_word = |word: &str| !word.starts_with(['/', '*', '%', '>', '|']);
            is_net(net) && user == "user" && is_word(name) && is_word(password)
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::image::ImageType;
    use crate::resolve::ResolveOptions;
    use crate::testing::{reg_file, run, workspace_with};

    const RULE: &str = "autologon-or-password";

    fn lint(files: &[(&str, String)]) -> Vec<String> {
        let image = Some(ImageType::Retail);
        let options = ResolveOptions {
            image,
            ..ResolveOptions::default()
        };
        run(RULE, &workspace_with(files, &options))
    }

    #[test]
    fn logon_values_are_found_below_their_key() {
        let reg = |key: &str, value: &str| {
            let key = format!(r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\{key}");
            lint(&[("a.reg", reg_file(&format!("[{key}]\n{value}")))])
        };
        let found = reg("Winlogon", "\"DefaultPassword\"=\"secret\"");
        assert_eq!(
            found,
            ["error a.reg:4:1 `DefaultPassword` holds a password in a retail image"]
        );
        assert_eq!(reg("winlogon", "\"AutoAdminLogon\"=\"1\"").len(), 1);
        assert!(reg("Winlogon", "\"AutoAdminLogon\"=\"0\"").is_empty());
        assert!(reg("Other", "\"DefaultPassword\"=\"x\"").is_empty());
    }

    #[test]
    fn passwords_of_accounts_in_scripts_are_found_unless_they_are_commented_out() {
        let script = |text: &str| lint(&[("oemcustomization.cmd", text.to_owned())]);
        let found = script("echo off\n  if exist x net user Administrator p@ssw0rd\n");
        assert!(
            found
                .concat()
                .starts_with("error oemcustomization.cmd:2:3 a password"),
            "{found:?}"
        );
        for text in [
            "rem net user a b",
            "net user a /active:no",
            "net user a *",
            "net use x: b",
            "net user a %PW%",
        ] {
            assert!(script(text).is_empty(), "{text}");
        }
    }
}
