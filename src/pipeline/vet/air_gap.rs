//! Is the program that vets one without code for a network, and does it run where there is none? Evidence, as far as a process can have it of itself.

use std::path::Path;

use super::book::Book;
use super::place::Place;
use crate::io::read_limited;

/// Where Linux lists the interfaces of the namespace of this process.
const INTERFACES: &str = "/proc/self/net/dev";

const BUILD: &str = "air_gap.build";
const KEY: &str = "air_gap.interfaces";

/// Notes what the policy asks.
pub(super) fn tell(book: &mut Book) {
    if book.asks(BUILD) {
        book.looked(BUILD, 1);
        if cfg!(feature = "cloud") {
            book.found(
                BUILD,
                "",
                Place::default(),
                "this program was built with the feature `cloud`, which opens connections",
                Some("cloud".to_owned()),
            );
        }
    }
    if !book.asks(KEY) {
        return;
    }
    let listed = read_limited(Path::new(INTERFACES), 1 << 20).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match listed.as_deref().and_then(interfaces) {
        None => book.unseen(KEY, INTERFACES, Place::default(), "the interfaces of this process cannot be listed"),
        Some(all) => {
            book.looked(KEY, 1);
            for name in all.iter().filter(|name| *name != "lo") {
                book.found(
                    KEY,
                    INTERFACES,
                    Place::default(),
                    "an interface that is not the loopback",
                    Some(crate::quarantine::escape(name, 40)),
                );
            }
        }
    }
}

/// Names of interfaces; `None` where this is no such list.
fn interfaces(listed: &str) -> Option<Vec<String>> {
    let mut lines = listed.lines();
    if !lines.next()?.contains('|') || !lines.next()?.contains("face") {
        return None;
    }
    lines.map(|line| Some(line.split_once(':')?.0.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_listed() {
        let head = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop\n";
        let listed = format!("{head}    lo:       0       0    0\n  eth0: 123 4 5\n");
        assert_eq!(interfaces(&listed).unwrap(), ["lo", "eth0"]);
        assert!(interfaces(head).unwrap().is_empty());
        assert!(interfaces("").is_none() && interfaces("a\nb\nc\n").is_none() && interfaces(&format!("{head}what\n")).is_none());
    }
}
