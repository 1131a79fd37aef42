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
    greeting_nasai
    not_imperative
    support_verb
    agent_free
    not_own_act
    request_noun
    direction_from_self
    direction_from_other
    given
    plain_noun
    beautified_by_owner
    day_off
    beautified
    called
    honorific_noun
    seen_name
    lord
    titled
    worn
    bestowed
    received
    by_noun
    with_masu
    te_before
    te_request
    imperative_request
    seen_person
    highest_respect
    honorific_passive
    not_peering
    not_lifting
    polite_staying
    polite_going
    said_politely
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
    // 先生がお作りになった, お移りになりませんか: a verb that the dictionary has as a noun, too.
    let verb = scene.core(Flags::LEXICAL) && (scene.clause.addresses() || scene.clause.subject() == Subject::Raised);
    let set_phrase = scene.core(Flags::SET_PHRASE) && scene.clause.object.is_none() && !verb;
    !closed && !set_phrase && !scene.core(Flags::BIKA)
}

/// お休みなさい, お帰りなさい are greetings, お静かになさい a plain command; お聞きなさい is one of respect.
fn greeting_nasai(scene: &Scene<'_>) -> bool {
    let greeting = scene.core(Flags::COMMON | Flags::BIKA | Flags::STOP | Flags::OWN_ACT) || !scene.core(Flags::VERBAL);
    scene.last().form == Form::Imperative && scene.next(0).lemma != Lemma::Masu && (greeting || te_before(scene))
}

/// Not 〜なさい.
fn not_imperative(scene: &Scene<'_>) -> bool {
    let verb = (scene.from..scene.to).rev().map(|i| scene.items.at(i)).find(|symbol| symbol.lemma == Lemma::Nasaru);
    verb.is_none_or(|verb| verb.form != Form::Imperative) || scene.next(0).lemma == Lemma::Masu
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
    // お召し列車: し is no verb.
    let compound = scene.last().form == Form::Continuative && scene.next(0).is_nominal();
    !scene.core(Flags::BIKA | Flags::OWN_ACT) && !compound && !kana_cut(scene)
}

/// おぬきし in a gloss of how a name is read: a core in kana that stands in no list, outside honorific speech.
fn kana_cut(scene: &Scene<'_>) -> bool {
    const LISTED: Flags = Flags::OWNED.or(Flags::DIRECTION).or(Flags::REQUEST).or(Flags::SET_PHRASE);
    scene.prefixed.is_some_and(|prefixed| prefixed.kana) && !scene.core(LISTED) && !scene.clause.courteous
}

/// お願い as a noun inside a sentence.
fn request_noun(scene: &Scene<'_>) -> bool {
    let next = scene.next(0);
    matches!(next.class, Class::Case | Class::Topic | Class::Particle) || next.lemma == Lemma::Desu || next.is_nominal()
}

fn owner(symbol: Symbol) -> Option<bool> {
    if symbol.any(Flags::SPEAKER) {
        Some(false)
    } else if symbol.any(Flags::RAISED | Flags::SON_NOUN) || symbol.is(&[Lemma::Sama, Lemma::Dono]) {
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
        // 御説明をさせていただきます, お電話をする; not お話をされる.
        let own = verb.lemma == Lemma::Suru && scene.next(2).lemma != Lemma::Reru && scene.clause.subject() != Subject::Raised;
        if verb.any(Flags::GIVING) || own {
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

/// 御答弁をいたします: what the speaker does for somebody, whatever the noun.
fn given(scene: &Scene<'_>) -> bool {
    let verb = scene.next(1);
    let humble = verb.any(Flags::GIVING) || verb.lemma == Lemma::Suru && scene.next(2).lemma == Lemma::Seru;
    scene.next(0).lemma == Lemma::Wo && humble && !scene.core(Flags::BIKA | Flags::SET_PHRASE | Flags::OWNED)
}

/// 先生のお手紙, お電話をいただく.
fn direction_from_other(scene: &Scene<'_>) -> bool {
    giver(scene) == Some(true)
}

/// A prefixed word that is a noun by itself, in honorific speech or from a person: not 恋のお話.
fn plain_noun(scene: &Scene<'_>) -> bool {
    let from = scene.back(1).is(&[Lemma::No, Lemma::Kara]) && scene.back(2).any(Flags::PERSON | Flags::RAISED);
    !scene.core(Flags::BIKA | Flags::REQUEST) && (from || scene.clause.courteous && !about_thing(scene))
}

/// 恋のお話: a direction noun of a thing.
fn about_thing(scene: &Scene<'_>) -> bool {
    let owner = scene.back(2);
    let story = scene.back(1).is_finite() && scene.prefixed.is_some_and(|prefixed| prefixed.lemma == Lemma::Hanashi);
    let thing = owner.is_nominal() && !owner.any(Flags::PERSON | Flags::RAISED | Flags::SPEAKER);
    scene.core(Flags::DIRECTION) && (scene.back(1).lemma == Lemma::No && thing || story)
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
    let raised = scene.clause.courteous || scene.clause.subject() == Subject::Raised;
    raised
        && !about_thing(scene)
        && !kana_cut(scene)
        && !scene.core(Flags::SET_PHRASE | Flags::REQUEST)
        && scene.next(0).is(&[Lemma::Desu, Lemma::Da, Lemma::No])
}

/// Is the owner of the noun raised: 先生の…?
fn raised_owner(scene: &Scene<'_>) -> bool {
    let beside = scene.head().is(&[Lemma::PrefixGo, Lemma::PrefixKanji]) && owner(scene.back(1)) == Some(true);
    beside || scene.back(1).lemma == Lemma::No && owner(scene.back(2)) == Some(true)
}

/// Any other noun with お/ご belongs to the other side if it is an honorific noun for certain, or its owner is raised. In honorific
/// speech ご and 御 before any noun, and お before a verb's stem, are respect; お before another noun is part of the word or name.
fn honorific_noun(scene: &Scene<'_>) -> bool {
    // 見てごらん
    if te_before(scene) || scene.core(Flags::REQUEST | Flags::DIRECTION) || scene.core(Flags::SET_PHRASE) && !scene.core(Flags::OWNED) {
        return false;
    }
    if scene.core(Flags::OWNED | Flags::SON_NOUN) && !scene.core(Flags::COMMON) || raised_owner(scene) {
        return true;
    }
    let Some(prefixed) = scene.prefixed else { return false };
    let sino = prefixed.class == Class::Sahen && !prefixed.kana;
    match scene.head().lemma {
        _ if scene.core(Flags::COMMON) => scene.clause.courteous,
        _ if prefixed.kana => false,
        Lemma::PrefixGo => scene.clause.courteous || sino && !glued(scene),
        Lemma::PrefixKanji => scene.clause.courteous,
        // お弱いんですか
        _ if prefixed.class == Class::Adjective && scene.next(0).lemma == Lemma::NoNoun => scene.clause.courteous,
        _ => scene.clause.courteous && scene.core(Flags::VERBAL) && !scene.next(0).is_nominal(),
    }
}

/// さんご礁: a prefix directly after a noun in kana is a cut of the dictionary.
fn glued(scene: &Scene<'_>) -> bool {
    scene.back(1).is_nominal() && scene.back(1).any(Flags::KANA)
}

/// 様 after a name or person; after another noun it may be a manner (大仏様), but not in honorific speech or in kana.
fn seen_name(scene: &Scene<'_>) -> bool {
    let name = scene.back(1);
    let person = name.any(Flags::PERSON | Flags::RAISED) || scene.last().any(Flags::KANA | Flags::ADDRESS) && !scene.next(0).is_nominal();
    let greeting = name.any(Flags::THANKED) && (name.any(Flags::PREFIXED) || scene.back(2).is_prefix());
    name.is_nominal() && !greeting && (person || scene.clause.courteous)
}

/// 殿 after a title, or after a person in honorific speech: else it is a building (清涼殿) or part of a name.
fn lord(scene: &Scene<'_>) -> bool {
    let name = scene.back(1);
    name.any(Flags::RAISED) || name.is_nominal() && scene.clause.courteous
}

/// An honorific noun for certain, or one in honorific speech.
fn titled(scene: &Scene<'_>) -> bool {
    !scene.last().any(Flags::COMMON) || scene.clause.courteous || raised_owner(scene)
}

/// 召す as "wear"; 召される is to be summoned.
fn worn(scene: &Scene<'_>) -> bool {
    scene.clause.courteous || scene.clause.object.is_some() && scene.next(0).lemma == Lemma::Te
}

/// 憐れみ給う; 〜たまえ is a command.
fn bestowed(scene: &Scene<'_>) -> bool {
    scene.last().form != Form::Imperative
}

/// 行幸なされた: なされ directly after the verbal noun is respect; 発表がなされた is a passive.
fn by_noun(scene: &Scene<'_>) -> bool {
    !scene.clause.agent
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
        && (person.any(Flags::RAISED) || person.is(&[Lemma::Sama, Lemma::Dono]))
        && next.is(&[Lemma::Masu, Lemma::Ta, Lemma::Te])
}

/// 植えさせられました as the highest respect (最高敬語), not as what somebody is made to do: of a sovereign, or of somebody unnamed whom the
/// sentence has raised before. あらせられる is nothing else.
fn highest_respect(scene: &Scene<'_>) -> bool {
    if scene.head().is(&[Lemma::Aru, Lemma::Araseru]) {
        return true;
    }
    let clause = scene.clause;
    if !clause.courteous || clause.agent || clause.object.is_none() {
        return false;
    }
    clause.subject() == Subject::Raised && subject_before(scene).any(Flags::SOVEREIGN) || raised_before(scene)
}

/// How far back a look for somebody goes, in morphemes: so that matching stays linear.
const REACH: usize = 40;

/// The noun that the nearest が, は or も marks.
fn subject_before(scene: &Scene<'_>) -> Symbol {
    let marker = (2..=REACH).find(|n| scene.back(n - 1).is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo]) && scene.back(*n).is_nominal());
    marker.map_or(Symbol::default(), |n| scene.back(n))
}

/// Has the sentence raised somebody by a verb before (お/ご〜になる, なさる), and named no other subject since?
fn raised_before(scene: &Scene<'_>) -> bool {
    let marks = |n: &usize| scene.back(*n).is(&[Lemma::Ga, Lemma::Ha, Lemma::Mo]);
    (1..=REACH).take_while(|n| !marks(n)).any(|n| {
        let becomes = scene.back(n).lemma == Lemma::Naru && scene.back(n + 1).lemma == Lemma::Ni;
        // お読みになる, 御覧済になる
        let honorific = |symbol: Symbol| symbol.any(Flags::PREFIXED) || symbol.is_prefix();
        becomes && (2..=4).any(|k| honorific(scene.back(n + k)))
            || scene.back(n).is(&[Lemma::Nasaru, Lemma::Asobasu, Lemma::Irassharu, Lemma::Ossharu, Lemma::Meshiagaru])
    })
}

/// (ら)れる as respect: needs a raised subject (or a polite question to the hearer), no agent, and a verb that can have it.
fn honorific_passive(scene: &Scene<'_>) -> bool {
    let head = scene.head();
    let (verb, length) = (scene.items.at(scene.to - 2), scene.to - scene.from);
    let act = head.flags | if length == 2 { verb.flags } else { Flags::NONE };
    let bare_suru = length == 2 && verb.lemma == Lemma::Suru;
    let suffered = act.any(Flags::SUFFERED) && !bare_suru && !of_person(scene, act) && head.lemma != Lemma::Iu;
    if scene.clause.agent || head.lemma == Lemma::Seru || suffered {
        return false;
    }
    let spoken = scene.clause.courteous && scene.clause.nominative == Subject::Raised;
    let quoted = scene.back(1).is(&[Lemma::To, Lemma::Ni]) && (bare_suru || head.is(&[Lemma::Iu, Lemma::Omou]));
    if quoted && !(spoken && head.lemma == Lemma::Iu) || scene.back(1).lemma == Lemma::To && !scene.clause.courteous {
        return false;
    }
    if act.any(Flags::ICHIDAN) && (negated(scene) || scene.next(0).lemma == Lemma::Sou) {
        return false;
    }
    let (clause, intransitive) = (scene.clause, act.any(Flags::INTRANSITIVE));
    if advised(scene) || clause.courteous && intransitive && modified(scene).any(Flags::RAISED) {
        return clause.subject() != Subject::Speaker;
    }
    let direct = clause.object.is_some() || intransitive || fronted_object(scene) && scene.clause.courteous || act.any(Flags::TREATING);
    match clause.subject() {
        Subject::Raised if clause.nominative == Subject::Raised => direct || clause.courteous && raised_doer(scene, length == 3, bare_suru),
        // The topic of a long sentence is not the subject of its relative clauses.
        Subject::Raised => (!adnominal(scene) && direct) || clause.courteous && !adnominal(scene) && raised_doer(scene, length == 3, true),
        Subject::Person => clause.addresses() && direct,
        Subject::Omitted => asked(scene, intransitive),
        Subject::Thing => clause.asks_politely() && (clause.object.is_some_and(|object| object.any(Flags::QUESTION)) || usually(scene)),
        Subject::Speaker => false,
    }
}

/// 先生が生徒を褒められた: the object is a person, so the subject does not suffer the act.
fn of_person(scene: &Scene<'_>, act: Flags) -> bool {
    let person = scene.clause.object.is_some_and(|object| object.any(Flags::PERSON | Flags::RAISED));
    act.any(Flags::TREATING) && (person || fronted_object(scene))
}

/// この句は先生が褒められた: what は marks is the object.
fn fronted_object(scene: &Scene<'_>) -> bool {
    scene.clause.nominative == Subject::Raised && scene.clause.topic == Subject::Thing
}

/// Does the form stand before a noun (された資料)? Not before one of a plan or a guess (される予定), where the clause keeps its subject.
fn adnominal(scene: &Scene<'_>) -> bool {
    let head = modified(scene);
    let formal = head.class == Class::DependentNoun || head.any(Flags::KANA | Flags::OUTLOOK);
    head.is_nominal() && !(formal && scene.clause.courteous) || head.class == Class::Prefix
}

/// The word after the form and what goes with it: auxiliaries and ている.
fn modified(scene: &Scene<'_>) -> Symbol {
    let chain = |symbol: Symbol| {
        matches!(symbol.class, Class::Auxiliary) || symbol.lemma == Lemma::Te || symbol.class == Class::Verb && symbol.any(Flags::KANA)
    };
    (0..6).map(|n| scene.next(n)).find(|symbol| !chain(*symbol)).unwrap_or_default()
}

/// 吟味された方がよろしい, 控えられた方がいい: advice to the hearer. Of a 一段 verb it may be a potential.
fn advised(scene: &Scene<'_>) -> bool {
    let at = usize::from(scene.next(0).lemma == Lemma::Ta);
    let way = scene.next(at).lemma == Lemma::Hou && scene.next(at + 1).lemma == Lemma::Ga;
    let good = scene.next(at + 2).lemma;
    let better = good == Lemma::Yoroshii || good == Lemma::Yoi && scene.clause.courteous;
    let unnamed = scene.clause.subject() == Subject::Omitted;
    let potential = scene.head().any(Flags::ICHIDAN) && scene.clause.object.is_none();
    way && better && unnamed && !potential
}

/// どうされましたか, いかがされますか.
fn asks_how(scene: &Scene<'_>) -> bool {
    scene.head().lemma == Lemma::Suru && scene.back(1).class == Class::Adverb && scene.back(1).any(Flags::QUESTION)
}

/// 写真はよく撮られますか: a habit of the hearer, asked in the present.
fn usually(scene: &Scene<'_>) -> bool {
    let (verb, often) = (scene.head(), scene.clause.seen.any(Flags::HABIT));
    verb.class == Class::Verb && !verb.any(Flags::ICHIDAN) && often && scene.clause.nominative == Subject::Omitted && with_masu(scene)
}

/// A verbal noun, or が directly before an adnominal: 先生が書かれた本.
fn raised_doer(scene: &Scene<'_>, verbal_noun: bool, bare_suru: bool) -> bool {
    let suffixed = scene.head().class == Class::Suffix;
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
    let opinion = scene.head().lemma == Lemma::Omou && clause.seen.any(Flags::QUESTION);
    // 何かされるご予定
    let planned = scene.next(0).is_prefix() || scene.next(0).any(Flags::PREFIXED);
    // 犬を飼われているんですね; 食べられますね may be a potential.
    let told = clause.addresses() && (clause.object.is_some() || intransitive) && !scene.head().any(Flags::ICHIDAN);
    told || clause.asks_politely() && (clause.object.is_some() || intransitive || opinion || planned || asks_how(scene))
}

/// それはいただけない, 雪をいただく山 are not humble.
fn not_topping(scene: &Scene<'_>) -> bool {
    let topped = scene.clause.object.is_some_and(|object| object.any(Flags::TOPPING | Flags::PERSON | Flags::RAISED))
        || scene.clause.seen.any(Flags::LIFTING)
        || scene.last().form == Form::Continuative && scene.next(0).is_nominal();
    let disapproved =
        scene.next(0).lemma == Lemma::Nai && scene.back(1).is(&[Lemma::Ha, Lemma::Ga, Lemma::Mo]) && scene.clause.object.is_none();
    !topped && !disapproved && !scene.back(1).is_stem()
}

/// いただく of things, from somebody or in honorific speech.
fn received(scene: &Scene<'_>) -> bool {
    not_topping(scene) && (scene.clause.courteous || scene.clause.object.is_some() || !scene.last().any(Flags::KANA))
}

/// 様子をうかがう is to peer; in kana without ます only a visit or a question counts.
fn not_peering(scene: &Scene<'_>) -> bool {
    let noun = scene.back(2);
    let peered = scene.clause.object.is_some_and(|object| object.any(Flags::PEERED)) || noun.any(Flags::PEERED);
    let kana = scene.last().any(Flags::KANA);
    let apparent = scene.next(0).lemma == Lemma::Reru || scene.last().any(Flags::ICHIDAN);
    !peered
        && !(apparent && (scene.clause.nominative == Subject::Thing || !scene.clause.courteous))
        && !(scene.next(0).lemma == Lemma::Seru || scene.next(0).class == Class::Verb && scene.last().form == Form::Continuative)
        && (scene.clause.courteous || scene.clause.object.is_some() || scene.back(1).is(&[Lemma::Ni, Lemma::He]))
        && (!kana
            || with_masu(scene)
            || scene.next(0).class == Class::Auxiliary && scene.clause.courteous
            || noun.any(Flags::PREFIXED)
            || scene.back(3).is_prefix()
            || scene.next(0).lemma == Lemma::Te && scene.clause.courteous)
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

/// A verb of courtesy to the hearer needs one: in honorific speech, or before て.
fn said_politely(scene: &Scene<'_>) -> bool {
    scene.clause.courteous && named(scene)
}

/// Not 不徳の致すところ, and said to somebody.
fn not_idiom(scene: &Scene<'_>) -> bool {
    scene.clause.courteous && !(scene.back(1).lemma == Lemma::No && scene.next(0).lemma == Lemma::Tokoro)
}

/// 拝読させていただく: させ belongs to いただく.
fn not_causative(scene: &Scene<'_>) -> bool {
    scene.next(0).lemma != Lemma::Seru
}

/// 拝見 before a verb; ちょうだい alone is a casual request.
fn humble_sahen(scene: &Scene<'_>) -> bool {
    scene.clause.courteous && (scene.last().lemma != Lemma::Choudai || scene.next(0).is(&[Lemma::Suru, Lemma::Itasu]))
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
