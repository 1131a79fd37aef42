//! The attribute `style`, as far as it says whether text is seen and which of its blanks count.

/// How white space is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum White {
    Collapsed,
    /// Line ends count.
    Lines,
    /// Blanks too.
    All,
}

/// What a style sets; `None` where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// `display: none`, or another display.
    pub(super) is_displayed: Option<bool>,
    pub(super) is_visible: Option<bool>,
    pub(super) white: Option<White>,
}

impl Style {
    /// Reads declarations. Of several of a property the last counts, or the last with `!important`.
    pub(super) fn read(css: &[u8]) -> Self {
        let css = without_comments(&String::from_utf8_lossy(css).to_ascii_lowercase());
        let mut style = Self::default();
        for wanted in [false, true] {
            for declaration in declarations(&css) {
                let Some((property, value)) = declaration.split_once(':') else { continue };
                let bare = value.trim_end().strip_suffix("important").and_then(|value| value.trim_end().strip_suffix('!'));
                if bare.is_some() == wanted {
                    style.declare(property.trim(), bare.unwrap_or(value).trim());
                }
            }
        }
        style
    }

    /// A value that is none of the property changes nothing.
    fn declare(&mut self, property: &str, value: &str) {
        match (property, value) {
            ("display", "none") | ("content-visibility", "hidden") => self.is_displayed = Some(false),
            ("display", _) if is_display(value) => self.is_displayed = Some(true),
            ("visibility", "hidden" | "collapse") => self.is_visible = Some(false),
            ("visibility", "visible" | "initial") => self.is_visible = Some(true),
            ("white-space", "pre" | "pre-wrap" | "break-spaces") | ("white-space-collapse", "preserve" | "break-spaces") => {
                self.white = Some(White::All);
            }
            ("white-space", "pre-line") | ("white-space-collapse", "preserve-breaks") => self.white = Some(White::Lines),
            ("white-space", "normal" | "nowrap" | "initial") | ("white-space-collapse", "collapse") => self.white = Some(White::Collapsed),
            _ => {}
        }
    }
}

/// Is it a display other than `none`? With two words (`block flow`) too.
fn is_display(value: &str) -> bool {
    let word = value.split_ascii_whitespace().next().unwrap_or_default();
    ["block", "inline", "flex", "grid", "table", "list-item", "contents", "flow", "ruby", "run-in", "initial", "revert", "-webkit-"]
        .iter()
        .any(|known| word.starts_with(known))
}

/// A comment separates like a blank; one that does not end goes on to the end.
fn without_comments(css: &str) -> String {
    let mut bare = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        bare.push_str(before);
        bare.push(' ');
        rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
    }
    bare.push_str(rest);
    bare
}

/// Declarations end at a semicolon that stands in no quotes and no brackets.
fn declarations(css: &str) -> impl Iterator<Item = &str> {
    let (mut quote, mut brackets) = (None, 0_u32);
    css.split(move |c: char| {
        if let Some(open) = quote {
            quote = Some(open).filter(|open| *open != c);
            return false;
        }
        match c {
            '"' | '\'' => quote = Some(c),
            '(' => brackets += 1,
            ')' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        c == ';' && brackets == 0
    })
}
