//! Numbers of articles: `36_2` is 第三十六条の二, `38:84` are articles 38 to 84.

use serde_json::{Map, Value};

/// Says what a number says: `article` (or what else `name` is), its `branch`, and where a range ends.
pub(super) fn describe(name: &str, number: &str, meta: &mut Map<String, Value>) {
    let (first, last) = number.split_once(':').map_or((number, None), |(first, last)| (first, Some(last)));
    let mut one = |key: &str, branch_key: &str, number: &str| {
        let mut parts = number.split('_').map(|part| part.parse::<u64>().ok());
        let Some(Some(main)) = parts.next() else { return };
        meta.insert(key.to_owned(), main.into());
        let branches: Option<Vec<u64>> = parts.collect();
        match branches.as_deref() {
            Some([branch]) => drop(meta.insert(branch_key.to_owned(), (*branch).into())),
            Some(branches @ [_, ..]) => drop(meta.insert(branch_key.to_owned(), branches.into())),
            _ => {}
        }
    };
    one(name, "branch", first);
    if let Some(last) = last {
        one("last", "last_branch", last);
    }
}

/// A date of a Japanese era: `Meiji`, 29, 4, 27 → 1896-04-27.
pub(super) fn date(era: &str, year: &str, month: &str, day: &str) -> Option<String> {
    let before = match era {
        "Meiji" => 1867,
        "Taisho" => 1911,
        "Showa" => 1925,
        "Heisei" => 1988,
        "Reiwa" => 2018,
        _ => return None,
    };
    let number = |text: &str, most: u32| text.parse::<u32>().ok().filter(|n| (1..=most).contains(n));
    Some(format!("{:04}-{:02}-{:02}", before + number(year, 200)?, number(month, 12)?, number(day, 31)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (number, expected) in [
            ("7", r#"{"article":7}"#),
            ("36_2", r#"{"article":36,"branch":2}"#),
            ("36_2_3", r#"{"article":36,"branch":[2,3]}"#),
            ("38:84", r#"{"article":38,"last":84}"#),
            ("38_2:38_4", r#"{"article":38,"branch":2,"last":38,"last_branch":4}"#),
            ("", "{}"),
            ("x", "{}"),
            ("3_x", r#"{"article":3}"#),
        ] {
            let mut meta = Map::new();
            describe("article", number, &mut meta);
            assert_eq!(Value::Object(meta).to_string(), expected, "{number}");
        }
        assert_eq!(date("Meiji", "29", "04", "27").as_deref(), Some("1896-04-27"));
        assert_eq!(date("Reiwa", "1", "5", "1").as_deref(), Some("2019-05-01"));
        assert_eq!(date("Keio", "1", "5", "1"), None);
        assert_eq!(date("Showa", "64", "13", "1"), None);
    }
}
