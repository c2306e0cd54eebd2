use crate::diagnostic::Fix;
use crate::facts::Facts;
use crate::files::name_of;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A product is called otherwise in its settings than on disk
    ///
    /// ## What it checks
    /// `Name` in a product's settings is the name of the folder below `Products`, and the file is called `<Name>Settings.xml`.
    ///
    /// ## Why
    /// The add-on kit goes by the folder and looks for that file; names of the image and of provisioning are made of it.
    ///
    /// ## Passes
    /// `<Name>Kiosk</Name>` in `Products/Kiosk/KioskSettings.xml`
    ///
    /// ## Fails
    /// `<Name>Kiosk2</Name>` in `Products/Kiosk/KioskSettings.xml`
    ///
    /// ## Fix
    /// Write the name of the folder, which the fix does, and rename the file.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`
    struct SettingsNameFile;
    id: "settings-name-file",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct",
    images: All,
    input: ProductSettings,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SettingsNameFile {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for settings in &facts.documents.product_settings {
            let mut names = settings.folder().rsplit('/');
            let (Some(product), Some(above)) = (names.next(), names.next()) else {
                continue;
            };
            if !above.eq_ignore_ascii_case("Products") {
                continue;
            }
            if let Some(name) = &settings.name
                && !name.value.trim().eq_ignore_ascii_case(product)
            {
                let place = settings.value(name, "IoTProductSettings/Name");
                let fix = Fix::replace(format!("write `{product}`"), &place, product);
                report
                    .at(
                        place,
                        format!("`Name` is `{}`, the folder is `{product}`", name.value),
                    )
                    .help(format!("write `{product}`"))
                    .fix(fix.map(Fix::as_guess));
            }
            let wanted = format!("{product}Settings.xml");
            if !name_of(settings.path()).eq_ignore_ascii_case(&wanted) {
                report
                    .at(
                        settings.root_place(),
                        format!(
                            "the file is called `{}`, wanted `{wanted}`",
                            settings.name()
                        ),
                    )
                    .help(format!("rename the file to `{wanted}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{fixed, lint_one, product_settings};

    const ID: &str = "settings-name-file";

    #[test]
    fn folder_file_and_name_agree() {
        let files = |path: &str, name: &str| {
            [(
                path.to_owned(),
                product_settings(&format!("\n<Name>{name}</Name>")),
            )]
        };
        let path = "Products/Kiosk/KioskSettings.xml";
        assert!(lint_one(ID, &files(path, "Kiosk")).is_empty());
        let wanted = format!("warning {path}:2:7 `Name` is `Kiosk2`, the folder is `Kiosk`");
        assert_eq!(lint_one(ID, &files(path, "Kiosk2")), [wanted]);
        assert_eq!(
            fixed(ID, &files(path, "Kiosk2"), path),
            files(path, "Kiosk")[0].1
        );
        assert_eq!(
            lint_one(ID, &files("Products/Kiosk/OldSettings.xml", "Kiosk")).len(),
            1
        );
        assert!(lint_one(ID, &files("elsewhere/X.xml", "Kiosk")).is_empty());
    }
}
