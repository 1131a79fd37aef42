//! The rules of honorific forms: one row a rule, written over the neutral alphabet.
//!
//! At each morpheme the first row that fits wins and its morphemes are spent, so spans never overlap. A row is: what
//! the morphemes are (`Step`), and a condition on what stands around them (a function of `Scene`). Classes follow
//! 敬語の指針 (Council for Cultural Affairs, 2007). Rows without a class spend morphemes that only look honorific.

use crate::keigo::alphabet::{Class, Flags, Form, Key, flag};
use crate::keigo::scene::{
    Scene, agent_free, always, beautified, beautified_by_owner, called, direction_from_other, direction_from_self, greeting,
    honorific_noun, honorific_passive, imperative_nasai, imperative_request, not_imperative, not_lifting, not_own_act, not_peering,
    not_topping, plain_unit, polite_going, polite_staying, request_noun, seen_person, support_verb, te_before, te_request, turns_into,
    with_masu,
};

/// Class of an honorific form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Honorific {
    /// 尊敬語: raises the actor or owner.
    Son,
    /// 謙譲語I: raises the person the act is directed to.
    Ken1,
    /// 謙譲語II (丁重語): courtesy to the hearer.
    Ken2,
    /// Both at once (お/ご〜いたす).
    Ken12,
    /// 丁寧語.
    Tei,
    /// 美化語.
    Bik,
}

impl Honorific {
    /// Its name in files: `SON`, `KEN1`, …
    pub fn name(self) -> &'static str {
        match self {
            Self::Son => "SON",
            Self::Ken1 => "KEN1",
            Self::Ken2 => "KEN2",
            Self::Ken12 => "KEN12",
            Self::Tei => "TEI",
            Self::Bik => "BIK",
        }
    }
}

/// What one morpheme (or one honorific unit) of a pattern has to be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// お/ご + core, in one or several morphemes, with any of these properties (0 = whichever).
    Unit(Flags),
    /// お/ご + this core.
    UnitOf(&'static [Key]),
    /// One of these words.
    Word(&'static [Key]),
    /// A word with any of these properties.
    Any(Flags),
    /// A word of this class and form.
    Inflected(Class, Form),
    /// A word of this class.
    Of(Class),
    /// One of these words, or nothing.
    May(&'static [Key]),
}

/// Extra information of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing special.
    Plain,
    /// て+ください: politeness rather than respect.
    Weak,
    /// させていただく, counted apart.
    Sasete,
    /// Direction noun whose giver is not known.
    Ambiguous,
}

/// A row of the table.
pub(super) struct Rule {
    /// `CLASS.kind`, stable.
    pub(super) id: &'static str,
    /// What it marks; `None` spends the morphemes without a span.
    pub(super) class: Option<Honorific>,
    /// Level it gives its sentence, 0–3.
    pub(super) level: u8,
    /// Leading steps that do not belong to the span.
    pub(super) skip: usize,
    /// The morphemes.
    pub(super) steps: &'static [Step],
    /// The condition.
    pub(super) when: fn(&Scene<'_>) -> bool,
    /// Extra information.
    pub(super) mark: Mark,
}

const fn row(id: &'static str, class: Honorific, level: u8, steps: &'static [Step], when: fn(&Scene<'_>) -> bool) -> Rule {
    Rule { id, class: Some(class), level, skip: 0, steps, when, mark: Mark::Plain }
}

const fn marked(mark: Mark, rule: &Rule) -> Rule {
    Rule { mark, ..*rule }
}

const fn none(id: &'static str, steps: &'static [Step], when: fn(&Scene<'_>) -> bool) -> Rule {
    Rule { id, class: None, level: 0, skip: 0, steps, when, mark: Mark::Plain }
}

use Honorific::{Bik, Ken1, Ken2, Ken12, Son, Tei};
use Step::{Any, Inflected, May, Of, Unit, UnitOf, Word};

/// All rules, in the order in which they are tried.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // お/ご + core + support verb.
    row("KEN1.ome_ni_kakaru", Ken1, 2, &[UnitOf(&[Key::Me]), Word(&[Key::Ni]), Word(&[Key::Kakaru, Key::Kakeru])], always),
    row("KEN1.ome_ni_kakaru", Ken1, 2, &[Word(&[Key::OmeNiKakaru])], always),
    row("KEN1.goran_ni_ireru", Ken1, 2, &[UnitOf(&[Key::Goran]), Word(&[Key::Ni]), Word(&[Key::Ireru])], always),
    row("SON.o_ni_naru", Son, 2, &[Unit(flag::VERBAL), Word(&[Key::Ni]), Word(&[Key::Naru]), May(&[Key::Reru])], turns_into),
    none("NONE.o_nasai", &[Unit(0), Word(&[Key::Nasaru])], imperative_nasai),
    row("SON.o_nasaru", Son, 2, &[Unit(flag::VERBAL), Word(&[Key::Nasaru]), May(&[Key::Reru])], always),
    row("SON.o_kudasaru", Son, 2, &[Unit(0), Word(&[Key::Kudasaru]), May(&[Key::Reru])], support_verb),
    row("KEN1.o_itadaku", Ken1, 2, &[Unit(0), Word(&[Key::Itadaku])], support_verb),
    row("KEN12.o_itasu", Ken12, 2, &[Unit(0), Word(&[Key::Itasu])], support_verb),
    row("KEN1.o_moushiageru", Ken1, 3, &[Unit(0), Word(&[Key::Moushiageru])], support_verb),
    row("KEN1.o_sashiageru", Ken1, 2, &[Unit(0), Word(&[Key::Sashiageru])], support_verb),
    row("KEN1.o_negau", Ken1, 2, &[Unit(0), Word(&[Key::Negau])], support_verb),
    row("SON.go_sareru", Son, 2, &[Unit(flag::VERBAL), Word(&[Key::Suru]), Word(&[Key::Reru])], agent_free),
    row("KEN1.o_dekiru", Ken1, 2, &[Unit(flag::VERBAL), Word(&[Key::Dekiru])], support_verb),
    row("KEN1.o_suru", Ken1, 2, &[Unit(flag::VERBAL), Word(&[Key::Suru])], not_own_act),
    // Honorific nouns and adjectives.
    row("SON.zonji", Son, 2, &[UnitOf(&[Key::Zonji, Key::Zonjiru])], always),
    row("KEN1.request", Ken1, 2, &[Unit(flag::REQUEST)], request_noun),
    row("KEN1.direction", Ken1, 2, &[Unit(flag::DIRECTION)], direction_from_self),
    row("SON.direction", Son, 2, &[Unit(flag::DIRECTION)], direction_from_other),
    marked(Mark::Ambiguous, &row("SON.direction_open", Son, 2, &[Unit(flag::DIRECTION)], plain_unit)),
    row("SON.bika_owned", Son, 2, &[Unit(flag::BIKA)], beautified_by_owner),
    row("BIK.yasumi", Bik, 0, &[UnitOf(&[Key::Yasumi])], day_off),
    row("BIK.list", Bik, 0, &[Unit(flag::BIKA)], beautified),
    row("SON.o_da", Son, 2, &[Unit(flag::VERBAL)], called),
    row("SON.noun", Son, 2, &[Unit(0)], honorific_noun),
    row("SON.title", Son, 2, &[Any(flag::SON_NOUN)], always),
    row("SON.sama", Son, 2, &[Word(&[Key::Sama])], seen_name),
    row("KEN2.noun", Ken2, 2, &[Any(flag::KEN2_NOUN)], always),
    // Verbs that raise the actor.
    row("SON.irassharu", Son, 2, &[Word(&[Key::Irassharu]), May(&[Key::Reru])], always),
    row("SON.irasu", Son, 2, &[Word(&[Key::Ira]), Inflected(Class::Verb, Form::Continuative)], always),
    row("SON.rassharu", Son, 2, &[Word(&[Key::Rassharu])], with_masu),
    row("SON.ossharu", Son, 2, &[Word(&[Key::Ossharu]), May(&[Key::Reru])], always),
    row("SON.sahen_nasaru", Son, 2, &[Of(Class::Sahen), Word(&[Key::Nasaru]), May(&[Key::Reru])], not_imperative),
    row("SON.nasaru", Son, 2, &[Word(&[Key::Nasaru]), May(&[Key::Reru])], not_imperative),
    row("SON.meshiagaru", Son, 2, &[Word(&[Key::Meshiagaru]), May(&[Key::Reru])], always),
    row("SON.mesu", Son, 2, &[Word(&[Key::Mesu]), May(&[Key::Reru])], always),
    marked(Mark::Weak, &row("SON.te_kudasai", Son, 1, &[Word(&[Key::Kudasaru])], te_request)),
    marked(Mark::Weak, &row("SON.kudasai", Son, 1, &[Word(&[Key::Kudasaru])], imperative_request)),
    row("SON.te_kudasaru", Son, 2, &[Word(&[Key::Kudasaru]), May(&[Key::Reru])], te_before),
    row("SON.kudasaru", Son, 2, &[Word(&[Key::Kudasaru]), May(&[Key::Reru])], always),
    row("SON.mieru", Son, 2, &[Word(&[Key::Mieru])], seen_person),
    row("SON.humble_reru", Son, 2, &[Word(&[Key::Oru, Key::Mairu, Key::Mousu, Key::Itasu]), Word(&[Key::Reru])], always),
    row("SON.sahen_reru", Son, 2, &[Of(Class::Sahen), Word(&[Key::Suru]), Word(&[Key::Reru])], honorific_passive),
    row("SON.reru", Son, 2, &[Inflected(Class::Verb, Form::Irrealis), Word(&[Key::Reru])], honorific_passive),
    // Verbs that raise the person the act is directed to.
    Rule { skip: 2, mark: Mark::Sasete, ..row("KEN1.sasete_itadaku", Ken1, 2, &[Word(&[Key::Seru]), Word(&[Key::Te]), Word(&[Key::Itadaku])], always) },
    row("KEN1.te_itadaku", Ken1, 2, &[Word(&[Key::Itadaku])], te_before),
    row("KEN1.itadaku", Ken1, 2, &[Word(&[Key::Itadaku])], not_topping),
    row("KEN1.ukagau", Ken1, 2, &[Word(&[Key::Ukagau])], not_peering),
    row("KEN1.moushiageru", Ken1, 3, &[Word(&[Key::Moushiageru])], always),
    row("KEN1.zonjiageru", Ken1, 3, &[Word(&[Key::Zonjiageru])], always),
    row("KEN1.zonjiageru", Ken1, 3, &[Word(&[Key::Zonjiru]), Word(&[Key::Ageru])], always),
    row("KEN1.sashiageru", Ken1, 2, &[Word(&[Key::Sashiageru])], not_lifting),
    row("KEN1.uketamawaru", Ken1, 2, &[Word(&[Key::Uketamawaru])], always),
    row("KEN1.tamawaru", Ken1, 3, &[Word(&[Key::Tamawaru])], always),
    row("KEN1.haiken_suru", Ken1, 2, &[Any(flag::HUMBLE_SAHEN), Word(&[Key::Suru])], not_causative),
    row("KEN1.haiken", Ken1, 2, &[Any(flag::HUMBLE_SAHEN)], humble_sahen),
    // Verbs of courtesy to the hearer.
    row("KEN2.oru", Ken2, 2, &[Word(&[Key::Oru, Key::Oriru])], polite_staying),
    row("KEN2.mairu", Ken2, 2, &[Word(&[Key::Mairu])], polite_going),
    row("KEN2.mousu", Ken2, 2, &[Word(&[Key::Mousu])], named),
    row("KEN2.moushitsutaeru", Ken2, 2, &[Word(&[Key::Moushitsutaeru])], always),
    row("KEN2.sahen_itasu", Ken2, 2, &[Of(Class::Sahen), Word(&[Key::Itasu])], not_idiom),
    row("KEN2.itasu", Ken2, 2, &[Word(&[Key::Itasu])], not_idiom),
    row("KEN2.zonjiru", Ken2, 3, &[Word(&[Key::Zonjiru])], always),
    // Politeness.
    row("TEI.greeting", Tei, 1, &[Word(&[Key::Gozaru]), Word(&[Key::Masu])], greeting),
    row("TEI.gozaimasu", Tei, 3, &[Word(&[Key::Gozaru]), Word(&[Key::Masu])], always),
    row("TEI.mase", Tei, 3, &[Inflected(Class::Auxiliary, Form::Imperative)], masu_itself),
    row("TEI.masu", Tei, 1, &[Word(&[Key::Masu]), May(&[Key::U])], always),
    row("TEI.desu", Tei, 1, &[Word(&[Key::Desu]), May(&[Key::U])], full_desu),
];

use crate::keigo::scene::{day_off, full_desu, humble_sahen, masu_itself, named, not_causative, not_idiom, seen_name};
