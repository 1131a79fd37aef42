//! The conditions that rules put on a match, by the names that `rules.tsv` calls them.
//!
//! Each is a sentence of grammar about the position where a form stands: who the subject is, what the object is, what
//! follows. The few lemmas that a condition names are the grammar it is about; a group of words that may grow is a flag,
//! given by the tables.

use crate::keigo::alphabet::{Class, Form, Lemma, Symbol};
use crate::keigo::flags::Flags;
use crate::keigo::scene::{Scene, Subject};

/// Does the match stand where the rule means it?
pub(super) type Condition = fn(&Scene<'_>) -> bool;

macro_rules! conditions {
    ($($name:ident)*) => {
        /// Every condition with its name in `rules.tsv`.
        pub(super) const CONDITIONS: &[(&str, Condition)] = &[$((stringify!($name), $name)),*];
    };
}

conditions! {
    always
    turns_into
    imperative_nasai
    not_imperative
    support_verb
    agent_free
    not_own_act
    request_noun
    direction_from_self
    direction_from_other
    plain_noun
    beautified_by_owner
    day_off
    beautified
    called
    honorific_noun
    seen_name
    with_masu
    te_before
    te_request
    imperative_request
    seen_person
    honorific_passive
    not_topping
    not_peering
    not_lifting
    polite_staying
    polite_going
    named
    not_idiom
    not_causative
    humble_sahen
    greeting
    masu_itself
    full_desu
}

/// No condition.
fn always(_: &Scene<'_>) -> bool {
    true
}

/// お/ご〜になる is honorific unless the core is a thing one turns into, or a closed day.
fn turns_into(scene: &Scene<'_>) -> bool {
    let closed = scene.prefixed.is_some_and(|prefixed| prefixed.lemma == Lemma::Yasumi) && scene.clause.subject() == Subject::Thing;
    let set_phrase = scene.core(Flags::SET_PHRASE) && scene.clause.object.is_none();
    !closed && !set_phrase && !scene.core(Flags::BIKA)
}

/// 〜なさい is a plain command.
fn imperative_nasai(scene: &Scene<'_>) -> bool {
    scene.last().form == Form::Imperative && scene.next(0).lemma != Lemma::Masu
}

/// Not 〜なさい.
fn not_imperative(scene: &Scene<'_>) -> bool {
    let verb = scene.items[scene.from..scene.to].iter().rev().find(|item| item.symbol.lemma == Lemma::Nasaru);
    verb.is_none_or(|item| item.symbol.form != Form::Imperative) || scene.next(0).lemma == Lemma::Masu
}

/// A support verb makes a form of the core, unless the core is only pretty (お茶ください).
fn support_verb(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::BIKA)
}

/// ご〜される without an agent.
fn agent_free(scene: &Scene<'_>) -> bool {
    !scene.clause.agent
}

/// お/ご〜する is directed to somebody, unless the act stays with the actor.
fn not_own_act(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::BIKA | Flags::OWN_ACT)
}

/// お願い as a noun inside a sentence.
fn request_noun(scene: &Scene<'_>) -> bool {
    let next = scene.next(0);
    matches!(next.class, Class::Case | Class::Topic | Class::Particle) || next.lemma == Lemma::Desu || next.is_nominal()
}

fn owner(symbol: Symbol) -> Option<bool> {
    if symbol.any(Flags::SPEAKER) {
        Some(false)
    } else if symbol.any(Flags::RAISED | Flags::SON_NOUN) || symbol.lemma == Lemma::Sama {
        Some(true)
    } else {
        None
    }
}

/// From whom a direction noun comes: `Some(true)` from the raised side, `Some(false)` from the speaker, `None` not said.
fn giver(scene: &Scene<'_>) -> Option<bool> {
    if scene.next(0).any(Flags::GREETING) {
        return Some(true);
    }
    if scene.next(0).lemma == Lemma::Wo {
        let verb = scene.next(1);
        if verb.any(Flags::RECEIVING | Flags::HUMBLE_SAHEN) {
            return Some(true);
        }
        if verb.any(Flags::GIVING) {
            return Some(false);
        }
    }
    match (scene.back(1).lemma, scene.back(2).lemma) {
        (Lemma::No, Lemma::He) => Some(false),
        (Lemma::No, Lemma::Kara) => owner(scene.back(3)),
        (Lemma::No | Lemma::Kara, _) => owner(scene.back(2)),
        (Lemma::Ni | Lemma::He, _) if scene.next(0).lemma == Lemma::Wo => owner(scene.back(2)).filter(|raised| *raised).map(|_| false),
        _ => None,
    }
}

/// 私からのお礼, 大家さんへのご連絡.
fn direction_from_self(scene: &Scene<'_>) -> bool {
    giver(scene) == Some(false)
}

/// 先生のお手紙, お電話をいただく.
fn direction_from_other(scene: &Scene<'_>) -> bool {
    giver(scene) == Some(true)
}

/// A prefixed word that is a noun by itself.
fn plain_noun(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::BIKA | Flags::REQUEST)
}

/// A pretty noun whose owner is raised: 先生のお酒.
fn beautified_by_owner(scene: &Scene<'_>) -> bool {
    scene.back(1).lemma == Lemma::No && owner(scene.back(2)) == Some(true) && !scene.core(Flags::STOP)
}

/// お休み as a day off: of a thing, or of nobody in particular.
fn day_off(scene: &Scene<'_>) -> bool {
    let person = matches!(scene.clause.subject(), Subject::Raised | Subject::Person);
    !person && !scene.next(0).is(&[Lemma::Nasaru, Lemma::Suru])
}

/// A pretty noun.
fn beautified(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::STOP)
}

/// お待ちです, お探しの方: the core of a verb as a predicate or before の.
fn called(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::SET_PHRASE | Flags::REQUEST) && scene.next(0).is(&[Lemma::Desu, Lemma::Da, Lemma::No])
}

/// Any other noun with お/ご belongs to the other side.
fn honorific_noun(scene: &Scene<'_>) -> bool {
    !scene.core(Flags::REQUEST) && (!scene.core(Flags::SET_PHRASE) || scene.core(Flags::OWNED))
}

/// 様 after a name or person.
fn seen_name(scene: &Scene<'_>) -> bool {
    scene.back(1).is_nominal() && !scene.back(1).any(Flags::THANKED)
}

/// Followed by ます.
fn with_masu(scene: &Scene<'_>) -> bool {
    scene.next(0).lemma == Lemma::Masu
}

/// After て or で.
fn te_before(scene: &Scene<'_>) -> bool {
    scene.back(1).lemma == Lemma::Te
}

/// て+ください as a request.
fn te_request(scene: &Scene<'_>) -> bool {
    te_before(scene) && imperative_request(scene)
}

/// ください, くださいませ.
fn imperative_request(scene: &Scene<'_>) -> bool {
    let next = scene.next(0);
    scene.last().form == Form::Imperative || (next.lemma == Lemma::Masu && next.form == Form::Imperative)
}

/// お客様が見えました: a raised person comes.
fn seen_person(scene: &Scene<'_>) -> bool {
    let person = scene.back(2);
    let next = scene.next(0);
    scene.back(1).lemma == Lemma::Ga
        && (person.any(Flags::RAISED) || person.lemma == Lemma::Sama)
        && next.is(&[Lemma::Masu, Lemma::Ta, Lemma::Te])
}

/// (ら)れる as respect: needs a raised subject (or a polite question to the hearer), no agent, and a verb that can have it.
fn honorific_passive(scene: &Scene<'_>) -> bool {
    let items = &scene.items[scene.from..scene.to];
    let head = items[0].symbol;
    let verb = items[items.len() - 2].symbol;
    let act = head.flags | if items.len() == 2 { verb.flags } else { Flags::NONE };
    let bare_suru = items.len() == 2 && verb.lemma == Lemma::Suru;
    if scene.clause.agent || act.any(Flags::SUFFERED) && !bare_suru || head.lemma == Lemma::Seru {
        return false;
    }
    if scene.back(1).is(&[Lemma::To, Lemma::Ni]) && (bare_suru || head.is(&[Lemma::Iu, Lemma::Omou]) || scene.back(1).lemma == Lemma::To) {
        return false;
    }
    if act.any(Flags::ICHIDAN) && negated(scene) {
        return false;
    }
    let intransitive = act.any(Flags::INTRANSITIVE);
    match scene.clause.subject() {
        Subject::Raised => scene.clause.object.is_some() || intransitive || raised_doer(scene, items.len() == 3, bare_suru),
        Subject::Person => scene.clause.asks_politely() && (scene.clause.object.is_some() || intransitive),
        Subject::Omitted => asked(scene, intransitive),
        Subject::Thing => scene.clause.object.is_some_and(|object| object.any(Flags::QUESTION)) && scene.clause.asks_politely(),
        Subject::Speaker => false,
    }
}

/// A verbal noun, or が directly before an adnominal: 先生が書かれた本.
fn raised_doer(scene: &Scene<'_>, verbal_noun: bool, bare_suru: bool) -> bool {
    let suffixed = scene.items[scene.from].symbol.class == Class::Suffix;
    if verbal_noun {
        return !scene.clause.location && !suffixed;
    }
    !bare_suru && scene.clause.nominative == Subject::Raised && !scene.clause.location
}

fn negated(scene: &Scene<'_>) -> bool {
    scene.next(0).lemma == Lemma::Nai || (scene.next(0).lemma == Lemma::Masu && scene.next(1).lemma == Lemma::Nu)
}

/// どちらへ行かれますか: a question to the hearer.
fn asked(scene: &Scene<'_>, intransitive: bool) -> bool {
    let clause = scene.clause;
    let opinion = scene.items[scene.from].symbol.lemma == Lemma::Omou && clause.seen.any(Flags::QUESTION);
    clause.asks_politely() && (clause.object.is_some() || intransitive || opinion)
}

/// それはいただけない, 雪をいただく山 are not humble.
fn not_topping(scene: &Scene<'_>) -> bool {
    let topped = scene.clause.object.is_some_and(|object| object.any(Flags::TOPPING));
    let disapproved =
        scene.next(0).lemma == Lemma::Nai && scene.back(1).is(&[Lemma::Ha, Lemma::Ga, Lemma::Mo]) && scene.clause.object.is_none();
    !topped && !disapproved
}

/// 様子をうかがう is to peer; in kana without ます only a visit or a question counts.
fn not_peering(scene: &Scene<'_>) -> bool {
    let peered = scene.clause.object.is_some_and(|object| object.any(Flags::PEERED));
    let kana = scene.last().any(Flags::KANA);
    let noun = scene.back(2);
    !peered
        && (!kana
            || with_masu(scene)
            || noun.any(Flags::PREFIXED)
            || scene.back(3).lemma == Lemma::Prefix
            || scene.next(0).lemma == Lemma::Te)
}

/// 荷を頭上に差し上げる is to lift.
fn not_lifting(scene: &Scene<'_>) -> bool {
    !scene.clause.seen.any(Flags::LIFTING)
}

/// おります with a subject that stays, not one that gets off: IPADIC takes the おり of 奥におります for おりる, UniDic that
/// of 電車をおります for おる, so the particle decides.
fn polite_staying(scene: &Scene<'_>) -> bool {
    if scene.next(0).lemma != Lemma::Masu {
        return false;
    }
    let verb = scene.last();
    if verb.any(Flags::KANA) { !scene.back(1).is(&[Lemma::Wo, Lemma::Kara, Lemma::De]) } else { verb.lemma == Lemma::Oru }
}

/// 参ります as "go"; not worship, not defeat, not 参った.
fn polite_going(scene: &Scene<'_>) -> bool {
    let polite =
        scene.next(0).lemma == Lemma::Masu || (scene.next(0).lemma == Lemma::Te && scene.back(1).lemma != Lemma::Ni) || te_before(scene);
    let planned = scene.clause.polite && scene.back(1).is(&[Lemma::He, Lemma::Ni]) && scene.next(0).is_nominal();
    let worship = scene.back(1).lemma == Lemma::Ni && scene.back(2).any(Flags::WORSHIP);
    (polite || planned) && !worship && scene.from > 0
}

/// 山本と申す; not 申すまでもない.
fn named(scene: &Scene<'_>) -> bool {
    scene.next(0).is(&[Lemma::Masu, Lemma::Te]) || (scene.back(1).lemma == Lemma::To && scene.next(0).lemma != Lemma::Made)
}

/// Not 不徳の致すところ.
fn not_idiom(scene: &Scene<'_>) -> bool {
    !(scene.back(1).lemma == Lemma::No && scene.next(0).lemma == Lemma::Tokoro)
}

/// 拝読させていただく: させ belongs to いただく.
fn not_causative(scene: &Scene<'_>) -> bool {
    scene.next(0).lemma != Lemma::Seru
}

/// 拝見 before a verb; ちょうだい alone is a casual request.
fn humble_sahen(scene: &Scene<'_>) -> bool {
    scene.last().lemma != Lemma::Choudai || scene.next(0).is(&[Lemma::Suru, Lemma::Itasu])
}

/// ありがとう, おはよう, おめでとう, 申し訳 + ございます.
fn greeting(scene: &Scene<'_>) -> bool {
    scene.back(1).any(Flags::GREETING)
}

/// The imperative of ます: くださいませ.
fn masu_itself(scene: &Scene<'_>) -> bool {
    scene.last().lemma == Lemma::Masu
}

/// です; でしょ without う is casual.
fn full_desu(scene: &Scene<'_>) -> bool {
    let casual = scene.last().lemma == Lemma::Desu && scene.last().form == Form::Irrealis;
    !casual && !scene.last().any(Flags::CASUAL)
}
