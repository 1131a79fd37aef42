//! Names of files of Aozora Bunko: `43066_ruby_16255.txt` is a revision of the work 43066.

/// A revision of a work, the better the greater: with readings before without, then the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::corpus) struct Revision {
    has_readings: bool,
    number: u64,
}

/// The work and the revision that a name tells: that of a file, or of the archive it is in; and the name of that file or archive.
pub(in crate::corpus) fn revision(name: &str) -> Option<(u64, Revision, &str)> {
    let mut end = name.len();
    name.rsplit('/').find_map(|part| {
        let container = name.get(..end)?;
        end = end.saturating_sub(part.len() + 1);
        let (stem, extension) = part.rsplit_once('.')?;
        if !["txt", "text", "zip", "gz", "zst"].iter().any(|known| extension.eq_ignore_ascii_case(known)) {
            return None;
        }
        let stem = stem.strip_suffix(".txt").unwrap_or(stem);
        let mut parts = stem.split('_');
        let work = digits(parts.next()?)?;
        let has_readings = match parts.next()? {
            "ruby" => true,
            "txt" => false,
            _ => return None,
        };
        let number = parts.next().map_or(Some(0), digits)?;
        parts.next().is_none().then_some((work, Revision { has_readings, number }, container))
    })
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let of = |name| revision(name);
        let (work, best, container) = of("cards/000255/files/43066_ruby_16255/43066_ruby_16255.txt").unwrap();
        assert_eq!((work, container), (43066, "cards/000255/files/43066_ruby_16255/43066_ruby_16255.txt"));
        assert_eq!(of("all.zip/43066_ruby_16255.zip/題.txt").unwrap().2, "all.zip/43066_ruby_16255.zip");
        assert!(best > of("43066_ruby_9.txt").unwrap().1 && of("43066_ruby.zip/a.txt").unwrap().1 > of("43066_txt_99999.txt").unwrap().1);
        assert_eq!(of("43066_ruby_16255.zip/題.txt").unwrap().1, of("43066_ruby_16255.txt.gz").unwrap().1);
        for name in ["43066_16255.html", "a_ruby_1.txt", "1_ruby_1_2.txt", "1_ruby_x.txt", "notes.txt", "1_ruby_1.jsonl", "_ruby_.txt"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
