//! What features exclude and what they need: the rows of `policies/feature-constraints.tsv`, which the rules named there
//! judge alike.

use std::sync::LazyLock;

use formats::document::parts::Item;

use crate::diagnostic::{Fix, Level};
use crate::facts::{FeatureList, Product};
use crate::rule::Report;

const TABLE: &str = include_str!("../../policies/feature-constraints.tsv");

/// One row of the table.
#[derive(Debug, Clone)]
struct Constraint {
    rule: &'static str,
    kind: Kind,
    features: Vec<&'static str>,
    needs: Vec<&'static str>,
    level: Level,
}

/// The kinds of constraints; the table says what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Forbidden,
    Doubtful,
    Required,
    Exclusive,
    OneOf,
    Requires,
}

static CONSTRAINTS: LazyLock<Vec<Constraint>> = LazyLock::new(|| {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(constraint).collect()
});

fn constraint(line: &'static str) -> Option<Constraint> {
    let mut columns = line.split('\t');
    let words = |column: Option<&'static str>| -> Vec<&'static str> {
        let words = column.unwrap_or_default().split(' ');
        words.filter(|word| *word != "-").collect()
    };
    Some(Constraint {
        rule: columns.next()?,
        kind: match columns.next()? {
            "forbidden" => Kind::Forbidden,
            "doubtful" => Kind::Doubtful,
            "required" => Kind::Required,
            "exclusive" => Kind::Exclusive,
            "one-of" => Kind::OneOf,
            "requires" => Kind::Requires,
            _ => return None,
        },
        features: words(columns.next()),
        needs: words(columns.next()),
        level: match columns.next()? {
            "-" => Level::Error,
            word => Level::from_word(word)?,
        },
    })
}

/// Judges the features of a product by the rows of a rule. `place` says where a forbidden or required feature is
/// that, e.g. `in a shipping image`.
pub(crate) fn check(rule: &str, product: &Product, place: &str, report: &mut Report) {
    for row in CONSTRAINTS.iter().filter(|row| row.rule == rule) {
        let ids = row.features.iter();
        let found: Vec<&Item> = ids.filter_map(|id| product.feature(id)).collect();
        match row.kind {
            Kind::Forbidden | Kind::Doubtful => {
                for feature in found {
                    forbidden(product, feature, row, place, report);
                }
            }
            Kind::Required => {
                let missing = row
                    .features
                    .iter()
                    .filter(|id| product.feature(id).is_none());
                for id in missing {
                    absent(product, id, format!("no `{id}` {place}"), report);
                }
            }
            Kind::Exclusive => exclusive(product, &found, row, report),
            Kind::OneOf if found.is_empty() => {
                let ids = row.features.join("` nor `");
                let message = format!("neither `{ids}`, expected exactly one of them");
                let place = product.oem_input.root_place();
                report.at(place, message).help("add one of the features");
            }
            Kind::OneOf => exclusive(product, &found, row, report),
            Kind::Requires => {
                if row.needs.iter().all(|id| product.feature(id).is_none()) {
                    for feature in found {
                        needy(product, feature, row, report);
                    }
                }
            }
        }
    }
}

fn forbidden(
    product: &Product,
    feature: &Item,
    row: &Constraint,
    place: &str,
    report: &mut Report,
) {
    let input = &product.oem_input;
    let id = &feature.text.value;
    let off = product.switch_off(feature);
    let off = match row.kind {
        Kind::Doubtful => off.map(Fix::as_guess),
        _ => off,
    };
    report
        .at(input.item(feature), format!("`{id}` {place}"))
        .also(product.image_place(), "this makes it such an image")
        .help(format!("switch `{id}` off"))
        .fix(off)
        .at_most(row.level);
}

fn absent(product: &Product, id: &str, message: String, report: &mut Report) {
    let input = &product.oem_input;
    report
        .at(input.root_place(), message)
        .also(product.image_place(), "this makes it such an image")
        .help(format!("add `{id}` to the Microsoft features"))
        .fix(product.choose(FeatureList::Microsoft, id));
}

fn exclusive(product: &Product, found: &[&Item], row: &Constraint, report: &mut Report) {
    let Some((first, others)) = found.split_first() else {
        return;
    };
    let input = &product.oem_input;
    for other in others {
        let (one, two) = (&first.text.value, &other.text.value);
        report
            .at(
                input.item(other),
                format!("`{two}` together with `{one}`, expected one of them"),
            )
            .also(input.item(first), "the other one")
            .help("keep the feature that is meant")
            .fix(product.switch_off(other).map(Fix::as_guess))
            .at_most(row.level);
    }
}

fn needy(product: &Product, feature: &Item, row: &Constraint, report: &mut Report) {
    let input = &product.oem_input;
    let id = &feature.text.value;
    let needs = row.needs.join("` or `");
    let one = row.needs.first().filter(|_| row.needs.len() == 1);
    let fix = one.and_then(|id| product.choose(FeatureList::Microsoft, id));
    report
        .at(input.item(feature), format!("`{id}` without `{needs}`"))
        .help(format!("add `{needs}`, or remove `{id}`"))
        .fix(fix)
        .at_most(row.level);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;

    #[test]
    fn every_row_is_read_and_belongs_to_a_rule() {
        let rows = TABLE.lines().filter(|line| !line.starts_with('#'));
        assert_eq!(rows.count(), CONSTRAINTS.len());
        for row in CONSTRAINTS.iter() {
            assert!(rules::find(row.rule).is_some(), "{}", row.rule);
            assert!(!row.features.is_empty(), "{row:?}");
            assert_eq!(row.kind == Kind::Requires, !row.needs.is_empty(), "{row:?}");
        }
    }
}
