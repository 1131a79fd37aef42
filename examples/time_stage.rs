//! CPU seconds that a stage takes in Rust for the texts of a file, for `benches/suite/python.py`, which takes the same through Python:
//! `time_stage STAGE FILE ROUNDS` prints one number a round. A line of the file is a document.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measurements talks on standard output")]

use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::Schema;
use seimai::pipeline::plan::Plan;
use seimai::pipeline::registry;
use seimai::schema::TEXT;

fn cpu_seconds() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [stage, file, rounds] = arguments.as_slice() else { panic!("time_stage STAGE FILE ROUNDS") };
    let text = std::fs::read_to_string(file).unwrap();
    let column = Arc::new(StringArray::from_iter_values(text.lines()));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![TEXT.field()])), vec![column]).unwrap();
    let stages = registry::some(&Plan::default(), Path::new("."), &[stage]).unwrap().stages;
    for _ in 0..rounds.parse().unwrap() {
        let start = cpu_seconds();
        let done = stages[0].map(batch.clone()).unwrap();
        println!("{}", cpu_seconds() - start);
        assert_eq!(done.num_rows(), batch.num_rows());
    }
}
