//! Is the passport that lies in a run the one that the run has?

use super::Check;
use crate::error::Result;
use crate::io::read_limited;
use crate::pipeline::layout::{self, passport as names};
use crate::pipeline::passport::{self, PAYLOAD_TYPE};
use crate::pipeline::signature::envelope::{ENVELOPE_BYTES_MAX, Envelope};

impl Check<'_> {
    /// Makes the passport again, if there is one and this Seimai wrote the run: another may say more, or less. Who signed it, is asked with a key.
    pub(super) fn passport(&mut self) -> Result<()> {
        let is_ours = self.manifest.seimai == env!("CARGO_PKG_VERSION");
        if !is_ours || !self.all_whole() || !self.damage.is_empty() || !names::ALL.iter().any(|name| self.run.join(name).exists()) {
            return Ok(());
        }
        let made = passport::files(self.run);
        let Some(made) = self.note(layout::PASSPORT, made)? else { return Ok(()) };
        for file in &made {
            match read_limited(&self.run.join(&file.path), ENVELOPE_BYTES_MAX) {
                Ok(bytes) if bytes == file.bytes => {}
                Ok(_) => self.found(format!("{}: does not say what the manifest and the tables say", file.path)),
                Err(error) => self.found(format!("{}: is missing from the passport: {}", file.path, error.without_path())),
            }
        }
        let path = self.run.join(names::ENVELOPE);
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        let envelope = self.note(names::ENVELOPE, read_limited(&path, ENVELOPE_BYTES_MAX))?;
        let Some(envelope) = envelope else { return Ok(()) };
        let payload = Envelope::parse(&envelope, PAYLOAD_TYPE).and_then(|envelope| envelope.payload());
        match payload {
            Err(refusal) => self.found(format!("{}: {refusal}", names::ENVELOPE)),
            Ok(payload) if made.last().is_none_or(|statement| statement.bytes != payload) => {
                self.found(format!("{}: what is signed is not the statement of this run", names::ENVELOPE));
            }
            Ok(_) => {}
        }
        Ok(())
    }
}
