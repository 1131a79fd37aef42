//! Expressions of SPDX over licences: `MIT OR Apache-2.0`, `(A AND B) OR C WITH D`. Is one of the choices allowed?

/// Terms of an expression that are read.
const TERMS_MAX: usize = 64;

/// May something under this licence pass? `allow` empty: whatever is not denied. Of `OR` one side is enough, of `AND` both are needed; an
/// exception (`WITH`) leaves a licence what it is.
pub fn is_allowed(expression: &str, allow: &[String], deny: &[String]) -> bool {
    let is_one = |license: &str| !matches_any(deny, license) && (allow.is_empty() || matches_any(allow, license));
    // A name that is no expression may hold blanks: 「政府標準利用規約（第2.0版）」.
    if is_one(expression) && !has_operator(expression) {
        return true;
    }
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    if !has_operator(expression) || words.len() > TERMS_MAX {
        return false;
    }
    let mut reader = Reader { words: &words, at: 0, is_one: &is_one };
    reader.any().filter(|_| reader.at == words.len()).unwrap_or(false)
}

/// Does one of the names fit, `*` at its end standing for anything? Case counts not.
pub fn matches_any(names: &[String], value: &str) -> bool {
    let value = value.trim().to_lowercase();
    names.iter().any(|name| {
        let name = name.trim().to_lowercase();
        name.strip_suffix('*').map_or(name == value, |start| value.starts_with(start))
    })
}

fn has_operator(expression: &str) -> bool {
    expression.split_whitespace().any(|word| ["OR", "AND", "WITH"].contains(&word))
}

struct Reader<'a> {
    words: &'a [&'a str],
    at: usize,
    is_one: &'a dyn Fn(&str) -> bool,
}

impl Reader<'_> {
    fn next_is(&mut self, word: &str) -> bool {
        let is = self.words.get(self.at) == Some(&word);
        self.at += usize::from(is);
        is
    }

    fn any(&mut self) -> Option<bool> {
        let mut holds = self.all()?;
        while self.next_is("OR") {
            holds |= self.all()?;
        }
        Some(holds)
    }

    fn all(&mut self) -> Option<bool> {
        let mut holds = self.term()?;
        while self.next_is("AND") {
            holds &= self.term()?;
        }
        Some(holds)
    }

    fn term(&mut self) -> Option<bool> {
        if self.next_is("(") {
            let holds = self.any()?;
            return self.next_is(")").then_some(holds);
        }
        let license = *self.words.get(self.at).filter(|word| !["OR", "AND", "WITH", ")"].contains(*word))?;
        self.at += 1;
        if self.next_is("WITH") {
            self.at += 1;
        }
        Some((self.is_one)(license))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_understood() {
        let [allow, deny] = [&["MIT", "Apache-*", "CC0-1.0", "公共データ利用規約"][..], &["Apache-1.0"]]
            .map(|list| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        for license in [
            "mit",
            "MIT",
            "Apache-2.0",
            "GPL-3.0-only OR MIT",
            "MIT AND CC0-1.0",
            "(GPL-3.0-only OR MIT) AND apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(is_allowed(license, &allow, &deny), "{license}");
        }
        for license in [
            "GPL-3.0-only",
            "Apache-1.0",
            "MIT AND GPL-3.0-only",
            "",
            "MIT OR",
            "(MIT",
            "MIT MIT",
            "OR",
            "mit-like",
            "MIT OR (",
            "公共データ利用規約（別）",
        ] {
            assert!(!is_allowed(license, &allow, &deny), "{license}");
        }
        assert!(is_allowed("anything at all", &[], &deny) && !is_allowed("apache-1.0", &[], &deny));
        assert!(!is_allowed("Apache-1.0 AND X", &[], &deny) && is_allowed("Apache-1.0 OR X", &[], &deny));
        assert!(!is_allowed(&"(".repeat(100_000), &allow, &deny));
    }
}
