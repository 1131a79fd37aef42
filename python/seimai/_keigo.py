"""Keigo of a text, as objects and in colours."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from html import escape
from typing import Any

# Class, background, meaning. The colours are those of a palette that colour-blind people can tell apart.
_CLASSES = {
    "SON": ("#f3c6d9", "尊敬語: respect"),
    "KEN1": ("#bcd7f2", "謙譲語I: humble towards somebody"),
    "KEN2": ("#b7e3e0", "謙譲語II: humble before the hearer"),
    "KEN12": ("#cfc8f0", "謙譲語I and II"),
    "TEI": ("#cdeac0", "丁寧語: polite"),
    "BIK": ("#fbe3a6", "美化語: pretty"),
}


@dataclass(frozen=True, slots=True)
class Span:
    """An honorific form. Offsets are code points of the text, as Python counts, and bytes of its UTF-8; ends are exclusive."""

    text: str
    start: int
    end: int
    byte_start: int
    byte_end: int
    #: SON, KEN1, KEN2, KEN12, TEI, BIK
    cls: str
    #: The rule that found it, ``CLASS.kind``.
    rule: str
    kind: str
    #: Other classes it may have.
    alt: tuple[str, ...] = ()
    #: て+ください, ください: politeness rather than respect.
    weak: bool = False
    #: A noun whose giver is not known (お手紙: from or to whom?).
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Misuse:
    """A form that is wrong, or disputed, where it stands."""

    text: str
    start: int
    end: int
    byte_start: int
    byte_end: int
    #: What is wrong: double, sasete, …
    type: str
    #: error: the guidelines of 2007 call it wrong; variation: disputed.
    severity: str
    rule: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A fixed phrase of letters, business, shops, parliament or statutes."""

    text: str
    start: int
    end: int
    byte_start: int
    byte_end: int
    domain: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, without the white space around it."""

    text: str
    start: int
    end: int
    byte_start: int
    byte_end: int
    #: keitai (です, ます), jotai (だ, である, plain forms), fragment
    style: str
    #: Politeness, 0 to 3.
    level: int
    #: neutral, written, casual, role
    tone: str
    #: Nothing but a quotation.
    quoted: bool
    spans: tuple[Span, ...] = ()
    misuse: tuple[Misuse, ...] = ()
    formulae: tuple[Formula, ...] = ()


@dataclass(frozen=True, slots=True)
class Keigo:
    """What the rules say of a text. ``text[span.start:span.end]`` is a span's text. In a notebook it shows itself in colours."""

    text: str
    #: The bucket of politeness that a run would put the text into.
    register: str
    #: The fields of the column ``keigo``.
    counts: dict[str, Any] = field(hash=False)
    sentences: tuple[Sentence, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """The honorific forms of all sentences, in order."""
        return tuple(span for sentence in self.sentences for span in sentence.spans)

    @property
    def misuse(self) -> tuple[Misuse, ...]:
        """What is misused in all sentences, in order."""
        return tuple(misuse for sentence in self.sentences for misuse in sentence.misuse)

    @property
    def style(self) -> str:
        """The style that prevails: keitai, jotai, mixed or none."""
        return str(self.counts["dominant_style"])

    @property
    def level(self) -> int:
        """The level of most sentences; of equally many, the higher one."""
        levels = Counter(sentence.level for sentence in self.sentences)
        return max(levels, key=lambda level: (levels[level], level), default=0)

    @property
    def tone(self) -> str:
        """The tone of most sentences; of equally many, the earlier one."""
        tones = Counter(sentence.tone for sentence in self.sentences)
        return max(tones, key=lambda tone: tones[tone], default="neutral")

    @classmethod
    def of_json(cls, text: str, said: str) -> Keigo:
        """From what the extension says of a text."""
        told = json.loads(said)
        return cls(text, told["register"], told["counts"], tuple(_sentence(text, one) for one in told["sentences"]))

    def _repr_html_(self) -> str:
        return html(self)


def _place(text: str, said: dict[str, Any]) -> dict[str, Any]:
    place = {key: said[key] for key in ("start", "end", "byte_start", "byte_end")}
    return {"text": text[place["start"] : place["end"]], **place}


def _sentence(text: str, said: dict[str, Any]) -> Sentence:
    spans = (
        Span(
            **_place(text, one),
            cls=one["class"],
            rule=one["rule"],
            kind=one["kind"],
            alt=tuple(one.get("alt", ())),
            weak=one.get("weak", False),
            ambiguous=one.get("ambiguous", False),
        )
        for one in said["spans"]
    )
    misuse = (
        Misuse(**_place(text, one), type=one["type"], severity=one["severity"], rule=one["rule"], evidence=one["evidence"])
        for one in said["misuse"]
    )
    formulae = (Formula(**_place(text, one), domain=one["domain"]) for one in said["formula"])
    rest = {key: said[key] for key in ("style", "level", "tone", "quoted")}
    return Sentence(**_place(text, said), **rest, spans=tuple(spans), misuse=tuple(misuse), formulae=tuple(formulae))


def html(analysis: Keigo) -> str:
    """The text with its forms in colours, misuse underlined: one self-contained piece of HTML without scripts."""
    spans, misuses = analysis.spans, analysis.misuse
    places = [(one.start, one.end) for one in spans] + [(one.start, one.end) for one in misuses]
    edges = sorted({0, len(analysis.text), *(at for place in places for at in place)})
    parts = []
    for start, end in zip(edges, edges[1:], strict=False):
        piece = escape(analysis.text[start:end]).replace("\n", "<br>")
        span = next((one for one in spans if one.start <= start and end <= one.end), None)
        misuse = next((one for one in misuses if one.start <= start and end <= one.end), None)
        style, title = [], []
        if span is not None:
            style.append(f"background:{_CLASSES[span.cls][0]};color:#222;border-radius:.2em;padding:0 .1em")
            title.append(f"{span.rule}: {_CLASSES[span.cls][1]}")
        if misuse is not None:
            style.append("text-decoration:underline wavy #c0392b")
            title.append(f"{misuse.severity}: {misuse.type}, {misuse.evidence}")
        if style:
            piece = f'<span style="{";".join(style)}" title="{escape(" · ".join(title))}">{piece}</span>'
        parts.append(piece)
    used = [name for name in _CLASSES if any(span.cls == name for span in spans)]
    legend = " ".join(
        f'<span style="background:{_CLASSES[name][0]};color:#222;border-radius:.2em;padding:0 .3em" title="{escape(_CLASSES[name][1])}">{name}</span>'
        for name in used
    )
    about = f"{analysis.register} · {analysis.style} · level {analysis.level} · {analysis.tone}"
    return (
        '<div lang="ja" style="line-height:1.9">'
        f"<div>{''.join(parts)}</div>"
        f'<div style="font-size:85%;opacity:.8">{escape(about)} {legend}</div></div>'
    )
