//! What stands around a match, and the conditions that rules put on it.
//!
//! Each condition is a sentence of grammar about the place where a form stands: who the subject is, what the object is,
//! what follows. They look at a fixed number of neighbours or at the running [`Clause`], so matching stays linear.

use crate::keigo::alphabet::{Class, Flags, Form, Key, Token, flag};

/// A morpheme of the sentence under analysis; gaps are left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    /// What it is.
    pub(super) token: Token,
    /// Number of its token, for the table of triggers.
    pub(super) number: u16,
    /// Byte start in the document.
    pub(super) start: u32,
    /// Byte end in the document.
    pub(super) end: u32,
    /// Stands inside brackets.
    pub(super) quoted: bool,
}

/// Who or what is the subject so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Subject {
    /// Nobody named.
    #[default]
    Omitted,
    /// A person raised by title.
    Raised,
    /// Another person.
    Person,
    /// The speaker's side.
    Speaker,
    /// A thing.
    Thing,
}

/// What the clause has said before the place we look at.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts of a clause")]
pub(super) struct Clause {
    topic: Subject,
    nominative: Subject,
    object: Option<Flags>,
    agent: bool,
    location: bool,
    seen: Flags,
    polite: bool,
    question: bool,
}

impl Clause {
    /// At the beginning of a sentence.
    pub(super) fn new(polite: bool, question: bool) -> Self {
        Self { polite, question, ..Self::default() }
    }

    /// A question to the hearer, in 敬体.
    fn asks_politely(&self) -> bool {
        self.polite && self.question
    }

    /// The subject: the nearest が, else the topic.
    fn subject(&self) -> Subject {
        if self.nominative == Subject::Omitted { self.topic } else { self.nominative }
    }

    /// Takes in item `i`.
    pub(super) fn advance(&mut self, items: &[Item], i: usize) {
        let token = items[i].token;
        self.seen |= token.flags;
        match token.key {
            Key::Ga if token.class == Class::Case => self.nominative = subject_of(items, i).unwrap_or(self.nominative),
            Key::Ha | Key::Mo => self.topic = subject_of(items, i).unwrap_or(self.topic),
            Key::Wo => self.object = Some(before(items, i).map_or(0, |token| token.flags)),
            Key::Niyotte => self.agent = true,
            Key::Ni | Key::Kara => self.agent |= before(items, i).is_some_and(is_person),
            Key::De if token.class == Class::Case => self.location = true,
            _ => {}
        }
        let by_means = before(items, i).is_some_and(|before| before.key == Key::Niyotte);
        if (token.class == Class::Connective && !by_means) || token.class == Class::Comma {
            self.end();
        }
    }

    /// A clause ends: its object and agent go, its topic stays.
    fn end(&mut self) {
        *self = Self { topic: self.topic, nominative: self.nominative, polite: self.polite, question: self.question, ..Self::default() };
    }
}

fn before(items: &[Item], i: usize) -> Option<Token> {
    i.checked_sub(1).map(|i| items[i].token)
}

fn is_person(token: Token) -> bool {
    token.any(flag::PERSON | flag::RAISED) || token.key == Key::Sama
}

/// The subject that the particle at `i` marks; `None` when it marks a time or no noun at all.
fn subject_of(items: &[Item], i: usize) -> Option<Subject> {
    let mut head = before(items, i)?;
    if head.is(&[Key::Ni, Key::De, Key::To]) {
        head = before(items, i - 1)?;
        if !is_person(head) {
            return None;
        }
    }
    if head.any(flag::RAISED) || head.key == Key::Sama {
        Some(Subject::Raised)
    } else if head.any(flag::SPEAKER) {
        Some(Subject::Speaker)
    } else if head.any(flag::TIME) || !head.is_nominal() {
        None
    } else if head.any(flag::PERSON) {
        Some(Subject::Person)
    } else {
        Some(Subject::Thing)
    }
}

/// An honorific unit: prefix and core.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    /// First item after it.
    pub(super) end: usize,
    /// Properties of the core.
    pub(super) flags: Flags,
    /// The core's word.
    pub(super) key: Key,
}

/// The honorific unit that begins at item `i`.
pub(super) fn unit(items: &[Item], i: usize) -> Option<Unit> {
    let token = items.get(i)?.token;
    if token.any(flag::PREFIXED) {
        return lexical_unit(items, i, token);
    }
    if token.key != Key::Prefix {
        return None;
    }
    let core = items.get(i + 1)?.token;
    let next = items.get(i + 2).map(|item| item.token);
    if core.any(flag::STOP) {
        return None;
    }
    match core.class {
        Class::Verb if core.form == Form::Irrealis && next.is_some_and(|next| next.key == Key::Seru) => {
            Some(Unit { end: i + 3, flags: flag::VERBAL, key: Key::None })
        }
        Class::Verb if core.form == Form::Continuative => Some(Unit { end: i + 2, flags: core.flags | flag::VERBAL, key: core.key }),
        Class::Suffix if core.key == Key::Sama => None,
        Class::Noun | Class::Sahen | Class::AdjectivalNoun | Class::Suffix => split_noun(i, core, next),
        Class::Adjective => Some(Unit { end: i + 2, flags: flag::OWNED, key: Key::None }),
        _ => None,
    }
}

/// お話+し before ください is one verb stem; お召+し likewise.
fn lexical_unit(items: &[Item], i: usize, token: Token) -> Option<Unit> {
    if token.any(flag::STOP) {
        return None;
    }
    let at = |k: usize| items.get(i + k).map(|item| item.token);
    if token.any(flag::THANKED) && at(1).is_some_and(|next| next.key == Key::Sama) {
        return None;
    }
    let stem = at(1).is_some_and(|next| next.key == Key::Suru && next.form == Form::Continuative)
        && at(2).is_some_and(|next| next.is(&[Key::Kudasaru, Key::Itadaku, Key::Itasu, Key::Ni, Key::Negau, Key::Suru, Key::Moushiageru]));
    Some(Unit { end: i + 1 + usize::from(stem && token.any(flag::VERBAL)), flags: token.flags, key: token.key })
}

fn split_noun(i: usize, core: Token, next: Option<Token>) -> Option<Unit> {
    let titled = next.is_some_and(|next| next.key == Key::Sama);
    if titled && core.any(flag::THANKED) {
        return None;
    }
    let flags = if titled { flag::OWNED } else { core.flags };
    Some(Unit { end: i + 2 + usize::from(titled), flags, key: core.key })
}

/// A match under examination: items `from..to` fit the steps of a rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The sentence.
    pub(super) items: &'a [Item],
    /// First item of the match.
    pub(super) from: usize,
    /// First item after it.
    pub(super) to: usize,
    /// The honorific unit at `from`, if any.
    pub(super) unit: Option<Unit>,
    /// What the clause said before.
    pub(super) clause: &'a Clause,
}

impl Scene<'_> {
    fn back(&self, n: usize) -> Token {
        self.from.checked_sub(n).and_then(|i| self.items.get(i)).map_or(Token::default(), |item| item.token)
    }

    fn next(&self, n: usize) -> Token {
        self.items.get(self.to + n).map_or(Token::default(), |item| item.token)
    }

    fn last(&self) -> Token {
        self.items[self.to - 1].token
    }

    fn core(&self, flags: Flags) -> bool {
        self.unit.is_some_and(|unit| unit.flags & flags != 0)
    }
}

/// No condition.
pub(super) fn always(_: &Scene<'_>) -> bool {
    true
}

/// お/ご〜になる is honorific unless the core is a thing one turns into, or a closed day.
pub(super) fn turns_into(scene: &Scene<'_>) -> bool {
    let closed = scene.unit.is_some_and(|unit| unit.key == Key::Yasumi) && scene.clause.subject() == Subject::Thing;
    let set_phrase = scene.core(flag::SET_PHRASE) && scene.clause.object.is_none();
    !closed && !set_phrase && !scene.core(flag::BIKA)
}

/// 〜なさい is a plain command.
pub(super) fn imperative_nasai(scene: &Scene<'_>) -> bool {
    scene.last().form == Form::Imperative && scene.next(0).key != Key::Masu
}

/// Not 〜なさい.
pub(super) fn not_imperative(scene: &Scene<'_>) -> bool {
    let verb = scene.items[scene.from..scene.to].iter().rev().find(|item| item.token.key == Key::Nasaru);
    verb.is_none_or(|item| item.token.form != Form::Imperative) || scene.next(0).key == Key::Masu
}

/// A support verb makes a form of the core, unless the core is only pretty (お茶ください).
pub(super) fn support_verb(scene: &Scene<'_>) -> bool {
    !scene.core(flag::BIKA)
}

/// ご〜される without an agent.
pub(super) fn agent_free(scene: &Scene<'_>) -> bool {
    !scene.clause.agent
}

/// お/ご〜する is directed to somebody, unless the act stays with the actor.
pub(super) fn not_own_act(scene: &Scene<'_>) -> bool {
    !scene.core(flag::BIKA | flag::OWN_ACT)
}

/// お願い as a noun inside a sentence.
pub(super) fn request_noun(scene: &Scene<'_>) -> bool {
    let next = scene.next(0);
    matches!(next.class, Class::Case | Class::Topic | Class::Particle) || next.key == Key::Desu || next.is_nominal()
}

fn owner(token: Token) -> Option<bool> {
    if token.any(flag::SPEAKER) {
        Some(false)
    } else if token.any(flag::RAISED | flag::SON_NOUN) || token.key == Key::Sama {
        Some(true)
    } else {
        None
    }
}

/// From whom a direction noun comes: `Some(true)` from the raised side, `Some(false)` from the speaker, `None` not said.
fn giver(scene: &Scene<'_>) -> Option<bool> {
    if scene.next(0).any(flag::GREETING) {
        return Some(true);
    }
    if scene.next(0).key == Key::Wo {
        let verb = scene.next(1);
        if verb.is(&[Key::Itadaku, Key::Kudasaru, Key::Tamawaru, Key::Uketamawaru, Key::Ukagau]) || verb.any(flag::HUMBLE_SAHEN) {
            return Some(true);
        }
        if verb.is(&[Key::Sashiageru, Key::Moushiageru, Key::Itasu]) {
            return Some(false);
        }
    }
    match (scene.back(1).key, scene.back(2).key) {
        (Key::No, Key::He) => Some(false),
        (Key::No, Key::Kara) => owner(scene.back(3)),
        (Key::No | Key::Kara, _) => owner(scene.back(2)),
        (Key::Ni | Key::He, _) if scene.next(0).key == Key::Wo => owner(scene.back(2)).filter(|raised| *raised).map(|_| false),
        _ => None,
    }
}

/// 私からのお礼, 大家さんへのご連絡.
pub(super) fn direction_from_self(scene: &Scene<'_>) -> bool {
    giver(scene) == Some(false)
}

/// 先生のお手紙, お電話をいただく.
pub(super) fn direction_from_other(scene: &Scene<'_>) -> bool {
    giver(scene) == Some(true)
}

/// A unit that is a noun by itself.
pub(super) fn plain_unit(scene: &Scene<'_>) -> bool {
    !scene.core(flag::BIKA | flag::REQUEST)
}

/// A pretty noun whose owner is raised: 先生のお酒.
pub(super) fn beautified_by_owner(scene: &Scene<'_>) -> bool {
    scene.back(1).key == Key::No && owner(scene.back(2)) == Some(true) && !scene.core(flag::STOP)
}

/// お休み as a day off: of a thing, or of nobody in particular.
pub(super) fn day_off(scene: &Scene<'_>) -> bool {
    let person = matches!(scene.clause.subject(), Subject::Raised | Subject::Person);
    !person && !scene.next(0).is(&[Key::Nasaru, Key::Suru])
}

/// A pretty noun.
pub(super) fn beautified(scene: &Scene<'_>) -> bool {
    !scene.core(flag::STOP)
}

/// お待ちです, お探しの方: the core of a verb as a predicate or before の.
pub(super) fn called(scene: &Scene<'_>) -> bool {
    !scene.core(flag::SET_PHRASE | flag::REQUEST) && scene.next(0).is(&[Key::Desu, Key::Da, Key::No])
}

/// Any other noun with お/ご belongs to the other side.
pub(super) fn honorific_noun(scene: &Scene<'_>) -> bool {
    !scene.core(flag::REQUEST) && (!scene.core(flag::SET_PHRASE) || scene.core(flag::OWNED))
}

/// 様 after a name or person.
pub(super) fn seen_name(scene: &Scene<'_>) -> bool {
    scene.back(1).is_nominal() && !scene.back(1).any(flag::THANKED)
}

/// Followed by ます.
pub(super) fn with_masu(scene: &Scene<'_>) -> bool {
    scene.next(0).key == Key::Masu
}

/// After て or で.
pub(super) fn te_before(scene: &Scene<'_>) -> bool {
    scene.back(1).key == Key::Te
}

/// て+ください as a request.
pub(super) fn te_request(scene: &Scene<'_>) -> bool {
    te_before(scene) && imperative_request(scene)
}

/// ください, くださいませ.
pub(super) fn imperative_request(scene: &Scene<'_>) -> bool {
    let next = scene.next(0);
    scene.last().form == Form::Imperative || (next.key == Key::Masu && next.form == Form::Imperative)
}

/// お客様が見えました: a raised person comes.
pub(super) fn seen_person(scene: &Scene<'_>) -> bool {
    let person = scene.back(2);
    let next = scene.next(0);
    scene.back(1).key == Key::Ga && (person.any(flag::RAISED) || person.key == Key::Sama) && next.is(&[Key::Masu, Key::Ta, Key::Te])
}

/// (ら)れる as respect: needs a raised subject (or a polite question to the hearer), no agent, and a verb that can have it.
pub(super) fn honorific_passive(scene: &Scene<'_>) -> bool {
    let items = &scene.items[scene.from..scene.to];
    let head = items[0].token;
    let verb = items[items.len() - 2].token;
    let act = head.flags | if items.len() == 2 { verb.flags } else { 0 };
    let bare_suru = items.len() == 2 && verb.key == Key::Suru;
    if scene.clause.agent || act & flag::SUFFERED != 0 && !bare_suru || head.key == Key::Seru {
        return false;
    }
    if scene.back(1).is(&[Key::To, Key::Ni]) && (bare_suru || head.is(&[Key::Iu, Key::Omou]) || scene.back(1).key == Key::To) {
        return false;
    }
    if act & flag::ICHIDAN != 0 && negated(scene) {
        return false;
    }
    let intransitive = act & flag::INTRANSITIVE != 0;
    match scene.clause.subject() {
        Subject::Raised => scene.clause.object.is_some() || intransitive || raised_doer(scene, items.len() == 3, bare_suru),
        Subject::Person => scene.clause.asks_politely() && (scene.clause.object.is_some() || intransitive),
        Subject::Omitted => asked(scene, intransitive),
        Subject::Thing => scene.clause.object.is_some_and(|object| object & flag::QUESTION != 0) && scene.clause.asks_politely(),
        Subject::Speaker => false,
    }
}

/// A verbal noun, or が directly before an adnominal: 先生が書かれた本.
fn raised_doer(scene: &Scene<'_>, verbal_noun: bool, bare_suru: bool) -> bool {
    let suffixed = scene.items[scene.from].token.class == Class::Suffix;
    if verbal_noun {
        return !scene.clause.location && !suffixed;
    }
    !bare_suru && scene.clause.nominative == Subject::Raised && !scene.clause.location
}

fn negated(scene: &Scene<'_>) -> bool {
    scene.next(0).key == Key::Nai || (scene.next(0).key == Key::Masu && scene.next(1).key == Key::Nu)
}

/// どちらへ行かれますか: a question to the hearer.
fn asked(scene: &Scene<'_>, intransitive: bool) -> bool {
    let clause = scene.clause;
    let opinion = scene.items[scene.from].token.key == Key::Omou && clause.seen & flag::QUESTION != 0;
    clause.asks_politely() && (clause.object.is_some() || intransitive || opinion)
}

/// それはいただけない, 雪をいただく山 are not humble.
pub(super) fn not_topping(scene: &Scene<'_>) -> bool {
    let topped = scene.clause.object.is_some_and(|object| object & flag::TOPPING != 0);
    let disapproved = scene.next(0).key == Key::Nai && scene.back(1).is(&[Key::Ha, Key::Ga, Key::Mo]) && scene.clause.object.is_none();
    !topped && !disapproved
}

/// 様子をうかがう is to peer; in kana without ます only a visit or a question counts.
pub(super) fn not_peering(scene: &Scene<'_>) -> bool {
    let peered = scene.clause.object.is_some_and(|object| object & flag::PEERED != 0);
    let kana = scene.last().any(flag::KANA);
    let noun = scene.back(2);
    !peered && (!kana || with_masu(scene) || noun.any(flag::PREFIXED) || scene.back(3).key == Key::Prefix || scene.next(0).key == Key::Te)
}

/// 荷を頭上に差し上げる is to lift.
pub(super) fn not_lifting(scene: &Scene<'_>) -> bool {
    scene.clause.seen & flag::LIFTING == 0
}

/// おります with a subject that stays, not one that gets off: IPADIC takes the おり of 奥におります for おりる, UniDic that
/// of 電車をおります for おる, so the particle decides.
pub(super) fn polite_staying(scene: &Scene<'_>) -> bool {
    if scene.next(0).key != Key::Masu {
        return false;
    }
    let verb = scene.last();
    if verb.any(flag::KANA) { !scene.back(1).is(&[Key::Wo, Key::Kara, Key::De]) } else { verb.key == Key::Oru }
}

/// 参ります as "go"; not worship, not defeat, not 参った.
pub(super) fn polite_going(scene: &Scene<'_>) -> bool {
    let polite = scene.next(0).key == Key::Masu || (scene.next(0).key == Key::Te && scene.back(1).key != Key::Ni) || te_before(scene);
    let planned = scene.clause.polite && scene.back(1).is(&[Key::He, Key::Ni]) && scene.next(0).is_nominal();
    let worship = scene.back(1).key == Key::Ni && scene.back(2).any(flag::WORSHIP);
    (polite || planned) && !worship && scene.from > 0
}

/// 山本と申す; not 申すまでもない.
pub(super) fn named(scene: &Scene<'_>) -> bool {
    scene.next(0).is(&[Key::Masu, Key::Te]) || (scene.back(1).key == Key::To && scene.next(0).key != Key::Made)
}

/// Not 不徳の致すところ.
pub(super) fn not_idiom(scene: &Scene<'_>) -> bool {
    !(scene.back(1).key == Key::No && scene.next(0).key == Key::Tokoro)
}

/// 拝読させていただく: させ belongs to いただく.
pub(super) fn not_causative(scene: &Scene<'_>) -> bool {
    scene.next(0).key != Key::Seru
}

/// 拝見 before a verb; ちょうだい alone is a casual request.
pub(super) fn humble_sahen(scene: &Scene<'_>) -> bool {
    scene.last().key != Key::Choudai || scene.next(0).is(&[Key::Suru, Key::Itasu])
}

/// ありがとう, おはよう, おめでとう, 申し訳 + ございます.
pub(super) fn greeting(scene: &Scene<'_>) -> bool {
    scene.back(1).any(flag::GREETING)
}

/// The imperative of ます: くださいませ.
pub(super) fn masu_itself(scene: &Scene<'_>) -> bool {
    scene.last().key == Key::Masu
}

/// です; でしょ without う is casual.
pub(super) fn full_desu(scene: &Scene<'_>) -> bool {
    let casual = scene.last().key == Key::Desu && scene.last().form == Form::Irrealis;
    !casual && !scene.last().any(flag::CASUAL)
}
