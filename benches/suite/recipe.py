#!/usr/bin/env python3
"""Makes a corpus of any size by a recipe: pages of Japanese sentences, from a seed, in a stream.

    recipe.py --documents 40000 [--first 0] [--near .1] [--equal .05] [--mix prose=3,web=3,dialogue=2,statutes=1,letters=1]
              [--characters 900] [--seed 1] [--samples corpora-samples] > pages.jsonl

Sentences are those of the project's own samples; in each, words of two or more kanji are exchanged for words drawn by Zipf's law from a
vocabulary that never ends, so that new pieces go on to appear as the corpus grows, ever more slowly, as they do in real text; and runs of
three or more hiragana for others of the register, so that two pages have in common what two texts of a language have, and no more. A page
has one register (the sample file its sentences come from; `--mix` are their weights) and 0.3 to 3 times `--characters`. Of all pages `--near` are an
earlier page with one sentence in twelve exchanged, and `--equal` an earlier page as it is. Page N depends on N, the seed and
the recipe alone, so any number of pages is the beginning of any larger number, and files can be made in any order.

This is text to measure cost with, not to learn from: sentences recur, and their words mean nothing. Python 3.9 or later, standard library only.
"""
import argparse
import collections
import json
import math
import os
import random
import re
import sys

MIX = {"prose": 3, "web": 3, "dialogue": 2, "statutes": 1, "letters": 1}
KANJI = re.compile("[一-鿿]{2,}")
KANA = re.compile("[ぁ-ゖー]{3,}")
EXCHANGED = re.compile(f"(?P<kanji>{KANJI.pattern})|{KANA.pattern}")
SENTENCES = re.compile("[^。！？\n]+[。！？]?[」』）]*\n?")
# Ranks are drawn up to here, with a chance of one by the rank: about as many different words as three terabytes of text have.
RANKS = 1 << 30
OFTEN = 1 << 14


class Recipe:
    def __init__(self, samples="corpora-samples", near=0.1, equal=0.05, mix=None, characters=900, seed=1):
        self.near, self.equal, self.characters, self.seed = near, equal, characters, seed
        mix = mix or MIX
        self.registers, self.weights = list(mix), list(mix.values())
        texts = {}
        for register in self.registers:
            with open(os.path.join(samples, register + ".jsonl"), encoding="utf-8") as lines:
                texts[register] = [json.loads(line)["text"] for line in lines]
        self.kanji = sorted({character for of in texts.values() for text in of for word in KANJI.findall(text) for character in word})
        self.often = [self._word(rank) for rank in range(OFTEN)]
        self.kana = {register: [run for run, _ in collections.Counter(run for text in of for run in KANA.findall(text)).most_common()] for register, of in texts.items()}
        self.sentences = {register: [self._template(sentence) for text in of for sentence in SENTENCES.findall(text)] for register, of in texts.items()}

    @staticmethod
    def _template(sentence):
        """A format with a place for each word, and for each place whether it is one of kanji."""
        sentence = sentence.replace("%", "%%")
        return EXCHANGED.sub("%s", sentence), [found.group("kanji") is not None for found in EXCHANGED.finditer(sentence)]

    def _word(self, rank):
        """The word of a rank: two kanji, or three for rare ones. Different ranks may be one word."""
        mixed = (rank * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019) & (2**64 - 1)
        n = len(self.kanji)
        word = self.kanji[(mixed >> 20) % n] + self.kanji[(mixed >> 40) % n]
        return word if rank < OFTEN else word + self.kanji[mixed % n]

    def _sentence(self, draw, register):
        template, places = draw.choice(self.sentences[register])
        kana = self.kana[register]
        words, of_kanji, of_kana = [], math.log(RANKS), math.log(len(kana))
        for is_kanji in places:
            rank = int(math.exp((of_kanji if is_kanji else of_kana) * draw.random()))
            words.append(kana[min(rank, len(kana)) - 1] if not is_kanji else self.often[rank] if rank < OFTEN else self._word(rank))
        return template % tuple(words)

    def _original(self, number):
        """Register and sentences of a page that copies no other."""
        draw = random.Random(f"{self.seed} {number}")
        register = draw.choices(self.registers, self.weights)[0]
        wanted, sentences, length = self.characters * math.exp(draw.uniform(math.log(0.3), math.log(3))), [], 0
        while length < wanted:
            sentences.append(self._sentence(draw, register))
            length += len(sentences[-1])
        return register, sentences

    def page(self, number):
        """Id, register and text of a page, with the number of the page it is made from (none: null) and how."""
        draw = random.Random(f"{self.seed} kind {number}")
        kind, of = draw.random(), None
        if number == 0 or kind >= self.near + self.equal:
            how, (register, sentences) = "original", self._original(number)
        else:
            of = draw.randrange(number)
            register, sentences = self._original(of)
            how = "equal" if kind < self.equal else "near"
            if how == "near":
                for _ in range(max(1, len(sentences) // 12)):
                    sentences[draw.randrange(len(sentences))] = self._sentence(draw, register)
        return {"id": str(number), "text": "".join(sentences), "register": register, "made": how, "of": of}

    def write(self, path, first, end):
        with open(path, "w", encoding="utf-8") as out:
            for number in range(first, end):
                out.write(json.dumps(self.page(number), ensure_ascii=False) + "\n")


def mix_of(told):
    mix = {}
    for part in told.split(","):
        register, _, weight = part.partition("=")
        mix[register] = float(weight)
    return mix


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--documents", type=int, required=True)
    p.add_argument("--first", type=int, default=0)
    p.add_argument("--near", type=float, default=0.1)
    p.add_argument("--equal", type=float, default=0.05)
    p.add_argument("--mix", type=mix_of, default=MIX)
    p.add_argument("--characters", type=int, default=900)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--samples", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "corpora-samples"))
    a = p.parse_args()
    recipe = Recipe(a.samples, a.near, a.equal, a.mix, a.characters, a.seed)
    for number in range(a.first, a.first + a.documents):
        sys.stdout.write(json.dumps(recipe.page(number), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
