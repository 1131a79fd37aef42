//! `seimai trace PACK ROW…`.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use super::common::Outcome;
use super::{signals, ui};
use crate::error::Error;
use crate::pipeline::trace::{TracedPiece, TracedRow, Tracer};
use crate::quarantine::escape;

/// Layout of the objects.
const VERSION: u32 = 1;

/// Where a row of a pack comes from: its documents, and the records of the inputs that they were read from
///
/// Nothing is searched, so a row costs the same in a pack of any size. What is told is what the files say: `seimai verify` tells whether they are
/// those that the run wrote.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  seimai trace out 0
  seimai trace out/validation/pack 3 --text
  seimai trace out/pack/part-00000.pack 17 --column 200
  seimai trace out 0 1 2 --json | jq -r '.pieces[].doc_id'   # docs/formats/commands.md")]
pub(super) struct Arguments {
    /// A finished run, the directory of a pack, or one of its files
    pack: PathBuf,
    /// Rows, counted from 0 over the whole pack
    #[arg(required = true, value_name = "ROW")]
    rows: Vec<u64>,
    /// Only the piece that this column of the row is in
    #[arg(long, value_name = "N")]
    column: Option<u32>,
    /// Also which bytes of the texts in documents/ the pieces are
    #[arg(long)]
    text: bool,
    /// Where the token shards lie that the pack was made of, if not beside it
    #[arg(long, value_name = "DIR")]
    tokens: Option<PathBuf>,
    /// JSON Lines, an object a row
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut tracer = Tracer::open(&arguments.pack, arguments.tokens.as_deref())?;
    let mut out = std::io::stdout().lock();
    for &row in &arguments.rows {
        signals::stop().check()?;
        let mut traced = tracer.trace(row, arguments.text)?;
        if let Some(column) = arguments.column {
            let tokens = traced.tokens;
            traced.pieces.retain(|piece| piece.columns.contains(&column));
            if traced.pieces.is_empty() {
                let message = format!("row {row}, column {column}: no token is there");
                return Err(Error::refused_with_hint(
                    message,
                    format!("columns 0 to {} of it are tokens, the others are padding", tokens.max(1) - 1),
                )
                .into());
            }
        }
        if arguments.json {
            let mut object = serde_json::json!({ "trace_version": VERSION });
            if let (Some(object), serde_json::Value::Object(fields)) = (object.as_object_mut(), serde_json::to_value(&traced)?) {
                object.extend(fields);
            }
            writeln!(out, "{object}")?;
        } else {
            out.write_all(shown(&traced).as_bytes())?;
        }
    }
    Ok(Outcome::Done)
}

fn shown(row: &TracedRow) -> String {
    let mut out = String::new();
    let thousands = |n: u32| ui::thousands(u64::from(n));
    let TracedRow { row: number, part, row_in_part, bytes, tokens, pieces } = row;
    let _ = writeln!(
        out,
        "row {}: {part}, row {} there, bytes {} to {}; {} tokens",
        ui::thousands(*number),
        ui::thousands(*row_in_part),
        bytes.start,
        bytes.end,
        thousands(*tokens)
    );
    for piece in pieces {
        let own = &piece.document_tokens;
        let _ = writeln!(out, "  columns {} to {}  {}", piece.columns.start, piece.columns.end, escape(&piece.doc_id, 200));
        let eos = if piece.eos { " and the EOS" } else { "" };
        let _ = writeln!(out, "    tokens   {} to {} of {}{eos}", own.start, own.end, thousands(piece.n_tokens));
        if let Some(text) = &piece.text_bytes {
            let _ = writeln!(out, "    text     bytes {} to {}", text.start, text.end);
        }
        let documents = piece.documents.as_deref().map_or_else(String::new, |documents| format!(", as in {}", escape(documents, 200)));
        let _ = writeln!(out, "    shard    {}, row {}{documents}", escape(&piece.shard, 200), piece.shard_row);
        let given = [Some(&piece.source), piece.license.as_ref(), piece.residency.as_ref()];
        let _ =
            writeln!(out, "    source   {}", escape(&given.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", "), 400));
        let _ = writeln!(out, "    record   {}", record(piece));
    }
    out
}

/// File and place of the record in it.
fn record(piece: &TracedPiece) -> String {
    let (Some(file), Some(offset)) = (&piece.file, piece.offset) else { return "not told by shards of this version".to_owned() };
    let input = piece.input.as_ref().map_or_else(String::new, |input| format!(" ({} bytes, BLAKE3 {})", input.bytes, input.blake3));
    format!("{} from {offset} on{input}", escape(file, 400))
}
