//! What a codec does.

use super::damage::Stop;
use super::raw::Raw;

/// A way to compress bytes, undone.
pub(super) trait Codec: Send {
    /// Appends some decoded bytes to `out`; `false` at the end. Bytes appended before an error are sound as far as can be told, and how many
    /// they are does not depend on where reading began. Notes in `raw` how much was decoded, and where decoding can begin.
    ///
    /// # Errors
    /// Damage, or what reading gave.
    fn read(&mut self, raw: &mut Raw, out: &mut Vec<u8>) -> Result<bool, Stop>;
}
