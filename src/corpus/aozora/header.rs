//! The header of a work: title, subtitles, original titles, author, translator, editor.

use serde_json::{Map, Value};

use super::inline::plain;

/// What stands behind the name of somebody who is no author.
const ROLES: [(&str, &str); 8] = [
    ("編訳", "translator"),
    ("共訳", "translator"),
    ("翻訳", "translator"),
    ("訳", "translator"),
    ("校訂", "editor"),
    ("編集", "editor"),
    ("編纂", "editor"),
    ("編", "editor"),
];

/// Says what a header says.
pub(super) fn describe(lines: &[&str], meta: &mut Map<String, Value>) {
    let mut lines: Vec<String> =
        lines.iter().map(|line| plain(line)).map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return;
    }
    let title = lines.remove(0);
    let mut people = Vec::new();
    while let Some((name, role)) = lines.last().and_then(|line| role(line)) {
        people.push((role, name));
        lines.pop();
    }
    let author = lines.pop();
    let (original, subtitles): (Vec<String>, Vec<String>) = lines.into_iter().partition(|line| is_foreign(line));
    let mut put = |key: &str, value: String| {
        if !value.is_empty() {
            meta.insert(key.to_owned(), value.into());
        }
    };
    put("title", title);
    put("subtitle", subtitles.join("　"));
    put("original_title", original.join("　"));
    put("author", author.unwrap_or_default());
    for role in ["translator", "editor"] {
        let names: Vec<String> = people.iter().rev().filter(|(of, _)| *of == role).map(|(_, name)| name.clone()).collect();
        put(role, names.join("、"));
    }
}

fn role(line: &str) -> Option<(String, &'static str)> {
    let (word, role) = ROLES.iter().find(|(word, _)| line.ends_with(word))?;
    let name = line.strip_suffix(word)?.trim_end().to_owned();
    (!name.is_empty()).then_some((name, *role))
}

/// Is it written in another alphabet?
fn is_foreign(line: &str) -> bool {
    let letters = || line.chars().filter(|c| c.is_alphabetic());
    letters().next().is_some() && letters().all(|c| c < '\u{2e80}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(lines: &[&str]) -> String {
        let mut meta = Map::new();
        describe(lines, &mut meta);
        Value::Object(meta).to_string()
    }

    #[test]
    fn headers() {
        assert_eq!(described(&["題《だい》", "著者", ""]), r#"{"title":"題","author":"著者"}"#);
        assert_eq!(
            described(&["黒い箱", "THE BLACK BOX", "一幕", "ジョン・ドウ　John Doe", "甲野太郎訳"]),
            r#"{"title":"黒い箱","subtitle":"一幕","original_title":"THE BLACK BOX","author":"ジョン・ドウ　John Doe","translator":"甲野太郎"}"#
        );
        assert_eq!(described(&["題", "著者", "乙野次郎編"]), r#"{"title":"題","author":"著者","editor":"乙野次郎"}"#);
        assert_eq!(described(&["昔話", "乙野次郎　編訳"]), r#"{"title":"昔話","translator":"乙野次郎"}"#);
        assert_eq!(described(&["全訳"]), r#"{"title":"全訳"}"#);
        assert_eq!(described(&["", "　"]), "{}");
    }
}
