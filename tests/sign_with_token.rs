//! Signing with a key on a PKCS#11 token.

use std::process::Stdio;

use crate::folder::{Run, testcert};
use crate::token::{PIN, Token, module, small_cabinet, spy};

const BY_LABEL: [&str; 2] = ["token-label = \"release\"", "pin-env = \"TOKEN_PIN\""];

/// A token with a key and its chain, and a cabinet.
fn token_with(names: &[&str]) -> Option<Token> {
    let token = Token::new()?;
    for (number, name) in names.iter().enumerate() {
        let id = format!("{:02x}", number + 1);
        token.add_key(name, &id);
        token.add_certificate(name, &id);
    }
    token.add_certificate("intermediate", "aa");
    token.folder.write("a.cab", small_cabinet());
    Some(token)
}

fn sign(token: &Token, arguments: &[&str]) -> Run {
    token.proofmark(&[&["sign", "--profile", "token"], arguments].concat())
}

#[test]
fn a_token_signs_as_key_files_do() {
    let names = ["oem", "rsa4096", "ecdsa-p256", "ecdsa-p384"];
    let Some(token) = token_with(&names) else {
        return;
    };
    let mut checked = 0;
    for name in names {
        let label = format!("key-label = \"{name}\"");
        token.profile(module(), &[&BY_LABEL[..], &[&label]].concat());
        for digest in ["sha256", "sha384", "sha512"] {
            let is_rsa = !name.starts_with("ecdsa");
            let run = sign(&token, &["--digest", digest, "--out", "b.cab", "a.cab"]);
            if !is_rsa && digest == "sha512" {
                assert_eq!(run.code, Some(2));
                continue;
            }
            run.ended(0);
            let verified = token.proofmark(&["verify", "b.cab"]);
            assert_eq!(
                verified.code,
                Some(0),
                "{name} {digest}: {}",
                verified.stdout
            );
            if is_rsa {
                let pfx = testcert(&format!("{name}.pfx")).display().to_string();
                let files = ["--profile", "test", "--pfx", &pfx, "--digest", digest];
                let run = token
                    .proofmark(&[&["sign"], &files[..], &["--out", "c.cab", "a.cab"]].concat());
                run.ended(0);
                assert_eq!(token.folder.read("b.cab"), token.folder.read("c.cab"));
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 10);
}

#[test]
fn another_program_verifies_what_a_token_signed() {
    let Some(token) = token_with(&["oem"]) else {
        return;
    };
    token.profile(module(), &BY_LABEL);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(0);
    let root = testcert("root.cer");
    let convert = format!("x509 -inform DER -in {} -out root.pem", root.display());
    token.folder.openssl(&convert);
    let verify = "verify -CAfile root.pem -ignore-crl -in b.cab";
    let Some(run) = token.folder.osslsigncode(verify) else {
        return;
    };
    let expected = "Signature verification: ok";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
}

#[test]
fn one_login_serves_a_batch() {
    let Some(token) = token_with(&["oem"]) else {
        return;
    };
    token.profile(spy(), &BY_LABEL);
    let names: Vec<String> = (0..24).map(|number| format!("{number}.cab")).collect();
    for name in &names {
        token.folder.write(name, small_cabinet());
    }
    let inputs: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = sign(&token, &[&["--out", "signed/"], &inputs[..]].concat());
    run.ended(0);
    assert_eq!(token.calls("C_Login"), 1);
    assert_eq!(token.calls("C_SignInit"), names.len());
    assert!(token.calls("C_OpenSession") <= names.len());
    let verified = token.proofmark(&["verify", "signed"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);
}

#[test]
fn a_wrong_pin_is_tried_once_for_a_whole_batch() {
    let Some(mut token) = token_with(&["oem"]) else {
        return;
    };
    token.profile(spy(), &BY_LABEL);
    token.set("TOKEN_PIN", "135791");
    token.folder.write("b.cab", small_cabinet());
    let run = sign(&token, &["--in-place", "a.cab", "b.cab"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(token.calls("C_Login"), 1);
    assert_eq!(token.calls("C_SignInit"), 0);
    let expected = "is wrong (CKR_PIN_INCORRECT); it was tried once and is not tried again";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    // SoftHSM sets CKF_USER_PIN_COUNT_LOW after a wrong PIN.
    assert!(
        run.stderr.contains("counts wrong attempts"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("135791"), "{}", run.stderr);
    assert_eq!(token.folder.read("b.cab"), small_cabinet());
}

#[test]
fn a_pin_that_cannot_be_right_is_not_tried() {
    let Some(mut token) = token_with(&["oem"]) else {
        return;
    };
    let cases: [(&[&str], &str); 4] = [
        (&[], "wants a PIN and none was given"),
        (&["pin-env = \"EMPTY_PIN\""], "is empty; it was not tried"),
        (&["pin-env = \"NO_SUCH_PIN\""], "NO_SUCH_PIN"),
        (
            &["pin-env = \"TOKEN_PIN\"", "pin-file = \"pin\""],
            "is given twice",
        ),
    ];
    token.set("EMPTY_PIN", "");
    for (lines, expected) in cases {
        token.profile(spy(), lines);
        let run = sign(&token, &["--out", "b.cab", "a.cab"]);
        run.ended(2).complained(expected);
    }
    assert_eq!(token.calls("C_Login"), 0);
}

#[test]
fn the_pin_comes_from_a_file_or_the_terminal() {
    let Some(token) = token_with(&["oem"]) else {
        return;
    };
    token.folder.write("pin", format!("{PIN}\r\nsecond line\n"));
    token.profile(module(), &["pin-file = \"pin\""]);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(0);

    token.profile(module(), &["pin-prompt = true"]);
    let program = env!("CARGO_BIN_EXE_proofmark");
    let arguments = ["sign", "--profile", "token", "--out", "c.cab", "a.cab"];
    // Without a terminal nobody can be asked.
    let mut detached = token.command("setsid");
    let run: Run = detached
        .arg("--wait")
        .arg(program)
        .args(arguments)
        .output()
        .unwrap()
        .into();
    run.ended(2).complained("there is no terminal");

    let mut terminal = token
        .command("script")
        .args(["--quiet", "--return", "--command"])
        .arg(format!("{program} {}", arguments.join(" ")))
        .arg("/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = terminal.stdin.take().unwrap();
    std::io::Write::write_all(&mut keyboard, format!("{PIN}\n").as_bytes()).unwrap();
    let run: Run = terminal.wait_with_output().unwrap().into();
    drop(keyboard);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert!(
        run.stdout.contains("the PIN of token release"),
        "{}",
        run.stdout
    );
    assert_eq!(token.folder.read("b.cab"), token.folder.read("c.cab"));
}

#[test]
fn the_certificate_comes_from_a_file() {
    let Some(token) = Token::new() else {
        return;
    };
    token.add_key("oem", "01");
    token.folder.write("a.cab", small_cabinet());
    token.profile(module(), &BY_LABEL);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr
            .contains("there is no certificate beside key 'oem'"),
        "{}",
        run.stderr
    );

    let mut bundle = Vec::new();
    for name in ["intermediate", "oem"] {
        let der = testcert(&format!("{name}.cer")).display().to_string();
        let run = token.run("openssl", &["x509", "-inform", "DER", "-in", &der]);
        bundle.extend(run.stdout.into_bytes());
    }
    token.folder.write("chain.pem", bundle);
    let with_file = [&BY_LABEL[..], &["certificate = \"chain.pem\""]].concat();
    token.profile(module(), &with_file);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(0);
    let verified = token.proofmark(&["verify", "b.cab"]);
    assert_eq!(verified.code, Some(0), "{}", verified.stdout);

    let other = testcert("app.cer").display().to_string();
    let line = format!("certificate = \"{other}\"");
    token.profile(module(), &[&BY_LABEL[..], &[&line]].concat());
    let run = sign(&token, &["--out", "c.cab", "a.cab"]);
    run.ended(2).complained("belongs to the private key");
    assert!(!token.folder.path("c.cab").exists());
}

/// The private key of one pair beside the public key and certificate of another: only the signature shows it.
#[test]
fn a_token_whose_objects_contradict_each_other_is_caught() {
    let Some(token) = Token::new() else {
        return;
    };
    token.folder.write("a.cab", small_cabinet());
    let key = testcert("ecdsa-p256.key").display().to_string();
    let made = [
        "ecparam",
        "-name",
        "prime256v1",
        "-genkey",
        "-noout",
        "-out",
        "other.pem",
    ];
    token.run("openssl", &made);
    for (arguments, kind) in [
        (
            [
                "pkey",
                "-in",
                "other.pem",
                "-outform",
                "DER",
                "-out",
                "o.der",
            ],
            "privkey",
        ),
        (
            [
                "pkey",
                "-in",
                &key,
                "-pubout",
                "-outform=DER",
                "-out",
                "o.der",
            ],
            "pubkey",
        ),
    ] {
        token.run("openssl", &arguments);
        token.tool(&[
            "--write-object",
            "o.der",
            "--type",
            kind,
            "--id",
            "01",
            "--label",
            "mixed",
        ]);
    }
    token.add_certificate("ecdsa-p256", "01");
    token.profile(module(), &BY_LABEL);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    assert_eq!(run.code, Some(2));
    let expected = "key 'mixed' with id 01 of token release made a signature that does not match";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    assert!(!token.folder.path("b.cab").exists());
}

#[test]
fn what_is_not_there_or_not_clear_is_listed() {
    let Some(token) = token_with(&["oem", "app"]) else {
        return;
    };
    let refusal = |lines: &[&str]| {
        token.profile(module(), &[lines, &["pin-env = \"TOKEN_PIN\""]].concat());
        let run = sign(&token, &["--out", "b.cab", "a.cab"]);
        assert_eq!(run.code, Some(2));
        run.stderr
    };
    let cases: [(&[&str], &str); 5] = [
        (&[], "several such private keys"),
        (
            &["key-label = \"absent\""],
            "no private key 'absent'; it has ",
        ),
        (&["key-id = \"0f\""], "no private key with id 0f; it has "),
        (&["key-id = \"x\""], "'x' is no key id"),
        (
            &["token-label = \"absent\""],
            "no token 'absent'; it has 'release' in slot",
        ),
    ];
    for (lines, expected) in cases {
        let message = refusal(lines);
        assert!(message.contains(expected), "{message}");
    }
    let both = refusal(&[]);
    assert!(
        both.contains("'oem' with id 01") && both.contains("'app' with id 02"),
        "{both}"
    );
    token.add_token("spare");
    let message = refusal(&["key-id = \"01\""]);
    assert!(message.contains("several tokens"), "{message}");
    token.profile(module(), &[&BY_LABEL[..], &["key-id = \"01\""]].concat());
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(0);

    token.folder.write("no.so", "no library");
    token.profile(&token.folder.path("no.so"), &BY_LABEL);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(2).complained("no.so cannot be used");
}

#[test]
fn a_key_that_wants_the_pin_each_time_gets_it_each_time() {
    let Some(token) = Token::new() else {
        return;
    };
    let key = testcert("oem.key").display().to_string();
    let arguments = ["pkey", "-in", &key, "-outform", "DER", "-out", "k.der"];
    token.run("openssl", &arguments);
    let object = ["--type", "privkey", "--id", "01", "--label", "each"];
    let flags = ["--always-auth", "--usage-sign", "--sensitive"];
    token.tool(&[&["--write-object", "k.der"][..], &object, &flags].concat());
    token.add_certificate("oem", "01");
    token.profile(spy(), &BY_LABEL);
    for name in ["a.cab", "b.cab", "c.cab"] {
        token.folder.write(name, small_cabinet());
    }
    let run = sign(&token, &["--in-place", "a.cab", "b.cab", "c.cab"]);
    run.ended(0);
    assert_eq!(token.calls("C_Login"), 1 + 3);
    assert_eq!(token.calls("C_OpenSession"), 1);
}

#[test]
fn a_key_is_named_once() {
    let Some(token) = token_with(&["oem"]) else {
        return;
    };
    let pfx = testcert("oem.pfx").display().to_string();
    let text = format!(
        "[profile.token]\npfx = \"{pfx}\"\n[profile.token.pkcs11]\nmodule = \"{}\"\n",
        module().display()
    );
    token.folder.write("proofmark.toml", text);
    let run = sign(&token, &["--out", "b.cab", "a.cab"]);
    run.ended(2).complained("says twice where its key is");
    // A key of the command line takes the place of the profile's, so no PIN is asked for.
    let kind = ["--allow-test-certificate", "--allow-published-key"];
    let files = ["--pfx", &pfx, "--out", "b.cab", "a.cab"];
    let run = sign(&token, &[&kind[..], &files].concat());
    run.ended(0);
}
