use std::collections::BTreeSet;

use formats::document::product_settings::ProductSettings;
use formats::source::Spanned;

use crate::diagnostic::{Fix, Level};
use crate::facts::package::board;
use crate::facts::product::Arch;
use crate::facts::{Facts, File};
use crate::nearest::nearest;
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The settings of a product name another processor or board than the workspace has
    ///
    /// ## What it checks
    /// `Arch` of a product's settings is a processor, and that of the folder `Source-<arch>` that the product is in. `BSP` is a
    /// board of that folder where one has nearly that name; a board that is imported later is left to `fm-not-found`.
    ///
    /// ## Why
    /// The build takes packages and manifests of that processor and board. With another one it takes none, or wrong ones.
    ///
    /// ## Passes
    /// `<Arch>arm</Arch>` in `Source-arm/Products/Kiosk/KioskSettings.xml`
    ///
    /// ## Fails
    /// `<Arch>x64</Arch>` in the same file
    ///
    /// ## Fix
    /// Write the processor of the folder, or the name of the board; the fix does so.
    ///
    /// ## References
    /// - iot-adk-addonkit, class `IoTProduct`
    struct SettingsArchBsp;
    id: "settings-arch-bsp",
    authority: "iot-adk-addonkit",
    clause: "IoTProduct",
    images: All,
    input: ProductSettings,
    level: Error,
    since: "0.1.0",
}

impl Rule for SettingsArchBsp {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let manifests = facts.workspace.documents.manifests.iter();
        let boards =
            manifests.filter_map(|file| Some((Arch::of_path(file.path()), board(file.path())?)));
        let boards: BTreeSet<(Option<Arch>, &str)> = boards.collect();
        for settings in &facts.documents.product_settings {
            let folder = Arch::of_path(settings.path());
            if let Some(written) = &settings.arch {
                processor(report, settings, written, folder);
            }
            let fitting = boards.iter().filter(|(arch, _)| Arch::fits(*arch, folder));
            let boards: BTreeSet<&str> = fitting.map(|(_, board)| *board).collect();
            if let Some(written) = &settings.bsp {
                named_board(report, settings, written, &boards);
            }
        }
    }
}

fn processor(
    report: &mut Report,
    settings: &File<ProductSettings>,
    written: &Spanned<String>,
    folder: Option<Arch>,
) {
    let found = Arch::from_word(written.value.trim());
    let message = match (found, folder) {
        (None, _) => format!("`{}` is no processor", written.value),
        (_, Some(folder)) if found != Some(folder) => {
            format!("`{}` in the folder of `{folder}`", written.value)
        }
        _ => return,
    };
    let place = settings.value(written, "IoTProductSettings/Arch");
    let fix =
        folder.and_then(|arch| Fix::replace(format!("write `{arch}`"), &place, arch.as_str()));
    report
        .at(place, message)
        .help("write `arm`, `arm64`, `x64` or `x86`, as the folder is called")
        .fix(fix.map(Fix::as_guess));
}

fn named_board(
    report: &mut Report,
    settings: &File<ProductSettings>,
    written: &Spanned<String>,
    boards: &BTreeSet<&str>,
) {
    let name = written.value.trim();
    let mut known = boards.iter().copied();
    let same = known.find(|board| board.eq_ignore_ascii_case(name));
    let Some(near) = same.or_else(|| nearest(name, boards.iter().copied())) else {
        return;
    };
    if near != name {
        let place = settings.value(written, "IoTProductSettings/BSP");
        let title = format!("write `{near}`");
        let fix = Fix::replace(title.clone(), &place, near);
        report
            .at(
                place,
                format!("there is no board `{name}`, but one called `{near}`"),
            )
            .help(title)
            .fix(fix.map(Fix::as_guess))
            .at_most(if same.is_some() {
                Level::Warning
            } else {
                Level::Error
            });
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, product_settings};

    fn lint(arch: &str, bsp: &str) -> Vec<String> {
        let settings = product_settings(&format!("\n<Arch>{arch}</Arch>\n<BSP>{bsp}</BSP>"));
        let files = [
            ("Source-arm/Products/P/PSettings.xml", settings),
            (
                "Source-arm/BSP/FjordBoard/Packages/FjordBoardFM.xml",
                feature_manifest(""),
            ),
        ];
        lint_one("settings-arch-bsp", &files)
    }

    #[test]
    fn processor_and_board_are_those_of_the_folders() {
        assert!(lint("arm", "FjordBoard").is_empty() && lint("ARM", "RPi2").is_empty());
        let file = "Source-arm/Products/P/PSettings.xml";
        assert_eq!(
            lint("x64", "RPi2"),
            [format!("error {file}:2:7 `x64` in the folder of `arm`")]
        );
        let board = "there is no board `FjordBord`, but one called `FjordBoard`";
        assert_eq!(
            lint("arm", "FjordBord"),
            [format!("error {file}:3:6 {board}")]
        );
        assert!(lint("arm", "fjordboard")[0].starts_with("warning "));
    }
}
