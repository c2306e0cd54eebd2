//! The pages: in a browser, and in the hands of those who forge what a browser sends.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};

use super::server::Server;
use crate::support::{folder, oracle, proofmark, repository};

/// A service with a profile that one other person has to agree to, and a profile that has nothing to do with it.
fn configured() -> (tempfile::TempDir, Server) {
    let folder = folder();
    let config = "[service.profile.test]\ngate = 'test'\napprovals = 1\n\
                  [profile.other]\nkind = 'test'\npfx = 'other.pfx'\n[service.profile.other]\ngate = 'test'\n";
    std::fs::write(folder.path().join("proofmark.toml"), config).unwrap();
    std::fs::copy(
        repository().join("testcerts/oem.pfx"),
        folder.path().join("other.pfx"),
    )
    .unwrap();
    let server = Server::start(folder.path());
    (folder, server)
}

fn token(folder: &Path, name: &str, roles: &str, profile: &str) -> String {
    let line = format!("token create {roles} --profile {profile} {name}");
    proofmark(folder, &line).ended(0).stdout.trim().to_owned()
}

/// A request of somebody, waiting.
fn request(folder: &Path, server: &Server, token: &str) -> String {
    request_of(folder, server, token, "plain.cab")
}

fn request_of(folder: &Path, server: &Server, token: &str, name: &str) -> String {
    let input = std::fs::read(folder.join(name)).unwrap();
    let path = &format!("/v1/requests?profile=test&name={name}&reason=release%20%3Cb%3E7");
    let bearer = format!("Bearer {token}");
    let made = server.post_with(path, &input, &[("authorization", &bearer)]);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// `w.cab`, with a driver in it whose certificate has expired: a warning, which does not keep it from being signed.
fn package_with_a_finding(folder: &Path) {
    std::fs::create_dir(folder.join("w")).unwrap();
    let image = crate::image_builder::RawImage::new(true).bytes();
    std::fs::write(folder.join("w/driver.sys"), image).unwrap();
    let expired = repository()
        .join("testcerts/expired.pfx")
        .display()
        .to_string();
    for line in [
        &format!("sign --profile test --pfx {expired} --allow-expired --in-place w/driver.sys"),
        "package pack --out w.cab w",
    ] {
        proofmark(folder, line).ended(0);
    }
}

/// A browser that follows nothing and sends what it is told to.
struct Visitor<'a> {
    server: &'a Server,
    cookie: String,
}

impl<'a> Visitor<'a> {
    fn new(server: &'a Server) -> Self {
        Self {
            server,
            cookie: String::new(),
        }
    }

    /// Somebody who has signed in.
    fn with(server: &'a Server, token: &str) -> Self {
        let mut visitor = Self::new(server);
        let answer = visitor.post("/page/login", &format!("token={token}"), &server.url);
        assert_eq!((answer.0, answer.1.as_str()), (303, "/page"));
        let cookie = answer.2.split_once(';').unwrap();
        assert_eq!(cookie.1, " Path=/; HttpOnly; SameSite=Strict");
        visitor.cookie = cookie.0.to_owned();
        visitor
    }

    fn agent() -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false);
        config.build().into()
    }

    /// Status, body and security policy.
    fn get(&self, path: &str) -> (u16, String, String) {
        let request =
            Request::get(format!("{}{path}", self.server.url)).header("cookie", &self.cookie);
        let mut response = Self::agent().run(request.body(()).unwrap()).unwrap();
        let policy = header(&response, "content-security-policy");
        (
            response.status().as_u16(),
            response.body_mut().read_to_string().unwrap(),
            policy,
        )
    }

    /// Status, where to, and the cookie; of a form on a page of `origin`.
    fn post(&self, path: &str, form: &str, origin: &str) -> (u16, String, String) {
        let request = Request::post(format!("{}{path}", self.server.url))
            .header("cookie", &self.cookie)
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded");
        let response = Self::agent()
            .run(request.body(form.as_bytes()).unwrap())
            .unwrap();
        let status = response.status().as_u16();
        (
            status,
            header(&response, "location"),
            header(&response, "set-cookie"),
        )
    }

    /// The secret of the forms of a page.
    fn csrf(&self, path: &str) -> String {
        let (_, page, _) = self.get(path);
        let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

fn header(response: &Response<ureq::Body>, name: &str) -> String {
    let value = response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

#[test]
fn forged_and_repeated_forms_do_nothing() {
    let (folder, server) = configured();
    let ann = token(folder.path(), "ann", "--role sign --role approve", "test");
    let ben = token(folder.path(), "ben", "--role approve", "test");
    let id = request(folder.path(), &server, &ann);
    let path = format!("/page/requests/{id}");
    let visitor = Visitor::with(&server, &ben);
    let own = Visitor::with(&server, &ann);
    let sha256 = {
        let (_, page, _) = visitor.get(&path);
        let (_, rest) = page.split_once("name=\"sha256\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let form = |csrf: &str, sha256: &str| {
        format!("csrf={csrf}&sha256={sha256}&reason=fine&decision=approve")
    };
    let good = visitor.csrf(&path);
    // Without the secret, with that of another session, without a session.
    for csrf in ["", "00", "zz", &own.csrf("/page")] {
        let (status, ..) = visitor.post(&path, &form(csrf, &sha256), &server.url);
        assert_eq!(status, 403, "{csrf}");
    }
    let nobody = Visitor::new(&server);
    let (status, to, _) = nobody.post(&path, &form(&good, &sha256), &server.url);
    assert_eq!((status, to.as_str()), (303, "/page/login"));
    // About another file; by who asked.
    let (status, ..) = visitor.post(&path, &form(&good, "00"), &server.url);
    assert_eq!(status, 409);
    let (status, ..) = own.post(&path, &form(&own.csrf("/page"), &sha256), &server.url);
    assert_eq!(status, 409);
    assert!(visitor.get(&path).1.contains(">pending<"));
    let (status, to, _) = visitor.post(&path, &form(&good, &sha256), &server.url);
    assert_eq!((status, to), (303, path.clone()));
    // The same again.
    let (status, ..) = visitor.post(&path, &form(&good, &sha256), &server.url);
    assert_eq!(status, 409);
    // Another site signs nobody in.
    for origin in ["https://evil.example", "null", ""] {
        let (status, _, cookie) = nobody.post("/page/login", &format!("token={ben}"), origin);
        assert_eq!((status, cookie.as_str()), (403, ""), "{origin}");
    }
    let (status, _, cookie) = nobody.post("/page/login", "token=pmk_x", &server.url);
    assert_eq!((status, cookie.as_str()), (401, ""));
    // Signed out, the cookie is worth nothing; nor with a revoked token.
    visitor.post("/page/logout", &format!("csrf={good}"), &server.url);
    assert_eq!(visitor.get("/page").0, 303);
    let listed = proofmark(folder.path(), "token list").ended(0).stdout;
    let line = listed.lines().find(|line| line.contains("ann")).unwrap();
    let ann = line.split_whitespace().next().unwrap();
    assert_eq!(own.get("/page").0, 200);
    proofmark(folder.path(), &format!("token revoke {ann}")).ended(0);
    assert_eq!(own.get("/page").0, 303);
}

#[test]
fn nobody_sees_what_belongs_to_others() {
    let (folder, server) = configured();
    let ann = token(folder.path(), "ann", "--role sign", "test");
    let id = request(folder.path(), &server, &ann);
    let other = token(
        folder.path(),
        "other",
        "--role approve --role audit",
        "other",
    );
    let visitor = Visitor::with(&server, &other);
    assert_eq!(visitor.get(&format!("/page/requests/{id}")).0, 404);
    assert!(!visitor.get("/page/requests").1.contains("plain.cab"));
    assert!(!visitor.get("/page").1.contains("plain.cab"));
    assert!(!visitor.get("/page/profiles").1.contains(">test<"));
    // The first two are about the policy and the key of their own profile.
    for entry in 2..8 {
        for path in ["", "/entry", "/proof"] {
            assert_eq!(visitor.get(&format!("/page/log/{entry}{path}")).0, 404);
        }
        let bearer = format!("Bearer {other}");
        let of_entry = server.get_with(
            &format!("/log/entry/{entry}"),
            &[("authorization", &bearer)],
        );
        assert_eq!(of_entry.status, 404);
    }
    let bearer = format!("Bearer {other}");
    let entries = server.get_with("/log/tile/entries/000.p/3", &[("authorization", &bearer)]);
    assert_eq!(entries.status, 404);
    assert_eq!(
        server.get_with("/log/tile/entries/000.p/3", &[]).status,
        401
    );
    // Hashes are for everybody.
    assert_eq!(server.get_with("/log/tile/0/000.p/3", &[]).body.len(), 96);
    let (status, page, policy) = visitor.get("/page");
    assert_eq!(status, 200);
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"));
    assert!(!policy.contains("unsafe"));
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"));
}

#[test]
fn a_request_shows_what_was_found_and_where() {
    let (folder, server) = configured();
    package_with_a_finding(folder.path());
    let ann = token(folder.path(), "ann", "--role sign", "test");
    let id = request_of(folder.path(), &server, &ann, "w.cab");
    let visitor = Visitor::with(&server, &ann);
    let (_, page, _) = visitor.get(&format!("/page/requests/{id}"));
    let found = "<code>cert-expired</code></p>";
    let place = "<code>w.cab</code> (driver.sys: signature[0].validity)";
    assert!(page.contains(found) && page.contains(place), "{page}");
}

#[test]
fn the_pages_are_seen_right_in_a_browser() {
    let is_there = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
    if !is_there("chromium") || !is_there("node") {
        println!("skipped: chromium or node is not there");
        return;
    }
    for (width, scheme) in [(1100, "light"), (360, "dark")] {
        let (folder, server) = configured();
        let ann = token(folder.path(), "ann", "--role sign", "test");
        let ben = token(folder.path(), "ben", "--role approve --role audit", "*");
        package_with_a_finding(folder.path());
        let id = request_of(folder.path(), &server, &ann, "w.cab");
        let script = repository().join("tests/page/walk.mjs");
        let pictures = std::env::var("PROOFMARK_PICTURES");
        let pictures = pictures.unwrap_or_else(|_| folder.path().display().to_string());
        let line = format!(
            "node {} {} {ben} {id} profile {pictures} {width} {scheme}",
            script.display(),
            server.url
        );
        let run = oracle(folder.path(), &line).unwrap().ended(0);
        let seen: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(seen["cookie"], "", "scripts do not see the cookie");
        assert_eq!(seen["skip"], "Skip to the content");
        assert_ne!(seen["outline"], "none");
        assert_eq!(seen["button"], "Approve");
        assert_eq!(seen["after"], "Sign in - proofmark");
        for name in [
            "login",
            "wrong",
            "decisions",
            "profiles",
            "log",
            "requests",
            "entry",
            "request",
            "decided",
            "out",
        ] {
            let page = &seen[name];
            assert_eq!(page["main"], 1, "{name}: {page}");
            assert_eq!(page["headings"], 1, "{name}");
            assert_eq!(page["language"], "en", "{name}");
            assert_eq!(page["unlabelled"], 0, "{name}");
            assert_eq!(page["nameless"], 0, "{name}");
            assert_eq!(page["columns"], true, "{name}");
            assert_eq!(page["scripts"], 0, "{name}");
            assert!(page["width"].as_u64().unwrap() <= width, "{name}: {page}");
            let is_dark = page["background"] == "rgb(16, 19, 23)";
            assert_eq!(is_dark, scheme == "dark", "{name}: {page}");
        }
        let says = |name: &str, text: &str| {
            let page = seen[name]["text"].as_str().unwrap();
            assert!(page.contains(text), "{name}: {text} is not in\n{page}");
        };
        says("wrong", "This token is not known");
        says("decisions", "requested");
        says("profiles", "the policy of test images");
        says("log", "Public key");
        says("entry", "c2sp.org/tlog-proof@v1");
        says("requests", "release <b>7");
        says("request", "What the linter says");
        says("request", "w.cab (driver.sys: signature[0].validity)");
        says("decided", "looked at <b>it</b>");
        assert_eq!(seen["requests"]["current"], "Requests");
        let complaints = seen["complaints"].as_array().unwrap();
        // The wrong token is answered with 401, which the browser mentions.
        assert!(
            complaints
                .iter()
                .all(|line| line.as_str().unwrap().contains("401")),
            "{complaints:?}"
        );
    }
}
