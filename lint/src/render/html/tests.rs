use super::*;
use crate::diagnostic::{Fix, Level};
use crate::testing::{found, outcome_of, place};

#[test]
fn a_finding_stands_in_its_source_with_everything_that_is_known() {
    let input = "<a>\n  <ReleaseType>test</ReleaseType>\n</a>";
    let mut finding = found("release-type-value", "`ReleaseType` is `test`");
    finding.primary = place("TestOEMInput.xml", input, "test");
    finding.help = Some("write `Test`".into());
    finding.fix = Fix::replace("write `Test`", &finding.primary, "Test");
    finding.related = vec![(
        place("TestOEMInput.xml", input, "<a>"),
        "inside this".into(),
    )];
    let page = render(&outcome_of(&[("TestOEMInput.xml", input)], vec![finding]));
    for part in [
        "<h3><code>ReleaseType</code> is <code>test</code></h3>",
        "<span class=\"place\">TestOEMInput.xml:2:16</span><a href=\"#rule-release-type-value\">",
        "&lt;ReleaseType&gt;<mark>test</mark>&lt;/ReleaseType&gt;\n",
        "<dt>Help</dt><dd>write <code>Test</code></dd><dt>Fix</dt>",
        "<li><span class=\"place\">TestOEMInput.xml:1:1</span>: inside this</li>",
        "<div class=\"manual\" id=\"rule-release-type-value\"><h4>What it checks</h4>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn what_is_not_shown_is_counted() {
    let mut outcome = outcome_of(&[], vec![found("a-rule", "x")]);
    assert!(!render(&outcome).contains("Not shown"));
    outcome.suppressed.push(crate::suppression::Suppressed {
        diagnostic: found("a-rule", "silent"),
        by: crate::suppression::SuppressedBy::Baseline {
            place: Place::binary("base.json", ""),
        },
    });
    let page = render(&outcome);
    assert!(page.contains("Not shown: 1 that comments"), "{page}");
}

#[test]
fn nothing_of_a_file_becomes_markup_or_moves_the_text() {
    let hostile = "</pre><script>alert(1)</script>\u{202E}\u{1B}]0;";
    let name = "\"><img src=x onerror=alert(1)>.xml";
    let mut finding = found("some-rule", hostile);
    finding.primary = place(name, hostile, "<script>");
    finding.help = Some(hostile.into());
    finding.related = vec![(Place::binary(name, hostile), hostile.into())];
    let mut outcome = outcome_of(&[(name, hostile)], vec![finding]);
    outcome.products.push(ProductSeen {
        name: hostile.into(),
        oem_input: name.into(),
        image: None,
        declared: false,
        packages: 0,
    });
    let page = render(&outcome);
    assert!(!page.contains("<script") && !page.contains("<img"));
    let is_harmful = |c: char| c == '\u{202E}' || (c.is_control() && c != '\n');
    assert!(!page.contains(is_harmful));
}

#[test]
fn the_style_sheet_is_the_one_that_is_allowed_and_nothing_else_is() {
    let findings = vec![found("a-rule", "x"), found("b-rule", "y")];
    let page = render(&outcome_of(&[], findings));
    let style = page
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    let digest = Base64::encode_string(&DigestAlgorithm::Sha256.of(style.as_bytes()));
    let allowed = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    );
    assert!(page.contains(&format!("content=\"{allowed}\"")), "{page}");
    assert!(!page.contains(" style=") && !page.contains("http://") && !page.contains("https://"));
    assert!(style.contains("body:has(#r1:checked) .finding:not(.r1){display:none}"));
    assert!(page.contains("<option id=\"r1\">b-rule (1)</option>"));
    // There is one file only, so there is nothing to choose.
    assert!(!style.contains("#f0") && style.contains("#level-error:not(:checked)"));
}

#[test]
fn of_very_many_findings_the_most_severe_are_shown_and_files_are_chosen_by_folder() {
    let findings: Vec<_> = (0..MOST_FINDINGS + 10)
        .map(|number| {
            let mut finding = found("some-rule", "found");
            finding.primary = Place::binary(format!("p{}/{number}.cab", number % 2), "");
            finding.level = if number < 10 {
                Level::Info
            } else {
                Level::Error
            };
            finding
        })
        .collect();
    let page = render(&outcome_of(&[], findings));
    assert!(page.contains("The 5000 most severe of 5010 findings are shown"));
    assert_eq!(
        page.matches("<li class=\"finding error").count(),
        MOST_FINDINGS
    );
    assert!(page.contains("Folder") && page.contains("<option id=\"f1\">p1 (2500)</option>"));
}

#[test]
fn a_run_without_findings_says_so() {
    let page = render(&outcome_of(&[], Vec::new()));
    assert!(page.contains("Nothing was found.") && !page.contains("<form"));
}
