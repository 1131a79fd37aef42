//! Pages and the text a reader sees.

mod main_content;
mod seen;
mod standard;

use super::*;
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// All that a reader sees.
fn text(page: &str) -> String {
    read(page, &Options { extract: Extract::All, ..Options::default() }).text
}

fn check(cases: &[(&str, &str)]) {
    for (page, expected) in cases {
        assert_eq!(text(page), *expected, "{page}");
    }
}

#[test]
fn what_a_reader_sees() {
    check(&[
        (
            "<!DOCTYPE html><html><head><title>題</title><style>p{}</style></head><body><p>一\n二</p><P class='a>b'>a\n b</P></body>",
            "一二\na b",
        ),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を<ruby>読<rt>よ</ruby>む", "漢字を読む"),
        ("a < b <3 <", "a < b <3 <"),
        ("<table><tr><td>一</td><td>二</td></tr><tr><td>三</table>", "一\t二\n三"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("一<br>\n　二<br/><br>三<b>四</b>", "一\n　二\n三四"),
        ("a</br>b<custom-element-with-a-long-name>c</custom-element-with-a-long-name>d", "a\nbcd"),
        ("一\0二\r三\r\n四\u{c}五\tb", "一二三四 五 b"),
    ]);
}

#[test]
fn references_are_those_of_the_standard() {
    check(&[
        ("1 &lt; 2 &amp;&#x3042;&#12356;&nbsp;&unknown; &#150;&#0; &amp", "1 < 2 &あい\u{a0}&unknown; –\u{fffd} &"),
        ("caf&eacute; &minus;1 &ge; &and;&pi;&ne;&Delta;&starf; &permil; &there4;", "café −1 ≥ ∧π≠Δ★ ‰ ∴"),
        ("&uumlller &copy2024 &notit; &notin; &ampamp; &AMP &Amp;", "üller ©2024 ¬it; ∉ &amp; & &Amp;"),
        ("&#55357;&#56832; &#x110000; &#99999999999; &#xZ &#; &", "\u{fffd}\u{fffd} \u{fffd} \u{fffd} &#xZ &#; &"),
        ("&nGt; &bne; &#128;&#x9f;&#x81;", "≫⃒ =⃥ €Ÿ\u{81}"),
        ("a&#32;&#10;b&#x3000;c", "a b\u{3000}c"),
    ]);
}

#[test]
fn comments_end_where_browsers_end_them() {
    check(&[
        ("x<!-- <p>y</p> -->z", "xz"),
        ("x<!-->y-->z", "xy-->z"),
        ("x<!--->y", "xy"),
        ("x<!--y--!>z", "xz"),
        ("x<!--y--a>z-->w", "xw"),
        ("x<!doctype html>y<?php z ?>w</ v>u</>t", "xywut"),
        ("x<![CDATA[y]]>z", "xz"),
        ("x<!y", "x"),
    ]);
}

#[test]
fn hidden_content_ends_at_its_own_end_tag() {
    check(&[
        ("<script>if (a < b) '<p>';</SCRIPT>x", "x"),
        ("<script><!-- <script> </script> y --></script>x", "x"),
        ("<script>'</scripts>'</script >x", "x"),
        ("x<script>y", "x"),
        ("<title>a<p>b</titles></title>c", "c"),
        ("<textarea>a</p>&lt;</textarea><style>b<!--</style>c", "c"),
        ("<noscript><p>a</p></noscript><iframe><p></iframe><noframes><p>a</noframes>b", "b"),
        ("<template>a<template>b</template>c</template>d", "d"),
        ("<object>a<object>b</object>c</object>d", "d"),
        ("<xmp>a <b>c</b>\n d</xmp>e<plaintext>f</plaintext><p>", "a <b>c</b>\n d\ne\nf</plaintext><p>"),
    ]);
}

#[test]
fn marks_of_books_are_no_words() {
    check(&[
        ("本文<a epub:type=\"noteref\" href=\"#f\">1</a>続き", "本文続き"),
        ("本文<sup><a role='doc-noteref'>*2</a></sup>続き<span epub:type=\"x pagebreak\" title=\"12\">12</span>。", "本文続き。"),
        ("<aside epub:type=\"footnote\"><p>注。<a role=\"doc-backlink\">↩</a></p></aside>", "注。"),
        ("<p epub:type=\"epigraph\">題辞</p><p role=\"note\">文</p>", "題辞\n文"),
    ]);
}

#[test]
fn foreign_elements_close_themselves() {
    check(&[
        ("一<svg width=1 aria-hidden=\"true\"/>二<math/>三", "一二三"),
        ("一<svg><title>x</title><path/><g>y</g></svg>二", "一二"),
        ("一<svg><style>.a{}</style><script>x</script><![CDATA[</svg>]]></svg>二", "一二"),
        ("一<svg><svg>x</svg>y</svg>二", "一二"),
        ("一<svg><foreignObject><p>x</p><svg/></foreignObject>y</svg>二", "一二"),
        ("一<svg><path d=\"\"><p>二</p>", "一\n二"),
        ("<div>一<svg></div>二", "一\n二"),
        ("一<math><mi>x</mi><annotation-xml><p>y</p></annotation-xml></math>二", "一二"),
    ]);
}

#[test]
fn in_xml_every_element_may_close_itself() {
    check(&[
        (
            "<?xml version=\"1.0\"?>\n<html><head><title/><script src=\"a.js\"/></head><body><p>一</p><textarea/><pre/>\n<ruby>漢<rt/></ruby>字",
            "一\n漢字",
        ),
        ("<?xml version='1.0'?><p>一<![CDATA[<&amp;]]></p>", "一<&amp;"),
        ("<?xml version='1.0'?><script>if (a < b) '<p>'</script>x", "x"),
        ("<title/>一</title>二<script/>三", "二"),
    ]);
}

#[test]
fn a_tag_that_does_not_end_costs_itself() {
    check(&[
        ("<a href=\"x>一</a><p>二", "一\n二"),
        ("一<p class='x>二<b title=\"y>三", "一\n二三"),
        ("一<p class", "一"),
        ("一\r\n二\r三&amp;&notit;&#x56db;<!--\r\n--><b a=\"\r\n&lt;\"><a href=\"x>五", "一二三&¬it;四五"),
        ("<a b=\"> ".repeat(40).as_str(), ""),
        ("<script>x</script a=\">二", "二"),
    ]);
}

#[test]
fn pages_are_known_by_their_start() {
    assert!(is_page("\n<!doctype HTML>") && is_page("<HTML lang=ja>") && !is_page("<p>"));
    assert!(
        is_page("<head><title>")
            && is_page("<Meta charset=x>")
            && is_page("<script>\n")
            && !is_page("<header>")
            && !is_page("<title")
            && !is_page("<あ")
    );
    assert!(is_page("<?xml version=\"1.0\"?>\n<!-- saved from url -->\n<!DOCTYPE html PUBLIC \"x\">"));
    assert!(!is_page("<!-- <html>") && !is_page("<?xml version=\"1.0\"?><rss>") && !is_page("<!--html-->") && !is_page("<htmあ"));
}

/// Pages of one snippet of markup over and over: what has made readers of HTML slow.
#[test]
fn hostile_markup_is_read_in_linear_time() {
    let snippets = [
        "<",
        "&",
        "&#",
        "&#x1",
        "&a",
        "<!--",
        "<!",
        "</",
        "<a =",
        "<a href=\"",
        "<a b=\">\" c='>",
        "<a b=\"c>",
        "<rt>",
        "<pre>",
        "<svg>",
        "<svg><p>",
        "<svg><desc>",
        "<template>",
        "<script>",
        "<title></titl",
        "<script><!--<script",
        "</script",
        "<![CDATA[",
        "\0",
        "<b>",
        "<xmp></xmp",
        "]]>",
        "<?",
        "<div>a",
        "<div class=nav>a",
        "<div></p>",
        "<p style='display:none;'>a",
        "<b hidden></span>",
        "<b hidden><span></i>",
        "<span hidden>",
        "<ul><li>a",
        "<td>a",
        "<table><tr><td>a<td>b",
        "<a href=x>a",
        "<h1>a</h2>",
        "<ruby><rt>",
        "<option>a",
        "<pre>\n",
        "\n日",
        "<p>検索|",
        "<a a=",
        "<div class='",
        "<object></table>",
    ];
    let start = Instant::now();
    for snippet in snippets {
        let page = snippet.repeat(300_000 / snippet.len());
        assert!(text(&page).len() <= page.len(), "{snippet}");
    }
    for attributes in [
        format!("a=\"{}\"", "a".repeat(3_000_000)),
        "a ".repeat(500_000),
        "class=x ".repeat(100_000),
        format!("class='{}'", "x ".repeat(500_000)),
    ] {
        assert_eq!(read(&format!("<p {attributes}>x"), &Options::default()).text, "x");
    }
    // Some 13 MB of it: seconds even without optimisation and on a busy machine, hours if a single one were quadratic.
    assert!(start.elapsed() < Duration::from_mins(2), "{:?}", start.elapsed());
}

#[test]
fn what_is_kept_of_a_page_is_bounded() {
    // Nesting beyond what is kept open: what is hidden or chrome there stays so, and ends where it ends.
    let deep = |open: &str, close: &str| format!("{open}{}{}{close}y", "<div>x".repeat(20_000), "</div>".repeat(20_000));
    assert_eq!(text(&deep("<div hidden>", "</div>")), "y");
    assert_eq!(read(&deep("<nav>", "</nav>"), &Options::default()).text, "y");
    let inline = format!("<b hidden>{}{}", "<i hidden>".repeat(600), "</u><b>x</b>".repeat(20_000));
    assert_eq!(text(&inline), "");
    // More lines than are told apart: all of them are kept, as lines.
    let many = "<nav>a</nav>".repeat(300_000);
    assert_eq!(text(&many).lines().count(), 300_000);
    let many = format!("<p>a{}", "<nav><a href=x>a</a></nav>".repeat(300_000));
    assert!(read(&many, &Options::default()).text.lines().count() > 30_000);
}

proptest! {
    #[test]
    fn never_panics(page in "(<|>|</|<p>|<rt>|<script>|&|;|#|x|=|\"|'|あ|<!--|-->| |\n|a){0,60}") {
        prop_assert!(text(&page).len() <= page.len());
    }

    #[test]
    fn foreign_and_raw_content_never_panics(page in "(<svg|<math|/>|>|</svg>|<title>|</title>|<desc>|<xmp>|</xmp|<plaintext>|<!\\[CDATA\\[|\\]\\]>|\0|あ|<p>|\u{3000}){0,40}") {
        let _ = text(&page);
        let _ = text(&format!("<?xml?>{page}"));
    }

    /// The main content is lines of the text, in their order, and something where that is something.
    #[test]
    fn the_main_content_is_of_the_text(page in "(<p>|<nav>|</nav>|<div class=sidebar>|<div>|</div>|<a href=x>|</a>|<h2>|</h2>|<li>|<table>|<tr>|<td>|</table>|<pre>|</pre>|検索|ホーム|続きを読む|川が流れている。|\\||\n| |a){0,40}") {
        let (all, main) = (text(&page), read(&page, &Options::default()).text);
        let mut lines = all.split('\n');
        prop_assert!(main.is_empty() == all.is_empty() && main.split('\n').all(|line| lines.any(|other| other == line)), "{all:?} {main:?}");
    }

    #[test]
    fn escaped_text_comes_back(lines in proptest::collection::vec("[a-z<>&あ漢]{1,12}", 1..6)) {
        let escape = |line: &String| line.replace('&', "&amp;").replace('<', "&lt;");
        let page = lines.iter().map(escape).collect::<Vec<_>>().join("</p>\n<p>");
        prop_assert_eq!(text(&page), lines.join("\n"));
    }

    /// Where text is cut by markup that means nothing, nothing changes.
    #[test]
    fn markup_without_meaning_leaves_no_trace(words in proptest::collection::vec("[a-zあ漢é𠮷]{1,4}", 1..8)) {
        let joined = words.concat();
        for nothing in ["<!-- x -->", "<b>", "</i>", "<svg/>", "<script>x</script>", "<?x>", "</>"] {
            prop_assert_eq!(text(&words.join(nothing)), joined.as_str());
        }
    }
}
