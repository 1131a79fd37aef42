//! Which part of a page an element begins, by what it is for and by what its author called it.

use super::attributes::{Attribute, Attributes};
use super::elements::Element;
use super::flags::Flags;

/// Longest word of a class or id that is looked at.
const WORD_MAX: usize = 24;

/// What a name says, the more telling the later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Nothing,
    /// An article.
    Content,
    /// Chrome where it is links.
    Linked,
    /// The head of the page, or of an article.
    Header,
    /// What readers wrote.
    Comments,
    /// The foot of the page, or of an article.
    Footer,
    Chrome,
    /// The name tells how a page is laid out (`has-sidebar`), not what is in it.
    Layout,
}

/// What an element adds where `outside` holds.
pub(super) fn region(name: &[u8], element: Element, attributes: &Attributes, outside: Flags) -> Flags {
    let mut flags = by_tag(name, outside);
    if attributes.any() {
        let role = attributes.value(Attribute::Role).to_ascii_lowercase();
        flags = flags.with(by_role(role.trim_ascii(), outside));
        let of_article = [b"articlebody".as_slice(), b"blogpost", b"recipeinstructions", b"recipeingredient"];
        let property = attributes.value(Attribute::ItemProp).to_ascii_lowercase();
        if of_article.contains(&property.trim_ascii()) {
            flags = flags.with(Flags::CONTENT);
        }
        if !flags.has(Flags::CHROME) && !matches!(name, b"html" | b"body" | b"main" | b"article") {
            let word = names(attributes.value(Attribute::Class)).max(names(attributes.value(Attribute::Id)));
            flags = flags.with(by_word(word, element, outside));
        }
    }
    flags
}

fn by_tag(name: &[u8], outside: Flags) -> Flags {
    match name {
        b"nav" | b"search" => Flags::CHROME,
        b"main" => Flags::CONTENT.with(Flags::MAIN),
        b"article" => Flags::CONTENT,
        // Beside an article these are parts of the site, in it they are parts of it: its signature, its notes.
        b"aside" | b"footer" if !outside.has(Flags::CONTENT) => Flags::CHROME,
        b"aside" | b"footer" | b"label" | b"menu" => Flags::LIKELY_CHROME,
        b"header" if !outside.has(Flags::CONTENT) => Flags::LIKELY_CHROME,
        _ => Flags::default(),
    }
}

fn by_role(role: &[u8], outside: Flags) -> Flags {
    match role {
        b"navigation" | b"search" | b"menu" | b"menubar" | b"toolbar" | b"tablist" => Flags::CHROME,
        b"contentinfo" | b"complementary" => by_tag(b"footer", outside),
        b"banner" => by_tag(b"header", outside),
        b"main" | b"article" => by_tag(role, outside),
        _ => Flags::default(),
    }
}

fn by_word(word: Word, element: Element, outside: Flags) -> Flags {
    let is_box = matches!(element, Element::Block | Element::Division | Element::Table | Element::Cell);
    match word {
        Word::Chrome => Flags::NAMED_CHROME,
        Word::Footer if is_box && !outside.has(Flags::CONTENT) => Flags::NAMED_CHROME,
        Word::Footer if is_box => Flags::LIKELY_CHROME,
        Word::Header if is_box => by_tag(b"header", outside),
        Word::Linked if is_box => Flags::LINKED_CHROME,
        Word::Comments if is_box => Flags::COMMENTS,
        Word::Content if is_box => Flags::CONTENT,
        _ => Flags::default(),
    }
}

/// What the names of a class attribute say together.
fn names(attribute: &[u8]) -> Word {
    let words = attribute.split(u8::is_ascii_whitespace).filter(|name| !name.is_empty()).map(name);
    words.filter(|word| *word != Word::Layout).max().unwrap_or(Word::Nothing)
}

/// What a name says: `entry-footer`, `globalNavi`, `side_menu2`.
fn name(name: &[u8]) -> Word {
    let (mut said, mut is_of_content, mut rest) = (Word::Nothing, false, name);
    while !rest.is_empty() {
        let (word, behind) = split_word(rest);
        let this = if word.len() <= WORD_MAX { meaning(&word.to_ascii_lowercase()) } else { Word::Nothing };
        is_of_content |= this == Word::Content;
        (said, rest) = (said.max(this), behind);
    }
    match said {
        // The head of an article is part of it, its foot is not quite.
        Word::Header if is_of_content => Word::Content,
        Word::Footer if is_of_content => Word::Linked,
        said => said,
    }
}

/// The first word of a name: letters of one kind, with one capital before small ones.
fn split_word(name: &[u8]) -> (&[u8], &[u8]) {
    let is_letter = |b: &u8| b.is_ascii_alphabetic() || !b.is_ascii();
    let start = name.iter().position(is_letter).unwrap_or(name.len());
    let name = &name[start..];
    let capitals = name.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let small = name.iter().skip(capitals).take_while(|b| is_letter(b) && !b.is_ascii_uppercase()).count();
    // Of `SNSButton` the first word is SNS.
    let end = if capitals > 1 && small > 0 { capitals - 1 } else { capitals + small };
    name.split_at(end)
}

/// What a word says. Words that are in the names of much else (page, title, box, item, link, widget) say nothing.
fn meaning(word: &[u8]) -> Word {
    match word {
        // Where one goes from here.
        b"nav" | b"navi" | b"navigation" | b"navbar" | b"navbox" | b"navlinks" | b"breadcrumb" | b"breadcrumbs" | b"crumb" | b"crumbs"
        | b"pankuzu" | b"topicpath" | b"pager" | b"pagination" | b"paging" | b"pagenavi" | b"pagenation" | b"pagetop" | b"skip"
        | b"skiplink" | b"sitemap" | b"catlinks" | b"editsection" | b"printfooter"
        // What stands beside the text.
        | b"sidebar" | b"toolbar" | b"noprint"
        // What is asked and sold.
        | b"cookie" | b"cookies" | b"consent" | b"gdpr" | b"ad" | b"ads" | b"adsense" | b"adsbygoogle" | b"advert" | b"advertisement"
        | b"sponsor" | b"sponsored" | b"newsletter"
        // What is done with the page.
        | b"sns" | b"addthis" | b"addtoany" | b"sharedaddy" | b"sharing"
        | b"copyright" | b"copyrights" => Word::Chrome,
        b"footer" | b"foot" | b"footnav" => Word::Footer,
        b"header" => Word::Header,
        b"menu" | b"side" | b"topbar" | b"related" | b"recommend" | b"recommended" | b"recommendation" | b"ranking"
        | b"popular" | b"share" | b"social" | b"banner" | b"bnr" | b"promo" | b"search" | b"login" | b"signup" | b"cart" | b"toc" | b"tags"
        | b"archives" | b"categories" | b"utility" | b"lang" | b"languages" | b"modal" | b"popup" | b"drawer" => Word::Linked,
        b"comment" | b"comments" | b"commentlist" | b"respond" | b"trackback" | b"trackbacks" | b"disqus" => Word::Comments,
        b"article" | b"entry" | b"post" | b"story" | b"honbun" | b"kiji" | b"main" | b"content" | b"contents" => Word::Content,
        b"has" | b"have" | b"no" | b"with" | b"without" | b"hide" | b"show" | b"is" => Word::Layout,
        _ => stem(word),
    }
}

/// Words that are written as one.
fn stem(word: &[u8]) -> Word {
    let within = |stems: &[&[u8]]| stems.iter().any(|stem| memchr::memmem::find(word, stem).is_some());
    if within(&[b"breadcrumb", b"pankuzu", b"topicpath", b"sidebar", b"pagetop", b"cookie"])
        || word.ends_with(b"navi")
        || word.ends_with(b"nav")
    {
        Word::Chrome
    } else if word.ends_with(b"footer") || word.starts_with(b"footer") {
        Word::Footer
    } else if word.ends_with(b"header") || word.starts_with(b"header") {
        Word::Header
    } else if word.ends_with(b"menu") {
        Word::Linked
    } else {
        Word::Nothing
    }
}
