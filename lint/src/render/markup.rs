//! Messages and manuals as HTML. Everything is escaped by `maud`; nothing of a text becomes markup but its backticks.

use maud::{Markup, html};

/// A text whose parts in backticks are code.
pub(super) fn prose(text: &str) -> Markup {
    let parts: Vec<&str> = text.split('`').collect();
    // An odd number of backticks leaves the last one as it is.
    let pairs = parts.len().saturating_sub(1) / 2;
    html! {
        @for (number, part) in parts.iter().enumerate() {
            @if number % 2 == 1 && number / 2 < pairs {
                code { (part) }
            } @else {
                @if number > pairs.saturating_mul(2) { "`" }
                (part)
            }
        }
    }
}

/// One block of a manual.
enum Block<'a> {
    Heading(&'a str),
    Paragraph(String),
    List(Vec<String>),
    Code(Vec<&'a str>),
}

/// The manual of a rule: headings, paragraphs, lists and fenced code, which is all that manuals have.
pub(super) fn manual(markdown: &str) -> Markup {
    html! {
        @for block in blocks(markdown) {
            @match block {
                Block::Heading(text) => h4 { (text) },
                Block::Paragraph(text) => p { (prose(&text)) },
                Block::List(items) => ul {
                    @for item in items { li { (prose(&item)) } }
                },
                Block::Code(lines) => pre tabindex="0" { code { (lines.join("\n")) } },
            }
        }
    }
}

fn blocks(markdown: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines();
    let mut is_open = false;
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let code = lines.by_ref().take_while(|line| !line.starts_with("```"));
            blocks.push(Block::Code(code.collect()));
            is_open = false;
        } else if line.starts_with('#') {
            blocks.push(Block::Heading(line.trim_start_matches('#').trim()));
            is_open = false;
        } else if line.trim().is_empty() {
            is_open = false;
        } else if let Some(item) = line.strip_prefix("- ") {
            match blocks.last_mut() {
                Some(Block::List(items)) if is_open => items.push(item.to_owned()),
                _ => blocks.push(Block::List(vec![item.to_owned()])),
            }
            is_open = true;
        } else {
            let open = match blocks.last_mut() {
                Some(Block::Paragraph(text)) if is_open => Some(text),
                Some(Block::List(items)) if is_open => items.last_mut(),
                _ => None,
            };
            match open {
                Some(text) => text.push_str(&format!(" {}", line.trim())),
                None => blocks.push(Block::Paragraph(line.trim().to_owned())),
            }
            is_open = true;
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_make_code_and_everything_else_is_text() {
        let shown = |text| prose(text).into_string();
        assert_eq!(shown("a `b<c>` d"), "a <code>b&lt;c&gt;</code> d");
        assert_eq!(shown("`a` and ` <b>"), "<code>a</code> and ` &lt;b&gt;");
        assert_eq!(shown("plain"), "plain");
    }

    #[test]
    fn a_manual_keeps_its_headings_lists_and_examples() {
        let text = "## Why\nBecause\nof this.\n\n- one\n  goes on\n- two\n\n```xml\n<a>\n\n</a>\n```\nEnd.";
        assert_eq!(
            manual(text).into_string(),
            "<h4>Why</h4><p>Because of this.</p><ul><li>one goes on</li><li>two</li></ul>\
             <pre tabindex=\"0\"><code>&lt;a&gt;\n\n&lt;/a&gt;</code></pre><p>End.</p>"
        );
    }
}
