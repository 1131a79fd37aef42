//! Any bytes as an input file, the whole way: listed, framed, each shard read by itself, decoded.

use std::path::Path;
use std::sync::Arc;

use seimai::corpus::{Framer, InputFile, Options, ShardLimits, ShardRef, expand_paths};

/// Reads bytes as a file of that name, behind a magic number that leads to the right reader. Everything that is read is a record or in
/// quarantine, and each shard has what framing counted.
#[allow(dead_code, reason = "not all targets have such files")]
pub fn all(name: &str, magic: &[u8], bytes: &[u8]) {
    walk(name, magic, bytes, |framed, read| assert_eq!(framed, read));
}

/// The same for files in which something may be framed that turns out to say nothing, or to hold several bad places.
#[allow(dead_code, reason = "not all targets have such files")]
pub fn any(name: &str, magic: &[u8], bytes: &[u8]) {
    walk(name, magic, bytes, |framed, read| assert!(framed > 0 || read == 0));
}

fn walk(name: &str, magic: &[u8], bytes: &[u8], check: impl Fn(u64, u64)) {
    let dir = std::env::temp_dir().join(format!("seimai-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory");
    let path = dir.join(name);
    std::fs::write(&path, [magic, bytes].concat()).expect("a file");
    // Bombs are sound files: what they unfold to is cut short by the number of shards that are looked at.
    let limits = ShardLimits { bytes: 1 << 16, records: 50 };
    let options = Options { paths: vec![".".to_owned()], record_max: 1 << 16, ..Options::default() };
    let inputs: Arc<[InputFile]> = expand_paths(&[&path], &options, Path::new(".")).unwrap_or_default().into();
    let mut framer = Framer::new(Arc::clone(&inputs), &options, limits);
    let shards: Vec<ShardRef> = std::iter::from_fn(|| framer.next_ref().expect("a sound machine")).take(20).collect();
    for shard in shards.iter().rev().step_by(1 + shards.len() / 4) {
        let mut records = 0;
        let read = framer.read(shard).expect("the shard that was framed");
        let outcome = read.decode(&options, &mut |_| {
            records += 1;
            Ok(())
        });
        check(shard.records, records + outcome.expect("a sound machine").quarantined.len() as u64);
    }
}
