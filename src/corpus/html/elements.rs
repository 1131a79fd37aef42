//! What the elements of HTML are, for the text of a page.

use html5gum::State;

/// What an element does to the text and to the elements around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// Stands within a line, or is unknown.
    Inline,
    /// Stands within a line and may be closed out of order (HTML standard, 13.2.4.3).
    Formatting,
    /// `<a>`: like those, and not nested.
    Link,
    /// Has no content and no text.
    Void,
    /// Has no content, and ends the line.
    Break,
    /// A picture.
    Image,
    /// Stands on lines of its own, and ends a paragraph.
    Block,
    /// The same, for elements that do not keep a list item open: `<div>`, `<address>`.
    Division,
    /// The same, where paragraphs may be open around it: `<body>`, `<legend>`.
    Part,
    Paragraph,
    Heading,
    /// A block whose blanks and line ends count.
    Preformatted,
    Item,
    Term,
    Choice,
    Table,
    /// A section of a table.
    Rows,
    Row,
    Cell,
    Caption,
    Ruby,
    /// Base text of a ruby.
    Base,
    /// The reading of a ruby, or the bracket around it.
    Reading,
    /// Its content is no text of the page.
    Hidden,
    /// The same: the title of the page.
    Title,
    /// The same, with a syntax of its own (SVG, MathML).
    Foreign,
    /// An element inside SVG or MathML.
    Drawn,
}

impl Element {
    pub(super) fn hides(self) -> bool {
        matches!(self, Self::Hidden | Self::Title | Self::Foreign)
    }

    /// Does it begin and end a line?
    pub(super) fn is_block(self) -> bool {
        self.ends_paragraph() || matches!(self, Self::Part | Self::Choice | Self::Rows | Self::Row | Self::Cell | Self::Caption)
    }

    /// Does its start tag end an open paragraph (13.2.6.4.7)?
    pub(super) fn ends_paragraph(self) -> bool {
        matches!(
            self,
            Self::Block | Self::Division | Self::Paragraph | Self::Heading | Self::Preformatted | Self::Item | Self::Term | Self::Table
        )
    }

    /// Elements that an end tag inside them does not reach out of (13.2.4.2).
    pub(super) fn is_scope(self) -> bool {
        matches!(self, Self::Table | Self::Cell | Self::Caption | Self::Hidden | Self::Foreign)
    }

    /// Is it a part of a table, so that its end tag is looked for inside the table alone?
    pub(super) fn is_of_table(self) -> bool {
        matches!(self, Self::Rows | Self::Row | Self::Cell | Self::Caption)
    }
}

/// The meaning of an element, by its name in lower case.
pub(super) fn element(name: &[u8]) -> Element {
    match name {
        b"address" | b"div" => Element::Division,
        b"article" | b"aside" | b"blockquote" | b"center" | b"details" | b"dialog" | b"dir" | b"dl" | b"fieldset" | b"figcaption"
        | b"figure" | b"footer" | b"form" | b"header" | b"hgroup" | b"main" | b"menu" | b"nav" | b"ol" | b"search" | b"section"
        | b"summary" | b"ul" => Element::Block,
        b"body" | b"frameset" | b"head" | b"html" | b"legend" | b"select" => Element::Part,
        b"p" => Element::Paragraph,
        b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => Element::Heading,
        b"pre" | b"listing" | b"plaintext" | b"xmp" => Element::Preformatted,
        b"li" => Element::Item,
        b"dd" | b"dt" => Element::Term,
        b"optgroup" | b"option" => Element::Choice,
        b"table" => Element::Table,
        b"tbody" | b"tfoot" | b"thead" => Element::Rows,
        b"tr" => Element::Row,
        b"td" | b"th" => Element::Cell,
        b"caption" => Element::Caption,
        b"ruby" => Element::Ruby,
        b"rb" => Element::Base,
        b"rp" | b"rt" | b"rtc" => Element::Reading,
        b"br" | b"hr" => Element::Break,
        b"img" | b"image" => Element::Image,
        b"area" | b"base" | b"basefont" | b"bgsound" | b"col" | b"embed" | b"frame" | b"input" | b"keygen" | b"link" | b"meta"
        | b"param" | b"source" | b"track" | b"wbr" => Element::Void,
        b"a" => Element::Link,
        b"b" | b"big" | b"code" | b"em" | b"font" | b"i" | b"nobr" | b"s" | b"small" | b"strike" | b"strong" | b"tt" | b"u" => {
            Element::Formatting
        }
        b"audio" | b"canvas" | b"datalist" | b"iframe" | b"meter" | b"noembed" | b"noframes" | b"noscript" | b"object" | b"progress"
        | b"script" | b"style" | b"template" | b"textarea" | b"video" => Element::Hidden,
        b"title" => Element::Title,
        b"math" | b"svg" => Element::Foreign,
        _ => Element::Inline,
    }
}

/// How the content of an element is read where it is no markup (HTML standard, 13.2.6: scripts are taken to be on). In XML all content is markup;
/// but most pages that call themselves XML are read as HTML by everybody, and have scripts that only are scripts there.
pub(super) fn content(name: &[u8], is_xml: bool) -> Option<State> {
    match name {
        b"script" => Some(State::ScriptData),
        b"style" => Some(State::RawText),
        _ if is_xml => None,
        b"title" | b"textarea" => Some(State::RcData),
        b"iframe" | b"noembed" | b"noframes" | b"noscript" | b"xmp" => Some(State::RawText),
        b"plaintext" => Some(State::PlainText),
        _ => None,
    }
}

/// Tags that cannot stand in SVG or MathML, and end it where they do (HTML standard, 13.2.6.5).
#[rustfmt::skip]
pub(super) fn ends_foreign(name: &[u8]) -> bool {
    matches!(
        name,
        b"b" | b"big" | b"blockquote" | b"body" | b"br" | b"center" | b"code" | b"dd" | b"div" | b"dl" | b"dt" | b"em" | b"embed" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"head" | b"hr" | b"i" | b"img" | b"li"
        | b"listing" | b"menu" | b"meta" | b"nobr" | b"ol" | b"p" | b"pre" | b"ruby" | b"s" | b"small" | b"span" | b"strike" | b"strong" | b"sub" | b"sup" | b"table" | b"tt" | b"u" | b"ul" | b"var"
    )
}

/// Elements of SVG and MathML in which HTML may stand.
pub(super) fn holds_html(name: &[u8]) -> bool {
    matches!(name, b"foreignobject" | b"desc" | b"title" | b"annotation-xml" | b"mi" | b"mo" | b"mn" | b"ms" | b"mtext")
}
