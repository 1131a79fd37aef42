//! What the TOML parser says of a plan, in words for people: no names of our types, the nearest key, a remedy.

use crate::quarantine::escape;

/// A sentence, its remedy, and the valid key or value that is nearest to what was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) nearest: Option<String>,
}

/// An error of the parser at a key.
pub(super) fn of_parser(error: &toml::de::Error, key: Option<&str>) -> Said {
    let message = error.message().trim().replace('\n', " ");
    let message = plainly(&escape(&message, 800), None);
    if let Some((unknown, valid)) = quoted_after("unknown field ", &message) {
        let nearest = nearest(unknown, &valid);
        let section = key.and_then(|key| key.rsplit_once('.')).map_or_else(String::new, |(section, _)| format!(" in [{section}]"));
        let hint =
            nearest.map_or_else(|| "see docs/plan.schema.json".to_owned(), |nearest| format!("the nearest valid key is `{nearest}`"));
        let nearest = nearest.map(str::to_owned);
        return Said { message: format!("unknown key `{unknown}`{}", escape(&section, 200)), hint: Some(hint), nearest };
    }
    if let Some((unknown, valid)) = quoted_after("unknown variant ", &message) {
        let nearest = nearest(unknown, &valid).map(str::to_owned);
        let hint = nearest.as_ref().map(|nearest| format!("the nearest is `{nearest}`"));
        return Said { message: format!("unknown value `{unknown}`; allowed are {}", valid.join(", ")), hint, nearest };
    }
    Said { message, hint: None, nearest: None }
}

/// The dotted key that an error without places tells on its last lines.
pub(super) fn key_said(said: &str) -> Option<String> {
    let key = said.lines().rev().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'))?;
    Some(key.to_owned())
}

/// The parser's words without the names of our types; `at` is what it stopped at.
pub(super) fn plainly(message: &str, at: Option<&str>) -> String {
    if message.starts_with("data did not match any variant of untagged enum Near") {
        return "expected `false`, or a number above 0 and at most 1".to_owned();
    }
    if message.starts_with("data did not match any variant of untagged enum Lines") {
        return "expected `true`, `false`, or a table with `in_source` and `in_all` (numbers of documents)".to_owned();
    }
    if message.starts_with("data did not match any variant of untagged enum Texts") {
        return "expected the path of a field, or a list of them".to_owned();
    }
    if message == "duplicate key"
        && let Some(key) = at
    {
        return format!("the key `{}` stands twice", escape(key.trim(), 200));
    }
    let Some((found, expected)) = message.rsplit_once(", expected ") else { return message.trim().replace('\n', " ") };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a sequence" => "a list: [\u{2026}]",
        other if other.starts_with("struct ") => "a section with keys of its own",
        other => other,
    };
    format!("{found}, expected {expected}")
}

fn nearest<'a>(given: &str, valid: &[&'a str]) -> Option<&'a str> {
    valid.iter().copied().min_by_key(|candidate| strsim::damerau_levenshtein(candidate, given))
}

/// Takes serde's ``unknown field `a`, expected one of `b`, `c` `` apart.
fn quoted_after<'a>(start: &str, message: &'a str) -> Option<(&'a str, Vec<&'a str>)> {
    let mut quoted = message.strip_prefix(start)?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    Some((unknown, quoted.collect()))
}
