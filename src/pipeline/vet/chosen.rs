//! Policies by name: those that ship, and files.

use std::path::{Path, PathBuf};

use super::policy::Policy;
use super::verdict::Asked;
use crate::error::{Error, Result};
use crate::io::read_limited;
use crate::quarantine::escape;

/// Bytes of a policy.
const TEXT_MAX: u64 = 4 << 20;

/// The policies that ship: name and text.
pub const SHIPPED: [(&str, &str); 4] = [
    ("defence", include_str!("../../../dicts/policies/defence.toml")),
    ("finance", include_str!("../../../dicts/policies/finance.toml")),
    ("manufacturing", include_str!("../../../dicts/policies/manufacturing.toml")),
    ("public-administration", include_str!("../../../dicts/policies/public-administration.toml")),
];

/// A policy, and where it comes from.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What it says.
    pub policy: Policy,
    /// For the verdict.
    pub asked: Asked,
    /// Where its paths start.
    pub base: PathBuf,
}

impl Chosen {
    /// A policy that ships, by name; else a file.
    ///
    /// # Errors
    /// `Refused`: neither, or everything that is wrong with it.
    pub fn named(name: &Path) -> Result<Self> {
        let shipped = name.to_str().and_then(|name| SHIPPED.into_iter().find(|(known, _)| *known == name));
        if let Some((name, text)) = shipped {
            return Self::new(text, name, None, Path::new("."));
        }
        let shown = escape(&name.display().to_string(), 300);
        let bytes = read_limited(name, TEXT_MAX).map_err(|e| {
            let names = SHIPPED.map(|(name, _)| name).join(", ");
            let hint = format!("name a file of TOML (docs/formats/vet.md), or one that ships: {names}");
            e.refused_if_of_the_name(|e| Error::refused_with_hint(format!("{shown}: no policy: {}", e.without_path()), hint))
        })?;
        let text =
            String::from_utf8(bytes).map_err(|_| Error::refused_with_hint(format!("{shown}: not UTF-8"), "save the policy as UTF-8"))?;
        let base = name.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::new(&text, &shown, Some(shown.clone()), base)
    }

    fn new(text: &str, name: &str, file: Option<String>, base: &Path) -> Result<Self> {
        let policy = Policy::from_toml(text, name)?;
        let called = if policy.policy.name.is_empty() { name.to_owned() } else { policy.policy.name.clone() };
        let asked = Asked { name: called, file, blake3: blake3::hash(text.as_bytes()).to_hex().to_string() };
        Ok(Self { policy, asked, base: base.to_path_buf() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_can_be_read() {
        for (name, _) in SHIPPED {
            let chosen = Chosen::named(Path::new(name)).unwrap();
            assert!(chosen.asked.name == name && !chosen.policy.policy.about.is_empty() && chosen.asked.file.is_none(), "{name}");
        }
    }
}
