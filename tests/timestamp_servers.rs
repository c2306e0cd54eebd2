//! Servers that misbehave: what is said of them, who is asked next, and that no file changes.

use std::time::{Duration, Instant};

use serde_json::Value;
use signer::digest::DigestAlgorithm;
use signer::timestamp::{Protocol, Request};

use crate::authority::Lie;
use crate::loopback::{Answer, Server, closed_port, token};
use crate::timestamp::{
    assert_holds_in_2050, authority, folder, openssl_authority, openssl_server, root, sign,
    small_cabinet,
};

/// Tries that a failure which may pass is worth.
const TRIES: usize = 3;

/// A server with our own authority, which may lie.
fn lying_server(name: &str, lie: Lie) -> Server {
    let authority = authority(name, lie);
    Server::new(move |asked| token(authority.answer(&asked.body)))
}

/// Signs in place by one server, which may take `seconds`; the file must stay as it was. Returns what is said of the
/// server.
fn refusal(server: &Server, seconds: u32) -> String {
    let (folder, root, url) = (folder(), root(), &server.url);
    let before = folder.read("plain.cab");
    let files = || std::fs::read_dir(folder.path("")).unwrap().count();
    let count = files();
    let run = folder
        .proofmark(&format!(
            "sign --profile test {root} --timestamp-timeout {seconds} --timestamp {url} --in-place plain.cab"
        ))
        .ended(2);
    assert_eq!(folder.read("plain.cab"), before);
    assert_eq!(files(), count, "a temporary file was left behind");
    let named = format!("error: plain.cab: no server gave a time stamp\n  {url} (RFC 3161) ");
    match run.stderr.strip_prefix(&named) {
        Some(said) => said.trim_end().to_owned(),
        None => panic!("{}", run.stderr),
    }
}

#[test]
fn servers_that_do_not_answer_are_tried_again_and_named() {
    let no_answer = "gave no complete answer within 1 s";
    let error = || Answer::Reply("500 Oh", "text/plain", b"no disk left".to_vec());
    for (server, seconds, expected) in [
        (Server::new(|_| Answer::Silence), 1, no_answer),
        (Server::new(|_| Answer::Drip), 1, no_answer),
        (
            Server::new(|_| Answer::Nothing),
            60,
            "broke the connection: ",
        ),
        (Server::new(|_| Answer::Half), 60, "broke the connection: "),
        (
            Server::new(move |_| error()),
            60,
            "answers with HTTP status 500 and text 'no disk left'",
        ),
    ] {
        let said = refusal(&server, seconds);
        assert!(
            said.starts_with(expected) && said.ends_with(" (3 times)"),
            "{said}"
        );
        assert_eq!(server.asked(), TRIES, "{said}");
    }
    sign(&folder(), &format!("--timestamp {}", closed_port()))
        .ended(2)
        .complained("refuses connections (3 times)");
}

#[test]
fn servers_that_answer_wrongly_are_named_and_not_asked_again() {
    let page = b"<html><title>Log in</title>".to_vec();
    let unsound = |rest: &str| format!("sent a time stamp that does not hold: {rest}");
    for (server, expected) in [
        (
            Server::new(|_| Answer::Endless),
            "sent more than 1048576 bytes".to_owned(),
        ),
        (
            Server::new(|_| Answer::Noise),
            "cannot be asked: ".to_owned(),
        ),
        (
            Server::new(move |_| Answer::Reply("200 OK", "text/html", page.clone())),
            "sent an HTML page 'Log in', labelled text/html".to_owned(),
        ),
        (
            lying_server("tsa", Lie::Refusal),
            "refused: rejection 'we are closed', badRequest".to_owned(),
        ),
        (
            lying_server("tsa", Lie::Nonce),
            unsound("its nonce is 3039, "),
        ),
        (
            lying_server("tsa", Lie::Imprint),
            unsound("its imprint is of another signature"),
        ),
        (
            lying_server("tsa", Lie::ShortImprint),
            unsound("its imprint has 4 bytes, SHA-256 has 32"),
        ),
        (
            lying_server("oem", Lie::Nothing),
            unsound(
                "Proofmark OEM Test Cert (TEST ONLY) may not sign time stamps: extendedKeyUsage lacks",
            ),
        ),
    ] {
        let said = refusal(&server, 60);
        assert!(said.starts_with(&expected), "{said}");
        assert_eq!(server.asked(), 1, "{said}");
    }
}

#[test]
fn a_server_of_the_other_protocol_is_recognised_and_its_option_named() {
    let (folder, openssl) = (folder(), openssl_server());
    let url = &openssl.url;
    sign(&folder, &format!("--timestamp-legacy {url}"))
        .ended(2)
        .complained(&format!(
            "{url} (legacy) answers in the other protocol (RFC 3161)"
        ))
        .complained(&format!("hint: {url} belongs behind --timestamp\n"));
    // A legacy server that reads whatever comes as the signature to be stamped.
    let legacy = Server::new(|_| {
        let authority = authority("tsa", Lie::Nothing);
        let request = Request::new(
            Protocol::Legacy,
            DigestAlgorithm::Sha256,
            b"whatever",
            [0; 8],
        );
        let body = authority.countersign(&request.body());
        Answer::Reply("200 OK", "text/plain", body)
    });
    let url = &legacy.url;
    sign(&folder, &format!("--timestamp {url}"))
        .ended(2)
        .complained(&format!(
            "{url} (RFC 3161) answers in the other protocol (legacy)"
        ))
        .complained(&format!("hint: {url} belongs behind --timestamp-legacy\n"));
}

#[test]
fn the_next_server_takes_over_for_the_whole_batch() {
    let folder = folder();
    let bad = Server::new(|_| Answer::Reply("404 Not Found", "text/html", Vec::new()));
    let good = openssl_server();
    let files: Vec<String> = (0..96).map(|index| format!("{index}.cab")).collect();
    for file in &files {
        folder.write(file, small_cabinet());
    }
    let run = folder
        .proofmark(&format!(
            "sign --profile test {} --timestamp {} --timestamp {} --format json --in-place {}",
            root(),
            bad.url,
            good.url,
            files.join(" ")
        ))
        .ended(0);
    let records: Value = serde_json::from_str(&run.stdout).unwrap();
    for record in records.as_array().unwrap() {
        let stamp = &record["timestamp"];
        assert_eq!(stamp["server"], good.url.as_str(), "{record:#}");
        assert_eq!(stamp["protocol"], "RFC 3161");
        assert_eq!(
            stamp["authority"],
            "Proofmark Timestamp Authority (TEST ONLY)"
        );
    }
    assert_eq!(good.asked(), 96);
    // Threads that began together, at most 64, may each have met the bad server; nobody went back to it.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let asked = bad.asked();
    assert!((1..=(cores * 8).min(64)).contains(&asked), "{asked}");
    let note = format!(
        "note: {} (RFC 3161) answers with HTTP status 404 and an empty body",
        bad.url
    );
    assert_eq!(run.stderr.matches(&note).count(), 1, "{}", run.stderr);
}

#[test]
fn a_slow_server_costs_its_time_out_and_no_more() {
    let (folder, slow) = (folder(), Server::new(|_| Answer::Silence));
    let good = lying_server("tsa", Lie::Nothing);
    let start = Instant::now();
    sign(
        &folder,
        &format!(
            "--timestamp-timeout 3 --timestamp {} --timestamp {}",
            slow.url, good.url
        ),
    )
    .ended(0);
    let took = start.elapsed();
    let expected = Duration::from_secs(3)..Duration::from_secs(60);
    assert!(expected.contains(&took), "{took:?}");
    assert_eq!(slow.asked(), 1);
}

#[test]
fn an_unknown_authority_is_refused_by_name_until_it_is_named() {
    let (folder, server) = (folder(), openssl_server());
    folder
        .proofmark(&format!(
            "sign --profile test --timestamp {} --out stamped.cab plain.cab",
            server.url
        ))
        .ended(2)
        .complained("the chain ends at the unknown root Proofmark Timestamp Root")
        .complained("hint: --root FILE");
    assert!(!folder.path("stamped.cab").exists());
}

#[test]
fn redirects_are_followed_as_posts_a_few_times() {
    let folder = folder();
    let openssl = openssl_authority();
    let good = Server::new(move |asked| match asked.path.as_str() {
        "/moved" => {
            assert_eq!(asked.content_type, "application/timestamp-query");
            token(openssl.answer(&asked.body))
        }
        _ => Answer::Elsewhere("307 Temporary Redirect", "/moved".to_owned()),
    });
    let place = good.url.clone();
    let first = Server::new(move |_| Answer::Elsewhere("301 Moved", format!("{place}/first")));
    sign(&folder, &format!("--timestamp {}", first.url)).ended(0);
    assert_eq!((first.asked(), good.asked()), (1, 2));
    let circle = Server::new(|_| Answer::Elsewhere("302 Found", "/".to_owned()));
    sign(&folder, &format!("--timestamp {}", circle.url))
        .ended(2)
        .complained("redirects more than 3 times");
    assert_eq!(circle.asked(), 4);
    let file = Server::new(|_| Answer::Elsewhere("302 Found", "file:///etc/passwd".to_owned()));
    sign(&folder, &format!("--timestamp {}", file.url))
        .ended(2)
        .complained("redirects to 'file:///etc/passwd', which is not followed");
}

/// A server behind TLS is judged by the roots of the system, which here are a file.
#[test]
fn servers_behind_tls_must_be_known_to_the_system() {
    let mut folder = folder();
    folder.openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=loopback \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
         -keyout server.key -out server.pem",
    );
    let openssl = openssl_authority();
    let server = Server::with_tls(&folder.path(""), move |asked| {
        token(openssl.answer(&asked.body))
    });
    let options = format!("--timestamp {}", server.url);
    sign(&folder, &options)
        .ended(2)
        .complained("cannot be reached by TLS: ");
    let roots = folder.path("server.pem").display().to_string();
    folder.set("SSL_CERT_FILE", roots);
    sign(&folder, &options).ended(0);
    assert_holds_in_2050(&folder, "stamped.cab", "RFC 3161");
    sign(&folder, &options.replace("https", "http")).ended(2);
}
