//! Presets keep their genre and drop what is rubbish in any: texts written for this test, through the whole program.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::harness::{World, repository, rows, strings};

const GENRES: [&str; 6] = ["web", "legal", "literature", "dialogue", "technical", "auto"];

const PEERS: [&str; 2] = ["swallow-v1", "fineweb2-ja"];

/// A document of the given genre, and what it stands for.
type Case = (&'static str, &'static str, String);

fn speech() -> String {
    "　ただいま御指摘のございました地方の交通につきましては、人口の減少と運転手の不足が重なり、路線の維持がたいへん難しくなっているというふうに承知しておりまして、\
     国といたしましても、自治体と事業者が一緒になって計画をつくる場合の支援を拡充してまいりたいと考えているところでございます。\n　\
     その上で、先ほど委員がおっしゃいました通学の足の確保でございますが、これは地域の将来に関わる大切な問題でございますので、関係省庁とよく連携しながら、\
     現場の声を丁寧にお伺いして、できるだけ早く方向性をお示しできるように努めてまいりたい、このように考えております。"
        .to_owned()
}

fn meiji() -> String {
    "余は其頃未だ東京の地理に暗く、日毎に宿を出でて西に東に歩み廻り、或は古き寺の門前に立ちて鐘の音を聞き、或は川の岸に坐して行き交ふ舟を眺め、日の傾くに及びて漸く\
     足を返すを常としたりしが、或夕べ、ふと見慣れぬ小路に迷ひ入りしに、軒低き家の窓より琴の音の洩れ来るあり、其の調べの何処となく故郷の母の弾きしものに似たれば、\
     我知らず歩みを止めて聞き入るほどに、雨はらはらと降り出でて、袖の濡るるも覚えざりき、やがて音の絶えて灯の消ゆるまで、余は其処に立ち尽したりけり。\n　　　　\
     ×　　　　×　　　　×\n\
     翌る日も余は其小路を訪ねたれど、家は固く戸を閉して人の気配もなく、隣の翁に問へば、住みし人は今朝早く旅に立ちぬと答へぬ。\n＊＊＊\n―――\n\
     さてこそと思ひて帰りしが、其後幾年を経て、再び其の調べを聞くことはなかりき。"
        .to_owned()
}

fn verse() -> String {
    let refrain = "ゆれるゆれる\n葦の舟\n";
    let stanzas = ["川上の灯は\nまだ遠い\n", "櫂をにぎれば\n手がつめたい\n", "母の呼ぶ声\n風にちぎれて\n", "星をかぞえて\n夜が明ける\n"];
    stanzas.map(|stanza| format!("{stanza}{refrain}")).join("\n")
}

fn katakana_statute() -> String {
    "第一条　本令ニ於テ営業者ト称スルハ主務大臣ノ免許ヲ受ケ第二条ニ掲クル事業ヲ営ム者ヲ謂フ\n第二条　営業者ハ毎年一回其ノ業務及財産ノ状況ヲ主務大臣ニ報告スヘシ但シ\
     已ムコトヲ得サル事由アルトキハ此ノ限ニ在ラス\n第三条　前条ノ規定ニ依ル報告ヲ為サス又ハ虚偽ノ報告ヲ為シタル者ハ百円以下ノ過料ニ処ス\n附則\n本令ハ公布ノ日ヨリ之ヲ施行ス"
        .to_owned()
}

fn treaty() -> String {
    "　両締約国の政府は、両国の間の文化の交流を促進し、もって両国民の相互の理解を深めることを希望し、それぞれの国において現に施行されている法令の範囲内で、\
     学者、教員、学生、芸術家その他の文化的活動に従事する者の交換を奨励することを決意し、このため協定を締結することに決定して、次のとおり協定した。\n第一条\n　\
     各締約国の政府は、他方の締約国の国民が自国の図書館、博物館その他の文化施設を利用することを、自国の国民に与えるものと同様の条件で許可するものとする。\n第二条\n　\
     この協定は、両締約国がその効力発生のために国内法上必要とされる手続を完了したことを相互に通告した日に効力を生ずる。"
        .to_owned()
}

/// An amending law: the same formulae again and again, and little else.
fn amendment() -> String {
    let mut text =
        "　　　附　則\n（施行期日）\n第一条　この法律は、公布の日から起算して六月を超えない範囲内において政令で定める日から施行する。\n"
            .to_owned();
    let measures = [
        "この法律の施行の際現に旧法第三条の許可を受けている者は、新法第四条の登録を受けたものとみなす。",
        "前条の規定により届出をした漁業者に係る手数料の額については、なお従前の例による。",
        "政府は、この法律の施行後五年を経過した場合において、水道の普及の状況を勘案し、必要な措置を講ずるものとする。",
        "旧組合の会計に属する資産及び負債は、その解散の時において新たな組合が承継する。",
        "日本国有鉄道の職員であった者の退職手当については、改正後の第十二条の規定を適用しない。",
    ];
    for (n, (year, measure)) in ["十二", "十四", "十五", "十七", "十九"].iter().zip(measures).enumerate() {
        let _ = write!(
            text,
            "　　　附　則　（平成{year}年六月{}日法律第{}号）　抄\n（施行期日）\n第一条　この法律は、公布の日から施行する。\n（罰則に関する経過措置）\n第二条　\
             この法律の施行前にした行為に対する罰則の適用については、なお従前の例による。\n（経過措置）\n第三条　{measure}\n",
            n + 3,
            40 + 7 * n
        );
    }
    text
}

/// A statute that is mostly a table.
fn fee_table() -> String {
    let mut text = "別表（第五条関係）\n手数料の額は、次の表の上欄に掲げる区分に応じ、同表の下欄に掲げる額とする。\n".to_owned();
    for (kind, fee) in
        ["小型の容器の検査", "中型の容器の検査", "大型の容器の検査", "附属品の検査", "再検査を受ける者の登録", "登録の更新を受ける場合"]
            .iter()
            .zip(1..)
    {
        let _ = write!(text, "{kind}\n一件につき{fee},{fee}00円\n");
    }
    text
}

fn reference() -> String {
    ["open", "read", "write", "close", "seek", "flush"].map(|name| {
        format!(
            "## File#{name} -> Integer\n\nファイルに対して {name} を行います。失敗した場合は例外 IOError が発生します。\n\n@param path ファイルのパスを文字列で指定します。\n\
             @raise IOError {name} に失敗した場合に発生します。\n\n#@samplecode 例\nf = File.new(path)\nf.{name} # => 0\n#@end\n\n@see [[m:IO#{name}]]\n"
        )
    })
    .join("\n")
}

fn chat() -> String {
    let turns = [
        "A：おはよう！",
        "B：おはよう、早いね",
        "A：うん、今日は犬の散歩に行ってきたんだ",
        "B：いいね、何て名前だっけ？",
        "A：コタロウ。もう十歳になるよ",
    ];
    let more = [
        "B：そんなになるんだ、前に会った時は子犬だったのに",
        "A：そうそう、覚えててくれて嬉しい",
        "B：また会いに行ってもいい？",
        "A：もちろん、いつでもどうぞ！",
    ];
    [&turns[..], &more[..]].concat().join("\n")
}

fn article() -> String {
    "青葉山（あおばやま）は、北部の町にある標高四百十二メートルの山である。古くから信仰の対象とされ、山頂には小さな社がある。\n\n概要\n\
     山の名は、春の若葉が遠くから青く見えることに由来すると伝えられる。江戸時代には麓に宿場が置かれ、参詣の人で賑わった。明治以降は林業が盛んになり、\
     木材を運ぶための軽便鉄道が敷かれたが、昭和の中頃に廃止された。\n\n登山\n登山口は南と東の二箇所にあり、いずれも山頂まで二時間ほどで登ることができる。"
        .to_owned()
}

/// More than fifty kanji before the first kana: who looks for kana there only loses it.
fn kanji_heads() -> String {
    "独立行政法人国立青少年教育振興機構施設整備費補助金交付要綱\n平成十八年四月一日文部科学大臣決定\n第一章　総則\n第一条　この要綱は、施設の整備に要する経費に対する\
     補助金の交付について、必要な事項を定めるものとする。\n第二章　雑則\n第二条　補助金の交付を受けた者は、その収支を明らかにした帳簿を備えなければならない。"
        .to_owned()
}

/// ，and ．in place of 、and 。: no text without marks.
fn western_marks() -> String {
    "本研究では，水田における水温の変化を三年間にわたって観測し，その結果を気温と日射量から説明することを試みた．観測には自記式の温度計を用い，一時間ごとの値を記録した．\
     得られた関係は，地域によらずほぼ同じ形で表されることがわかった．誤差は，最も大きい場合でも３．１４度を超えなかった．"
        .to_owned()
}

fn good() -> Vec<Case> {
    vec![
        ("dialogue", "a speech in parliament", speech()),
        ("dialogue", "a speech of one sentence", "これより会議を開きます。".to_owned()),
        ("dialogue", "a name called out", "○委員長（山川春子君）　次に、大野一郎君。".to_owned()),
        ("dialogue", "a chat", chat()),
        ("literature", "long sentences and lines of signs", meiji()),
        ("literature", "verse with a refrain", verse()),
        ("legal", "a statute in katakana", katakana_statute()),
        ("legal", "a treaty", treaty()),
        ("legal", "an amendment", amendment()),
        ("legal", "a statute with a table", fee_table()),
        ("legal", "heads in kanji", kanji_heads()),
        ("technical", "a reference", reference()),
        ("web", "western marks", western_marks()),
        ("web", "an article", article()),
    ]
}

/// Some of `words`, the same for the same seed.
fn pick(words: &str, n: usize, seed: u64) -> Vec<&str> {
    let words: Vec<_> = words.split(' ').collect();
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    (0..n).map(|_| words[next() % words.len()]).collect()
}

fn rubbish() -> Vec<(&'static str, String)> {
    let keywords = "格安 激安 最安値 通販 送料無料 ランキング 口コミ 評判 比較 おすすめ 人気 無料 登録 限定 セール クーポン 割引 即日発送 正規品 財布 時計 副業 高収入 投資";
    let menu = "トップページ 会社案内 商品一覧 買い物かご ログイン 利用規約 お問い合わせ サイトマップ 採用情報 店舗情報 お知らせ カテゴリー アクセス";
    let sentences: Vec<String> = pick(keywords, 150, 3).chunks(3).map(|chunk| format!("{}です。", chunk.join(" "))).collect();
    let garbled = encoding_rs::SHIFT_JIS.decode_without_bom_handling(article().as_bytes()).0.into_owned();
    vec![
        ("keywords", pick(keywords, 120, 1).join(" ")),
        ("keywords in short sentences", format!("{}です。", pick(keywords, 100, 2).join("です。"))),
        ("keywords in sentences", sentences.concat()),
        ("navigation", pick(menu, 60, 4).join("\n")),
        ("one sentence again and again", "この商品はとても良いのでおすすめします。".repeat(40)),
        ("English", "Thank you for visiting our page about watches; subscribe to our newsletter today.\n".repeat(8)),
        ("Chinese", "请在使用本产品之前仔细阅读说明书，并妥善保管。更多信息请访问我们的官方网站。这是一段中文文本。".repeat(3)),
        ("Korean", "사용하기 전에 설명서를 잘 읽어 주십시오. 자세한 내용은 홈페이지를 참고하시기 바랍니다.".repeat(3)),
        ("wrong charset", garbled),
        ("a notice that the page is gone", "準備中".to_owned()),
    ]
}

fn plan() -> String {
    let mut plan = "[input]\npaths = [\"in.jsonl\"]\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n".to_owned();
    for genre in GENRES.into_iter().chain(PEERS) {
        let _ = write!(plan, "[[quality.rule]]\nsource = \"{genre}:*\"\npreset = \"{genre}\"\n");
    }
    plan
}

#[test]
fn presets_keep_their_genre_and_drop_what_is_rubbish_in_any() {
    let Some(world) = World::with_ipadic("presets_keep_their_genre_and_drop_what_is_rubbish_in_any") else { return };
    let mut input = String::new();
    let mut add = |genre: &str, kind: &str, text: &str| {
        let record = serde_json::json!({"id": format!("{genre}:{kind}"), "source": format!("{genre}:x"), "text": text});
        let _ = writeln!(input, "{record}");
    };
    for (genre, kind, text) in good() {
        add(genre, kind, &text);
        add("auto", kind, &text);
    }
    for (kind, text) in rubbish() {
        for genre in GENRES {
            add(genre, kind, &text);
        }
    }
    for peer in PEERS {
        add(peer, "an article", &article());
        add(peer, "a long article", &[article(), meiji(), chat()].join("\n"));
    }
    world.write("in.jsonl", input);
    world.write("plan.toml", plan());
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "out", "--progress", "none"]);
    assert_eq!(code, 0, "{err}");
    let dropped = rows(&world.path("out").join("rejected"));
    let rules: BTreeMap<String, String> = strings(&dropped, "doc_id").into_iter().zip(strings(&dropped, "evidence")).collect();
    let documents = rows(&world.path("out").join("documents"));
    let kept = strings(&documents, "doc_id");
    let mut surprises = Vec::new();
    for (genre, kind, _) in good() {
        for genre in [genre, "auto"] {
            let id = format!("{genre}:{kind}");
            surprises.extend(rules.get(&id).map(|evidence| format!("{id} is lost: {evidence}")));
            assert!(rules.contains_key(&id) || kept.contains(&id), "{id}");
        }
    }
    for (kind, _) in rubbish() {
        let ids = GENRES.map(|genre| format!("{genre}:{kind}"));
        surprises.extend(ids.iter().filter(|id| !rules.contains_key(*id)).map(|id| format!("{id} is kept")));
    }
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    // The peers' figures stand beside ours, and judge by their own rules.
    assert!(documents[0].column_by_name("swallow_v1").is_some() && documents[0].column_by_name("fineweb2_ja").is_some());
    assert!(rules["swallow-v1:an article"].starts_with("num_letters "), "{rules:?}");
    let peers = |id: &&String| PEERS.iter().any(|peer| id.starts_with(peer));
    for id in ["auto:a chat", "literature:verse with a refrain"].into_iter().chain(kept.iter().filter(peers).map(String::as_str)) {
        let (code, told, err) = world.run(&["inspect", "out", id]);
        assert_eq!(code, 0, "{id}: {err}");
        assert!(told.contains("── quality preset") && (told.contains(" ≥ ") || told.contains(" ≤ ")), "{told}");
    }
}

/// The page's table of thresholds is that of the presets.
#[test]
fn the_page_of_presets_says_what_they_ask() {
    use seimai::decide::{Preset, Thresholds};
    let page = std::fs::read_to_string(repository().join("docs/presets.md")).unwrap();
    let presets = [Preset::Web, Preset::Legal, Preset::Literature, Preset::Dialogue, Preset::Technical];
    let mut asked: BTreeMap<(&str, usize), f64> = BTreeMap::new();
    for (i, preset) in presets.iter().enumerate() {
        asked.extend(preset.bounds(&Thresholds::default()).iter().filter_map(|bound| Some(((bound.rule, i), bound.value?))));
    }
    let mut told = 0;
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let Some(rule) = asked.keys().map(|(rule, _)| *rule).find(|rule| cells[1].starts_with(&format!("`{rule}`"))) else { continue };
        for i in 0..presets.len() {
            let value = cells[2 + i].parse::<f32>().ok().map(f64::from);
            assert_eq!(value, asked.get(&(rule, i)).copied(), "{rule} of {}", presets[i].name());
            told += usize::from(value.is_some());
        }
    }
    assert_eq!(told, asked.len(), "every threshold is on the page");
}
