//! What an own rule returns, read into findings whose places are checked against the texts.

use formats::source::Span;
use serde::Deserialize;
use serde_json::Value;

use crate::diagnostic::{Level, Place};
use crate::facts::Facts;

/// More findings of one rule are an error: something is wrong with the rule.
const MOST: usize = 100_000;

/// One member of `findings`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Returned {
    message: String,
    /// A place of the facts, as it is there.
    place: Option<ReturnedPlace>,
    /// A JSON pointer into the facts, instead of a place: that of what it points at, or of what is around it.
    pointer: Option<String>,
    help: Option<String>,
    /// At most this, whatever the policies say.
    level: Option<Level>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReturnedPlace {
    file: String,
    #[serde(default)]
    route: String,
    /// Told for people; `start` and `end` decide.
    #[serde(default)]
    #[allow(dead_code, reason = "it is a field of the facts and may be given back")]
    line: Option<usize>,
    start: Option<usize>,
    end: Option<usize>,
}

/// A finding with a place that exists.
pub(super) struct Finding {
    pub(super) message: String,
    pub(super) place: Place,
    pub(super) help: Option<String>,
    pub(super) level: Option<Level>,
}

/// Reads the value of `findings`, in the order of the places.
pub(super) fn read(found: Value, view: &Value, facts: &Facts<'_>) -> Result<Vec<Finding>, String> {
    let Value::Array(found) = found else {
        return Err("`findings` is no set of objects".to_owned());
    };
    if found.len() > MOST {
        return Err(format!("it has more than {MOST} findings"));
    }
    let findings = found.into_iter().map(|one| {
        let returned: Returned =
            serde_json::from_value(one).map_err(|error| format!("a finding: {error}"))?;
        if returned.message.trim().is_empty() {
            return Err("a finding: the message is empty".to_owned());
        }
        let place = match (&returned.place, &returned.pointer) {
            (Some(place), None) => place.clone(),
            (None, Some(pointer)) => pointed_at(pointer, view)?,
            _ => return Err("a finding: expected either `place` or `pointer`".to_owned()),
        };
        Ok(Finding {
            message: returned.message,
            place: resolved(&place, facts)?,
            help: returned.help,
            level: returned.level,
        })
    });
    findings.collect()
}

/// The place of what a pointer points at, or of the nearest around it that has one.
fn pointed_at(pointer: &str, view: &Value) -> Result<ReturnedPlace, String> {
    if view.pointer(pointer).is_none() {
        return Err(format!("a finding: `{pointer}` points at nothing"));
    }
    let mut path = pointer;
    loop {
        let place = view.pointer(path).and_then(|value| value.get("place"));
        if let Some(place) = place {
            return serde_json::from_value(place.clone()).map_err(|error| error.to_string());
        }
        match path.rsplit_once('/') {
            Some((above, _)) => path = above,
            None => return Err(format!("a finding: nothing around `{pointer}` has a place")),
        }
    }
}

fn resolved(place: &ReturnedPlace, facts: &Facts<'_>) -> Result<Place, String> {
    let file = place.file.as_str();
    let Some((start, end)) = place.start.zip(place.end) else {
        return match file.is_empty() {
            true => Err("a finding: the place has no file".to_owned()),
            false => Ok(Place::binary(file, place.route.as_str())),
        };
    };
    let source = facts.index.source(file);
    let source = source.ok_or_else(|| format!("a finding: there is no text `{file}`"))?;
    if start > end || source.text().get(start..end).is_none() {
        return Err(format!("a finding: `{file}` has no bytes {start} to {end}"));
    }
    let span = Span { start, end };
    Ok(Place::text(source, span, place.route.as_str()))
}
