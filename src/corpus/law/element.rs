//! What an element of a statute is for the text.

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    /// It goes on in the line: a sentence, an index, an underlined word.
    Inline,
    /// A sentence: what is only 削除 is deleted.
    Sentence,
    /// A field of a provision; a full-width blank stands between two.
    Column,
    /// A line or more of its own.
    Block,
    /// A block that is a unit of the structure, by what it is called.
    Unit(&'static str),
    /// What an amendment puts into another act: its articles are not those of this one.
    Quoted,
    /// A heading of a unit.
    Title,
    /// What stands before an article or a paragraph.
    Caption,
    /// A number: what follows it stands in its line, behind a full-width blank.
    Number,
    /// Behind a heading in its line: （第三条関係）
    Related,
    /// The heading of supplementary provisions.
    Label,
    /// A row of a table, and a cell of it.
    Row,
    Cell,
    Ruby,
    Reading,
    /// Told of the act, and no text of it.
    LawNumber,
    LawTitle,
    /// Left out, and counted as this.
    Left(&'static str),
}

/// What the element of that name is.
pub(super) fn element(name: &str) -> Element {
    match name {
        "Sentence" => Element::Sentence,
        "NewProvision" => Element::Quoted,
        "Column" => Element::Column,
        "Ruby" => Element::Ruby,
        "Rt" => Element::Reading,
        "Sup" | "Sub" | "Line" | "QuoteStruct" | "ArithFormula" => Element::Inline,
        "TOC" => Element::Left("table_of_contents"),
        "Fig" => Element::Left("figure"),
        "LawNum" => Element::LawNumber,
        "LawTitle" => Element::LawTitle,
        "TableRow" | "TableHeaderRow" => Element::Row,
        "TableColumn" | "TableHeaderColumn" => Element::Cell,
        "ArticleTitle" | "ParagraphNum" | "ItemTitle" | "ClassTitle" | "ArithFormulaNum" => Element::Number,
        "ArticleCaption" | "ParagraphCaption" => Element::Caption,
        "RelatedArticleNum" => Element::Related,
        "SupplProvisionLabel" => Element::Label,
        "Part" => Element::Unit("part"),
        "Chapter" => Element::Unit("chapter"),
        "Section" => Element::Unit("section"),
        "Subsection" => Element::Unit("subsection"),
        "Division" => Element::Unit("division"),
        "Article" => Element::Unit("article"),
        "Paragraph" => Element::Unit("paragraph"),
        "Item" => Element::Unit("item"),
        "MainProvision" => Element::Unit("main"),
        "SupplProvision" => Element::Unit("supplementary"),
        "Preamble" => Element::Unit("preamble"),
        "EnactStatement" => Element::Unit("enactment"),
        "AppdxTable"
        | "AppdxNote"
        | "AppdxStyle"
        | "AppdxFormat"
        | "AppdxFig"
        | "Appdx"
        | "SupplProvisionAppdxTable"
        | "SupplProvisionAppdxStyle"
        | "SupplProvisionAppdx" => Element::Unit("appendix"),
        _ => other(name),
    }
}

fn other(name: &str) -> Element {
    if let Some(rest) = name.strip_prefix("Subitem") {
        let level = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        return match level {
            "" => Element::Unit("subitem"),
            "Title" => Element::Number,
            "Sentence" => Element::Inline,
            _ => Element::Block,
        };
    }
    match name {
        "ListSentence" | "Sublist1Sentence" | "Sublist2Sentence" | "Sublist3Sentence" => Element::Block,
        _ if name.ends_with("Sentence") => Element::Inline,
        _ if name.ends_with("Title") || name.ends_with("Label") => Element::Title,
        _ => Element::Block,
    }
}
