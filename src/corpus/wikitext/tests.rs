//! What a page shows.

use super::{Page, Site, Templates, read, redirect};
use crate::corpus::html;

fn page(text: &str) -> Page {
    read(text, "鉛筆", &Site::default(), &Templates::new(std::iter::empty()).unwrap())
}

fn shown(text: &str) -> String {
    let options = html::Options { extract: html::Extract::All, ..html::Options::default() };
    html::read(&page(text).html, &options).text
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(text).trim_end(), *expected, "{text}");
    }
}

#[test]
fn links_show_their_words() {
    check(&[
        ("'''鉛筆'''（えんぴつ）は[[筆記具|書く道具]]である。", "鉛筆（えんぴつ）は書く道具である。"),
        ("[[木]]と[[紙#和紙|紙]]。", "木と紙。"),
        ("[[消しゴム (文具)|]]と[[Help:目次|]]", "消しゴムと目次"),
        ("[[ファイル:a.jpg|thumb|[[木]]の芯]]本文。", "本文。"),
        ("[[画像:a.jpg|thumb|[[木]]の\n芯]]本文。", "本文。"),
        ("[[Image:a.png]][[File:b.svg|20px]][[media:c.ogg]]本文。", "本文。"),
        ("[[Category:文具|えんひつ]]本文。", "本文。"),
        ("[[カテゴリ:文具]]本文。", "本文。"),
        ("[[:ファイル:a.jpg|図]]と[[:Category:文具|分類]]と[[:en:Pencil]]。", "図と分類とen:Pencil。"),
        ("[[w:en:Pencil|英語版]]と[[en:Pencil]]。[[zh-yue:鉛筆]][[simple:Pencil]]", "英語版と。"),
        ("[http://example.jp 見本]と[http://example.jp]と[https://example.jp/a_b ''斜体'']", "見本とと斜体"),
        ("http://example.jp/__a__ は住所", "http://example.jp/__a__ は住所"),
        ("[注 1]と[1]", "[注 1]と[1]"),
        ("[[甲|乙|丙]]", "乙|丙"),
        ("[[甲]]論", "甲論"),
    ]);
    assert_eq!(page("[[Category:文具|えんひつ]][[カテゴリ:筆記具]][[Category:文具]]").categories, ["文具", "筆記具"]);
}

#[test]
fn templates_that_carry_words_stay() {
    check(&[
        ("{{仮リンク|木軸|en|Wooden shaft}}は軽い。", "木軸は軽い。"),
        ("{{仮リンク|木軸 (鉛筆)|en|Wooden shaft|label=木の軸}}は軽い。", "木の軸は軽い。"),
        ("{{Lang|en|pencil}}という。{{lang|ja|'''太字'''}}", "pencilという。太字"),
        ("{{読み仮名|鉛筆|えんぴつ}}は黒い。", "鉛筆（えんぴつ）は黒い。"),
        ("{{ルビ|漢|かん}}字", "漢字"),
        ("{{lang-en|pencil}}", "英語: pencil"),
        ("{{要出典範囲|date=2020年1月|甲は乙だ}}。{{要検証範囲|丙}}", "甲は乙だ。丙"),
        ("甲{{要出典|date=2020年}}。{{Cite book|title=乙|author=[[丙]]}}{{Infobox\n|a=b\n|c={{d}}\n}}", "甲。"),
        ("{{ubl|甲|乙|[[丙]]}}", "甲、乙、丙"),
        ("{{small|1=甲=乙}}", "甲=乙"),
        ("{{Color|red|赤}}い{{nowrap|[[花|はな]]}}", "赤いはな"),
        ("{{quote|甲。\n\n乙。}}", "甲。\n乙。"),
        ("{{PAGENAME}}は{{lc:ABC}}{{#if:a|b|c}}", "鉛筆はABC"),
        ("{{DEFAULTSORT:えんひつ}}本文", "本文"),
        ("{{{1|既定}}}と{{{2}}}", "既定と"),
        ("{{ 仮リンク\n| 木軸 <!-- 注 -->\n| en | Shaft\n}}は", "木軸は"),
    ]);
    let dropped = page("{{甲}}{{乙|{{丙}}}}<ref>a</ref><ref name=x /><gallery>\na.jpg\n</gallery>").dropped;
    assert_eq!((dropped.count("template"), dropped.count("reference"), dropped.count("picture")), (2, 2, 1));
}

#[test]
fn tags_and_comments() {
    check(&[
        ("芯<ref name=\"a\">甲、{{cite book|title=乙}}。</ref>は折れる<ref name=\"a\" />。", "芯は折れる。"),
        ("<nowiki>[[甲]]</nowiki>と<nowiki>''乙''&amp;</nowiki>。", "[[甲]]と''乙''&。"),
        ("<ruby>漢<rp>（</rp><rt>かん</rt><rp>）</rp></ruby>字", "漢字"),
        ("甲<!-- 乙 -->丙<!-- 丁", "甲丙"),
        ("水は<math>H_2O</math>、<sub>下</sub>、H<sub>2</sub>O", "水はH_2O、下、H2O"),
        ("A &amp; B&nbsp;&#x4E00;", "A & B\u{a0}一"),
        ("甲<br />乙", "甲\n乙"),
        ("<poem>\n甲\n乙\n</poem>", "甲\n乙"),
        ("甲<references group=\"注\">\n<ref>乙</ref>\n</references>丙", "甲丙"),
        ("<syntaxhighlight lang=\"c\">\nint a[[2]];\n</syntaxhighlight>", "int a[[2]];"),
        ("'''''甲'''''乙''丙''''丁'", "甲乙丙'丁'"),
        ("__NOTOC__甲__目次__乙__甲__", "甲乙__甲__"),
        ("1 < 2 かつ 3 > 2", "1 < 2 かつ 3 > 2"),
    ]);
}

#[test]
fn lines_become_paragraphs() {
    check(&[
        ("甲。\n乙。\n\n丙。", "甲。乙。\n丙。"),
        ("== 見出し ==\n本文\n=== 小 === <!-- 注 -->\n続き", "見出し\n本文\n小\n続き"),
        ("* 甲\n** 乙\n# 丙\n; 丁 : 戊\n: 己", "甲\n乙\n丙\n丁 : 戊\n己"),
        ("甲\n[[Category:乙]]\n{{stub}}\n丙", "甲\n丙"),
        ("　甲。\n　乙。", "　甲。\n　乙。"),
        ("----\n甲", "甲"),
        ("a = b\n= 題 =", "a = b\n題"),
        ("word\nnext", "word next"),
    ]);
}

#[test]
fn tables_are_rows_of_cells() {
    check(&[
        ("{| class=\"wikitable\"\n|+ 題\n! 名 !! 値\n|-\n| style=\"a\" | 甲 || 1\n|-\n|[[乙|い]]\n|2\n|}", "題\n名\t値\n甲\t1\nい\t2"),
        ("前\n{|\n|甲\n{|\n|乙\n|}\n|}\n後", "前\n甲\n乙\n後"),
        ("{|\n|甲\n|乙", "甲\t乙"),
    ]);
}

#[test]
fn what_has_no_partner_leaves_no_marks() {
    check(&[("甲{{乙", "甲乙"), ("甲]]乙}}", "甲乙"), ("[[甲\n乙]]", "甲乙"), ("{{甲|[[乙}}丙", "丙"), ("[[甲", "甲")]);
    assert_eq!(page("甲{{乙").dropped.count("mark_alone"), 1);
}

#[test]
fn redirects_are_known() {
    assert_eq!(redirect("#転送 [[鉛筆]]"), Some("鉛筆"));
    assert_eq!(redirect("#REDIRECT: [[鉛筆#歴史|甲]]\n{{転送}}"), Some("鉛筆#歴史"));
    assert_eq!(redirect("＃Redirect[[甲]]"), Some("甲"));
    assert_eq!(redirect("# 転送 ではない"), None);
}

#[test]
fn absurd_nesting_ends() {
    let deep = format!("{}甲{}乙", "{{small|".repeat(20_000), "}}".repeat(20_000));
    assert_eq!(shown(&deep), "乙");
    assert_eq!(page(&deep).dropped.count("nesting"), 1);
    for part in [
        "{{",
        "[[",
        "[http://",
        "{|\n",
        "<ref>",
        "<!--",
        "__",
        "'''",
        "{{a|",
        "[[a|",
        "}}",
        "]]",
        "|-\n",
        "=",
        "==\n",
        "<",
        "\n",
        "_",
        "[[a|\n|}",
        "{{[[a|\n|}",
    ] {
        let many = part.repeat(1 << 15);
        assert!(page(&many).html.len() <= 8 * many.len(), "{part}");
    }
}
