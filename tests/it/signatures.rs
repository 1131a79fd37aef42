//! Signed runs: what holds, what is refused and how it is named, and the same by openssl.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use seimai::pipeline::signature::envelope::{Envelope, pre_authentication_encoding};
use seimai::pipeline::signature::key::SecretKey;

use crate::harness::{World, said, tree};

const ENVELOPE: &str = "passport/statement.dsse.json";
const TYPE: &str = "application/vnd.in-toto+json";

/// A finished run, another one of another plan and one over other inputs, and two pairs of keys.
fn world() -> World {
    let world = World::new();
    let lines = |from: usize| -> String {
        let line = |n: usize| {
            json!({"id": format!("d{n}"), "text": format!("{n}番の棚田では春に水路の泥をさらい、秋には稲を掛けて干すそうです。")})
                .to_string()
                + "\n"
        };
        (from..from + 30).map(line).collect()
    };
    world.write("a/in.jsonl", lines(0));
    world.write("b/in.jsonl", lines(100));
    let plan = "[input]\npaths = [\"in.jsonl\"]\n[quality]\npreset = \"none\"\n[dedup]\nnear = false\n[tokenizer]\nvocab_size = 300\n[pack]\nsequence_length = 64\n";
    world.write("a/plan.toml", plan);
    world.write("b/plan.toml", plan);
    for (arguments, out) in [
        (&["a/plan.toml"][..], "out"),
        (&["a/plan.toml", "--set", "pack.sequence_length=128"], "other-plan"),
        (&["b/plan.toml"], "other-inputs"),
    ] {
        let (code, _, err) = world.run(&[&["run"][..], arguments, &["--out", out, "--progress", "none", "--no-report"]].concat());
        assert_eq!(code, 0, "{err}");
    }
    for key in ["ours.pem", "theirs.pem"] {
        assert_eq!(world.run(&["key", "new", key]).0, 0);
    }
    for out in ["out", "other-plan", "other-inputs"] {
        let (code, _, err) = world.run(&["sign", out, "--key", "ours.pem"]);
        assert_eq!(code, 0, "{err}");
    }
    world
}

fn copy(world: &World, name: &str) {
    let _ = fs::remove_dir_all(world.path(name));
    let status = Command::new("cp").args(["-r", "out"]).arg(name).current_dir(world.dir.path()).status().unwrap();
    assert!(status.success());
}

fn envelope(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join(ENVELOPE)).unwrap()).unwrap()
}

fn payload(run: &Path) -> Vec<u8> {
    STANDARD.decode(envelope(run)["payload"].as_str().unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test's own tampering")]
fn put(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::write(path, bytes).unwrap();
}

fn edit(run: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = envelope(run);
    change(&mut value);
    put(&run.join(ENVELOPE), value.to_string());
}

/// An envelope that the key has signed, around something else.
fn signed(run: &Path, key: &str, payload: &[u8]) {
    let key = SecretKey::read(&run.parent().unwrap().join(key)).unwrap();
    let mut envelope = Envelope::of(TYPE, payload);
    envelope.sign(&key).unwrap();
    put(&run.join(ENVELOPE), serde_json::to_vec(&envelope).unwrap());
}

/// The statement of the run with a change, signed with the right key.
fn signed_statement(run: &Path, change: impl FnOnce(&mut Value)) {
    let mut statement: Value = serde_json::from_slice(&payload(run)).unwrap();
    change(&mut statement);
    signed(run, "ours.pem", statement.to_string().as_bytes());
}

fn signature(run: &Path) -> Vec<u8> {
    STANDARD.decode(envelope(run)["signatures"][0]["sig"].as_str().unwrap()).unwrap()
}

fn set_signature(run: &Path, bytes: &[u8]) {
    edit(run, |value| value["signatures"][0]["sig"] = STANDARD.encode(bytes).into());
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    put(path, bytes);
}

/// S + L: a second signature of the same message, for verifiers that do not reduce.
fn malleable(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0x10,
    ];
    let mut out = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, order) in out[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
    out
}

type Tamper = fn(&Path);

/// What somebody does to a signed run, and what it is refused as.
const TAMPERED: &[(&str, &str, Tamper)] = &[
    ("no envelope", "unsigned", |run| fs::remove_file(run.join(ENVELOPE)).unwrap()),
    ("no passport", "unsigned", |run| fs::remove_dir_all(run.join("passport")).unwrap()),
    ("changed metadata", "changed", |run| flip(&run.join("croissant.json"))),
    ("no metadata", "missing", |run| fs::remove_file(run.join("croissant.json")).unwrap()),
    ("an empty envelope", "no_envelope", |run| put(&run.join(ENVELOPE), "")),
    ("half an envelope", "no_envelope", |run| {
        let bytes = fs::read(run.join(ENVELOPE)).unwrap();
        put(&run.join(ENVELOPE), &bytes[..bytes.len() / 2]);
    }),
    ("an envelope without its end", "no_envelope", |run| {
        let bytes = fs::read(run.join(ENVELOPE)).unwrap();
        put(&run.join(ENVELOPE), &bytes[..bytes.len() - 3]);
    }),
    ("no JSON", "no_envelope", |run| put(&run.join(ENVELOPE), "signed: yes")),
    ("bytes that are no text", "no_envelope", |run| put(&run.join(ENVELOPE), [0xff, 0xfe, 0])),
    ("another value of JSON", "no_envelope", |run| put(&run.join(ENVELOPE), "[]")),
    ("nested without end", "no_envelope", |run| put(&run.join(ENVELOPE), "[".repeat(1 << 20))),
    ("a key twice", "no_envelope", |run| {
        let text = fs::read_to_string(run.join(ENVELOPE)).unwrap();
        put(&run.join(ENVELOPE), text.replacen('{', "{\"payload\": \"e30=\", ", 1));
    }),
    ("an envelope elsewhere", "no_envelope", |run| {
        fs::rename(run.join(ENVELOPE), run.parent().unwrap().join("moved")).unwrap();
        symlink("../../moved", run.join(ENVELOPE)).unwrap();
    }),
    ("a directory for an envelope", "no_envelope", |run| {
        fs::remove_file(run.join(ENVELOPE)).unwrap();
        fs::create_dir(run.join(ENVELOPE)).unwrap();
    }),
    ("a weaker type", "payload_type", |run| edit(run, |value| value["payloadType"] = "application/json".into())),
    ("an empty type", "payload_type", |run| edit(run, |value| value["payloadType"] = "".into())),
    ("the type in capitals", "payload_type", |run| edit(run, |value| value["payloadType"] = TYPE.to_uppercase().into())),
    ("the type with a blank", "payload_type", |run| edit(run, |value| value["payloadType"] = format!("{TYPE} ").into())),
    ("no type", "no_envelope", |run| edit(run, |value| drop(value.as_object_mut().unwrap().remove("payloadType")))),
    ("a type that is a number", "no_envelope", |run| edit(run, |value| value["payloadType"] = 1.into())),
    ("no signature", "unsigned", |run| edit(run, |value| value["signatures"] = json!([]))),
    ("no list of signatures", "no_envelope", |run| edit(run, |value| drop(value.as_object_mut().unwrap().remove("signatures")))),
    ("too many signatures", "no_envelope", |run| {
        edit(run, |value| {
            let one = value["signatures"][0].clone();
            value["signatures"] = vec![one; 65].into();
        });
    }),
    ("a signature that is no base64", "forged", |run| edit(run, |value| value["signatures"][0]["sig"] = "!".into())),
    ("an empty signature", "forged", |run| set_signature(run, &[])),
    ("a signature without its end", "forged", |run| set_signature(run, &signature(run)[..63])),
    ("a signature that is too long", "forged", |run| set_signature(run, &[signature(run), vec![0]].concat())),
    ("a bit of R", "forged", |run| {
        let mut bytes = signature(run);
        bytes[3] ^= 4;
        set_signature(run, &bytes);
    }),
    ("a bit of S", "forged", |run| {
        let mut bytes = signature(run);
        bytes[40] ^= 4;
        set_signature(run, &bytes);
    }),
    ("S and the order of the group", "forged", |run| set_signature(run, &malleable(&signature(run)))),
    ("nothing but zeros", "forged", |run| set_signature(run, &[0; 64])),
    ("a point of small order", "forged", |run| {
        let mut bytes = [0; 64];
        bytes[0] = 1;
        set_signature(run, &bytes);
    }),
    ("signed again by somebody else", "another_key", |run| signed(run, "theirs.pem", &payload(run))),
    ("signed by somebody else in our name", "forged", |run| {
        let ours = envelope(run)["signatures"][0]["keyid"].clone();
        signed(run, "theirs.pem", &payload(run));
        edit(run, |value| value["signatures"][0]["keyid"] = ours);
    }),
    ("signed by somebody else without a name", "forged", |run| {
        signed(run, "theirs.pem", &payload(run));
        edit(run, |value| drop(value["signatures"][0].as_object_mut().unwrap().remove("keyid")));
    }),
    ("a byte of the payload", "forged", |run| {
        let mut bytes = payload(run);
        bytes[100] ^= 1;
        edit(run, |value| value["payload"] = STANDARD.encode(bytes).into());
    }),
    ("a payload without its end", "forged", |run| {
        let bytes = payload(run);
        edit(run, |value| value["payload"] = STANDARD.encode(&bytes[..bytes.len() - 30]).into());
    }),
    ("a blank more in the payload", "forged", |run| {
        let bytes = [payload(run), b" ".to_vec()].concat();
        edit(run, |value| value["payload"] = STANDARD.encode(bytes).into());
    }),
    ("an empty payload", "forged", |run| edit(run, |value| value["payload"] = "".into())),
    ("a payload that is no base64", "no_envelope", |run| edit(run, |value| value["payload"] = "%%%".into())),
    ("signed without its type", "forged", |run| {
        let key = SecretKey::read(&run.parent().unwrap().join("ours.pem")).unwrap();
        set_signature(run, &key.sign(&payload(run)));
    }),
    ("signed as something else", "forged", |run| {
        let key = SecretKey::read(&run.parent().unwrap().join("ours.pem")).unwrap();
        set_signature(run, &key.sign(&pre_authentication_encoding("application/json", &payload(run))));
    }),
    ("no statement", "statement", |run| signed(run, "ours.pem", b"{}")),
    ("a statement of another kind", "statement", |run| {
        signed_statement(run, |value| value["_type"] = "https://in-toto.io/Statement/v0.1".into());
    }),
    ("another predicate", "statement", |run| {
        signed_statement(run, |value| value["predicateType"] = "https://slsa.dev/provenance/v0.2".into());
    }),
    ("a subject above the run", "statement", |run| signed_statement(run, |value| value["subject"][0]["name"] = "../key".into())),
    ("a subject from the root", "statement", |run| signed_statement(run, |value| value["subject"][0]["name"] = "/etc/passwd".into())),
    ("a subject without a name", "statement", |run| signed_statement(run, |value| value["subject"][0]["name"] = "".into())),
    ("a subject twice", "statement", |run| signed_statement(run, |value| value["subject"][0] = value["subject"][1].clone())),
    ("a weaker digest", "statement", |run| signed_statement(run, |value| value["subject"][0]["digest"] = json!({"md5": "0".repeat(32)}))),
    ("a short digest", "statement", |run| signed_statement(run, |value| value["subject"][0]["digest"]["sha256"] = "00".into())),
    ("no subject", "statement", |run| signed_statement(run, |value| value["subject"] = json!([]))),
    ("a statement without the manifest", "statement", |run| {
        signed_statement(run, |value| value["subject"].as_array_mut().unwrap().retain(|subject| subject["name"] != "manifest.json"));
    }),
    ("a statement without a table", "added", |run| {
        signed_statement(run, |value| {
            value["subject"].as_array_mut().unwrap().retain(|subject| subject["name"] != "documents/part-00000.parquet");
        });
    }),
    ("the signature of a run of another plan", "replayed", |run| {
        fs::copy(run.parent().unwrap().join("other-plan").join(ENVELOPE), run.join(ENVELOPE)).map(|_| ()).unwrap();
    }),
    ("the signature of a run over other inputs", "replayed", |run| {
        fs::copy(run.parent().unwrap().join("other-inputs").join(ENVELOPE), run.join(ENVELOPE)).map(|_| ()).unwrap();
    }),
    ("a changed table", "changed", |run| flip(&run.join("documents/part-00000.parquet"))),
    ("changed tokens", "changed", |run| flip(&run.join("tokens/part-00000.parquet"))),
    ("a changed pack", "changed", |run| flip(&run.join("pack/part-00000.pack"))),
    ("a changed vocabulary", "changed", |run| flip(&run.join("tokenizer/tokenizer.json"))),
    ("a changed manifest", "changed", |run| {
        let text = fs::read_to_string(run.join("manifest.json")).unwrap();
        put(&run.join("manifest.json"), text.replace("\"kept\"", "\"kept\" "));
    }),
    ("a manifest that is none", "changed", |run| put(&run.join("manifest.json"), "{}")),
    ("a changed plan", "changed", |run| flip(&run.join("plan.toml"))),
    ("a changed mark of success", "changed", |run| flip(&run.join("_SUCCESS"))),
    ("changed evidence", "changed", |run| flip(&run.join("passport/passport.json"))),
    ("another statement beside", "changed", |run| flip(&run.join("passport/statement.json"))),
    ("a table without its end", "changed", |run| {
        let bytes = fs::read(run.join("counts.parquet")).unwrap();
        put(&run.join("counts.parquet"), &bytes[..bytes.len() - 1]);
    }),
    ("a table with more behind it", "changed", |run| {
        let bytes = fs::read(run.join("counts.parquet")).unwrap();
        put(&run.join("counts.parquet"), [bytes, vec![0]].concat());
    }),
    ("a table for another", "changed", |run| {
        fs::copy(run.join("rejected/part-00000.parquet"), run.join("documents/part-00000.parquet")).map(|_| ()).unwrap();
    }),
    ("a file that is gone", "missing", |run| fs::remove_file(run.join("quarantine.jsonl")).unwrap()),
    ("a directory for a file", "missing", |run| {
        fs::remove_file(run.join("quarantine.jsonl")).unwrap();
        fs::create_dir(run.join("quarantine.jsonl")).unwrap();
    }),
    ("a link to the same bytes", "link", |run| {
        fs::rename(run.join("counts.parquet"), run.parent().unwrap().join("elsewhere")).unwrap();
        symlink("../elsewhere", run.join("counts.parquet")).unwrap();
    }),
    ("a link for a directory", "link", |run| {
        let elsewhere = run.parent().unwrap().join("elsewhere.d");
        let _ = fs::remove_dir_all(&elsewhere);
        fs::rename(run.join("documents"), &elsewhere).unwrap();
        symlink(&elsewhere, run.join("documents")).unwrap();
    }),
    ("a file more", "added", |run| put(&run.join("LICENSE"), "")),
    ("a table more", "added", |run| put(&run.join("documents/part-00001.parquet"), "")),
    ("a file more in the passport", "added", |run| put(&run.join("passport/approved.json"), "{}")),
    ("a file in a directory of its own", "added", |run| {
        fs::create_dir(run.join("model")).unwrap();
        put(&run.join("model/pytorch_model.bin"), "");
    }),
    ("a link more", "added", |run| symlink("/etc/hostname", run.join("hostname")).unwrap()),
    ("a pipe more", "added", |run| {
        assert!(Command::new("mkfifo").arg(run.join("pipe")).status().unwrap().success());
    }),
];

#[test]
fn what_was_tampered_with_is_refused_and_named() {
    let world = world();
    assert!(TAMPERED.len() >= 60);
    for (what, code, tamper) in TAMPERED {
        copy(&world, "tampered");
        tamper(&world.path("tampered"));
        let (exit, out, err) = world.run(&["verify", "tampered", "--key", "ours.pem.pub", "--json"]);
        assert_eq!(exit, 3, "{what}: {out}{err}");
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{what}: {e}: {out}{err}"));
        let codes: Vec<&str> =
            told["signature"]["refused"].as_array().unwrap().iter().map(|refused| refused["code"].as_str().unwrap()).collect();
        assert!(codes.contains(code) && told["sound"] == false, "{what}: wanted {code}, found {codes:?}");
        assert!(
            ["unsigned", "no_envelope", "payload_type", "forged", "another_key", "statement", "replayed"].contains(code)
                <= (codes.len() == 1),
            "{what}: {codes:?}"
        );
    }
}

#[test]
fn a_signed_run_is_believed_and_signing_is_deterministic() {
    let world = world();
    let (code, out, err) = world.run(&["verify", "out", "--key", "ours.pem.pub"]);
    assert!(code == 0 && out.contains("signed: ") && out.contains("sound: "), "{out}{err}");
    assert_eq!(world.run(&["verify", "out"]).0, 0, "also without a key");
    let before = tree(&world.path("out"));
    assert_eq!(world.run(&["sign", "out", "--key", "ours.pem"]).0, 0);
    assert_eq!(tree(&world.path("out")), before);
    // Times and the page that shows the run are nobody's to sign.
    world.write("out/run.json", "{}");
    world.write("out/report.html", "another");
    assert_eq!(world.run(&["verify", "out", "--key", "ours.pem.pub"]).0, 0);
    // A second person.
    let (_, out, _) = world.run(&["verify", "out", "--key", "theirs.pem.pub"]);
    assert!(out.starts_with("refused: another_key: "), "{out}");
    let (code, out, _) = world.run(&["sign", "out", "--key", "theirs.pem"]);
    assert!(code == 0 && out.contains("2 keys have signed it"), "{out}");
    for key in ["ours.pem.pub", "theirs.pem.pub"] {
        assert_eq!(world.run(&["verify", "out", "--key", key]).0, 0, "{key}");
    }
    // A run that is done again has no passport of the one before.
    let (code, _, err) = world.run(&["run", "a/plan.toml", "--out", "out", "--set", "pack.sequence_length=32", "--progress", "none"]);
    assert!(code == 0 && !world.path("out/passport").exists(), "{err}");
    // What is damaged is not signed, and a key that others may read signs nothing.
    flip(&world.path("other-plan/counts.parquet"));
    let (code, _, err) = world.run(&["sign", "other-plan", "--key", "ours.pem"]);
    assert!(code == 2 && err.contains("counts.parquet"), "{code} {err}");
    fs::set_permissions(world.path("ours.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let (code, _, err) = world.run(&["sign", "out", "--key", "ours.pem"]);
    assert!(code == 2 && err.contains("chmod 600"), "{err}");
    let secret = fs::read_to_string(world.path("ours.pem")).unwrap();
    let body = secret.lines().nth(1).unwrap();
    let everything =
        [world.run(&["verify", "out", "--key", "ours.pem"]), world.run(&["key", "id", "ours.pem"]), world.run(&["key", "new", "ours.pem"])];
    for (code, out, err) in everything {
        assert!(code == 2 && !out.contains(body) && !err.contains(body), "{out}{err}");
    }
}

#[test]
fn keys_that_cannot_sign_are_refused_and_named() {
    let world = world();
    fs::remove_dir_all(world.path("out/passport")).unwrap();
    let good = fs::read_to_string(world.path("ours.pem")).unwrap();
    let body: String = good.lines().nth(1).unwrap().to_owned();
    let pem = |kind: &str, body: &str| format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
    let mode = |mode: u32| {
        fs::set_permissions(world.path("key"), std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let refused = |what: &str, words: &str| {
        let (code, out, err) = world.run(&["sign", "out", "--key", "key"]);
        assert!(code == 2 && out.is_empty() && err.contains(words), "{what}: {code} {out}{err}");
        assert!(!err.contains(&body) && !world.path("out/passport").exists(), "{what}: {err}");
    };
    for open in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777, 0o440] {
        world.write("key", &good);
        mode(open);
        refused(&format!("{open:o}"), &format!("(mode {open:o})"));
        mode(0o600);
    }
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("nothing", Vec::new(), "no secret key"),
        ("no PEM", b"secret".to_vec(), "no secret key"),
        ("no text", vec![0xff; 48], "no key in PEM"),
        ("too long", good.repeat(200).into_bytes(), "no key in PEM"),
        ("cut", good.as_bytes()[..good.len() / 2].to_vec(), "no secret key"),
        ("no end", good.as_bytes()[..good.len() - 10].to_vec(), "no secret key"),
        ("another label", pem("EC PRIVATE KEY", &body).into_bytes(), "no secret key"),
        ("with a password", pem("ENCRYPTED PRIVATE KEY", &body).into_bytes(), "a key with a password"),
        ("of ssh", pem("OPENSSH PRIVATE KEY", &body).into_bytes(), "no secret key"),
        ("another algorithm", good.replace("K2Vw", "K2Vu").into_bytes(), "no secret key"),
        ("no base64", pem("PRIVATE KEY", "????").into_bytes(), "no secret key"),
        ("a public one", fs::read(world.path("ours.pem.pub")).unwrap(), "a public key"),
    ];
    for (what, bytes, words) in cases {
        world.write("key", bytes);
        mode(0o600);
        refused(what, words);
    }
    fs::remove_file(world.path("key")).unwrap();
    refused("nowhere", "the key cannot be read");
    fs::create_dir(world.path("key")).unwrap();
    refused("a directory", "key");
}

#[test]
fn openssl_makes_keys_for_us_and_reads_our_signatures() {
    if Command::new("openssl").arg("version").output().is_err() {
        crate::harness::skipped("openssl_makes_keys_for_us_and_reads_our_signatures", "openssl");
        return;
    }
    let world = world();
    let openssl = |arguments: &[&str]| said(&world.program("openssl").args(arguments).output().unwrap());
    // Its key signs here.
    assert_eq!(openssl(&["genpkey", "-algorithm", "ed25519", "-out", "theirs2.pem"]).0, 0);
    assert_eq!(openssl(&["pkey", "-in", "theirs2.pem", "-pubout", "-out", "theirs2.pub"]).0, 0);
    fs::set_permissions(world.path("theirs2.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(world.run(&["sign", "out", "--key", "theirs2.pem"]).0, 0);
    assert_eq!(world.run(&["verify", "out", "--key", "theirs2.pub"]).0, 0);
    // It reads our keys, and finds the same public half.
    let (code, public, err) = openssl(&["pkey", "-in", "ours.pem", "-pubout"]);
    assert_eq!((code, public), (0, fs::read_to_string(world.path("ours.pem.pub")).unwrap()), "{err}");
    // It verifies both signatures over the encoding of the protocol.
    let run = world.path("out");
    world.write("message", pre_authentication_encoding(TYPE, &payload(&run)));
    let ids = ["ours.pem.pub", "theirs2.pub"].map(|key| world.run(&["key", "id", key]).1.trim().to_owned());
    for (key, id) in ["ours.pem.pub", "theirs2.pub"].iter().zip(ids) {
        let value = envelope(&run);
        let sig =
            value["signatures"].as_array().unwrap().iter().find(|signature| signature["keyid"] == id.as_str()).unwrap()["sig"].clone();
        world.write("signature", STANDARD.decode(sig.as_str().unwrap()).unwrap());
        let (code, out, err) =
            openssl(&["pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", "message", "-sigfile", "signature"]);
        assert!(code == 0 && out.contains("Verified Successfully"), "{key}: {out}{err}");
    }
}
