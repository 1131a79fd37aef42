//! Pages of HTML through a whole run.

use crate::harness::{World, rows, strings};

const PAGE: &str = "<!DOCTYPE html><html lang=\"ja\"><head><title>米を炊く</title></head><body><nav><a href=\"/\">表紙</a> | <a href=\"/l\">一覧</a></nav>\n\
    <h1>米を炊く</h1><p>米を<ruby>研<rt>と</rt></ruby>いだら、\n   三十分ほど水に浸します。</p><p hidden>見えない文です。</p>\n\
    <table><tr><th>米</th><td>二合</td></tr></table><footer>架空の台所</footer></body></html>";

/// As a file, as a file whose name says nothing, and as a response: the main content, or all that a reader sees, with the title beside it.
#[test]
fn pages_are_their_main_content_or_all_of_it() {
    let world = World::new();
    let response = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{PAGE}");
    let warc = format!(
        "WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: {}\r\n\r\n{response}\r\n\r\n",
        response.len()
    );
    world.write("in/a.html", PAGE);
    world.write("in/b", format!("<!-- saved -->\n{PAGE}"));
    world.write("in/c.warc", warc);
    world.write(
        "plan.toml",
        "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\nlines = false\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n",
    );
    let main = "米を炊く\n米を研いだら、三十分ほど水に浸します。\n米\t二合";
    let all = format!("表紙 | 一覧\n{main}\n架空の台所");
    for (extract, expected) in [(None, main), (Some("input.extract=all"), all.as_str()), (Some("input.extract=main"), main)] {
        let mut arguments = vec!["run", "plan.toml", "--out", "out", "--progress", "none"];
        arguments.extend(extract.iter().flat_map(|value| ["--set", *value]));
        let (code, _, err) = world.run(&arguments);
        assert_eq!(code, 0, "{extract:?}: {err}");
        let documents = rows(&world.path("out/documents"));
        assert_eq!(strings(&documents, "text"), [expected; 3], "{extract:?}");
        let title = "{\"title\":\"米を炊く\"}";
        assert_eq!(strings(&documents, "meta"), [title, title, "{\"title\":\"米を炊く\",\"status\":200}"], "{extract:?}");
    }
}
