//! Archives that lead elsewhere, name one file twice, hold what is no file, or grow without end.

use super::super::server::Server;
use super::left;
use crate::support::{folder, oracle, repository};

#[test]
fn an_archive_is_unpacked_as_a_whole_or_refused_as_a_whole() {
    let folder = folder();
    let made = folder.path().join("made");
    std::fs::create_dir(&made).unwrap();
    let script = repository().join("tests/service/hostile/archives.py");
    let Some(run) = oracle(folder.path(), &format!("python3 {} made", script.display())) else {
        return;
    };
    run.ended(0);
    let server = Server::start(folder.path());
    let token = format!("Bearer {}", server.token.as_deref().unwrap());
    let mut seen = 0;
    let mut archives: Vec<_> = std::fs::read_dir(&made)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    archives.sort();
    for path in archives {
        let name = path.file_name().unwrap().to_str().unwrap();
        let kind = match path.extension().unwrap().to_str().unwrap() {
            "zip" => "application/zip",
            "tgz" => "application/gzip",
            _ => "application/x-tar",
        };
        let headers = [("authorization", token.as_str()), ("content-type", kind)];
        let answer = server.post_with("/v1/lint", &std::fs::read(&path).unwrap(), &headers);
        let what = name.split('-').next().unwrap().split('.').next().unwrap();
        if what == "good" {
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.json()["documents"], 2, "{name}: {}", answer.text());
            continue;
        }
        assert_eq!(answer.status, 422, "{name}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:proofmark:bad-archive", "{name}");
        let detail = problem["detail"].as_str().unwrap();
        let (said, others) = match what {
            "name" => ("this name is not accepted", "bytes about one member"),
            "twice" => ("is there twice", ""),
            "kind" => ("is neither a file nor a folder", ""),
            "malformed" => ("cannot be read", ""),
            "much" => ("has more than", ""),
            other => panic!("{other}"),
        };
        let is_said = detail.contains(said) || !others.is_empty() && detail.contains(others);
        assert!(is_said, "{name}: {detail}");
        assert!(
            detail.len() < 1000 && !detail.contains('\x1b'),
            "{name}: {detail:.80}"
        );
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
    assert_eq!(left(folder.path()), 0);
}
