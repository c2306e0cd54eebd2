//! `proofmark keys doctor`: what is there, what belongs together, what is missing.

use serde_json::Value;

use crate::folder::{Folder, Run, testcert};
use crate::token::{PIN, Token, module, spy};

/// Looks at SoftHSM's module, logged in.
fn doctor(token: &Token, arguments: &[&str]) -> Run {
    let module = module().display().to_string();
    let login = ["--pin-env", "TOKEN_PIN"];
    let command = ["keys", "doctor", "--module", &module];
    token.proofmark(&[&command[..], &login, arguments].concat())
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
}

/// The messages of a level, with their places.
fn findings(run: &Run, level: &str) -> Vec<String> {
    let report = json(run);
    let all = report["findings"].as_array().unwrap().iter();
    all.filter(|finding| finding["level"] == level)
        .map(|finding| {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            format!("{}: {}", text("place"), text("message"))
        })
        .collect()
}

fn problems(run: &Run) -> Vec<String> {
    findings(run, "problem")
}

#[test]
fn keys_and_certificates_are_matched_by_public_key() {
    let Some(token) = Token::new() else {
        return;
    };
    for (name, id) in [("oem", "01"), ("ecdsa-p256", "02"), ("ecdsa-p384", "03")] {
        token.add_key(name, id);
        token.add_certificate(name, id);
    }
    token.add_certificate("intermediate", "aa");
    let run = doctor(&token, &["--format", "json"]);
    assert_eq!(problems(&run), [""; 0]);
    let run = run.ended(0);
    let report = json(&run);
    let survey = &report["modules"][0]["survey"]["tokens"][0];
    assert_eq!(survey["label"], "release");
    assert_eq!(survey["pin"], "good");
    assert_eq!(survey["is_logged_in"], true);
    let keys = survey["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    for key in keys {
        let name = key["label"].as_str().unwrap();
        let place = key["certificates"][0].as_u64().unwrap();
        let certificate = &survey["certificates"][place as usize];
        assert_eq!(certificate["label"], name);
        assert_eq!(key["extractable"], false);
        assert_eq!(key["never_extractable"], false);
        let kind = match name {
            "oem" => "RSA-2048",
            "ecdsa-p256" => "ECDSA P-256",
            _ => "ECDSA P-384",
        };
        assert_eq!(key["kind"], kind);
    }
    let run = doctor(&token, &[]);
    for expected in [
        "token 'release' in slot",
        "PIN: good, logged in",
        "key 'oem' with id 01: RSA-2048, not extractable, though it once was",
        "profile: token-label = \"release\", key-id = \"01\"",
        "certificate 'oem' with id 01: Proofmark OEM Test Cert (TEST ONLY), until 2045-01-01",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    assert!(!run.stdout.contains(PIN));
}

#[test]
fn what_is_missing_is_said() {
    let Some(token) = Token::new() else {
        return;
    };
    token.add_key("oem", "01");
    token.add_certificate("app", "02");
    token.add_key("expired", "03");
    token.add_certificate("expired", "03");
    token.add_key("no-eku", "04");
    token.add_certificate("no-eku", "04");
    token.add_key("pp", "05");
    token.add_certificate("ppl", "05");
    token.add_key("ffu", "06");
    token.add_certificate("ffu", "07");
    token.add_key("rsa1024", "08");
    let run = doctor(&token, &["--format", "json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let mut found = problems(&run);
    found.sort();
    let common = "token 'release', ";
    let expected = [
        "certificate Proofmark App Test Cert (TEST ONLY): its private key is not on the token",
        "certificate Proofmark PPL Test Cert (TEST ONLY): its private key is not on the token",
        "key 'expired' with id 03: its certificate, Proofmark Expired (TEST ONLY), cannot sign code: it has expired",
        "key 'no-eku' with id 04: its certificate, Proofmark No EKU (TEST ONLY), cannot sign code: there is no extendedKeyUsage",
        "key 'oem' with id 01: it has no certificate on the token",
        "key 'pp' with id 05: it has no certificate on the token",
        "key 'pp' with id 05: the certificate with its id, Proofmark PPL Test Cert (TEST ONLY), has another public key",
    ];
    assert_eq!(found, expected.map(|message| format!("{common}{message}")));
    let notes = findings(&run, "note");
    for expected in [
        "key 'ffu' with id 06: its certificate, Proofmark FFU Test Cert (TEST ONLY), has the id '07'",
        "key 'rsa1024' with id 08: RSA-1024 cannot sign packages",
    ] {
        assert!(
            notes.contains(&format!("{common}{expected}")),
            "{expected}: {notes:?}"
        );
    }
}

#[test]
fn hygiene_of_keys_is_told() {
    let Some(token) = Token::new() else {
        return;
    };
    let made = ["--keypairgen", "--key-type", "rsa:2048", "--usage-sign"];
    for (label, id, flags) in [
        ("born-here", "01", &[][..]),
        ("leaky", "02", &["--extractable"]),
        ("each-time", "03", &["--always-auth"]),
    ] {
        token.tool(&[&made[..], &["--label", label, "--id", id], flags].concat());
    }
    let run = doctor(&token, &["--format", "json"]);
    let mut notes = findings(&run, "note");
    notes.sort();
    let [each_time, leaky] = notes.as_slice() else {
        panic!("{notes:?}")
    };
    assert!(each_time.contains("key 'each-time' with id 03: it wants the PIN for every signature"));
    assert!(leaky.contains("key 'leaky' with id 02: it can leave the token"));
}

#[test]
fn without_a_pin_nothing_is_tried() {
    let Some(token) = Token::new() else {
        return;
    };
    token.add_key("oem", "01");
    token.add_certificate("oem", "01");
    let module = spy().display().to_string();
    let command = ["keys", "doctor", "--format", "json", "--module", &module];
    let run = token.proofmark(&command);
    let run = run.ended(0);
    let notes = findings(&run, "note");
    assert!(
        notes[0].contains("private keys are listed after a login only"),
        "{notes:?}"
    );
    assert_eq!(token.calls("C_Login"), 0);
}

#[test]
fn a_pin_is_tried_once_and_on_one_token_only() {
    let Some(mut token) = Token::new() else {
        return;
    };
    token.add_token("spare");
    let module = spy().display().to_string();
    let command = [
        "keys",
        "doctor",
        "--format",
        "json",
        "--pin-env",
        "TOKEN_PIN",
        "--module",
        &module,
    ];
    let run = token.proofmark(&command);
    assert_eq!(run.code, Some(1));
    assert!(
        problems(&run)[0].contains("several tokens"),
        "{}",
        run.stdout
    );
    assert_eq!(token.calls("C_Login"), 0);

    token.set("TOKEN_PIN", "135791");
    let run = token.proofmark(&[&command[..], &["--token-label", "spare"]].concat());
    assert_eq!(run.code, Some(1));
    assert_eq!(token.calls("C_Login"), 1);
    let found = problems(&run);
    assert!(
        found[0].contains("token 'spare': the PIN of token spare is wrong"),
        "{found:?}"
    );
    let survey = &json(&run)["modules"][0]["survey"];
    let tokens = survey["tokens"].as_array().unwrap();
    let spare = tokens
        .iter()
        .find(|token| token["label"] == "spare")
        .unwrap();
    assert_eq!(spare["pin"], "count-low");

    let both = [&command[..], &["--module", &module]].concat();
    let run = token.proofmark(&both);
    run.ended(2).complained("a PIN is for one token");
    assert_eq!(token.calls("C_Login"), 1);
}

#[test]
fn a_module_that_is_none_or_breaks_down_is_a_line_of_the_report() {
    let Some(token) = Token::new() else {
        return;
    };
    token.folder.write("text.so", "no library");
    let text = token.folder.path("text.so");
    // A library without C_GetFunctionList, and one that ends the process that loads it.
    let source = "__attribute__((constructor)) static void f(void) { __builtin_trap(); }\n";
    token.folder.write("crash.c", source);
    token.folder.write("plain.c", "int x;\n");
    for name in ["crash", "plain"] {
        let (from, to) = (format!("{name}.c"), format!("{name}.so"));
        token.run("cc", &["-shared", "-fPIC", "-o", &to, &from]);
    }
    let plain = token.folder.path("plain.so");
    let crash = token.folder.path("crash.so");
    let mut command = vec!["keys".to_owned(), "doctor".to_owned()];
    for path in [text.as_path(), &plain, &crash, module()] {
        command.extend(["--module".to_owned(), path.display().to_string()]);
    }
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let run = token.proofmark(&command);
    assert_eq!(run.code, Some(1));
    for expected in [
        "text.so cannot be used",
        "C_GetFunctionList",
        "the module broke down",
        "signal",
    ] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    assert!(run.stdout.contains("token 'release'"), "{}", run.stdout);
}

#[test]
fn a_profile_is_checked_for_what_it_needs() {
    let Some(token) = Token::new() else {
        return;
    };
    for (name, id) in [("oem", "01"), ("app", "02")] {
        token.add_key(name, id);
    }
    token.add_certificate("oem", "01");
    let check = |lines: &[&str]| {
        token.profile(module(), lines);
        let command = ["keys", "doctor", "--profile", "token", "--format", "json"];
        let run = token.proofmark(&command);
        let found = if run.stdout.is_empty() {
            vec![run.stderr.clone()]
        } else {
            problems(&run)
        };
        (run.code, found.join("\n"))
    };
    let pin = "pin-env = \"TOKEN_PIN\"";
    assert_eq!(
        check(&[pin, "key-label = \"oem\""]),
        (Some(0), String::new())
    );
    let certificate = |name: &str| {
        let file = testcert(&format!("{name}.cer"));
        format!("certificate = \"{}\"", file.display())
    };
    let app = certificate("app");
    let right = check(&[pin, "key-id = \"02\"", &app]);
    assert_eq!(right, (Some(0), String::new()));
    let cases: [(&[&str], &str); 6] = [
        (
            &[pin, "key-id = \"02\""],
            "it has no certificate on the token",
        ),
        (
            &[pin, "key-id = \"01\"", &app],
            "belongs to its key 'oem' with id 01",
        ),
        (
            &[pin, "key-id = \"09\""],
            "0 keys of token 'release' are what it asks for; there are: ",
        ),
        (&[pin], "2 keys of token 'release' are what it asks for"),
        (&["key-id = \"01\""], "wants a PIN and none was given"),
        (
            &[pin, "token-label = \"absent\""],
            "no token 'absent'; it has 'release'",
        ),
    ];
    for (lines, expected) in cases {
        let (code, found) = check(lines);
        assert_eq!(code, Some(1), "{expected}: {found}");
        assert!(found.contains(expected), "{expected}: {found}");
    }
}

#[test]
fn modules_of_proofmark_toml_are_looked_at() {
    let Some(token) = Token::new() else {
        return;
    };
    token.profile(spy(), &[]);
    let run = token.proofmark(&["keys", "doctor", "--format", "json"]);
    let report = json(&run);
    let modules = report["modules"].as_array().unwrap();
    let named = |path: &std::path::Path| {
        let path = path.canonicalize().unwrap();
        let same = |module: &Value| {
            let file = std::path::Path::new(module["module"].as_str().unwrap());
            file.canonicalize().is_ok_and(|file| file == path)
        };
        modules.iter().filter(|module| same(module)).count()
    };
    assert_eq!(named(spy()), 1);
    assert_eq!(named(module()), 1, "SoftHSM is in a usual place");
}

#[test]
fn a_profile_without_a_token_is_a_mistake() {
    let folder = Folder::new();
    folder.write("proofmark.toml", "[profile.own]\npfx = \"a.pfx\"\n");
    for (name, expected) in [
        ("own", "is neither on a PKCS#11 token nor in the cloud"),
        ("other", "no profile 'other'"),
    ] {
        let run = folder.proofmark(&format!("keys doctor --profile {name}"));
        run.ended(2).complained(expected);
    }
}
