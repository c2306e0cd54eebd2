//! Signing with a program of the user's.

use std::time::{Duration, Instant};

use crate::folder::{Folder, Run, testcert};
use crate::token::small_cabinet;

/// A folder with a cabinet, and a profile whose program is `program`, a list in TOML.
fn folder(certificate: &str, program: &str, lines: &str) -> Folder {
    let folder = Folder::new();
    folder.write("a.cab", small_cabinet());
    profile(&folder, certificate, program, lines);
    folder
}

fn profile(folder: &Folder, certificate: &str, program: &str, lines: &str) {
    let certificate = testcert(&format!("{certificate}.cer"));
    let text = format!(
        "[profile.own]\nkind = \"test\"\n[profile.own.command]\nprogram = {program}\ncertificate = \"{}\"\n{lines}\n",
        certificate.display()
    );
    folder.write("proofmark.toml", text);
}

fn sign(folder: &Folder, arguments: &[&str]) -> Run {
    folder.proofmark(&format!("sign --profile own {}", arguments.join(" ")))
}

/// Writes a shell script and gives the list that runs it. The script is data of `sh`, not a program of its own: one that
/// was just written may still be open for writing in a process that another test is starting.
fn script(folder: &Folder, text: &str) -> String {
    folder.write("sign.sh", text);
    let path = folder.path("sign.sh");
    format!("[\"sh\", \"{}\"]", path.display())
}

/// Reads the line, signs with openssl, answers in base64.
fn openssl_script(key: &str) -> String {
    format!(
        "read -r algorithm digest || exit 9\n\
         test \"$algorithm\" = \"$PROOFMARK_DIGEST\" || exit 8\n\
         printf \"$(printf %s \"$digest\" | sed 's/../\\\\x&/g')\" > digest.bin\n\
         openssl pkeyutl -sign -inkey {} -pkeyopt digest:\"$algorithm\" -in digest.bin | openssl base64\n",
        testcert(&format!("{key}.key")).display()
    )
}

fn verifies(folder: &Folder, name: &str) {
    let intermediate = testcert("intermediate.cer").display().to_string();
    let run = folder.proofmark(&format!("verify --root {intermediate} {name}"));
    assert_eq!(run.code, Some(0), "{}", run.stdout);
}

#[test]
fn a_script_around_openssl_signs() {
    for (key, digests) in [
        ("oem", &["sha256", "sha384", "sha512"][..]),
        ("ecdsa-p256", &["sha256", "sha384"]),
        ("ecdsa-p384", &["sha256", "sha384"]),
    ] {
        let folder = Folder::new();
        folder.write("a.cab", small_cabinet());
        // printf of bash knows \x; that of dash does not.
        let program = script(&folder, &openssl_script(key)).replace("\"sh\"", "\"bash\"");
        profile(&folder, key, &program, "");
        for digest in digests {
            let run = sign(&folder, &["--digest", digest, "--out", "b.cab", "a.cab"]);
            run.ended(0);
            verifies(&folder, "b.cab");
        }
    }
}

#[test]
fn openssl_itself_signs_without_a_script() {
    for key in ["oem", "rsa4096", "ecdsa-p256"] {
        let file = testcert(&format!("{key}.key")).display().to_string();
        let program = format!(
            "[\"openssl\", \"pkeyutl\", \"-sign\", \"-inkey\", \"{file}\", \"-pkeyopt\", \"digest:sha256\"]"
        );
        let folder = folder(key, &program, "input = \"binary\"\nparallel = true");
        for name in ["b.cab", "c.cab", "d.cab"] {
            folder.write(name, small_cabinet());
        }
        let run = sign(&folder, &["--in-place", "b.cab", "c.cab", "d.cab"]);
        run.ended(0);
        for name in ["b.cab", "c.cab", "d.cab"] {
            verifies(&folder, name);
        }
    }
}

#[test]
fn a_program_that_does_not_sign_is_named_with_its_words() {
    let cases = [
        (
            "echo 'the vault is closed' >&2; exit 4",
            "exit status: 4; it said: the vault is closed",
        ),
        (
            "echo nonsense",
            "its answer of 9 bytes is no signature of RSA-2048",
        ),
        (
            "exit 0",
            "its answer of 0 bytes is no signature of RSA-2048",
        ),
        (
            "exec head -c 100000 /dev/zero",
            "wrote more than 16384 bytes and was killed",
        ),
        (
            "exec head -c 256 /dev/zero",
            "made a signature that does not match the certificate",
        ),
    ];
    let folder = folder("oem", "[\"no-such-program\"]", "");
    let run = sign(&folder, &["--out", "b.cab", "a.cab"]);
    run.ended(2).complained("no-such-program cannot be started");
    for (text, expected) in cases {
        let program = script(&folder, text);
        profile(&folder, "oem", &program, "");
        let run = sign(&folder, &["--out", "b.cab", "a.cab"]);
        run.ended(2).complained(expected);
        assert!(!folder.path("b.cab").exists());
    }
}

#[test]
fn a_program_that_hangs_is_killed() {
    let folder = folder("oem", "[\"sleep\", \"60\"]", "timeout = 1");
    let start = Instant::now();
    let run = sign(&folder, &["--out", "b.cab", "a.cab"]);
    run.ended(2)
        .complained("did not end within 1 s and was killed");
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn one_program_runs_at_a_time_unless_told_otherwise() {
    let alone = "mkdir busy || exit 7\nsleep 0.05\nrmdir busy\nexit 5\n";
    let folder = Folder::new();
    let program = script(&folder, alone);
    profile(&folder, "oem", &program, "");
    let names = ["1.cab", "2.cab", "3.cab", "4.cab", "5.cab", "6.cab"];
    for name in names {
        folder.write(name, small_cabinet());
    }
    let run = sign(&folder, &[&["--in-place"], &names[..]].concat());
    assert_eq!(
        run.stderr.matches("exit status: 5").count(),
        names.len(),
        "{}",
        run.stderr
    );
}

#[test]
fn another_keys_signature_is_not_used() {
    let folder = Folder::new();
    folder.write("a.cab", small_cabinet());
    let program = script(&folder, &openssl_script("app")).replace("\"sh\"", "\"bash\"");
    profile(&folder, "oem", &program, "");
    let run = sign(&folder, &["--out", "b.cab", "a.cab"]);
    run.ended(2)
        .complained("made a signature that does not match");
    assert!(!folder.path("b.cab").exists());
}

#[test]
fn the_table_is_checked() {
    let folder = folder("oem", "[]", "");
    let refusal = |folder: &Folder| {
        let run = sign(folder, &["--out", "b.cab", "a.cab"]);
        assert_eq!(run.code, Some(2));
        run.stderr
    };
    assert!(refusal(&folder).contains("names no program"));
    for lines in ["timeout = 0", "input = \"octal\"", "shell = true"] {
        profile(&folder, "oem", "[\"true\"]", lines);
        let message = refusal(&folder);
        assert!(message.contains("proofmark.toml"), "{message}");
    }
}
