//! The language server as an editor talks to it: messages over pipes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::lint_fix::copy;
use crate::support::{Run, command, repository};

/// An editor with the server beside it.
struct Editor {
    server: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
}

impl Editor {
    /// Starts the server in `folder`, which the editor has opened.
    fn new(folder: &Path) -> Self {
        let mut server = command(folder)
            .args(["lsp", "--stdio"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let to = server.stdin.take().unwrap();
        let from = BufReader::new(server.stdout.take().unwrap());
        let mut editor = Self {
            server,
            to,
            from,
            asked: 0,
        };
        let opened = json!([{ "uri": uri(folder), "name": "kiosk" }]);
        let parameters = json!({ "processId": null, "rootUri": null, "capabilities": {}, "workspaceFolders": opened });
        let about = editor.ask("initialize", parameters);
        assert_eq!(about["serverInfo"]["name"], "proofmark");
        assert_eq!(about["capabilities"]["hoverProvider"], true);
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let message = message.to_string();
        write!(
            self.to,
            "Content-Length: {}\r\n\r\n{message}",
            message.len()
        )
        .unwrap();
        self.to.flush().unwrap();
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(
                self.from.read_line(&mut line).unwrap() > 0,
                "the server ended"
            );
            match line.trim().split_once(": ") {
                Some(("Content-Length", digits)) => length = digits.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut bytes = vec![0; length];
        self.from.read_exact(&mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn tell(&mut self, method: &str, parameters: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": parameters }));
    }

    /// The result of a request, or its error.
    fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters }));
        loop {
            let mut message = self.receive();
            if message["id"] == id {
                let key = if message["error"].is_null() {
                    "result"
                } else {
                    "error"
                };
                return message[key].take();
            }
        }
    }

    /// The next findings that are sent of a file.
    fn findings(&mut self, file: &str) -> Vec<Value> {
        loop {
            let message = self.receive();
            let parameters = &message["params"];
            let is_file = parameters["uri"]
                .as_str()
                .is_some_and(|uri| uri.ends_with(file));
            if message["method"] == "textDocument/publishDiagnostics" && is_file {
                return parameters["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    fn open(&mut self, path: &Path, text: &str) {
        let document = json!({ "uri": uri(path), "languageId": "xml", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    fn change(&mut self, path: &Path, version: i32, text: &str) {
        let document = json!({ "uri": uri(path), "version": version });
        let parameters = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", parameters);
    }

    fn end(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Value::Null);
        self.tell("exit", Value::Null);
        drop(self.to);
        let run: Run = self.server.wait_with_output().unwrap().into();
        run.ended(0);
    }
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The example workspace, and its retail input.
fn workspace() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = copy(&repository().join("examples/workspace"));
    let input = folder
        .path()
        .join("Source-arm/Products/Kiosk/RetailOEMInput.xml");
    (folder, input)
}

fn of_rule<'a>(findings: &'a [Value], rule: &str) -> Option<&'a Value> {
    findings.iter().find(|found| found["code"] == rule)
}

/// Line and UTF-16 column of a text in a document.
fn place(text: &str, part: &str) -> Value {
    let before = &text[..text.find(part).unwrap()];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    json!({ "line": line, "character": before[start..].encode_utf16().count() })
}

#[test]
fn what_is_typed_is_judged_explained_and_mended() {
    let (folder, input) = workspace();
    let clean = fs::read_to_string(&input).unwrap();
    let mut editor = Editor::new(folder.path());
    editor.open(&input, &clean);
    let before = editor.findings("RetailOEMInput.xml");
    assert!(
        of_rule(&before, "dev-feature-in-retail").is_none(),
        "{before:?}"
    );

    // On disk nothing changes; the editor's text counts, and its columns are UTF-16.
    let typed = clean.replacen(
        "<Microsoft>",
        "<Microsoft><!-- 😀ä --><Feature>IOT_BERTHA</Feature>",
        1,
    );
    assert_ne!(typed, clean);
    editor.change(&input, 2, &typed);
    let findings = editor.findings("RetailOEMInput.xml");
    let found = of_rule(&findings, "dev-feature-in-retail").unwrap();
    assert_eq!(found["range"]["start"], place(&typed, "IOT_BERTHA"));
    assert_eq!(
        (&found["severity"], &found["source"]),
        (&json!(1), &json!("proofmark"))
    );
    assert!(
        found["relatedInformation"][0]["location"]["uri"]
            .as_str()
            .unwrap()
            .ends_with("RetailOEMInput.xml")
    );

    let document = json!({ "uri": uri(&input) });
    let at = json!({ "textDocument": document, "position": place(&typed, "BERTHA") });
    let hover = editor.ask("textDocument/hover", at);
    let manual = hover["contents"]["value"].as_str().unwrap();
    assert!(
        manual.starts_with("# dev-feature-in-retail\n") && manual.contains("## Why"),
        "{manual}"
    );
    let elsewhere = json!({ "textDocument": document, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.ask("textDocument/hover", elsewhere), Value::Null);

    let context = json!({ "diagnostics": [], "only": ["quickfix"] });
    let asked = json!({ "textDocument": document, "range": found["range"], "context": context });
    let actions = editor.ask("textDocument/codeAction", asked);
    let action = actions
        .as_array()
        .unwrap()
        .iter()
        .find(|action| action["isPreferred"] == true)
        .unwrap();
    let edits = action["edit"]["changes"][uri(&input)].as_array().unwrap();
    let mended = applied(&typed, edits);
    assert!(
        mended.contains("<!-- Feature>IOT_BERTHA</Feature -->"),
        "{mended}"
    );
    editor.change(&input, 3, &mended);
    let after = editor.findings("RetailOEMInput.xml");
    assert!(of_rule(&after, "dev-feature-in-retail").is_none());
    assert_eq!(after.len(), before.len());
    assert_eq!(fs::read_to_string(&input).unwrap(), clean);
    editor.end();
}

#[test]
fn what_stays_for_a_while_is_suppressed_and_what_must_never_ship_is_not() {
    let (folder, input) = workspace();
    let clean = fs::read_to_string(&input).unwrap();
    let features = "<Microsoft><!-- 😀 --><Feature>IOT_BERTHA</Feature><Feature>IOT_ENABLE_TESTSIGNING</Feature>";
    let typed = clean.replacen("<Microsoft>", features, 1);
    let mut editor = Editor::new(folder.path());
    editor.open(&input, &typed);
    let before = editor.findings("RetailOEMInput.xml");
    let document = json!({ "uri": uri(&input) });
    let mut offered = |rule: &str| {
        let range = &of_rule(&before, rule).unwrap()["range"];
        let context = json!({ "diagnostics": [], "only": ["quickfix"] });
        let asked = json!({ "textDocument": document, "range": range, "context": context });
        let actions = editor.ask("textDocument/codeAction", asked);
        let actions = actions.as_array().unwrap().iter();
        let title = format!("suppress `{rule}` here until ");
        let mut of_rule =
            actions.filter(|action| action["title"].as_str().unwrap().starts_with(&title));
        of_rule.next().cloned()
    };
    assert_eq!(offered("testsigning-in-retail"), None);
    let action = offered("dev-feature-in-retail").unwrap();
    assert_eq!(action["isPreferred"], false);
    let edits = action["edit"]["changes"][uri(&input)].as_array().unwrap();
    let suppressed = applied(&typed, edits);
    let comment = "<!-- proofmark: allow dev-feature-in-retail, reason: ";
    assert!(
        suppressed.contains(&format!("<!-- 😀 -->{comment}")),
        "{suppressed}"
    );
    editor.change(&input, 2, &suppressed);
    let after = editor.findings("RetailOEMInput.xml");
    assert!(of_rule(&after, "dev-feature-in-retail").is_none());
    assert_eq!(after.len(), before.len() - 1, "{after:?}");
    editor.end();
}

/// The text after edits of lines and UTF-16 columns.
fn applied(text: &str, edits: &[Value]) -> String {
    let byte = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let units = position["character"].as_u64().unwrap() as usize;
        let prefix: Vec<u16> = text[start..].encode_utf16().take(units).collect();
        start + String::from_utf16(&prefix).unwrap().len()
    };
    let mut out = text.to_owned();
    let mut sorted: Vec<_> = edits.iter().collect();
    sorted.sort_by_key(|edit| byte(&edit["range"]["start"]));
    for edit in sorted.iter().rev() {
        let range = byte(&edit["range"]["start"])..byte(&edit["range"]["end"]);
        out.replace_range(range, edit["newText"].as_str().unwrap());
    }
    out
}

#[test]
fn features_lead_to_manifests_and_those_to_packages() {
    let (folder, input) = workspace();
    let text = fs::read_to_string(&input).unwrap();
    let manifest = folder.path().join("Source-arm/Packages/OEMFM.xml");
    let entries = fs::read_to_string(&manifest).unwrap();
    let mut editor = Editor::new(folder.path());
    editor.open(&input, &text);
    editor.open(&manifest, &entries);

    let mut definition = |path: &Path, position: Value| {
        let at = json!({ "textDocument": { "uri": uri(path) }, "position": position });
        editor.ask("textDocument/definition", at)
    };
    let of_reference = definition(&input, place(&text, "OEMFM.xml"));
    assert_eq!(of_reference[0]["uri"], uri(&manifest));
    let feature = text.split("<OEM>").nth(1).unwrap();
    let feature = feature
        .split("<Feature>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap();
    let of_feature = definition(&input, place(&text, feature));
    assert_eq!(
        of_feature[0]["uri"],
        uri(&manifest),
        "{feature}: {of_feature}"
    );
    let of_entry = definition(&manifest, of_feature[0]["range"]["start"].clone());
    assert!(
        of_entry[0]["uri"].as_str().unwrap().ends_with(".wm.xml"),
        "{of_entry}"
    );
    let nothing = definition(&input, json!({ "line": 0, "character": 0 }));
    assert_eq!(nothing, Value::Null);
    editor.end();
}

#[test]
fn a_document_without_a_folder_is_judged_alone_and_its_encoding_kept() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let input = elsewhere.path().join("RetailOEMInput.xml");
    let text = "<?xml version=\"1.0\" encoding=\"utf-16\"?>\n<OEMInput/>\n";
    let bytes: Vec<u8> = [0xFEFF]
        .into_iter()
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(&input, &bytes).unwrap();
    let mut editor = Editor::new(folder.path());
    editor.open(&input, text);
    let findings = editor.findings("RetailOEMInput.xml");
    assert!(
        !findings.is_empty() && of_rule(&findings, "oeminput-not-well-formed").is_none(),
        "{findings:?}"
    );
    editor.change(&input, 2, &text.replace("/>", ">"));
    let findings = editor.findings("RetailOEMInput.xml");
    assert!(
        of_rule(&findings, "oeminput-not-well-formed").is_some(),
        "{findings:?}"
    );
    let document = json!({ "textDocument": { "uri": uri(&input) } });
    editor.tell("textDocument/didClose", document);
    assert_eq!(editor.findings("RetailOEMInput.xml"), Vec::<Value>::new());
    editor.end();
}

#[test]
fn an_own_rule_that_does_not_work_is_told_once() {
    let (folder, input) = workspace();
    let text = fs::read_to_string(&input).unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let rule = "package a\nrule := {\"id\": \"acme-test\", \"summary\": \"s\", \"level\": \"error\"}\n\
                findings contains {\"message\": \"m\"} if input.products\n";
    fs::write(rules.join("a.rego"), rule).unwrap();
    let policy = "[rego]\nfolders = ['rules']\n";
    fs::write(folder.path().join("proofmark-policy.toml"), policy).unwrap();
    let mut editor = Editor::new(folder.path());
    editor.open(&input, &text);
    let told = loop {
        let message = editor.receive();
        if message["method"] == "window/showMessage" {
            break message["params"].clone();
        }
    };
    assert_eq!(told["type"], 1);
    let message = told["message"].as_str().unwrap();
    let wanted = "proofmark: own rule acme-test: a finding: expected either `place` or `pointer`";
    assert!(message.starts_with(wanted), "{message}");

    let typed = text.replacen("<Microsoft>", "<Microsoft><Feature>IOT_BERTHA</Feature>", 1);
    editor.change(&input, 2, &typed);
    loop {
        let message = editor.receive();
        assert_ne!(message["method"], "window/showMessage", "{message}");
        if message["params"]["version"] == 2 {
            break;
        }
    }
    assert_eq!(editor.ask("textDocument/rename", json!({}))["code"], -32601);
    editor.end();
}

#[test]
fn what_the_server_does_not_know_is_an_error_and_no_end() {
    let (folder, _) = workspace();
    let mut editor = Editor::new(folder.path());
    let error = editor.ask("textDocument/rename", json!({}));
    assert_eq!(error["code"], -32601);
    let error = editor.ask("textDocument/hover", json!({ "position": "here" }));
    assert_eq!(error["code"], -32602);
    editor.tell("textDocument/didChange", json!([1, 2]));
    editor.tell("textDocument/didOpen", json!({ "textDocument": { "uri": "untitled:1", "languageId": "xml", "version": 1, "text": "<" } }));
    let nowhere = json!({ "textDocument": { "uri": "untitled:1" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(editor.ask("textDocument/hover", nowhere), Value::Null);
    editor.end();
}
