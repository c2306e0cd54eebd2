//! Time stamps over real connections: `openssl ts` and an authority of ours behind a server on this machine, and
//! other people's programs on both ends.

use formats::{der, oid};
use serde_json::Value;
use signer::identity::Identity;
use time::OffsetDateTime;

use crate::authority::{Authority, Lie, OpensslAuthority};
use crate::folder::{Folder, Run, testcert};
use crate::loopback::{Answer, Server, closed_port, token};

/// A folder with `plain.cab`, `plain.cat`, and `signed.cab`, which has no time stamp.
pub(crate) fn folder() -> Folder {
    let mut folder = Folder::new();
    // Whatever proxy this machine uses does not know this machine.
    folder.set("NO_PROXY", "127.0.0.1");
    folder.write("plain.cab", small_cabinet());
    folder.write("plain.cat", small_catalog());
    folder
        .proofmark("sign --profile test --out signed.cab plain.cab")
        .ended(0);
    folder
}

/// `--root` with the root of the test authority.
pub(crate) fn root() -> String {
    format!("--root {}", testcert("tsa-root.cer").display())
}

pub(crate) fn openssl_authority() -> OpensslAuthority {
    OpensslAuthority::new(&testcert(""), &["tsa-root.cer"])
}

pub(crate) fn openssl_server() -> Server {
    let openssl = openssl_authority();
    Server::new(move |asked| token(openssl.answer(&asked.body)))
}

/// An authority with a test certificate's key.
pub(crate) fn authority(name: &str, lie: Lie) -> Authority {
    let pfx = std::fs::read(testcert(&format!("{name}.pfx"))).unwrap();
    Authority {
        identity: Identity::from_pfx(&pfx, "").unwrap(),
        time: OffsetDateTime::now_utc(),
        lie,
        chain: vec![std::fs::read(testcert("tsa-root.cer")).unwrap()],
    }
}

fn legacy_server() -> Server {
    let authority = authority("tsa", Lie::Nothing);
    Server::new(move |asked| {
        assert_eq!(asked.content_type, "application/octet-stream");
        let body = authority.countersign(&asked.body);
        Answer::Reply("200 OK", "application/octet-stream", body)
    })
}

/// A server of each protocol, with its option and the name that reports use.
fn both() -> [(Server, &'static str, &'static str); 2] {
    [
        (openssl_server(), "--timestamp", "RFC 3161"),
        (legacy_server(), "--timestamp-legacy", "legacy"),
    ]
}

/// Signs `plain.cab` as `stamped.cab`.
pub(crate) fn sign(folder: &Folder, options: &str) -> Run {
    let root = root();
    folder.proofmark(&format!(
        "sign --profile test {root} {options} --out stamped.cab plain.cab"
    ))
}

/// Every certificate has expired by 2050.
pub(crate) fn assert_holds_in_2050(folder: &Folder, file: &str, protocol: &str) {
    let root = root();
    let run = folder.proofmark(&format!(
        "verify {root} --at 2050-01-01 --format json {file}"
    ));
    let records: Value = serde_json::from_str(&run.ended(0).stdout).unwrap();
    let stamp = &records[0]["signatures"][0]["timestamp"];
    assert_eq!(stamp["protocol"], protocol, "{records:#}");
}

/// Now and in 2050.
fn assert_osslsigncode_accepts(folder: &Folder, file: &str) {
    for name in ["root", "tsa-root"] {
        let cer = testcert(&format!("{name}.cer"));
        folder.openssl(&format!(
            "x509 -inform DER -in {} -out {name}.pem",
            cer.display()
        ));
    }
    for time in ["", "-time 2524608000"] {
        let roots = "-CAfile root.pem -TSA-CAfile tsa-root.pem";
        let line = format!("verify {roots} {time} -ignore-crl -in {file}");
        let Some(run) = folder.osslsigncode(&line) else {
            return;
        };
        for verdict in [
            "\nTimestamp Server Signature verification: ok",
            "\nSignature verification: ok",
        ] {
            assert!(run.stdout.contains(verdict), "{}", run.stdout);
        }
    }
}

#[test]
fn what_is_stamped_outlives_the_certificates_here_and_for_others() {
    for (server, option, protocol) in both() {
        // In a catalog the order of the sets counts: Windows refuses one whose certificates are not in DER order.
        for format in ["cab", "cat"] {
            let folder = folder();
            let (root, url) = (root(), &server.url);
            let run = folder
                .proofmark(&format!(
                    "sign --profile test {root} {option} {url} --out stamped.{format} plain.{format}"
                ))
                .ended(0);
            assert!(run.stdout.contains(&format!(" by {url}")), "{}", run.stdout);
            let file = format!("stamped.{format}");
            assert_holds_in_2050(&folder, &file, protocol);
            assert_osslsigncode_accepts(&folder, &file);
        }
    }
    folder()
        .proofmark("verify --at 2050-01-01 signed.cab")
        .ended(1);
}

#[test]
fn a_stamp_is_added_later_and_replaced_on_request() {
    let [(server, ..), (legacy, ..)] = both();
    let folder = folder();
    let root = root();
    let stamp = |line: &str| folder.proofmark(&format!("timestamp {root} {line}"));
    let run = stamp(&format!(
        "--timestamp {} --out later.cab signed.cab",
        server.url
    ))
    .ended(0);
    assert!(
        run.stdout
            .starts_with("stamped  later.cab (cabinet, stamped 20"),
        "{}",
        run.stdout
    );
    assert_holds_in_2050(&folder, "later.cab", "RFC 3161");
    assert_osslsigncode_accepts(&folder, "later.cab");
    let before = folder.read("later.cab");
    let again = format!("--timestamp-legacy {} --in-place later.cab", legacy.url);
    stamp(&again)
        .ended(2)
        .complained("the signature has a time stamp already (RFC 3161)")
        .complained("hint: --replace");
    assert_eq!(folder.read("later.cab"), before);
    assert_eq!(legacy.asked(), 0);
    stamp(&format!("--replace {again}")).ended(0);
    assert_holds_in_2050(&folder, "later.cab", "legacy");
    assert_osslsigncode_accepts(&folder, "later.cab");
    stamp(&format!("--timestamp {} --out x.cab plain.cab", server.url))
        .ended(2)
        .complained("plain.cab: the cabinet is not signed");
    assert!(!folder.path("x.cab").exists());
}

#[test]
fn what_osslsigncode_signed_is_stamped_later() {
    let folder = folder();
    let pfx = testcert("pfx/oem-password.pfx");
    let line = format!(
        "sign -pkcs12 {} -pass proofmark -h sha256 -in plain.cab -out foreign.cab",
        pfx.display()
    );
    if folder.osslsigncode(&line).is_none() {
        return;
    }
    for (server, option, protocol) in both() {
        let (root, url) = (root(), &server.url);
        folder
            .proofmark(&format!(
                "timestamp {root} {option} {url} --out later.cab foreign.cab"
            ))
            .ended(0);
        assert_holds_in_2050(&folder, "later.cab", protocol);
        assert_osslsigncode_accepts(&folder, "later.cab");
    }
}

#[test]
fn stamps_that_osslsigncode_fetched_are_accepted_here() {
    let folder = folder();
    let pfx = testcert("pfx/oem-password.pfx");
    for ((server, _, protocol), option) in both().into_iter().zip(["-ts", "-t"]) {
        let line = format!(
            "sign -pkcs12 {} -pass proofmark -h sha256 {option} {} -in plain.cab -out foreign{option}.cab",
            pfx.display(),
            server.url
        );
        if folder.osslsigncode(&line).is_none() {
            return;
        }
        assert_holds_in_2050(&folder, &format!("foreign{option}.cab"), protocol);
    }
}

#[test]
fn a_profile_names_servers_and_the_command_line_wins() {
    let [(server, ..), (legacy, ..)] = both();
    let folder = folder();
    folder.write(
        "proofmark.toml",
        format!(
            "[trust]\nroots = ['{}']\n\
             [profile.test]\ntimestamp = ['{}', '{}']\ntimestamp-legacy = ['{}']\n\
             [profile.old]\nkind = 'test'\ntimestamp-legacy = ['{}']\n",
            testcert("tsa-root.cer").display(),
            closed_port(),
            server.url,
            legacy.url,
            legacy.url
        ),
    );
    let asked = || (server.asked(), legacy.asked());
    let sign = "sign --profile test --out stamped.cab plain.cab";
    folder.proofmark(sign).ended(0);
    assert_eq!(asked(), (1, 0));
    folder
        .proofmark(&format!("{sign} --timestamp-legacy {}", legacy.url))
        .ended(0);
    assert_eq!(asked(), (1, 1));
    let later = "timestamp --out later.cab signed.cab";
    folder.proofmark(&format!("{later} --profile old")).ended(0);
    assert_eq!(asked(), (1, 2));
    folder
        .proofmark(later)
        .ended(2)
        .complained("no time-stamping server is named");
    folder
        .proofmark(&format!("{later} --timestamp timestamp.example.com"))
        .ended(2)
        .complained("'timestamp.example.com' is no address of a time-stamping server");
    assert_eq!(asked(), (1, 2));
}

/// A cabinet with one stored file, as the smallest input to sign.
pub(crate) fn small_cabinet() -> Vec<u8> {
    let data = b"one file\n";
    let name = b"a.txt\0";
    let files = 36 + 8;
    let blocks = files + 16 + name.len();
    let total = blocks + 8 + data.len();
    let mut bytes = b"MSCF\0\0\0\0".to_vec();
    bytes.extend((total as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend((files as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 3, 1, 1, 0, 1, 0, 0, 0, 0x34, 0x12, 0, 0]);
    bytes.extend((blocks as u32).to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend([0, 0, 0, 0, 0, 0, 0x21, 0x58, 0, 0, 0x20, 0]);
    bytes.extend(name);
    bytes.extend([0; 4]);
    bytes.extend([data.len() as u8, 0, data.len() as u8, 0]);
    bytes.extend(data);
    bytes
}

/// A version 2 catalog with one member, unsigned, in the shape that `makecat` gives it.
fn small_catalog() -> Vec<u8> {
    let member = der::sequence(&[&der::octet_string(&[0x5a; 32]), &der::set_of(vec![])]);
    let list = der::sequence(&[
        &der::sequence(&[&der::oid(oid::CATALOG_LIST)]),
        &der::octet_string(&[7; 16]),
        &der::tlv(der::UTC_TIME, b"260101000000Z"),
        &der::sequence(&[&der::oid(oid::CATALOG_LIST_MEMBER_V2), &der::null()]),
        &der::sequence(&[&member]),
    ]);
    let body = der::sequence(&[
        &der::integer(1),
        &der::set_of(vec![]),
        &der::sequence(&[&der::oid(oid::CTL), &der::tlv(der::context(0), &list)]),
        &der::set_of(vec![]),
    ]);
    der::sequence(&[
        &der::oid(oid::SIGNED_DATA),
        &der::tlv(der::context(0), &body),
    ])
}
