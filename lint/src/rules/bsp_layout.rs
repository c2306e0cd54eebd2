use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use crate::diagnostic::{Level, Place};
use crate::facts::Facts;
use crate::facts::package::board;
use crate::files::{join, start_below};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// A board support package lacks a file that the add-on kit wants
    ///
    /// ## What it checks
    /// A folder `BSP/<board>` with a manifest has the manifest `<board>FM.xml` and the list `<board>FMFileList.xml` in
    /// `Packages`. A board that no product uses yet also has `OEMInputSamples/TestOEMInput.xml`; that is for information.
    ///
    /// ## Why
    /// The list tells the feature merger what to merge, by the name of the board. The kit refuses to import a board support
    /// package that lacks one of the three, and makes new products from the sample; images build without it.
    ///
    /// ## Passes
    /// `BSP/FjordBoard/Packages/FjordBoardFM.xml`, `FjordBoardFMFileList.xml` beside it, and
    /// `BSP/FjordBoard/OEMInputSamples/TestOEMInput.xml`
    ///
    /// ## Fails
    /// The same without the list.
    ///
    /// ## Fix
    /// Add the file, or rename the one that is there.
    ///
    /// ## References
    /// - iot-adk-addonkit, import of board support packages
    struct BspLayout;
    id: "bsp-layout",
    authority: "iot-adk-addonkit",
    clause: "Import of board support packages",
    images: All,
    input: FeatureManifest,
    level: Error,
    since: "0.1.0",
}

impl Rule for BspLayout {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        let workspace = facts.workspace;
        let mut boards: BTreeMap<String, (&str, Place)> = BTreeMap::new();
        for manifest in facts
            .documents
            .manifests
            .iter()
            .filter(|file| file.is_source())
        {
            let Some(name) = board(manifest.path()).filter(|_| workspace.is_whole()) else {
                continue;
            };
            let Some(end) = manifest.path().find(&format!("/{name}/")) else {
                continue;
            };
            let folder = manifest.path().get(..end).unwrap_or_default();
            let is_main = manifest
                .name()
                .eq_ignore_ascii_case(&format!("{name}FM.xml"));
            let folder = join(folder, name);
            if is_main || !boards.contains_key(&folder) {
                boards.insert(folder, (name, manifest.root_place()));
            }
        }
        let products = workspace.products.iter();
        let used = products.flat_map(|product| product.manifest_files());
        let used: BTreeSet<&str> = used.map(|file| file.path()).collect();
        for (folder, (name, place)) in boards {
            let start = start_below(&folder);
            let mut from =
                used.range::<str, _>((Bound::Included(start.as_str()), Bound::Unbounded));
            let is_used = from.next().is_some_and(|path| path.starts_with(&start));
            let sample = "OEMInputSamples/TestOEMInput.xml".to_owned();
            for (file, level) in [
                (format!("Packages/{name}FM.xml"), Level::Error),
                (format!("Packages/{name}FMFileList.xml"), Level::Error),
                (sample, Level::Info),
            ] {
                let counts = level > Level::Info || !is_used;
                if counts && workspace.tree.find(&join(&folder, &file)).is_none() {
                    report
                        .at(place.clone(), format!("the board `{name}` has no `{file}`"))
                        .help("add the file, or rename the one that is there")
                        .at_most(level);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{WORKSPACE, feature_manifest, lint_one};

    #[test]
    fn a_board_has_its_manifest_its_list_and_a_sample() {
        let folder = "Source-arm/BSP/Board";
        let all = [
            "Packages/boardFM.xml",
            "Packages/BoardFMFileList.xml",
            "OEMInputSamples/TestOEMInput.xml",
        ];
        let lint = |names: &[&str]| {
            let mut files = vec![
                (WORKSPACE.0.to_owned(), WORKSPACE.1.to_owned()),
                (
                    format!("{folder}/Packages/OtherFM.xml"),
                    feature_manifest(""),
                ),
            ];
            files.extend(
                names
                    .iter()
                    .map(|name| (format!("{folder}/{name}"), feature_manifest(""))),
            );
            lint_one("bsp-layout", &files)
        };
        assert!(lint(&all).is_empty());
        let wanted = "info Source-arm/BSP/Board/Packages/boardFM.xml:1:2 the board `Board` has no `OEMInputSamples/TestOEMInput.xml`";
        assert_eq!(lint(&all[..2]), [wanted]);
        assert_eq!(lint(&all[1..]).len(), 1);
        assert_eq!(lint(&[]).len(), 3);
    }
}
