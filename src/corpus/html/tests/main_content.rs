//! Pages as sites make them: what stays and what goes.

use crate::corpus::html::{Options, read};

fn main_content(page: &str) -> String {
    read(page, &Options::default()).text
}

/// What stays is the whole text, line by line.
fn check(page: &str, kept: &[&str]) {
    assert_eq!(main_content(page).lines().collect::<Vec<_>>(), kept, "{page}");
}

#[test]
fn a_blog() {
    check(
        r##"<!DOCTYPE html><html lang="ja"><head><title>梅干しを漬ける | 台所の記録</title></head><body class="single has-sidebar">
<a class="skip-link screen-reader-text" href="#content">コンテンツへスキップ</a>
<header id="masthead" class="site-header"><p class="site-title"><a href="/">台所の記録</a></p><p class="site-description">毎日の保存食</p>
<nav id="site-navigation" class="main-navigation"><button aria-expanded="false">メニュー</button><ul><li><a href="/">ホーム</a></li><li><a href="/about">この家について</a></li></ul></nav></header>
<div class="breadcrumbs"><a href="/">ホーム</a> &gt; <a href="/c/ume">梅仕事</a> &gt; 梅干しを漬ける</div>
<main id="main"><article class="post hentry"><header class="entry-header"><h1 class="entry-title">梅干しを漬ける</h1>
<div class="entry-meta">2021年6月12日</div></header>
<div class="entry-content"><p>梅を<b>一晩</b>水に
   浸しました。</p><h2>材料</h2><ul><li>梅　2kg</li><li>塩　<a href="/salt">粗塩</a> 300g</li><li>赤紫蘇　少々</li></ul>
<p>重しを載せて待ちます。</p><blockquote><p>急がば回れ。</p></blockquote>
<div class="sharedaddy"><h3>共有:</h3><ul><li><a href="#">Twitter</a></li><li><a href="#">Facebook</a></li></ul></div></div>
<footer class="entry-footer"><span class="cat-links"><a href="/c">保存食</a></span></footer></article>
<nav class="navigation post-navigation"><a href="/p">前の投稿</a><a href="/n">次の投稿</a></nav>
<section class="related"><h2>関連記事</h2><ul><li><a href="/1">らっきょうを漬ける</a></li><li><a href="/2">味噌を仕込む</a></li></ul></section>
<div id="comments" class="comments-area"><h2>コメント</h2><ol><li><p>うちでも作ってみます。ありがとうございました。</p></li></ol>
<form id="commentform"><label>名前</label><input name=n><textarea>ここに書く</textarea><button>送信</button></form></div></main>
<aside id="secondary" class="widget-area"><h2>最近の投稿</h2><ul><li><a href="/3">糠床の手入れ</a></li></ul></aside>
<footer id="colophon" class="site-footer"><p>© 2021 台所の記録</p><p>当ブログの文章を無断で使わないでください。</p></footer>
<div class="cookie-notice">このサイトではクッキーを使っています。<button>同意する</button></div></body></html>"##,
        &[
            "梅干しを漬ける",
            "2021年6月12日",
            "梅を一晩水に浸しました。",
            "材料",
            "梅　2kg",
            "塩　粗塩 300g",
            "赤紫蘇　少々",
            "重しを載せて待ちます。",
            "急がば回れ。",
        ],
    );
}

#[test]
fn news_without_telling_elements() {
    check(
        r#"<html><head><title>橋が開通</title></head><body>
<div id="header"><div class="logo"><a href="/">河口新聞</a></div><ul class="gnavi"><li><a href="/s">社会</a></li><li><a href="/k">経済</a></li><li><a href="/sp">運動</a></li></ul></div>
<div class="topicPath"><a href="/">トップ</a>&nbsp;&gt;&nbsp;<a href="/s">社会</a></div>
<div id="wrapper"><div id="contents"><h1>新しい橋が開通</h1><p class="date">4月1日</p>
<p>市内の川に架かる新しい橋が一日、開通した。</p><p>市長は「長年の願いがかなった」と話した。</p>
<p class="more"><a href="/2">続きを読む</a></p>
<div class="snsBtn"><a href="a">ツイート</a> <a href="b">シェア</a></div>
<div class="relatedNews"><h2>関連ニュース</h2><ul><li><a href="/r1">橋の工事始まる</a></li><li><a href="/r2">渡し船が引退へ</a></li></ul></div></div>
<div id="sideBar"><h3>アクセスランキング</h3><ol><li><a href="/a1">桜が満開</a></li><li><a href="/a2">祭りの準備</a></li></ol></div></div>
<div id="footer"><a href="/about">会社概要</a> | <a href="/p">個人情報保護方針</a><br>Copyright(C) Kakou Shimbun. All Rights Reserved.</div></body></html>"#,
        &["新しい橋が開通", "4月1日", "市内の川に架かる新しい橋が一日、開通した。", "市長は「長年の願いがかなった」と話した。"],
    );
}

#[test]
fn an_old_site_of_tables() {
    check(
        r##"<HTML><HEAD><TITLE>My home page</TITLE></HEAD><BODY BGCOLOR="#FFFFFF"><CENTER><FONT SIZE=7>山の日記</FONT></CENTER><HR>
<TABLE WIDTH="100%"><TR><TD WIDTH=120 VALIGN=top><A HREF="index.html">表紙</A><BR><A HREF="prof.html">自己紹介</A><BR><A HREF="diary.html">日記</A><BR><A HREF="bbs.cgi">掲示板</A><BR><A HREF="link.html">リンク</A></TD>
<TD><H2>五月三日</H2>朝から晴れた。<BR>頂上まで三時間かかったが、<BR>
景色はすばらしかった。<P>翌日は雨だった。<TABLE BORDER><TR><TH>地点<TH>標高<TR><TD>登山口<TD>800m<TR><TD>頂上<TD>2100m</TABLE></TD></TR></TABLE>
<HR><A HREF="index.html">戻る</A></BODY></HTML>"##,
        &[
            "山の日記",
            "五月三日",
            "朝から晴れた。",
            "頂上まで三時間かかったが、",
            "景色はすばらしかった。",
            "翌日は雨だった。",
            "地点\t標高",
            "登山口\t800m",
            "頂上\t2100m",
        ],
    );
}

#[test]
fn an_encyclopaedia() {
    check(
        r##"<html class="client-js"><head><title>鉛筆 - 事典</title></head><body class="mediawiki ltr sitedir-ltr mw-hide-empty-elt ns-0">
<a class="mw-jump-link" href="#c">コンテンツにスキップ</a><div class="mw-header"><a href="/">事典</a></div>
<main id="content" class="mw-body"><h1 id="firstHeading">鉛筆</h1><div id="siteSub" class="noprint">出典: 自由な事典</div>
<div class="mw-parser-output"><p><b>鉛筆</b>（えんぴつ）は<a href="/w">筆記具</a>である<sup class="reference"><a href="#n1">[1]</a></sup>。</p>
<div id="toc" class="toc" role="navigation"><h2>目次</h2><ul><li><a href="#a">1 歴史</a></li><li><a href="#b">2 脚注</a></li></ul></div>
<h2>歴史<span class="mw-editsection">[<a href="/e">編集</a>]</span></h2><p>十六世紀に<ruby>黒鉛<rp>（</rp><rt>こくえん</rt><rp>）</rp></ruby>が見つかった。</p>
<table class="wikitable"><tr><th>硬さ</th><th>用途</th></tr><tr><td>HB</td><td>筆記</td></tr><tr><td><a href="/2b">2B</a></td><td><a href="/d">描画</a></td></tr></table>
<dl><dt>芯</dt><dd>黒鉛と粘土で作る。</dd></dl>
<div class="navbox"><table><tr><td><a href="/1">ペン</a></td><td><a href="/2">筆</a></td></tr></table></div></div>
<div id="catlinks" class="catlinks"><a href="/c">カテゴリ</a>: <ul><li><a href="/k">筆記具</a></li></ul></div></main>
<div id="mw-navigation"><h2>案内メニュー</h2><ul><li><a href="/r">おまかせ表示</a></li></ul></div>
<footer id="footer" role="contentinfo"><ul><li>最終更新 2020年1月1日</li></ul></footer></body></html>"##,
        &[
            "鉛筆",
            "鉛筆（えんぴつ）は筆記具である[1]。",
            "歴史",
            "十六世紀に黒鉛が見つかった。",
            "硬さ\t用途",
            "HB\t筆記",
            "2B\t描画",
            "芯",
            "黒鉛と粘土で作る。",
        ],
    );
}

#[test]
fn a_book_of_the_web() {
    check(
        r#"<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "x"><html xmlns="http://www.w3.org/1999/xhtml"><head><title>甲野太郎 川</title>
<script type="text/javascript" src="a.js"/></head><body><div class="metadata"><h1 class="title">川</h1><h2 class="author">甲野太郎</h2><br /><br /></div>
<div id="contents" style="display:none"></div><div class="main_text"><br />
　<ruby><rb>硯</rb><rp>（</rp><rt>すずり</rt><rp>）</rp></ruby>の海に<img src="g.png" alt="※(「木＋虚」、第3水準1-1-1)" class="gaiji" />の葉が浮いた。<br />
「どこへ行く」<br />
「海へ」<br />
<a id="m1"></a>
<div class="jisage_3" style="margin-left: 3em">水は急ぐ</div>
それきり黙った。<br /></div>
<div class="bibliographical_information"><hr />底本：「川」架空書房<br /></div></body></html>"#,
        &[
            "川",
            "甲野太郎",
            "　硯の海に〓の葉が浮いた。",
            "「どこへ行く」",
            "「海へ」",
            "水は急ぐ",
            "それきり黙った。",
            "底本：「川」架空書房",
        ],
    );
}

#[test]
fn a_law_and_its_tables() {
    check(
        r#"<html><head><title>架空法</title></head><body><P><B>　　　第一章　総則</B></P><P><A NAME="1"></A>
<P><DIV CLASS="item"><B>第一条</B>　この法律は、<A HREF="/other">他の法律（昭和元年法律第一号）</A>に定めるもののほか、必要な事項を定める。
</DIV><DIV CLASS="number"><B>一</B>　船舶
</DIV><DIV CLASS="number"><B>二</B>　航空機
</DIV><P>別表<TABLE BORDER><TR VALIGN="top"><TD>種類</TD><TD>金額</TD></TR><TR><TD>甲</TD><TD>百円</TD></TR></TABLE></BODY></HTML>"#,
        &[
            "　　　第一章　総則",
            "第一条　この法律は、他の法律（昭和元年法律第一号）に定めるもののほか、必要な事項を定める。",
            "一　船舶",
            "二　航空機",
            "別表",
            "種類\t金額",
            "甲\t百円",
        ],
    );
}

#[test]
fn a_thread_is_what_readers_wrote() {
    check(
        r#"<html><body><div class="navbar"><a href="/">掲示板に戻る</a></div><h1>猫の話</h1><div class="comments">
<div class="comment"><div class="commentHeader">1 名無し</div><div>うちの猫がよく鳴く。なぜだろう。</div></div>
<div class="comment"><div>2 名無し</div><div>おなかが空いているのでは？</div></div></div>
<form><input type="text"><button type="submit">書き込む</button></form></body></html>"#,
        &["猫の話", "1 名無し", "うちの猫がよく鳴く。なぜだろう。", "2 名無し", "おなかが空いているのでは？"],
    );
}

#[test]
fn verse_and_talk_without_marks() {
    check(
        "<p>春の海<p>終日のたり<p>のたりかな<p>「はい」<p>「いいえ」<p>検索<p>小 中 大<p>トップ<p>「次へ」<p>「戻る」<p>「閉じる」",
        &[
            "春の海",
            "終日のたり",
            "のたりかな",
            "「はい」",
            "「いいえ」",
            "検索",
            "小 中 大",
            "トップ",
            "「次へ」",
            "「戻る」",
            "「閉じる」",
        ],
    );
}

#[test]
fn chrome_without_marks() {
    check(
        "<p>架空町通信<p>ホーム ｜ 会社概要 ｜ 採用情報 ｜ サイトマップ<p>現在位置：ホーム＞広報<p>橋の話<p>昔、ここに橋がありました。<p>▲このページの先頭へ\
         <p>前のページ｜次のページ<p>橋は洪水で流れました。<p>このサイトではCookieを使用しています。<p>Ｃｏｐｙｒｉｇｈｔ（Ｃ）２０１０ 架空町",
        &["橋の話", "昔、ここに橋がありました。", "橋は洪水で流れました。"],
    );
    for line in [
        "当ウェブサイトでは、利便性の向上のためにクッキーを利用しています。",
        "HOME / 暮らし / 福祉",
        "この記事を読んだ人はこんな記事も読んでいます",
        "人気順 新着順",
        "LINEで友だちに教える",
        "≪前へ 1 2 3 次へ≫",
        "申し訳ございません。お探しのページは見つかりませんでした。",
        "投稿者：管理人　投稿日時：2020年1月1日 12:34",
    ] {
        check(&format!("<p>ある日のことである。</p><p>{line}</p><p>雨が降った。</p>"), &["ある日のことである。", "雨が降った。"]);
    }
    // The same words in sentences, headings and lists of a text.
    let text = [
        "サイトマップの作り方",
        "検索とログインの仕組みについて、この章では順に説明します。",
        "会員登録とログイン",
        "この条において「広告」とは、商品の販売のための表示をいう。",
        "トップに立った彼は、ホームへ帰りたいと言った。",
        "現在地から駅まで歩いて十分かかる。",
        "(c) 前二号に掲げるもの",
        "[すべてのアカウント] の [アカウントの追加] を選択します。",
        "クッキーの値を返します。",
        "サービス アカウントのアクセス権を確認します。",
    ];
    check(&format!("<p>{}", text.join("<p>")), &text);
}

#[test]
fn lists_of_links_go_and_links_in_text_stay() {
    check(
        "<h1>橋</h1><p>橋は<a href=a>川</a>を渡る。</p><p><a href=b>橋の写真</a></p><p>終わり。</p><p><a href=c>詳しく見る</a></p><h2>別の頁</h2><ul><li><a href=1>山</a><li><a href=2>谷</a><li><a href=3>海</a></ul>",
        &["橋", "橋は川を渡る。", "橋の写真", "終わり。"],
    );
    // A page that is a list keeps it.
    let list =
        "<main><h1>駅の一覧</h1><ul><li><a href=1>甲駅前停留所</a><li><a href=2>乙駅前停留所</a><li><a href=3>丙駅前停留所</a></ul></main>";
    check(list, &["駅の一覧", "甲駅前停留所", "乙駅前停留所", "丙駅前停留所"]);
}

#[test]
fn lists_of_a_text_stay() {
    check(
        "<article><h1>作家</h1><p>多くの作品を残した。短編が多い。</p><ul><li><a href=1>川</a><li><a href=2>山</a><li><a href=3>海</a></ul><p>晩年は旅に出た。北の町である。</p>\
         <h2>機能</h2><ul><li>検索<li>ランキング<li>お気に入り</ul></article><ul><li><a href=4>上</a><li><a href=5>下</a><li><a href=6>左</a></ul>",
        &[
            "作家",
            "多くの作品を残した。短編が多い。",
            "川",
            "山",
            "海",
            "晩年は旅に出た。北の町である。",
            "機能",
            "検索",
            "ランキング",
            "お気に入り",
        ],
    );
    check(
        "<h1>店</h1><div class=menu><dl><dt>かつ丼<dd>九百円<dt>そば<dd>六百円</dl></div><div class=side-menu><a href=a>地図</a></div><p>夜も開いています。",
        &["店", "かつ丼", "九百円", "そば", "六百円", "夜も開いています。"],
    );
    check(
        "<h2>材料</h2><ul><li>米　二合<li>水　少々</ul><h2>手順</h2><ol><li>米を研ぐ<li>炊く</ol>",
        &["材料", "米　二合", "水　少々", "手順", "米を研ぐ", "炊く"],
    );
}

#[test]
fn what_stands_outside_the_main_part_goes() {
    let article = "この町の歴史は古く、川のほとりに市が立った頃から続いている。".repeat(8);
    check(
        &format!("<div>町の頁</div><main><h1>町</h1><p>{article}</p></main><div>この頁について何か書いてあります。</div>"),
        &["町", &article],
    );
    check(
        "<div>町の頁</div><main><h1>町</h1></main><div>ここに本文があります。長くはありません。</div>",
        &["町の頁", "町", "ここに本文があります。長くはありません。"],
    );
}

#[test]
fn marks_that_would_cost_the_text_are_not_believed() {
    let sentence = "長い文章がここに続いていて、読む人はこれを読みに来たのである。".repeat(3);
    check(&format!("<div class=sidebar><p>{sentence}</p><p>短い行</p></div>"), &[&sentence, "短い行"]);
    check(&format!("<div class='l-sidebar no-footer'><p>{sentence}</div><p>別の文である。"), &[&sentence, "別の文である。"]);
    check("<nav><a href=/>表紙</a></nav>", &["表紙"]);
    check("<p>ホーム｜検索", &["ホーム｜検索"]);
    check("<footer>一行だけ</footer>", &["一行だけ"]);
    let article = "この町の歴史は古く、川のほとりに市が立った頃から続いている。".repeat(4);
    check(&format!("<div>町</div><nav><ul><li>案内</ul><p>{article}</p><p>後の文。</p>"), &["町", "案内", &article, "後の文。"]);
    // A form around everything is not a form.
    check("<form id=aspnetForm><h1>題</h1><p>本文です。</p><select><option>甲<option>乙</select></form>", &["題", "本文です。"]);
}

#[test]
fn a_line_is_chrome_only_if_all_of_it_is() {
    check(
        "<p><span class=sns>この欄</span>は編集部が書いている。</p><p><button>開く</button>を押すと、箱が開く。</p>",
        &["この欄は編集部が書いている。", "開くを押すと、箱が開く。"],
    );
    check(
        "<p>本文がここにあります。</p><p><span class=sns>共に見る</span></p><p>&nbsp;</p><table><tr><td class=noprint>一<td>二</table>",
        &["本文がここにあります。", "一\t二"],
    );
}

#[test]
fn a_title_in_the_head_of_a_page_stays() {
    check(
        "<title>雪の朝 - 日記</title><header><div>日記</div><h1>雪の朝</h1></header><p>今朝は雪だった。</p>",
        &["雪の朝", "今朝は雪だった。"],
    );
}

#[test]
fn code_is_no_chrome() {
    check(
        "<p>次のように書きます。</p><pre>Copyright (c) 2020\n\nhome | about\n    検索 | ログイン</pre>",
        &["次のように書きます。", "Copyright (c) 2020", "", "home | about", "    検索 | ログイン"],
    );
}
