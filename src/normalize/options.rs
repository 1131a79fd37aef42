//! The section `[normalize]` of a plan.

/// The Unicode normal form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Compatibility composition, with the keep-list.
    #[default]
    Nfkc,
    /// Canonical composition: widths and compatibility characters stay.
    Nfc,
    /// No normal form: line ends, controls and the switched-on rules only.
    None,
}

/// What becomes of full-width symbols such as （）！？：％.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Symbols {
    /// They stay full width, but for ．after and ，／＠ and their like between Latin letters or digits (３．１４ → 3.14).
    #[default]
    Keep,
    /// They become ASCII, as plain NFKC has it.
    Fold,
}

/// What becomes of variation selectors after kanji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Selectors {
    /// They stay: 葛󠄀 and 葛󠄁 are spellings of different names.
    #[default]
    Keep,
    /// They are removed.
    Drop,
}

/// The plan's `[normalize]`.
#[expect(clippy::struct_excessive_bools, reason = "independent switches of a plan, not states")]
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Unicode normal form: nfkc, nfc or none.
    pub form: Form,
    /// Keep characters that NFKC would change in meaning (①, ㈱, ㍻, ℃, ½, …, compatibility kanji).
    pub keep_list: bool,
    /// Full-width symbols beside Japanese: keep or fold to ASCII (form nfkc only).
    pub symbols: Symbols,
    /// Variation selectors after kanji: keep or drop.
    pub variation_selectors: Selectors,
    /// Write ～ as 〜.
    pub wave_dash: bool,
    /// Write － and ∥, which some conversion tables give for cells of JIS X 0208, as − and ‖, which others give.
    pub jis_images: bool,
    /// Remove the blanks that indent a line of prose (U+3000, no-break and other wide blanks; those of ASCII alone stay).
    pub layout_blanks: bool,
    /// Write a single ― or — between katakana as ー.
    pub katakana_dash: bool,
    /// Write ，．as 、。where they are the document's usual marks.
    pub kuten: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            form: Form::Nfkc,
            keep_list: true,
            symbols: Symbols::Keep,
            variation_selectors: Selectors::Keep,
            wave_dash: true,
            jis_images: true,
            layout_blanks: true,
            katakana_dash: true,
            kuten: true,
        }
    }
}

impl Options {
    /// Every combination of values is allowed.
    pub fn check(&self) -> std::result::Result<(), String> {
        Ok(())
    }
}
