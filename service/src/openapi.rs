//! `GET /openapi.json`: what programs may ask, as OpenAPI 3.1 describes it. It tells nothing that the documentation does
//! not, so it is for everybody: whoever writes a client has no token yet.

use axum::http::header;
use axum::response::IntoResponse;

/// The description. The tests hold it against the routes and the problems that there are.
const TEXT: &str = include_str!("openapi.json");

pub(crate) async fn openapi() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, TEXT)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;
    use crate::problem::Slug;
    use crate::router;

    fn document() -> Value {
        serde_json::from_str(TEXT).unwrap()
    }

    #[test]
    fn every_route_for_programs_is_described_and_nothing_else() {
        let document = document();
        let described = document["paths"].as_object().unwrap().keys();
        let described: BTreeSet<String> = described.cloned().collect();
        let there = router::for_programs().into_iter();
        let there: BTreeSet<String> = there.map(|(path, _)| path.replace("{*", "{")).collect();
        assert_eq!(described, there);
    }

    #[test]
    fn the_problems_are_those_that_there_are() {
        let document = document();
        let types = &document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"];
        let names: Vec<String> = Slug::ALL
            .iter()
            .map(|slug| format!("urn:proofmark:{}", slug.name()))
            .collect();
        assert_eq!(*types, serde_json::json!(names));
        // A status that is described has the problems of that status.
        let responses = document["components"]["responses"].as_object().unwrap();
        let statuses: BTreeSet<u64> = responses
            .values()
            .map(|response| {
                let example = &response["content"]["application/problem+json"]["example"];
                let name = example["type"].as_str().unwrap();
                let slug = Slug::ALL
                    .iter()
                    .find(|slug| format!("urn:proofmark:{}", slug.name()) == name);
                assert_eq!(
                    u64::from(slug.unwrap().status().as_u16()),
                    example["status"].as_u64().unwrap()
                );
                example["status"].as_u64().unwrap()
            })
            .collect();
        let there: BTreeSet<u64> = Slug::ALL
            .iter()
            .map(|slug| slug.status().as_u16().into())
            .collect();
        // 405 is for methods that are not described.
        let there: BTreeSet<u64> = there.into_iter().filter(|status| *status != 405).collect();
        assert_eq!(statuses, there);
    }

    #[test]
    fn everything_that_is_referred_to_is_there_and_used() {
        let document = document();
        let mut used = BTreeSet::new();
        let mut waiting = vec![&document];
        while let Some(value) = waiting.pop() {
            match value {
                Value::Array(items) => waiting.extend(items),
                Value::Object(members) => {
                    waiting.extend(members.values());
                    if let Some(Value::String(place)) = members.get("$ref") {
                        let pointer = place.strip_prefix('#').unwrap();
                        assert!(document.pointer(pointer).is_some(), "{place}");
                        used.insert(pointer.to_owned());
                    }
                }
                _ => {}
            }
        }
        for kind in ["parameters", "headers", "responses", "schemas"] {
            for name in document["components"][kind].as_object().unwrap().keys() {
                assert!(
                    used.contains(&format!("/components/{kind}/{name}")),
                    "{kind} {name}"
                );
            }
        }
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    }
}
