//! Rust source as tokens: comments and the contents of strings are gone, and so is every item that carries `#[cfg(test)]`.

/// A word or a sign, and the line it stands on. Literals have the text `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// The tokens of the product: what is compiled for tests only is left out.
pub(crate) fn product(text: &str) -> Vec<Token> {
    without_tests(&tokens(text))
}

/// All tokens.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut all = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let (end, kept) = token(&chars, at);
        if let Some(text) = kept {
            all.push(Token { text, line });
        }
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    all
}

/// Where the token at `at` ends, and its text; `None` for comments and spaces.
fn token(chars: &[char], at: usize) -> (usize, Option<String>) {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    let literal = |end: usize| (end, Some("\"\"".to_owned()));
    match chars[at] {
        c if c.is_whitespace() => (at + 1, None),
        '/' if next(1) == '/' => (chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |n| at + n), None),
        '/' if next(1) == '*' => (block_comment(chars, at), None),
        '"' => literal(quoted(chars, at + 1, '"')),
        '\'' if next(1) == '\\' || next(2) == '\'' => literal(quoted(chars, at + 1, '\'')),
        '\'' => (word(chars, at + 1), Some("'".to_owned())),
        ':' if next(1) == ':' => (at + 2, Some("::".to_owned())),
        c if c.is_alphanumeric() || c == '_' => word_or_literal(chars, at),
        c => (at + 1, Some(c.to_string())),
    }
}

/// An identifier, a number, or a literal with a prefix: `r#"…"#`, `b"…"`, `b'x'`, `c"…"`.
fn word_or_literal(chars: &[char], at: usize) -> (usize, Option<String>) {
    let end = word(chars, at);
    let text: String = chars[at..end].iter().collect();
    let next = chars.get(end).copied().unwrap_or('\0');
    let literal = |end: usize| (end, Some("\"\"".to_owned()));
    match (text.as_str(), next) {
        ("r" | "br" | "cr", '"' | '#') => {
            let hashes = chars[end..].iter().take_while(|c| **c == '#').count();
            if chars.get(end + hashes) == Some(&'"') {
                return literal(raw(chars, end + hashes + 1, hashes));
            }
            let name = word(chars, end + 1); // r#type
            (name, Some(chars[end + 1..name].iter().collect()))
        }
        ("b" | "c", '"') => literal(quoted(chars, end + 1, '"')),
        ("b", '\'') => literal(quoted(chars, end + 1, '\'')),
        _ => (end, Some(text)),
    }
}

fn word(chars: &[char], at: usize) -> usize {
    at + chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count()
}

fn quoted(chars: &[char], mut at: usize, close: char) -> usize {
    while at < chars.len() && chars[at] != close {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

fn raw(chars: &[char], mut at: usize, hashes: usize) -> usize {
    while at < chars.len() && !(chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes) {
        at += 1;
    }
    (at + 1 + hashes).min(chars.len())
}

fn block_comment(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// Leaves out the attributes `#[cfg(test)]` and the item behind each; a file that says `#![cfg(test)]` has nothing left.
fn without_tests(all: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let inner = is(all, at, "#") && is(all, at + 1, "!") && is(all, at + 2, "[");
        let outer = is(all, at, "#") && is(all, at + 1, "[");
        let open = if inner { at + 2 } else { at + 1 };
        if (inner || outer) && for_tests(&all[open..closing(all, open)]) {
            if inner {
                return kept;
            }
            at = item_end(all, closing(all, open));
        } else {
            kept.push(all[at].clone());
            at += 1;
        }
    }
    kept
}

/// `[test`, or `[cfg(` with `test` inside and no `not`.
fn for_tests(attribute: &[Token]) -> bool {
    let says = |word: &str| attribute.iter().any(|token| token.text == word);
    is(attribute, 1, "test") || (is(attribute, 1, "cfg") && says("test") && !says("not"))
}

/// The end of the item that starts at `at`, further attributes included.
fn item_end(all: &[Token], mut at: usize) -> usize {
    while is(all, at, "#") {
        at = closing(all, at + 1);
    }
    let mut head = at;
    if is(all, head, "pub") {
        head = if is(all, head + 1, "(") { closing(all, head + 1) } else { head + 1 };
    }
    let field = is(all, head + 1, ":");
    let to_semicolon = ["use", "const", "static", "type", "let"].iter().any(|word| is(all, head, word)) && !is(all, head + 1, "fn");
    while at < all.len() {
        match all[at].text.as_str() {
            ";" => return at + 1,
            "," if field => return at + 1,
            "{" if !to_semicolon && !field => return closing(all, at),
            "(" | "[" | "{" => at = closing(all, at),
            ")" | "]" | "}" => return at,
            _ => at += 1,
        }
    }
    at
}

/// Does the token at `at` have this text?
pub(crate) fn is(all: &[Token], at: usize, text: &str) -> bool {
    all.get(at).is_some_and(|token| token.text == text)
}

/// Behind the bracket that closes the one at `open`.
pub(crate) fn closing(all: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (at, token) in all.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    all.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        product(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_strings_say_nothing() {
        let text = "a // b\n/* c /* d */ e */ \"f \\\" g\" r#\"h \" i\"# 'j' '\\'' b'k' b\"l\" 'm n 'o: r#type m::p";
        assert_eq!(words(text), ["a", "\"\"", "\"\"", "\"\"", "\"\"", "\"\"", "\"\"", "'", "n", "'", ":", "type", "m", "::", "p"]);
        assert_eq!(tokens("a\n\"\n\"\nb").iter().map(|token| token.line).collect::<Vec<_>>(), [1, 2, 4]);
    }

    #[test]
    fn only_the_item_behind_the_attribute_is_left_out() {
        assert_eq!(words("#[cfg(test)] mod x; fn a() {}"), ["fn", "a", "(", ")", "{", "}"]);
        assert_eq!(words("#[cfg(test)]\n#[expect(b)] pub(crate) use a::{b, c}; d"), ["d"]);
        assert_eq!(words("#[cfg(all(test, unix))] mod tests { fn a() { ; } } b"), ["b"]);
        assert_eq!(words("#[cfg(test)] fn a<B, C>(d: [u8; 3]) -> E { f } g"), ["g"]);
        assert_eq!(words("struct A { #[cfg(test)] b: C<D>, e: F }"), ["struct", "A", "{", "e", ":", "F", "}"]);
        assert_eq!(words("#[cfg(not(test))] a").last().unwrap(), "a");
        assert!(words("#![cfg(test)] mod a;").is_empty());
    }
}
