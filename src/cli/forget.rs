//! `seimai forget RUN ID… -o NEW`.

use std::io::Write;
use std::path::PathBuf;

use super::common::{Common, Outcome};
use super::{signals, ui};
use crate::pipeline::forget::{Request, forget};
use crate::pipeline::receipt::Receipt;
use crate::pipeline::report::RunOptions;
use crate::pipeline::signature::key::SecretKey;
use crate::quarantine::escape;

/// Take documents out of a finished run: a new run without them, and a receipt
///
/// Makes the run again in another directory as if the records did not stand in its inputs, out of what does not change: documents, rejected ones,
/// counts, vocabulary, tokens and packs. Documents that were rejected as duplicates of them go too. The plan of the new run lists them, by a hash of
/// their ids, under input.forget: put those entries into the plan that you keep. The old run stays; removing it, its copies, and the records in the
/// inputs is yours to do.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai forget out dup-006 -o out-without
  seimai forget out dup-006 --at plans -o out-without --receipt receipt.json
  seimai forget out dup-006 -o out-without --key ours.pem
  seimai verify out-without --receipt out-without.receipt.json.dsse.json --key ours.pem.pub   # docs/guide/passport.md")]
pub(super) struct Arguments {
    /// The --out directory of a finished run
    run_dir: PathBuf,
    /// doc_ids of documents, as in documents/ or rejected/
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Directory of the new run
    #[arg(long, short, value_name = "NEW")]
    output: PathBuf,
    /// Where the paths in the plan of the run begin: the directory that the plan lay in
    #[arg(long, value_name = "DIR", default_value = ".")]
    at: PathBuf,
    /// Leave what was rejected as a duplicate of them: the first of those takes the place of the document
    #[arg(long)]
    only: bool,
    /// Where the receipt goes, JSON [default: NEW.receipt.json]
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
    /// Secret key to sign the receipt with; the envelope lies beside it as RECEIPT.dsse.json
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, common: &Common) -> anyhow::Result<Outcome> {
    // A key that cannot be used is told before the work.
    let key = arguments.key.as_deref().map(SecretKey::read).transpose()?;
    let observer = ui::observer(common);
    let request = Request { ids: arguments.ids.clone(), only: arguments.only, base: arguments.at.clone() };
    let options =
        RunOptions { out: arguments.output.clone(), threads: common.threads(), memory: common.memory(), fresh: false, store_limit: None };
    let receipt = forget(&arguments.run_dir, &request, &options, signals::stop(), observer.as_ref())?;
    let path = arguments.receipt.clone().unwrap_or_else(|| {
        let mut name = arguments.output.as_os_str().to_owned();
        name.push(".receipt.json");
        PathBuf::from(name)
    });
    let written = receipt.write(&path, &arguments.output, key.as_ref())?;
    tell(&receipt, &written, common)?;
    Ok(Outcome::Done)
}

fn tell(receipt: &Receipt, written: &[PathBuf], common: &Common) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for one in &receipt.removed {
        let because = one.duplicate_of.as_ref().map_or_else(String::new, |of| format!(", a duplicate of {}", escape(of, 200)));
        writeln!(out, "{}: {} from {} on, in {}{because}", escape(&one.doc_id, 200), escape(&one.file, 300), one.offset, one.table)?;
    }
    let (search, files) = (&receipt.search, &receipt.files);
    let same = files.values().filter(|[before, after]| before == after).count();
    writeln!(
        out,
        "{} documents removed; {} of {} outputs are what they were; none was found again in {} rows",
        ui::thousands(receipt.removed.len() as u64),
        ui::thousands(same as u64),
        ui::thousands(files.len() as u64),
        ui::thousands(search.rows)
    )?;
    for path in written {
        writeln!(out, "receipt: {}", escape(&path.display().to_string(), 1000))?;
    }
    if !common.quiet {
        let mut err = std::io::stderr();
        for id in &search.same_text {
            let _ = writeln!(err, "warning: {} has the very text of one of them, and stays: name it too if it is to go", escape(id, 200));
        }
        if !receipt.other_inputs.is_empty() {
            let named = receipt.other_inputs.iter().take(3).map(|name| escape(name, 100)).collect::<Vec<_>>().join(", ");
            let n = receipt.other_inputs.len();
            let _ =
                writeln!(err, "warning: {n} inputs are not what they were for the old run, and the new one differs by them too: {named}");
        }
        let _ =
            writeln!(err, "note: the old run and the inputs still hold them; put the entries of input.forget into the plan that you keep");
    }
    Ok(())
}
