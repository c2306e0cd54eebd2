use formats::document::feature_manifest::{FeatureGroup, FeatureManifest};
use formats::document::parts::Item;

use crate::facts::{Facts, FeatureList, Product};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// An image selects too many or too few features of a group
    ///
    /// ## What it checks
    /// The `FeatureGroup` elements of the listed manifests: of a group with `OneAndOnlyOne` exactly one feature is selected,
    /// of `ZeroOrOne` at most one, of `OneOrMore` at least one. A group inside of a group counts once where any of its
    /// features is selected.
    ///
    /// ## Why
    /// The imaging tools refuse the selection. A typical group holds the test and the production firmware of a board.
    ///
    /// ## Passes
    /// `QC_UEFI_PRODUCTION` of the group `QC_UEFI_PRODUCTION`, `QC_UEFI_TEST`
    ///
    /// ## Fails
    /// Both of them, or none.
    ///
    /// ## Fix
    /// Select as many of the group's features as it wants.
    ///
    /// ## References
    /// - Feature manifest file contents: `FeatureGroup`
    struct FeatureGroupConstraint;
    id: "feature-group-constraint",
    authority: "Microsoft, feature manifest file contents",
    clause: "FeatureGroup",
    images: All,
    input: OemInput,
    level: Error,
    since: "0.1.0",
}

impl Rule for FeatureGroupConstraint {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for product in &facts.products {
            for manifest in product.manifest_files() {
                for (index, group) in manifest.feature_groups.iter().enumerate() {
                    let Some(constraint) = &group.constraint else {
                        continue;
                    };
                    let selected = selected(product, manifest, index, group);
                    let count = selected.len();
                    let wanted = match constraint.value.as_str() {
                        "OneAndOnlyOne" if count != 1 => "exactly one",
                        "ZeroOrOne" if count > 1 => "at most one",
                        "OneOrMore" if count == 0 => "at least one",
                        _ => continue,
                    };
                    let ids: Vec<&str> = group.feature_ids.texts().collect();
                    let list = match group.oem {
                        true => FeatureList::Oem,
                        false => FeatureList::Microsoft,
                    };
                    let place = match selected.get(1) {
                        Some(second) => product.oem_input.item(second),
                        None => product.features_place(list),
                    };
                    report
                        .at(
                            place,
                            format!(
                                "{count} of `{}` are selected, the group wants {wanted}",
                                ids.join("`, `")
                            ),
                        )
                        .also(
                            manifest.place(constraint.span, group.route.clone()),
                            "the group",
                        )
                        .help(format!("select {wanted} of them"));
                }
            }
        }
    }
}

/// What of a group is selected: its own features, and the first one of each group inside of it.
fn selected<'a>(
    product: &'a Product,
    manifest: &FeatureManifest,
    index: usize,
    group: &FeatureGroup,
) -> Vec<&'a Item> {
    let of = |group: &FeatureGroup| -> Vec<&'a Item> {
        group
            .feature_ids
            .texts()
            .filter_map(|id| product.feature(id))
            .collect()
    };
    let inside = manifest
        .feature_groups
        .iter()
        .filter(|inside| inside.parent == Some(index));
    let inside = inside.filter_map(|inside| of(inside).into_iter().next());
    let mut selected: Vec<&Item> = of(group).into_iter().chain(inside).collect();
    selected.sort_by_key(|item| item.element.start);
    selected.dedup();
    selected
}

#[cfg(test)]
mod tests {
    use crate::testing::{feature_manifest, lint_one, oem_input};

    fn lint(constraint: &str, features: &str) -> Vec<String> {
        let input = format!(
            "<AdditionalFMs><AdditionalFM>OEMFM.xml</AdditionalFM></AdditionalFMs>\n<Features><OEM>{features}</OEM></Features>"
        );
        let ids = "<FeatureIDs><FeatureID>A</FeatureID><FeatureID>B</FeatureID></FeatureIDs>";
        let inner = format!(
            "<SubGroups><FeatureGroup Constraint=\"ZeroOrMore\">{}</FeatureGroup></SubGroups>",
            ids.replace(">A<", ">C<").replace(">B<", ">D<")
        );
        let group =
            format!("<FeatureGroup Constraint=\"{constraint}\">{ids}{inner}</FeatureGroup>");
        let manifest = format!("<Features><OEMFeatureGroups>{group}</OEMFeatureGroups></Features>");
        let files = [
            ("OEMInput.xml", oem_input(&input)),
            ("OEMFM.xml", feature_manifest(&manifest)),
        ];
        lint_one("feature-group-constraint", &files)
    }

    #[test]
    fn the_number_of_selected_features_is_what_the_group_wants() {
        let (one, two, inner) = (
            "<Feature>A</Feature>",
            "<Feature>A</Feature><Feature>b</Feature>",
            "<Feature>C</Feature><Feature>D</Feature>",
        );
        assert!(lint("OneAndOnlyOne", one).is_empty());
        let wanted =
            "error OEMInput.xml:2:45 2 of `A`, `B` are selected, the group wants exactly one";
        assert_eq!(lint("OneAndOnlyOne", two), [wanted]);
        assert_eq!(lint("OneAndOnlyOne", "").len(), 1);
        assert!(lint("ZeroOrOne", "").is_empty() && lint("ZeroOrOne", inner).is_empty());
        assert_eq!(lint("ZeroOrOne", &format!("{one}{inner}")).len(), 1);
        assert_eq!(lint("OneOrMore", "").len(), 1);
        assert!(lint("OneOrMore", two).is_empty() && lint("ZeroOrMore", two).is_empty());
    }
}
