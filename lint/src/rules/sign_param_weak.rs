use formats::document::workspace_settings::WorkspaceSettings;
use formats::source::{Span, Spanned};

use crate::diagnostic::Fix;
use crate::facts::{Facts, File};
use crate::rule::{Report, Rule, declare_rule};

declare_rule! {
    /// The parameters for retail signing leave open how or by which certificate
    ///
    /// ## What it checks
    /// `RetailSignToolParam` of a workspace names the digest (`/fd SHA256` or better) and the certificate, by thumbprint
    /// (`/sha1`) or file (`/f`), and does not let the tool choose (`/a`).
    ///
    /// ## Why
    /// Without `/fd` older tools sign with SHA-1. By name, or with `/a`, the tool takes any certificate that fits, an
    /// expired twin for one: users lost days to that.
    ///
    /// ## Passes
    /// ```xml
    /// <RetailSignToolParam>/s my /sha1 5F... /fd SHA256</RetailSignToolParam>
    /// ```
    ///
    /// ## Fails
    /// ```xml
    /// <RetailSignToolParam>/s my /n "Fjordlight" /a</RetailSignToolParam>
    /// ```
    ///
    /// ## Fix
    /// Name digest and thumbprint.
    ///
    /// ## References
    /// - IoT Core, "Security flow and certificates"
    /// - iot-adk-addonkit, issues 242 and 284
    struct SignParamWeak;
    id: "sign-param-weak",
    authority: "Microsoft, IoT Core, Security flow and certificates",
    clause: "signing parameters",
    images: All,
    input: Workspace,
    level: Warning,
    since: "0.1.0",
}

impl Rule for SignParamWeak {
    fn check(&self, facts: &Facts<'_>, report: &mut Report) {
        for file in &facts.documents.workspace_settings {
            let Some(parameter) = &file.config.retail_sign_tool_param else {
                continue;
            };
            if parameter.value.trim().is_empty() {
                continue;
            }
            for problem in problems(&parameter.value) {
                let place = file.value(parameter, "IoTWorkspace/Config/RetailSignToolParam");
                let fix = Some(problem).filter(|problem| *problem == NO_DIGEST);
                let fix = fix.and_then(|_| strengthened(file, parameter));
                report.at(place, problem).fix(fix).help("name the digest and the certificate's thumbprint: `/fd SHA256 /sha1 THUMBPRINT`");
            }
        }
    }
}

const NO_DIGEST: &str = "`RetailSignToolParam` names no digest of SHA-2";

/// The parameters with SHA-256 in the place of the digest that is named, or before all others.
fn strengthened(file: &File<WorkspaceSettings>, parameter: &Spanned<String>) -> Option<Fix> {
    let written = file.source.slice(parameter.span);
    let lower = written.to_ascii_lowercase();
    let option = ["/fd ", "-fd "]
        .iter()
        .find_map(|option| lower.find(option));
    let (start, end, text) = match option {
        Some(option) => {
            let rest = written.get(option.checked_add(4)?..)?;
            let word = rest.trim_start();
            let end = word.find(char::is_whitespace).unwrap_or(word.len());
            let start = written.len().checked_sub(word.len())?;
            (start, start.checked_add(end)?, "SHA256")
        }
        None => (0, 0, "/fd SHA256 "),
    };
    let span = Span {
        start: parameter.span.start.checked_add(start)?,
        end: parameter.span.start.checked_add(end)?,
    };
    Fix::replace("sign with SHA-256", &file.place(span, ""), text)
}

fn problems(parameters: &str) -> Vec<&'static str> {
    let lower = parameters.to_lowercase().replace(" -", " /");
    let words: Vec<&str> = lower.split_whitespace().collect();
    let has = |word: &str| words.contains(&word) || words.first() == Some(&word);
    let after = |word: &str| {
        let mut pairs = words.windows(2);
        pairs.find_map(|pair| (pair.first() == Some(&word)).then(|| pair.last().copied())?)
    };
    let is_strong =
        after("/fd").is_some_and(|digest| matches!(digest, "sha256" | "sha384" | "sha512"));
    let mut problems = Vec::new();
    if !is_strong {
        problems.push(NO_DIGEST);
    }
    if has("/a") {
        problems.push("`RetailSignToolParam` lets the tool choose a certificate (`/a`)");
    } else if !has("/sha1") && !has("/f") {
        problems.push("`RetailSignToolParam` names no certificate by thumbprint or file");
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::problems;
    use crate::testing::lint_one;

    #[test]
    fn digest_and_certificate_must_be_named() {
        assert!(problems("/s my /sha1 00 /fd SHA256").is_empty());
        assert!(problems("/f a.pfx /fd sha384").is_empty());
        assert_eq!(problems("/n A").len(), 2);
        assert!(problems("/a /fd sha256")[0].contains("(`/a`)"));
        let text = "<IoTWorkspace><Config>\n<RetailSignToolParam>/a</RetailSignToolParam></Config></IoTWorkspace>";
        let found = lint_one("sign-param-weak", &[("IoTWorkspace.xml", text)]);
        assert!(
            found[0].starts_with("warning IoTWorkspace.xml:2:"),
            "{found:?}"
        );
    }
}
