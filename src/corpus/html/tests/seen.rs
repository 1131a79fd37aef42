//! What a reader sees: hidden text, white space, and what stands for text.

use crate::corpus::html::{Extract, Options, Ruby, read};

fn check(cases: &[(&str, &str)]) {
    for (page, expected) in cases {
        assert_eq!(read(page, &Options { extract: Extract::All, ..Options::default() }).text, *expected, "{page}");
    }
}

#[test]
fn a_line_end_of_the_source_goes_between_wide_characters() {
    check(&[
        ("<p>\n   一つ、\n \t 二つ\n\n\n三つ\n</p>", "一つ、二つ三つ"),
        ("<p>一 \n<b> \n二</b>\n<i>三</i> <u>四</u>\r\n\r\n五", "一二三 四五"),
        (
            "<p>été\nà Évian, Привет\nмир, 안녕\n하세요, ελλάδα\nxyz, 한\n日, 日\n한, ㄱ\n日",
            "été à Évian, Привет мир, 안녕 하세요, ελλάδα xyz, 한 日, 日 한, ㄱ 日",
        ),
        ("<p>日\nabc\n日、\n日。\nabc\n（日）\n「日」\n，", "日 abc 日、日。 abc （日）「日」，"),
        ("<p>ｱ\nｲ\nＡ\nＢ\n한", "ｱｲＡＢ 한"),
        ("<p>日…\n日―\n日①\n日“\n日α\n日", "日…日―日①日“日α 日"),
        ("<p>a\u{200b}\nb\n\u{200b}c", "a\u{200b}b\u{200b}c"),
        ("<p>か\u{3099}\nき😀\n日𠮷\n日", "か\u{3099}き😀日𠮷日"),
        ("<p>日&#10;日&#x20;日&nbsp;\n日", "日日 日\u{a0} 日"),
        ("日<!-- x -->\n<!-- y -->日<wbr>\n日", "日日日"),
        ("日<script>x</script>\n<span hidden>x</span>日", "日日"),
        ("<p>日<br>\n 日<br/> 日", "日\n日\n日"),
        ("<pre>\n日\n  本\n\n語\n</pre>日\n本", "日\n  本\n\n語\n日本"),
        ("<pre>\n\n  a\n</pre><pre>b </pre>", "  a\nb"),
        (
            "<p style='white-space: PRE-WRAP'>日\n 本<p style='white-space:pre-line'>日  本 \n 語<pre style='white-space:normal'>日\n本</pre>",
            "日\n 本\n日 本\n語\n日本",
        ),
    ]);
}

#[test]
fn what_is_not_displayed_is_no_text() {
    check(&[
        ("一<p hidden>二<p>三", "一\n三"),
        ("<p HIDDEN=''>一</p>二<p hidden=until-found>三</p><p hidden=false>四", "二\n三"),
        ("<div style=\"Display : NONE\">一<div>二</div></div>三", "三"),
        ("<p style='color:red;display:none ! important;display:block'>一<p style='display:none;display:block'>二", "二"),
        (
            "<p style='display/**/:/* x */none'>一<p style=\"background:url('a;display:none')\">二<p style='background:url(data:x;display:none)'>三",
            "二\n三",
        ),
        (
            "<p style='displa:none'>一<p style='display:nonsense'>二<p style='x:y;;display&#58;none'>三<p style='display:none;display:foo'>四",
            "一\n二",
        ),
        ("<p style='visibility:hidden'>一<b style='visibility:visible'>二</b></p><p style='visibility: collapse'>三", "二"),
        ("<p hidden style='display:block'>一", "一"),
        ("<ul><li>一<li hidden>二<li>三</ul>", "一\n三"),
        ("<table><tr hidden><td>一<tr><td>二<td style='display:none'>三<td>四</table>", "二\t四"),
        ("<dl><dt>一<dd style=display:none>二<dt>三</dl>", "一\n三"),
        ("<select><option>一<option hidden>二<option>三</select>", "一\n三"),
        ("<span hidden>一<span>二</span>三</span>四<b hidden>五<i>六</b>七</i>", "四七"),
        ("<b>一<span hidden>二</b>三</span>四", "一四"),
        ("<dialog>一</dialog><dialog open>二</dialog><div popover>三</div><details><summary>四</summary>五</details>", "二\n四\n五"),
        (
            "<template><div>一</template><noscript>二</noscript><object>三</object><canvas>四</canvas><video>五</video><datalist><option>六</datalist>七",
            "七",
        ),
        ("<my-element-of-a-long-name hidden>一<p>二</p></my-element-of-a-long-name>三", "三"),
        ("<div hidden><div>一</div><table><tr><td></div>二</table></div>三", "三"),
        ("<p aria-hidden=true>一<p style='opacity:0'>二", "一\n二"),
        ("<body style='visibility:hidden' hidden>一", "一"),
        ("<div hidden hidden=x style='x' style='display:block'>一</div>二", "二"),
        ("<input type=hidden value=x><input value=y><textarea>z</textarea>一", "一"),
    ]);
}

#[test]
fn structure_is_lines() {
    check(&[
        ("<ul><li>一<ul><li>二</ul><li>三</ul><ol><li><p>四</p></ol>", "一\n二\n三\n四"),
        ("<dl><dt>一<dd>二<dt>三</dl><figure><img alt=図><figcaption>四</figcaption></figure>五<hr>六", "一\n二\n三\n図\n四\n五\n六"),
        ("<table><caption>題</caption><thead><tr><th>一<th>二<tbody><tr><td> 三 <td><p>四</p></table>", "題\n一\t二\n三\t四"),
        // A cell of several lines makes lines of its row, and so does a table in it.
        ("<table><tr><td>一<td>二<br>三<tr><td>四<td>五</table>", "一\n二\n三\n四\t五"),
        ("<table><tr><td><table><tr><td>一<td>二</table><td>三</table>", "一\t二\n三"),
        ("<table><td>一<td><td>二</table><td>三", "一\t二\n三"),
        ("<p>一<div>二</p>三</div>四<h1>五<h2>六</h1>七", "一\n二\n三\n四\n五\n六\n七"),
        ("<a href=x>一<a href=y>二</a><div>三</a>四</div>", "一二\n三四"),
        (
            "一<img alt='図の説明です'>二<img alt=➡>三<img class=emoji alt='👨‍👩‍👧'>四<img class='wp-gaiji' alt=棭>五<img alt=x>六",
            "一二➡三👨‍👩‍👧四棭五六",
        ),
        ("<ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby>は<ruby><rb>日<rb>本<rtc><rt>に<rt>ほん</rtc></ruby>の", "東京は日本の"),
        ("<ruby>一<rt>い<p>二", "一\n二"),
    ]);
}

#[test]
fn readings_may_stay() {
    let text = |page: &str| read(page, &Options { ruby: Ruby::Keep, ..Options::default() }).text;
    assert_eq!(
        text("<ruby>東<rt>とう</rt>京<rt>きょう</rt></ruby>と<ruby><rb>硯</rb>\n<rp>（</rp><rt>すずり</rt><rp>）</rp></ruby>。"),
        "東（とう）京（きょう）と硯（すずり）。"
    );
    assert_eq!(
        text("<ruby>日<rb>本<rtc><rt>に<rt>ほん</rtc></ruby>の<ruby>水<rt></rt></ruby>を<ruby>飲<rt hidden>の</rt></ruby>む"),
        "日本（に）（ほん）の水を飲む"
    );
    assert_eq!(text("<ruby>一<rt>い<p>二"), "一（い）\n二");
}

#[test]
fn titles() {
    let title = |page: &str| read(page, &Options::default()).title;
    assert_eq!(title("<title> 一 \n 二&amp;<b></title><title>三</title>").as_deref(), Some("一二&<b>"));
    assert_eq!(title("<svg><title>一</title></svg><p>二"), None);
    assert_eq!(title("<title></title>"), None);
    assert_eq!(title("<?xml version='1.0'?><html><head><title/><title><![CDATA[<題>]]></title>").as_deref(), None);
    assert_eq!(title("<?xml version='1.0'?><html><head><title><![CDATA[<題>]]></title>").as_deref(), Some("<題>"));
    assert!(title(&format!("<title>{}", "長い題".repeat(100_000))).is_none_or(|title| title.len() <= 2048));
    assert_eq!(read("<title>\"題\"</title>", &Options::default()).meta().as_deref(), Some(r#"{"title":"\"題\""}"#));
}

#[test]
fn scripts_of_xml() {
    let text = |page: &str| read(page, &Options { extract: Extract::All, is_xml: true, ..Options::default() }).text;
    assert_eq!(text("<script>//<![CDATA[\n document.write('</script>'); a<b \n//]]></script>一"), "一");
    assert_eq!(text("<script><!--//--><![CDATA[//><!--\n a<b '</script>' //--><!]]></script>一"), "一");
    assert_eq!(text("<script>if (a<b) x</script>一<style>p > a {}</style><noscript><p>二</p></noscript>三"), "一三");
    assert_eq!(text("<p>一<a id='x'/>二<br/>三<td/><iframe src='x'/>四</p>"), "一二\n三\n四");
}
