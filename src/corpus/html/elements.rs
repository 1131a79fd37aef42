//! What the elements of HTML mean for the text of a page.

use html5gum::State;

/// What an element does to the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// Nothing: it stands within a line, or is unknown.
    Inline,
    /// Stands on lines of its own.
    Block,
    /// A block whose blanks and line ends count.
    Preformatted,
    /// A cell of a table: a space to the next.
    Cell,
    /// The reading of a ruby, or the bracket around it.
    Reading,
    /// A ruby, or its base text.
    Base,
    /// Its content is no text of the page.
    Hidden,
    /// The same, with a syntax of its own (SVG, MathML).
    Foreign,
}

impl Element {
    pub(super) fn hides(self) -> bool {
        matches!(self, Self::Hidden | Self::Foreign)
    }
}

/// The meaning of an element, by its name in lower case.
pub(super) fn element(name: &[u8]) -> Element {
    match name {
        b"address" | b"article" | b"aside" | b"blockquote" | b"body" | b"br" | b"caption" | b"center" | b"dd" | b"details" | b"dialog"
        | b"div" | b"dl" | b"dt" | b"fieldset" | b"figcaption" | b"figure" | b"footer" | b"form" | b"h1" | b"h2" | b"h3" | b"h4"
        | b"h5" | b"h6" | b"head" | b"header" | b"hgroup" | b"hr" | b"html" | b"legend" | b"li" | b"main" | b"menu" | b"nav" | b"ol"
        | b"option" | b"p" | b"search" | b"section" | b"select" | b"summary" | b"table" | b"tbody" | b"tfoot" | b"thead" | b"tr"
        | b"ul" => Element::Block,
        b"pre" | b"listing" | b"plaintext" | b"xmp" => Element::Preformatted,
        b"td" | b"th" => Element::Cell,
        b"rt" | b"rp" => Element::Reading,
        b"rb" | b"ruby" => Element::Base,
        b"script" | b"style" | b"title" | b"template" | b"noscript" | b"textarea" | b"iframe" | b"object" | b"noembed" | b"noframes" => {
            Element::Hidden
        }
        b"svg" | b"math" => Element::Foreign,
        _ => Element::Inline,
    }
}

/// How the content of an element is read where it is no markup (HTML standard, 13.2.6: scripts are taken to be on).
pub(super) fn content(name: &[u8]) -> Option<State> {
    match name {
        b"script" => Some(State::ScriptData),
        b"title" | b"textarea" => Some(State::RcData),
        b"style" | b"iframe" | b"noembed" | b"noframes" | b"noscript" | b"xmp" => Some(State::RawText),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}

/// Tags that cannot stand in SVG or MathML, and end it where they do (HTML standard, 13.2.6.5).
pub(super) fn ends_foreign(name: &[u8]) -> bool {
    matches!(
        name,
        b"b" | b"big"
            | b"blockquote"
            | b"body"
            | b"br"
            | b"center"
            | b"code"
            | b"dd"
            | b"div"
            | b"dl"
            | b"dt"
            | b"em"
            | b"embed"
            | b"h1"
            | b"h2"
            | b"h3"
            | b"h4"
            | b"h5"
            | b"h6"
            | b"head"
            | b"hr"
            | b"i"
            | b"img"
            | b"li"
            | b"listing"
            | b"menu"
            | b"meta"
            | b"nobr"
            | b"ol"
            | b"p"
            | b"pre"
            | b"ruby"
            | b"s"
            | b"small"
            | b"span"
            | b"strike"
            | b"strong"
            | b"sub"
            | b"sup"
            | b"table"
            | b"tt"
            | b"u"
            | b"ul"
            | b"var"
    )
}

/// Elements of SVG and MathML in which HTML may stand.
pub(super) fn holds_html(name: &[u8]) -> bool {
    matches!(name, b"foreignobject" | b"desc" | b"title" | b"annotation-xml" | b"mi" | b"mo" | b"mn" | b"ms" | b"mtext")
}
