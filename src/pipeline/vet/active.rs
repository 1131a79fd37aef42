//! What acts when it is opened: programs, scripts, and templates that reach for more than they are given.

/// A program or script, from its first bytes.
pub fn program(head: &[u8]) -> Option<&'static str> {
    const MAGIC: [(&[u8], &str); 16] = [
        (b"\x7fELF", "a program of Linux (ELF)"),
        (b"\xfe\xed\xfa\xce", "a program of macOS (Mach-O)"),
        (b"\xfe\xed\xfa\xcf", "a program of macOS (Mach-O)"),
        (b"\xce\xfa\xed\xfe", "a program of macOS (Mach-O)"),
        (b"\xcf\xfa\xed\xfe", "a program of macOS (Mach-O)"),
        (b"\xca\xfe\xba\xbe", "a program of macOS or Java"),
        (b"\xca\xfe\xd0\x0d", "a program of Java"),
        (b"\0asm", "a program of WebAssembly"),
        (b"dex\n", "a program of Android"),
        (b"BC\xc0\xde", "bitcode of LLVM"),
        (b"\x1bLua", "a program of Lua"),
        (b"!<arch>\n", "a library of object files"),
        (b"\x50\xed\x55\xba", "a program of CUDA"),
        (b"L\0\0\0\x01\x14\x02\0", "a link of Windows that starts something"),
        (b"#!", "a script"),
        (b"\xef\xbb\xbf#!", "a script"),
    ];
    let known = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name);
    known.or_else(|| is_windows(head).then_some("a program of Windows (PE)"))
}

/// `MZ`, and a header of the program where it points to; a short one of DOS has bytes that no text has.
fn is_windows(head: &[u8]) -> bool {
    if !head.starts_with(b"MZ") && !head.starts_with(b"ZM") {
        return false;
    }
    let place = head.get(60..64).map(|place| u32::from_le_bytes([place[0], place[1], place[2], place[3]]) as usize);
    let begins = place.and_then(|place| head.get(place..place.checked_add(2)?));
    begins.is_some_and(|magic| [b"PE", b"NE", b"LE", b"LX"].iter().any(|known| magic == *known))
        || head.iter().take(64).any(|byte| *byte == 0)
}

/// Code by the ending of a name: what interpreters and loaders take, whatever is in it.
pub fn code_by_name(name: &str) -> Option<&'static str> {
    let ending = name.rsplit(['/', '\\']).next().and_then(|file| file.rsplit_once('.')).map(|(_, ending)| ending.to_ascii_lowercase())?;
    Some(match ending.as_str() {
        "py" | "pyw" | "pyi" | "pyx" => "source of Python",
        "pyc" | "pyo" => "compiled Python",
        "ipynb" => "a notebook with code",
        "so" | "dylib" | "dll" | "pyd" | "exe" | "com" | "scr" | "msi" | "jar" | "class" | "wasm" => "a program or library",
        "sh" | "bash" | "zsh" | "fish" | "csh" | "ps1" | "bat" | "cmd" | "vbs" | "wsf" | "js" | "mjs" | "cjs" | "ts" | "lua" | "pl"
        | "rb" | "r" | "jl" | "php" | "desktop" | "pth" => "a script",
        "whl" | "egg" => "a package of Python",
        _ => return None,
    })
}

/// Where a template of Jinja reaches for more than the conversation: byte and what.
pub fn reaches(template: &str) -> Option<(usize, String)> {
    const NAMES: [&str; 23] = [
        "mro",
        "subclasses",
        "globals",
        "builtins",
        "getattr",
        "setattr",
        "import_module",
        "popen",
        "eval",
        "exec",
        "lipsum",
        "cycler",
        "joiner",
        "self",
        "request",
        "config",
        "attr",
        "func_globals",
        "gi_frame",
        "cr_frame",
        "f_globals",
        "format_map",
        "os",
    ];
    const TAGS: [&str; 4] = ["import", "from", "include", "extends"];
    let (mut at, mut all) = (0, None);
    while let Some((start, end)) = next_code(template, at) {
        let code = template.get(start..end).unwrap_or_default();
        let is_tag = template.as_bytes().get(start - 1) == Some(&b'%');
        let mut first = true;
        for (place, word, quoted) in words(code) {
            let lower = word.to_ascii_lowercase();
            let found = if word.contains("__") {
                Some(format!("a name of Python's inside: {}", crate::quarantine::escape(word, 60)))
            } else if quoted {
                let coded = ["\\x5f", "\\u005f", "\\137", "\\x5F"].iter().any(|code| lower.contains(&code.to_ascii_lowercase()));
                coded.then(|| "an underscore in other words".to_owned())
            } else if first && is_tag && TAGS.contains(&word) {
                Some(format!("it reads another template: {word}"))
            } else {
                NAMES.contains(&word).then(|| format!("it reaches for {word}"))
            };
            first = false;
            if let Some(what) = found {
                all = all.or(Some((start + place, what)));
            }
        }
        at = end;
    }
    all
}

/// The next stretch of code: between `{{` or `{%` and its end; comments are none.
fn next_code(template: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = template.as_bytes();
    let mut at = from;
    loop {
        at += memchr::memchr(b'{', bytes.get(at..)?)?;
        let close: &[u8] = match bytes.get(at + 1) {
            Some(b'{') => b"}}",
            Some(b'%') => b"%}",
            Some(b'#') => {
                at = memchr::memmem::find(&bytes[at..], b"#}").map_or(bytes.len(), |end| at + end + 2);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let start = at + 2;
        let rest = bytes.get(start..)?;
        let end = memchr::memmem::find(rest, close).map_or(bytes.len(), |end| start + end);
        // `{{` that nothing closes is text; a reader would refuse it.
        return Some((start, end));
    }
}

/// Names and strings of a piece of code: place, text, and whether it stood in quotes.
fn words(code: &str) -> Vec<(usize, &str, bool)> {
    let bytes = code.as_bytes();
    let (mut all, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let start = at;
        match bytes[at] {
            quote @ (b'\'' | b'"') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                let end = at.min(bytes.len());
                all.extend(code.get(start + 1..end).map(|text| (start, text, true)));
                at = end + 1;
            }
            byte if byte == b'_' || byte.is_ascii_alphabetic() => {
                while at < bytes.len() && (bytes[at] == b'_' || bytes[at].is_ascii_alphanumeric()) {
                    at += 1;
                }
                all.extend(code.get(start..at).map(|text| (start, text, false)));
            }
            _ => at += 1,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn programs_are_known_by_content_and_code_by_name() {
        let mut windows = [0; 128];
        windows[..2].copy_from_slice(b"MZ");
        assert!(program(b"\x7fELF\x02").is_some() && program(b"#!/bin/sh").is_some() && program(&windows).is_some());
        assert!(program(b"MZ is what DOS called it, and this is a text that says so in many more words.").is_none());
        assert!(program(b"").is_none() && program(b"{}").is_none());
        assert!(code_by_name("a/modeling_x.PY").is_some() && code_by_name("x.so").is_some() && code_by_name("a.py/data.json").is_none());
        assert!(code_by_name("py").is_none() && code_by_name("model.safetensors").is_none());
    }

    #[test]
    fn templates_that_reach_out_are_told() {
        let sound = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message.content | trim }}{% if message['from'] == 'system' %}x{% endif %}{% endfor %}\
            {# __class__ in a comment #}{{ raise_exception('eval is a word') }}{%- set ns = namespace(found=false) -%} __text__ ";
        assert_eq!(reaches(sound), None);
        for template in [
            "{{ ''.__class__.__mro__ }}",
            "{{ ''['__cla' 'ss__'] }}",
            "{{ x|attr('a') }}",
            "{{ x['\\x5f\\x5fclass'] }}",
            "{{ lipsum.x }}",
            "{%- include 'other' %}",
            "{% from 'x' import y %}",
            "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
            "{{ self.x",
        ] {
            assert!(reaches(template).is_some(), "{template}");
        }
        let (at, _) = reaches("ab{{ x.mro }}").unwrap();
        assert_eq!(at, 7);
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text: String, pieces in prop::collection::vec(prop::sample::select(vec!["{{", "}}", "{%", "%}", "{#", "#}", "'", "\"", "\\", "__", "あ", "x", " on", "=", "<"]), 0..20)) {
            for text in [text, pieces.concat()] {
                let _ = (reaches(&text), program(text.as_bytes()), code_by_name(&text));
            }
        }
    }
}
