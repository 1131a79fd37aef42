//! The CSV of MeCab: splits a row as its compiler does, and a feature into fields.
//!
//! MeCab splits off four columns and takes the rest of the row as the feature, without unquoting it. The rest is kept as it is,
//! because `mecab` prints it like that.

/// Splits a row like MeCab's dictionary compiler: four columns and the raw rest. `None` if there are fewer than five.
///
/// ASCII spaces and tabs before a column are skipped; `"…"` with doubled quotes is unquoted. A quoted fifth column is read
/// as MeCab reads it: it unquotes in the buffer of the row, so the opening quote disappears and the rest of the row stays as it is.
pub fn split_row(row: &[u8]) -> Option<[Vec<u8>; 5]> {
    let mut columns: [Vec<u8>; 5] = Default::default();
    let mut at = 0;
    for (n, column) in columns.iter_mut().enumerate() {
        if at >= row.len() {
            return None;
        }
        at += row[at..].iter().take_while(|&&b| b == b' ' || b == b'\t').count();
        let last = n == 4;
        let quoted = row.get(at) == Some(&b'"');
        let start = at + usize::from(quoted);
        let mut end = start;
        if quoted {
            (*column, end) = unquote(row, start);
        }
        if last {
            // What was unquoted overwrites the start of the column; the bytes after it stay as they were.
            let from = (start + column.len()).min(row.len());
            column.extend_from_slice(&row[from..]);
            return Some(columns);
        }
        let comma = row[end..].iter().position(|&b| b == b',').map(|offset| end + offset);
        if !quoted {
            column.extend_from_slice(&row[start..comma.unwrap_or(row.len())]);
        }
        at = comma? + 1;
    }
    None
}

/// The content of a quoted column that starts behind its opening quote, and the position behind the closing one.
fn unquote(row: &[u8], start: usize) -> (Vec<u8>, usize) {
    let mut content = Vec::new();
    let mut at = start;
    while let Some(&byte) = row.get(at) {
        if byte == b'"' {
            at += 1;
            if row.get(at) != Some(&b'"') {
                break;
            }
        }
        content.push(byte);
        at += 1;
    }
    (content, at)
}

/// Calls `visit` with each field of a raw feature, unquoted; `scratch` is overwritten.
pub fn each_field(feature: &str, scratch: &mut String, mut visit: impl FnMut(&str)) {
    let mut rest = feature;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            rest = unquote_field(quoted, scratch);
            visit(scratch);
        } else {
            let (field, tail) = rest.split_once(',').map_or((rest, None), |(field, tail)| (field, Some(tail)));
            visit(field);
            let Some(tail) = tail else { return };
            rest = tail;
            continue;
        }
        let Some((_, tail)) = rest.split_once(',') else { return };
        rest = tail;
    }
}

/// Copies a quoted field to `out` and returns what follows its closing quote.
fn unquote_field<'a>(quoted: &'a str, out: &mut String) -> &'a str {
    out.clear();
    let mut rest = quoted;
    while let Some((text, tail)) = rest.split_once('"') {
        out.push_str(text);
        match tail.strip_prefix('"') {
            Some(tail) => {
                out.push('"');
                rest = tail;
            }
            None => return tail,
        }
    }
    out.push_str(rest);
    ""
}

/// The fields of a raw feature, unquoted.
pub fn fields(feature: &str) -> Vec<String> {
    let mut all = Vec::new();
    each_field(feature, &mut String::new(), |field| all.push(field.to_owned()));
    all
}

/// Appends a field to a raw feature: quoted if it holds a comma or a quote.
pub fn push_field(out: &mut String, field: &str) {
    if field.contains([',', '"']) {
        out.push('"');
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(field);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> Option<Vec<String>> {
        split_row(text.as_bytes()).map(|columns| columns.into_iter().map(|c| String::from_utf8_lossy(&c).into_owned()).collect())
    }

    #[test]
    fn splits_like_mecab() {
        assert_eq!(row("東京,1, 2,\t3,名詞,一般"), Some(["東京", "1", "2", "3", "名詞,一般"].map(String::from).to_vec()));
        assert_eq!(row("\",\",1,2,3,記号,\"a,b\""), Some([",", "1", "2", "3", "記号,\"a,b\""].map(String::from).to_vec()));
        assert_eq!(row("\"\"\"\",1,2,3,x"), Some(["\"", "1", "2", "3", "x"].map(String::from).to_vec()));
        assert_eq!(row("語　,1,2,3,x"), Some(["語　", "1", "2", "3", "x"].map(String::from).to_vec()));
        assert_eq!(row("a,1,2,3,\"b,c\",d"), Some(["a", "1", "2", "3", "b,c\",d"].map(String::from).to_vec()));
        assert_eq!(row("a,1,2,3"), None);
        assert_eq!(row("a,1,2,3,"), None);
        assert_eq!(row("\"unterminated,1,2,3,x"), None);
        assert_eq!(row(""), None);
    }

    #[test]
    fn splits_features() {
        assert_eq!(fields("名詞,一般,*"), ["名詞", "一般", "*"]);
        assert_eq!(fields("記号,\"a,b\",\"q\"\"q\""), ["記号", "a,b", "q\"q"]);
        assert_eq!(fields(""), [""]);
        assert_eq!(fields("a,"), ["a", ""]);
        assert_eq!(fields("\"open,x"), ["open,x"]);
    }

    proptest! {
        #[test]
        fn joined_fields_split_into_themselves(all in prop::collection::vec("[a,\"語 ]{0,4}", 1..6)) {
            let mut feature = String::new();
            for (n, field) in all.iter().enumerate() {
                if n > 0 {
                    feature.push(',');
                }
                push_field(&mut feature, field);
            }
            prop_assert_eq!(fields(&feature), all);
        }

        #[test]
        fn no_row_panics(bytes in prop::collection::vec(prop::sample::select(b"\", \tab\xe3\x80".to_vec()), 0..40)) {
            let _ = split_row(&bytes);
            let _ = fields(&String::from_utf8_lossy(&bytes));
        }
    }
}
