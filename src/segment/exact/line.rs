//! A line that is analysed at once.

use crate::segment::exact::lattice::{Entering, Lattice};
use crate::segment::exact::tables::Tables;
use crate::segment::morphemes::MorphemeBuffer;

/// Analyses a whole line that was decoded and appends its morphemes; `base` is added to byte ends. False, and nothing
/// appended, if the line has too many candidates to be analysed at once.
pub(super) fn analyse(lattice: &mut Lattice, tables: &Tables<'_>, base: u32, out: &mut MorphemeBuffer) -> bool {
    let beginning = [Entering::line(tables)];
    if lattice.look_up(tables, &beginning, true) < lattice.positions() {
        return false;
    }
    lattice.connect(tables, &beginning);
    let last = lattice.last_of_best_path(tables);
    lattice.trace_back(tables, last, base, out);
    true
}
