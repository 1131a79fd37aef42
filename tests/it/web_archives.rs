//! Web archives in a run: pages are documents, everything else is passed over, counted, and told.

use std::fmt::Write as _;

use crate::harness::{World, manifest, rows, strings, tree};

const PLAN: &str = "[input]\npaths = [\"in\"]\n[quality]\npreset = \"none\"\n[dedup]\nexact = false\nnear = false\n[tokenizer]\nvocab_size = 300\n[shards]\nrows_max = 7\n[pack]\nsequence_length = 64\n";

fn record(kind: &str, address: &str, body: &[u8]) -> Vec<u8> {
    let header = format!("WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {address}\r\nContent-Length: {}\r\n\r\n", body.len());
    [header.as_bytes(), body, b"\r\n\r\n"].concat()
}

fn response(n: usize, status: u16, charset: &str, body: &[u8]) -> Vec<u8> {
    let http = format!("HTTP/1.1 {status} X\r\nContent-Type: text/html; charset={charset}\r\n\r\n");
    record("response", &format!("http://example.jp/{n}"), &[http.as_bytes(), body].concat())
}

#[test]
fn what_is_passed_over_is_counted_and_the_law_holds() {
    let world = World::new();
    let mut file = Vec::new();
    for n in 0..40 {
        let text = format!("<!DOCTYPE html><html><body><p>{n}番の頁です。川沿いの道を歩くと古い水車小屋があります。</p></body></html>");
        file.extend(record("request", &format!("http://example.jp/{n}"), b"GET / HTTP/1.1\r\n\r\n"));
        file.extend(response(n, if n % 8 == 7 { 404 } else { 200 }, "utf-8", text.as_bytes()));
        if n % 10 == 0 {
            file.extend(response(
                n,
                200,
                "euc-kr",
                b"<p>\xc0\xcc\xb0\xcd\xc0\xba \xc7\xd1\xb1\xb9\xbe\xee \xc6\xe4\xc0\xcc\xc1\xf6\xc0\xd4\xb4\xcf\xb4\xd9.</p>",
            ));
        }
    }
    world.write("in/pages.warc", &file);
    world.write("in/none.warc", record("request", "http://example.jp/", b"GET / HTTP/1.1\r\n\r\n").repeat(3));
    world.write("plan.toml", PLAN);
    let mut before = None;
    for threads in ["1", "4"] {
        let (code, _, err) = world.run(&["run", "plan.toml", "--out", threads, "--progress", "none", "--threads", threads]);
        assert!(code == 3 && err.contains("passed over") && err.contains("request 43 · status_404 5"), "{err}");
        let (code, said, _) = world.run(&["verify", threads, "--progress", "none"]);
        assert_eq!(code, 0, "{said}");
        let manifest = manifest(&world.path(threads));
        let totals = |key: &str| manifest["totals"][key].as_u64().unwrap();
        assert_eq!([totals("passed_over"), totals("read"), totals("quarantined"), totals("kept")], [48, 39, 4, 35]);
        let of_inputs: Vec<String> = manifest["inputs"].as_array().unwrap().iter().map(|input| input["passed_over"].to_string()).collect();
        assert_eq!(of_inputs, [r#"{"request":3}"#, r#"{"request":40,"status_404":5}"#]);
        assert_eq!(rows(&world.path(threads).join("documents")).iter().map(arrow::array::RecordBatch::num_rows).sum::<usize>(), 35);
        assert!(strings(&rows(&world.path(threads).join("documents")), "text").iter().all(|text| text.contains("水車小屋")));
        let quarantine = std::fs::read_to_string(world.path(threads).join("quarantine.jsonl")).unwrap();
        assert_eq!(quarantine.matches("\"reason\":\"charset\",\"detail\":\"euc-kr, not Japanese\"").count(), 4, "{quarantine}");
        let mut files = tree(&world.path(threads));
        files.retain(|name, _| !name.contains("run.json") && !name.contains("run.log.jsonl") && !name.contains(".work"));
        let files = files
            .into_iter()
            .fold(String::new(), |mut all, (name, hash)| all.write_str(&format!("{name} {hash}\n")).map(|()| all).unwrap());
        assert!(before.as_ref().is_none_or(|before| *before == files));
        before = Some(files);
    }
    // Another status changes which responses are documents, and the run is done again in place.
    let (code, _, err) = world.run(&["run", "plan.toml", "--out", "1", "--progress", "none", "--set", "input.warc.statuses=[200,404]"]);
    assert!(code == 3 && err.contains("request 43") && !err.contains("status_404"), "{err}");
    assert_eq!(manifest(&world.path("1"))["totals"]["kept"].as_u64(), Some(40));
}
