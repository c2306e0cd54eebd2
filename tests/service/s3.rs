//! Files that wait in a bucket of moto's, which two nodes share. Amazon itself was never asked.

use std::path::Path;
use std::process::Command;

use super::backup::{SIGN, entry, token};
use super::postgres::Postgres;
use super::server::{Answer, Server};
use crate::loopback::closed_port;
use crate::moto::Moto;
use crate::support::{command, folder, proofmark};

/// The program with made-up credentials.
fn with_credentials(folder: &Path) -> Command {
    let mut command = command(folder);
    command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    command.env("AWS_SECRET_ACCESS_KEY", "not a secret");
    command
}

/// The size of a file that waits, as moto lists it.
fn kept(moto: &Moto, id: &str) -> Option<usize> {
    let prefix = format!("waiting/here/{id}");
    let url = format!("{}/proofmark?list-type=2&prefix={prefix}", moto.url());
    let listed = ureq::get(url).call().unwrap();
    let listed = listed.into_body().read_to_string().unwrap();
    assert!(listed.contains("<ListBucketResult"), "{listed}");
    let (_, found) = listed.split_once(&format!("<Key>{prefix}</Key>"))?;
    let (_, size) = found.split_once("<Size>").unwrap();
    size.split_once('<').unwrap().0.parse().ok()
}

fn configure(folder: &Path, database: &str, key: &Path, endpoint: &str, bucket: &str) {
    let config = format!(
        "[profile.asked]\nkind = 'test'\npfx = '{pfx}'\n[service]\ndatabase = '{database}'\n[service.log]\nkey = '{key}'\n\
         [service.s3]\nbucket = '{bucket}'\nprefix = 'waiting/here'\nregion = 'us-east-1'\nendpoint = '{endpoint}'\n\
         [service.profile.test]\ngate = 'test'\n[service.profile.asked]\ngate = 'test'\napprovals = 1\n",
        pfx = crate::support::testcert("oem.pfx").display(),
        key = key.display(),
    );
    std::fs::write(folder.join("proofmark.toml"), config).unwrap();
}

fn post(server: &Server, path: &str, token: &str, body: &[u8]) -> Answer {
    server.post_with(path, body, &[("authorization", token)])
}

#[test]
fn two_nodes_share_a_bucket() {
    let (Some(moto), Some(postgres)) = (Moto::start(), Postgres::start()) else {
        return;
    };
    ureq::put(format!("{}/proofmark", moto.url()))
        .send_empty()
        .unwrap();
    let (first, second) = (folder(), folder());
    let path = first.path();
    let database = postgres.database("bucket");
    for folder in [&first, &second] {
        let key = path.join("shared.key");
        configure(folder.path(), &database, &key, &moto.url(), "proofmark");
    }
    let ann = token(path, "ann", "--role sign");
    let ben = token(path, "ben", "--role approve");
    let start = |folder: &Path| Server::start_by(with_credentials(folder), folder);
    let (one, two) = (start(first.path()), start(second.path()));

    // Larger than one part of an upload, and small.
    std::fs::create_dir(path.join("large")).unwrap();
    let noise = (0..5_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes());
    std::fs::write(path.join("large/noise.bin"), noise.collect::<Vec<u8>>()).unwrap();
    proofmark(path, "package pack --stored --out large.cab large").ended(0);
    for name in ["large.cab", "plain.cab"] {
        let input = std::fs::read(path.join(name)).unwrap();
        let ask = format!("/v1/requests?profile=asked&name={name}&reason=release");
        let request = post(&one, &ask, &ann, &input).is(201).json();
        let id = request["id"].as_str().unwrap();
        assert_eq!(kept(&moto, id), Some(input.len()));
        post(&two, &format!("/v1/requests/{id}/approve"), &ben, b"{}").is(200);
        let result = format!("/v1/requests/{id}/result");
        let fetch = || one.get_with(&result, &[("authorization", &ann)]);
        let mut answer = fetch();
        for _ in 0..600 {
            if answer.status == 200 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            answer = fetch();
        }
        std::fs::write(path.join("answer.cab"), answer.is(200).body).unwrap();
        proofmark(
            path,
            &format!("sign --profile asked --out signed.cab {name}"),
        )
        .ended(0);
        let read = |name: &str| std::fs::read(path.join(name)).unwrap();
        assert!(read("answer.cab") == read("signed.cab"), "{name}");
        std::fs::remove_file(path.join("signed.cab")).unwrap();
    }
    // What was taken back is thrown away.
    let input = std::fs::read(path.join("plain.cab")).unwrap();
    let ask = "/v1/requests?profile=asked&name=plain.cab&reason=release";
    let request = post(&two, ask, &ann, &input).is(201).json();
    let id = request["id"].as_str().unwrap();
    assert_eq!(kept(&moto, id), Some(input.len()));
    post(&one, &format!("/v1/requests/{id}/cancel"), &ann, b"{}").is(200);
    assert_eq!(kept(&moto, id), None);
    // While the bucket is gone nothing can wait; what needs no waiting goes on.
    drop(moto);
    post(&one, ask, &ann, &input).problem(503, "unavailable");
    assert!(entry(&post(&one, SIGN, &ann, &input).is(200)) > 0);
}

#[test]
fn a_bucket_that_cannot_be_used_is_named_at_the_start() {
    let (Some(moto), Some(postgres)) = (Moto::start(), Postgres::start()) else {
        return;
    };
    let folder = folder();
    let path = folder.path();
    let database = postgres.database("nobucket");
    let refused = |endpoint: &str| {
        configure(
            path,
            &database,
            &path.join("log.key"),
            endpoint,
            "elsewhere",
        );
        let mut command = with_credentials(path);
        let run = command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .output()
            .unwrap();
        let told = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{told}");
        assert!(told.contains("error: bucket elsewhere: "), "{told}");
        assert!(!told.contains("not a secret"), "{told}");
    };
    refused(&moto.url());
    refused(&closed_port());
}
