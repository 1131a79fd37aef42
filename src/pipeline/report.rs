//! How to run, and what a finished run tells.

use std::path::PathBuf;

use super::manifest::Manifest;

/// How to run; nothing here changes a byte of the output.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Output directory.
    pub out: PathBuf,
    /// Worker threads.
    pub threads: usize,
    /// Ceiling of memory in bytes.
    pub memory: u64,
    /// Remove what an earlier run left and start over.
    pub fresh: bool,
    /// Bytes that the work directory may keep for the next run beside what the outputs hold; `None`: all that this run is made of.
    pub store_limit: Option<u64>,
}

/// What a finished run tells.
#[derive(Debug, Clone)]
pub struct Report {
    /// The manifest of the output.
    pub manifest: Manifest,
    /// Seconds a pass took in this attempt, in order; passes finished earlier are missing.
    pub seconds: Vec<(&'static str, f64)>,
    /// Wall-clock seconds of this attempt.
    pub wall: f64,
    /// The run had finished before; nothing was done.
    pub already_done: bool,
}

/// Largest resident memory of this process so far, in bytes; 0 where the system does not tell.
pub fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)).and_then(|kib| kib.parse::<u64>().ok()).map_or(0, |kib| kib << 10)
}
