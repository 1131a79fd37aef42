//! Catalogues of GNU gettext (`.po`) → their translations, a paragraph each.
//! <https://www.gnu.org/software/gettext/manual/html_node/PO-Files.html>
//!
//! What stands in `msgid` is another language and no text. Translations that are marked as uncertain (`fuzzy`), that are missing, or that are obsolete (`#~`) are left out
//! and counted. Roles and markup of reStructuredText and tags that the original has, too, are taken away: their words stay.

use super::document::{Document, Dropped};

/// Bytes of an entry whose tags are compared with those of the original; what is longer is no line of a program or a manual.
const LONG: usize = 1 << 16;
/// Bytes of a tag.
const TAG_MAX: usize = 1024;

/// Does a file begin like a catalogue? Comments may stand before the first entry.
#[must_use]
pub fn is_catalogue(head: &str) -> bool {
    let mut lines = head.trim_start_matches('\u{feff}').lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let begins = |line: &str, word: &str| line.strip_prefix(word).is_some_and(|rest| rest.trim_start().starts_with('"'));
    begins(first, "msgctxt")
        || begins(first, "msgid") && lines.any(|line| begins(line, "msgstr") || begins(line, "msgid_plural") || line.starts_with('"'))
}

/// An entry as far as it has been read.
#[derive(Default)]
struct Entry {
    id: String,
    /// Translations: one, or the plural forms.
    translations: Vec<String>,
    is_fuzzy: bool,
    begun: bool,
}

/// What a string in quotes belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    None,
    Id,
    Other,
    Translation,
}

/// Reads a catalogue.
#[must_use]
pub fn read(file: &str) -> Document {
    let (mut document, mut header) = (Document::default(), None);
    let (mut entry, mut field) = (Entry::default(), Field::None);
    for line in file.trim_start_matches('\u{feff}').lines().map(str::trim) {
        let begins_entry = line.is_empty()
            || line.starts_with('#')
            || line.starts_with("msgctxt")
            || line.starts_with("msgid ")
            || line.starts_with("msgid\"");
        if begins_entry && entry.begun && (field == Field::Translation || line.is_empty()) {
            finish(std::mem::take(&mut entry), &mut document, &mut header);
            field = Field::None;
        }
        if let Some(comment) = line.strip_prefix('#') {
            if comment.starts_with('~') {
                if comment.trim_start_matches(['~', '|', ' ']).starts_with("msgid ") {
                    document.dropped.add("obsolete");
                }
            } else if let Some(flags) = comment.strip_prefix(',') {
                entry.is_fuzzy |= flags.split(',').any(|flag| flag.trim() == "fuzzy");
            }
            continue;
        }
        let (word, string) = line.find('"').map_or((line, ""), |at| line.split_at(at));
        let word = word.trim();
        match word {
            "" => {}
            "msgid" => (field, entry.begun) = (Field::Id, true),
            "msgid_plural" | "msgctxt" => (field, entry.begun) = (Field::Other, true),
            word if word.starts_with("msgstr") => {
                (field, entry.begun) = (Field::Translation, true);
                entry.translations.push(String::new());
            }
            _ => field = Field::None,
        }
        match field {
            Field::Id => unquote(string, &mut entry.id),
            Field::Translation => {
                if let Some(last) = entry.translations.last_mut() {
                    unquote(string, last);
                }
            }
            Field::Other | Field::None => {}
        }
    }
    finish(entry, &mut document, &mut header);
    document.meta = header.map(|header| meta(&header));
    document
}

fn finish(entry: Entry, document: &mut Document, header: &mut Option<String>) {
    if !entry.begun {
        return;
    }
    let translation = entry.translations.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
    if entry.id.is_empty() && header.is_none() && document.text.is_empty() {
        *header = Some(translation);
    } else if entry.is_fuzzy {
        document.dropped.add("fuzzy");
    } else if translation.trim().is_empty() {
        document.dropped.add("untranslated");
    } else {
        let text = bare(&translation, &entry.id, &mut document.dropped);
        if !document.text.is_empty() && !text.is_empty() {
            document.text.push('\n');
        }
        document.text.push_str(&text);
    }
}

/// Appends what stands in quotes, escapes resolved.
fn unquote(string: &str, out: &mut String) {
    let Some(inside) = string.trim().strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest)) else { return };
    if !inside.contains('\\') {
        return out.push_str(inside);
    }
    let mut signs = inside.chars();
    while let Some(sign) = signs.next() {
        out.push(match (sign, sign == '\\') {
            (_, true) => match signs.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            (sign, false) => sign,
        });
    }
}

/// The words of a translation.
fn bare(translation: &str, id: &str, dropped: &mut Dropped) -> String {
    let without_tags = without_tags(translation, id, dropped);
    let without_roles = without_roles(&without_tags, dropped);
    let lines = without_roles.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// Without tags that the original has, too; an original that says `<file>` in a line of usage has no `</file>`.
fn without_tags(text: &str, id: &str, dropped: &mut Dropped) -> String {
    let is_markup = |tag: &str| {
        let name = tag.trim_start_matches('/').split([' ', '/', '>']).next().unwrap_or_default();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'-' | b'_'));
        is_name && (id.contains(&format!("</{name}>")) || tag.ends_with('/') || text.contains(&format!("</{name}>")))
    };
    if text.len() + id.len() > LONG {
        return text.to_owned();
    }
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, behind)) = rest.split_once('<') {
        out.push_str(before);
        match behind.get(..behind.floor_char_boundary(TAG_MAX)).and_then(|near| near.split_once('>')) {
            Some((tag, _)) if is_markup(tag) => {
                dropped.add("tag");
                rest = behind.get(tag.len() + 1..).unwrap_or_default();
            }
            _ => {
                out.push('<');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

/// `` :func:`f` `` → f, ` ``x`` ` → x, `**x**` → x, `` `題 <doc>`_ `` → 題.
fn without_roles(text: &str, dropped: &mut Dropped) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('`') {
        let (before, marked) = rest.split_at(at);
        let ticks = marked.bytes().take(2).take_while(|byte| *byte == b'`').count();
        let mark = marked.get(..ticks).unwrap_or_default();
        let Some((inside, after)) =
            marked.get(mark.len()..).and_then(|inside| inside.split_once(mark)).filter(|(inside, _)| !inside.is_empty())
        else {
            out.push_str(before);
            out.push_str(mark);
            rest = marked.get(mark.len()..).unwrap_or_default();
            continue;
        };
        let words = without_role(before);
        let is_marked = ticks > 1 || words.len() < before.len() || after.starts_with('_');
        out.push_str(words);
        if is_marked {
            dropped.add("role");
            out.push_str(if ticks > 1 { inside } else { title(inside) });
            rest = after.trim_start_matches('_');
        } else {
            out.push_str(mark);
            out.push_str(inside);
            out.push_str(mark);
            rest = after;
        }
    }
    out.push_str(rest);
    out.replace("**", "").replace("\\ ", "")
}

/// The text before a role, without `:name:`.
fn without_role(before: &str) -> &str {
    let Some(inside) = before.strip_suffix(':') else { return before };
    let start = inside
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':')))
        .map_or(0, |at| at + inside.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    let name = inside.get(start..).unwrap_or_default();
    if name.len() > 1 && name.starts_with(':') { before.get(..start).unwrap_or(before) } else { before }
}

/// What a reference shows: `題 <target>` shows 題, `~a.b.c` c, `!x` x.
fn title(inside: &str) -> &str {
    if let Some((title, _)) = inside.split_once('<').filter(|(title, rest)| !title.trim().is_empty() && rest.ends_with('>')) {
        return title.trim();
    }
    match inside.strip_prefix('~') {
        Some(path) => path.rsplit('.').next().unwrap_or(path),
        None => inside.strip_prefix('!').unwrap_or(inside),
    }
}

/// What the header says: project and language.
fn meta(header: &str) -> String {
    let value = |key: &str| {
        header.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim).filter(|value| !value.is_empty())
    };
    let mut meta = serde_json::Map::new();
    for (key, name) in [("Project-Id-Version", "project"), ("Language", "language"), ("PO-Revision-Date", "revised")] {
        if let Some(value) = value(key) {
            meta.insert(name.to_owned(), value.into());
        }
    }
    serde_json::Value::from(meta).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, translation: &str) -> String {
        format!("msgid {id:?}\nmsgstr {translation:?}\n\n")
    }

    #[test]
    fn only_translations_are_text() {
        let file = "# 訳者\nmsgid \"\"\nmsgstr \"\"\n\"Project-Id-Version: x 1\\n\"\n\"Language: ja\\n\"\n\n#: a.c:1\nmsgid \"open\"\nmsgstr \"開く\"\n\n#, fuzzy, c-format\n#| msgid \"x\"\n\
                    msgid \"close %d\"\nmsgstr \"閉じる\"\n\nmsgid \"none\"\nmsgstr \"\"\n\nmsgctxt \"menu\"\nmsgid \"one\"\nmsgid_plural \"%d\"\nmsgstr[0] \"\"\n\"一つ\"\n\" \\\"引用\\\"\"\n\n#~ msgid \"old\"\n#~ msgstr \"古い\"\n";
        let document = read(file);
        assert_eq!(document.text, "開く\n一つ \"引用\"");
        assert_eq!(document.meta.as_deref(), Some(r#"{"project":"x 1","language":"ja"}"#));
        let counts = ["fuzzy", "untranslated", "obsolete"].map(|kind| document.dropped.count(kind));
        assert_eq!(counts, [1, 1, 1]);
    }

    #[test]
    fn entries_without_blank_lines() {
        assert_eq!(read("msgid \"a\"\nmsgstr \"甲\"\nmsgid \"b\"\nmsgstr \"乙\"").text, "甲\n乙");
    }

    #[test]
    fn markup_goes_and_its_words_stay() {
        let cases = [
            ("the :func:`f`", "関数 :func:`f` を", "関数 f を"),
            ("x", "``x`` と **強調** と :ref:`題 <a-b>` と :meth:`~a.b.c`", "x と 強調 と 題 と c"),
            ("x", "`題 <https://example.jp>`_ を見る", "題 を見る"),
            ("x", "`x' は `y' ではない", "`x' は `y' ではない"),
            ("usage: <file>", "使い方: <file>", "使い方: <file>"),
            ("<b>x</b><br/>", "<b>甲</b><br/>乙", "甲乙"),
            ("a < b", "a < b > c", "a < b > c"),
            ("x\n", "一行\n二行\n", "一行\n二行"),
        ];
        for (id, translation, expected) in cases {
            assert_eq!(read(&entry(id, translation)).text, expected, "{translation}");
        }
    }

    #[test]
    fn beginnings() {
        assert!(is_catalogue("# x\nmsgid \"\"\nmsgstr \"\"\n") && is_catalogue("#, fuzzy\nmsgctxt \"a\"\n"));
        assert!(!is_catalogue("msgid は鍵") && !is_catalogue("") && !is_catalogue("# msgid \"\"\n"));
    }
}
