//! Which suppressions cover a finding, looked up: a document may have many of both.

use std::collections::BTreeMap;

use formats::source::Span;

use super::{Scope, Suppression};
use crate::diagnostic::Diagnostic;

/// A rule that a suppression names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mention {
    /// The number of the suppression.
    pub(super) suppression: usize,
    /// The number of the rule in it.
    pub(super) rule: usize,
}

/// Suppressions by the file that they are in and the rule that they name.
#[derive(Debug, Default)]
pub(super) struct Covers<'a>(BTreeMap<(&'a str, &'a str), OfRule>);

/// The suppressions of a file that name a rule.
#[derive(Debug, Default)]
struct OfRule {
    /// Those about the whole file.
    whole: Vec<Mention>,
    /// Those about a part, by their first byte, the longest of equals first. Parts are elements or lines: of two, one is in
    /// the other, or they are apart.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    span: Span,
    mention: Mention,
    /// The place of the innermost part around this one.
    around: Option<usize>,
}

impl<'a> Covers<'a> {
    /// `suppressions` in the order of their numbers; those that do not count are absent.
    pub(super) fn of(suppressions: impl Iterator<Item = Option<&'a Suppression>>) -> Self {
        let mut covers = Self::default();
        for (number, suppression) in suppressions.enumerate() {
            let Some(suppression) = suppression else {
                continue;
            };
            for (rule, (id, _)) in suppression.rules.iter().enumerate() {
                let key = (suppression.place.file(), id.as_str());
                let of_rule = covers.0.entry(key).or_default();
                let mention = Mention {
                    suppression: number,
                    rule,
                };
                match suppression.scope {
                    Scope::File => of_rule.whole.push(mention),
                    Scope::Span(span) => of_rule.parts.push(Part {
                        span,
                        mention,
                        around: None,
                    }),
                    Scope::Nothing => {}
                }
            }
        }
        for of_rule in covers.0.values_mut() {
            of_rule.arrange();
        }
        covers
    }

    /// What covers a finding.
    pub(super) fn of_finding(&self, found: &Diagnostic) -> Vec<Mention> {
        let key = (found.primary.file(), found.rule);
        let Some(of_rule) = self.0.get(&key) else {
            return Vec::new();
        };
        let mut mentions = of_rule.whole.clone();
        if let Some(span) = found.primary.span() {
            of_rule.around(span, &mut mentions);
        }
        mentions
    }
}

impl OfRule {
    fn arrange(&mut self) {
        let order = |part: &Part| (part.span.start, std::cmp::Reverse(part.span.end));
        self.parts.sort_by_key(order);
        let mut open: Vec<(usize, Span)> = Vec::new();
        for (number, part) in self.parts.iter_mut().enumerate() {
            while open
                .last()
                .is_some_and(|(_, last)| last.end < part.span.end)
            {
                open.pop();
            }
            part.around = open.last().map(|(around, _)| *around);
            open.push((number, part.span));
        }
    }

    /// The parts that a span lies in.
    fn around(&self, span: Span, mentions: &mut Vec<Mention>) {
        let up_to = self
            .parts
            .partition_point(|part| part.span.start <= span.start);
        let before = self
            .parts
            .partition_point(|part| part.span.start < span.start);
        let innermost = up_to.checked_sub(1);
        self.walk(innermost, span, mentions);
        // A place between two parts lies in both.
        let earlier = before.checked_sub(1).filter(|_| before < up_to);
        let known = mentions.clone();
        let mut others = Vec::new();
        self.walk(earlier, span, &mut others);
        mentions.extend(others.into_iter().filter(|other| !known.contains(other)));
    }

    fn walk(&self, from: Option<usize>, span: Span, mentions: &mut Vec<Mention>) {
        let mut next = from;
        while let Some(part) = next.and_then(|number| self.parts.get(number)) {
            if part.span.start <= span.start && span.end <= part.span.end {
                mentions.push(part.mention);
            }
            next = part.around;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of these spans that a place lies in, by number.
    fn around(spans: &[(usize, usize)], start: usize, end: usize) -> Vec<usize> {
        let parts = spans.iter().enumerate().map(|(number, (start, end))| Part {
            span: Span {
                start: *start,
                end: *end,
            },
            mention: Mention {
                suppression: number,
                rule: 0,
            },
            around: None,
        });
        let mut of_rule = OfRule {
            whole: Vec::new(),
            parts: parts.collect(),
        };
        of_rule.arrange();
        let mut mentions = Vec::new();
        of_rule.around(Span { start, end }, &mut mentions);
        let mut numbers: Vec<usize> = mentions.iter().map(|one| one.suppression).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn a_place_lies_in_the_parts_that_looking_at_all_gives() {
        let spans = [
            (0, 40),
            (2, 9),
            (3, 5),
            (3, 5),
            (5, 8),
            (9, 9),
            (9, 20),
            (11, 20),
            (25, 30),
            (50, 60),
            (60, 70),
        ];
        for start in 0..72 {
            for end in start..72 {
                let all = spans.iter().enumerate();
                let expected = all.filter(|(_, span)| span.0 <= start && end <= span.1);
                let expected: Vec<usize> = expected.map(|(number, _)| number).collect();
                assert_eq!(around(&spans, start, end), expected, "{start} to {end}");
            }
        }
        assert!(around(&[], 1, 2).is_empty());
    }
}
