//! What stores say, as errors: short, and without anything that is secret.

use std::io::ErrorKind;
use std::path::Path;

use object_store::Error as Theirs;

use crate::error::{Error, StoreFault};

/// Characters of what a store says that are told.
const SAID_MAX: usize = 300;

/// As an error of the system. Only an object that is not there is a property of a name: everything else is the store's, or the network's.
pub(super) fn of_system(error: &Theirs) -> std::io::Error {
    match error {
        Theirs::NotFound { .. } => std::io::Error::new(ErrorKind::NotFound, said(error)),
        Theirs::Precondition { .. } => changed(),
        Theirs::PermissionDenied { .. } | Theirs::Unauthenticated { .. } => fault(ErrorKind::PermissionDenied, said(error)),
        // A listing of a bucket that is not there.
        _ => match said(error) {
            said if said.starts_with("404 ") => std::io::Error::new(ErrorKind::NotFound, said),
            // And of one that may not be listed.
            said if said.starts_with("403 ") || said.starts_with("401 ") => fault(ErrorKind::PermissionDenied, said),
            said => fault(ErrorKind::Other, said),
        },
    }
}

/// Did an answer begin and not end? The library tells its own attempts by an error between this one and that of the connection.
pub(super) fn is_cut(error: &Theirs) -> bool {
    let Theirs::Generic { source, .. } = error else { return false };
    source.source().is_some_and(|source| source.is::<object_store::client::HttpError>())
}

/// The error for an object that is no longer what it was.
pub(super) fn changed() -> std::io::Error {
    let said = "the object changed since this run began".to_owned();
    std::io::Error::other(StoreFault { said, is_changed: true })
}

/// The error for a store that did not give what it should.
pub(super) fn fault(kind: ErrorKind, said: String) -> std::io::Error {
    std::io::Error::new(kind, StoreFault { said, is_changed: false })
}

/// Before any work: who may not, or names what is not there, is refused; a store that fails is an error of its own.
pub(super) fn refusal(name: &Path, action: &'static str, error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::PermissionDenied => Error::refused_with_hint(
            format!("{}: the store refuses to {action} it: {error}", name.display()),
            "look at the variables that say who asks (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, …): docs/guide/scale.md",
        ),
        ErrorKind::NotFound => Error::refused_with_hint(
            format!("{}: there is no such bucket or object: {error}", name.display()),
            "look at the name, and at AWS_ENDPOINT_URL and AWS_REGION",
        ),
        _ => Error::io(name, action, error),
    }
}

/// What went wrong, in one line.
pub(super) fn said(error: &Theirs) -> String {
    without_secrets(&short(&error.to_string()))
}

/// The status, the code and the message of an answer in XML; the text without queries of addresses where there is none.
fn short(text: &str) -> String {
    let between = |from: &str, to: &str| {
        let rest = text.split_once(from)?.1;
        Some(rest.split_once(to).map_or(rest, |(found, _)| found).trim().to_owned())
    };
    let code = between("<Code>", "</Code>").filter(|code| !code.is_empty());
    let status = between("status code: ", ":");
    let short = if let Some(code) = code {
        let status = status.map_or_else(String::new, |status| format!("{status}: "));
        let message = between("<Message>", "</Message>").map_or_else(String::new, |message| format!(": {message}"));
        format!("{status}{code}{message}")
    } else if let Some(status) = status {
        // To some questions (HEAD) a number is the whole answer.
        status
    } else {
        let words = text.split_whitespace().map(|word| word.split_once('?').map_or(word, |(before, _)| before));
        words.collect::<Vec<_>>().join(" ")
    };
    let mut characters = short.chars();
    let mut kept: String = characters.by_ref().take(SAID_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    kept
}

/// Takes out whatever stands in a variable that is secret: what stores answer is not ours to trust.
fn without_secrets(text: &str) -> String {
    let mut text = text.to_owned();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
        let is_of_stores = ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
        let is_secret = ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD", "CREDENTIAL"].iter().any(|word| name.contains(word));
        if is_of_stores && is_secret && value.len() >= 4 {
            text = text.replace(value, "…");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(text: &str) -> Theirs {
        Theirs::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn answers_are_short_and_addresses_have_no_query() {
        let xml = "Error performing GET http://h/b/k in 1s - Server returned non-2xx status code: 403 Forbidden: <?xml?><Error>\
                   <Code>AccessDenied</Code><Message>no</Message><StringToSign>x</StringToSign></Error>";
        assert_eq!(said(&generic(xml)), "403 Forbidden: AccessDenied: no");
        let plain = said(&generic("cannot GET https://h/c/k?sv=1&sig=abc within 5s\n"));
        assert!(plain.contains("https://h/c/k within") && !plain.contains("sig="), "{plain}");
        assert!(said(&generic(&"長い".repeat(1000))).chars().count() <= SAID_MAX + 1);
    }

    #[test]
    fn only_an_object_that_is_not_there_is_a_matter_of_its_name() {
        let path = || "k".to_owned();
        let [gone, denied, cut] = [
            Theirs::NotFound { path: path(), source: "x".into() },
            Theirs::PermissionDenied { path: path(), source: "x".into() },
            generic("cut"),
        ]
        .map(|error| of_system(&error));
        assert!(!crate::error::is_of_the_machine(&gone));
        assert!(crate::error::is_of_the_machine(&denied) && crate::error::is_of_the_machine(&cut));
        let codes = [gone, denied, cut, changed()].map(|error| refusal(Path::new("s3://b/k"), "read", error).exit_code());
        assert_eq!(codes, [2, 2, 1, 2]);
    }
}
