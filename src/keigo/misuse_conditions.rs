//! The conditions of misuse, by the names that `misuse.tsv` calls them.
//!
//! The guidelines (敬語の指針, 2007) judge a form by who acts and towards whom, which a sentence often leaves unsaid. A condition
//! therefore holds only where the sentence says it: a false alarm on a correct sentence costs more than a miss.

use crate::keigo::alphabet::{Class, Form, Lemma};
use crate::keigo::flags::Flags;
use crate::keigo::misuse_place::{Place, is_person};

/// Is it misuse, and which word before it says so?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is not.
    Clean,
    /// It is, by itself.
    Misuse,
    /// It is, because of the word that ends with this item.
    Because(usize),
}

use Verdict::{Because, Clean};

impl From<bool> for Verdict {
    fn from(misuse: bool) -> Self {
        if misuse { Self::Misuse } else { Self::Clean }
    }
}

/// Is a form misused here?
pub(super) type MisuseCondition = fn(&Place<'_>) -> Verdict;

macro_rules! conditions {
    ($($name:ident)*) => {
        /// Every condition with its name in `misuse.tsv`.
        pub(super) const MISUSE_CONDITIONS: &[(&str, MisuseCondition)] = &[$((stringify!($name), $name)),*];
    };
}

conditions! {
    plainly
    raised_twice
    raised_twice_in_pieces
    unless_passive
    humble_form_raised
    addressee_acts
    asked_of_addressee
    asked_of_addressee_in_form
    verb_of_addressee
    peers_not
    raised_person_acts
    guest_acts
    guest_acts_in_form
    guest_stays
    own_side_raised
    own_thing_raised
    speaker_raised
    extra_sa
    causative_twice
    thing_raised
    past_for_present
    becomes_for_is
    from_amount
    padding_hou
    title_on_title
}

/// The pattern says it all.
fn plainly(_: &Place<'_>) -> Verdict {
    Verdict::Misuse
}

/// (ら)れる on a form that raises already. Who becomes ill or fond of something (ご病気になられる, お好きになられる) is raised once;
/// あそばされる is an old form.
fn raised_twice(place: &Place<'_>) -> Verdict {
    let noun =
        matches!(place.back(1).class, Class::Adjective | Class::Modifier) || place.symbol(place.from + 1).class == Class::AdjectivalNoun;
    let becoming = place.prefixed.is_some() && (noun || place.core(Flags::OWNED) && place.core(Flags::OWN_ACT));
    let courtly = place.surface(place.from, place.to).contains("あそばさ") || place.surface(place.from, place.to).contains("遊ばさ");
    (place.last().lemma == Lemma::Reru && !becoming && !courtly).into()
}

/// IPADIC takes なさられる for なす, くださられる for くだす: 五段 verbs take れる, not られる.
fn raised_twice_in_pieces(place: &Place<'_>) -> Verdict {
    let stem = matches!(place.surface(place.from, place.from + 1), "なさ" | "くださ" | "下さ");
    (stem && place.surface(place.to - 1, place.to).starts_with("られ")).into()
}

/// ご〜される of somebody raised, or of an act that only its actor can do: no passive.
fn humble_form_raised(place: &Place<'_>) -> Verdict {
    if is_pretty(place) || place.prefixed_word().starts_with('お') && place.core(Flags::OWN_ACT | Flags::MINE) {
        return Clean;
    }
    match place.subject() {
        Some(subject) if place.symbol(subject.head).any(Flags::SPEAKER) => Clean,
        Some(subject) if is_person(place.symbol(subject.head)) => Because(subject.head),
        Some(_) => Clean,
        None => (place.core(Flags::USER_ACT | Flags::OWN_ACT) || place.next(0).any(Flags::RAISED)).into(),
    }
}

/// 〜する, not 〜される.
fn unless_passive(place: &Place<'_>) -> Verdict {
    (place.next(0).lemma != Lemma::Reru).into()
}

/// お/ご〜できる for what the other side does (ご利用できます).
fn addressee_acts(place: &Place<'_>) -> Verdict {
    let own = place.subject().is_some_and(|subject| place.symbol(subject.head).any(Flags::SPEAKER));
    (place.core(Flags::USER_ACT) && !place.core(Flags::OWN_ACT | Flags::MINE) && !own).into()
}

/// 伺ってください: the hearer is to be humble, and nobody is there towards whom.
fn asked_of_addressee(place: &Place<'_>) -> Verdict {
    let worship = place.back(1).lemma == Lemma::Ni && place.back(2).any(Flags::WORSHIP);
    (!worship && !place.somebody_raised()).into()
}

/// ご連絡してください. Not お電話してください, which is only pretty.
fn asked_of_addressee_in_form(place: &Place<'_>) -> Verdict {
    let about_object = place.honorific_object() && !place.core(Flags::USER_ACT);
    if is_pretty(place) || about_object || place.core(Flags::OWN_ACT | Flags::REQUEST) { Clean } else { asked_of_addressee(place) }
}

/// お with a noun in kanji (お電話する, お話される) or with one that is only beautified: no form of humility.
fn is_pretty(place: &Place<'_>) -> bool {
    let word = place.prefixed_word();
    place.core(Flags::BIKA) || word.starts_with('お') && !word.ends_with(is_kana)
}

fn is_kana(c: char) -> bool {
    matches!(c, 'ぁ'..='ゟ')
}

/// お伺いください, 拝見されましたか.
fn verb_of_addressee(place: &Place<'_>) -> Verdict {
    let towards_somebody = place.last().lemma == Lemma::Kudasaru && place.somebody_raised();
    (!towards_somebody).into()
}

/// 伺われる of a person. In kana it is "to be apparent".
fn peers_not(place: &Place<'_>) -> Verdict {
    let kana = place.symbol(place.from).any(Flags::KANA);
    match place.subject() {
        _ if kana => Clean,
        Some(subject) if is_person(place.symbol(subject.head)) => Because(subject.head),
        Some(_) => Clean,
        None => (place.polite && place.asks()).into(),
    }
}

/// 申される, 参られる: the humble verb of somebody raised.
fn raised_person_acts(place: &Place<'_>) -> Verdict {
    match place.subject() {
        Some(subject) if place.polite && place.symbol(subject.head).any(Flags::RAISED | Flags::SON_NOUN) => Because(subject.head),
        Some(subject) if place.polite && place.symbol(subject.head).lemma == Lemma::Sama => Because(subject.head),
        _ => Clean,
    }
}

/// A guest is the subject of a humble verb: お客様が参りました; or the guest's name is asked for: お名前は何と申しますか.
fn guest_acts(place: &Place<'_>) -> Verdict {
    let Some(subject) = place.subject().filter(|subject| place.polite && subject.marker != Lemma::Mo) else { return Clean };
    // お見受け申します: the verb only carries the form before it.
    if place.last().lemma == Lemma::Mousu && (place.back(1).class == Class::Verb || place.back(1).is_nominal()) {
        return Clean;
    }
    let prefixed =
        place.symbol(subject.head).any(Flags::PREFIXED) || subject.head > 0 && place.symbol(subject.head - 1).lemma == Lemma::Prefix;
    let name_asked = prefixed && place.symbol(subject.head).any(Flags::OWNED) && place.last().lemma == Lemma::Mousu && place.asks();
    if place.is_guest(subject.head) || name_asked { Because(subject.head) } else { Clean }
}

/// The same for お/ご〜する and verbs whose topic may be their object: only が tells who acts.
fn guest_acts_in_form(place: &Place<'_>) -> Verdict {
    match place.subject() {
        Some(subject) if place.polite && subject.marker == Lemma::Ga && place.is_guest(subject.head) && !place.core(Flags::NO_KEN) => {
            Because(subject.head)
        }
        _ => Clean,
    }
}

/// お客様がおりましたら: the verb itself, not ている.
fn guest_stays(place: &Place<'_>) -> Verdict {
    if place.back(1).lemma == Lemma::Te { Clean } else { guest_acts(place) }
}

/// 母がおっしゃいました: one's own side is raised before others.
fn own_side_raised(place: &Place<'_>) -> Verdict {
    let request = place.last().form == Form::Imperative && place.next(0).lemma != Lemma::Masu;
    match place.subject() {
        Some(subject) if place.polite && !request && place.is_own_side(subject.head) => Because(subject.head),
        _ => Clean,
    }
}

/// 私のご旅行: what belongs to the speaker is raised. Not 私のご主人, and not what goes from me to you (私のご報告).
fn own_thing_raised(place: &Place<'_>) -> Verdict {
    let word = place.symbol(place.from);
    let person =
        is_person(word) || place.core(Flags::PERSON | Flags::RAISED) || place.last().lemma == Lemma::Sama || is_person(place.last());
    let may = place.core(Flags::BIKA | Flags::DIRECTION | Flags::REQUEST | Flags::MINE) || word.any(Flags::MINE);
    let Some(owner) = place.from.checked_sub(2) else { return Clean };
    if place.back(1).lemma == Lemma::No && place.is_self(owner) && !person && !may { Because(owner) } else { Clean }
}

/// 私がおっしゃった.
fn speaker_raised(place: &Place<'_>) -> Verdict {
    match place.subject() {
        Some(subject) if place.is_self(subject.head) => Because(subject.head),
        _ => Clean,
    }
}

/// 帰らさせて: させ after the stem of a 五段 verb. 動かさせて is 動かす and せる, however a dictionary cuts it.
fn extra_sa(place: &Place<'_>) -> Verdict {
    let verb = place.symbol(place.from);
    let godan = !verb.any(Flags::ICHIDAN | Flags::OWN_VERB) && !verb.is(&[Lemma::Suru, Lemma::Kuru]);
    (godan && place.surface(place.to - 1, place.to).starts_with('さ')).into()
}

/// 飲まさ + せ: the short causative 飲ます and せる, as a dictionary may cut 飲まさせて.
fn causative_twice(place: &Place<'_>) -> Verdict {
    place.surface(place.to - 1, place.to).starts_with('せ').into()
}

/// 荷物が到着なさいました. A thing with は is often what is done something to (料理は召し上がりましたか), as is one with が
/// before a potential verb: there only verbs without an object count.
fn thing_raised(place: &Place<'_>) -> Verdict {
    let Some(subject) = place.subject().filter(|subject| place.symbol(subject.head).any(Flags::INANIMATE)) else { return Clean };
    let potential = place.surface(place.to - 1, place.to).starts_with("なれ") || place.next(0).lemma == Lemma::Dekiru;
    let auxiliary = place.back(1).lemma == Lemma::Te;
    if potential || place.core(Flags::OBJECT_GA) || auxiliary && place.back(2).class != Class::Verb {
        return Clean;
    }
    let act = place.symbol(place.from).flags | place.prefixed.map_or(Flags::NONE, |prefixed| prefixed.flags);
    let moves = act.any(Flags::INTRANSITIVE | Flags::ARRIVES) || place.symbol(place.from).lemma == Lemma::Irassharu;
    if subject.marker == Lemma::Ga || moves { Because(subject.head) } else { Clean }
}

/// よろしかったでしょうか of what is asked now.
fn past_for_present(place: &Place<'_>) -> Verdict {
    let past = place.last().form == Form::Plain;
    (past && place.next(0).lemma == Lemma::Desu && place.asks()).into()
}

/// こちら、領収書になります; お会計は三千円になります. Not 信号が青になります.
fn becomes_for_is(place: &Place<'_>) -> Verdict {
    let polite = place.next(0).lemma == Lemma::Masu && place.next(0).form == Form::Plain;
    let Some(complement) = place.from.checked_sub(1).filter(|i| polite && place.symbol(*i).is_nominal()) else { return Clean };
    let named = place.symbol(complement);
    let money = named.lemma == Lemma::En;
    let prefixed = named.any(Flags::PREFIXED) || place.back(2).lemma == Lemma::Prefix || place.back(2).class == Class::Prefix;
    let goods = prefixed || money || named.any(Flags::GOODS | Flags::BIKA | Flags::INANIMATE);
    let state =
        matches!(named.class, Class::Sahen | Class::AdjectivalNoun | Class::DependentNoun) || named.any(Flags::SET_PHRASE | Flags::TIME);
    let mut at = complement;
    while at > 0 && complement - at < 12 {
        at -= 1;
        let symbol = place.symbol(at);
        let marker = place.symbol(at + 1);
        let marked = marker.is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo]) || marker.class == Class::Comma || marker.lemma == Lemma::Hou;
        if symbol.lemma == Lemma::Kochira {
            let plain = marker.lemma == Lemma::Ga || marker.class == Class::Comma;
            return if marked && (goods || plain && !state && !named.any(Flags::PERSON)) { Because(at) } else { Clean };
        }
        if symbol.any(Flags::BILL) && marked {
            return if money { Because(at) } else { Clean };
        }
        let joins = symbol.is_nominal() || matches!(symbol.class, Class::Comma | Class::Prefix) || symbol.is(&[Lemma::No, Lemma::Hou]);
        let topic = symbol.is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo]);
        if !joins && !topic || symbol.any(Flags::TIME) {
            return Clean;
        }
    }
    Clean
}

/// 一万円からお預かりします: an amount is taken, not a beginning.
fn from_amount(place: &Place<'_>) -> Verdict {
    let polite = place.next(0).lemma == Lemma::Masu || place.next(0).is(&[Lemma::Suru, Lemma::Itasu]);
    let potential = place.surface(place.to - 1, place.to).ends_with('け');
    (polite && !potential).into()
}

/// お会計のほう、…: ほう where nothing is compared.
fn padding_hou(place: &Place<'_>) -> Verdict {
    let next = place.next(0);
    let ends = next.is(&[Lemma::Wo, Lemma::Ha]) || next.class == Class::Comma || next.lemma == Lemma::Prefix || next.any(Flags::PREFIXED);
    (place.polite && ends).into()
}

/// 部長様; not 部長殿, which letters have.
fn title_on_title(place: &Place<'_>) -> Verdict {
    let suffix = place.surface(place.to - 1, place.to);
    let addressed = matches!(place.surface(place.from, place.from + 1), "各位" | "御中");
    (matches!(suffix, "様" | "さま") || addressed && suffix == "殿").into()
}
