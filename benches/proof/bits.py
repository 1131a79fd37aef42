#!/usr/bin/env python3
"""Bits per character of a small language model, by vocabulary: the same text, model, steps and tokens a step for every side.

    bits.py --vocabularies DIR [--size 8000] [--sides NAME,…] [--seeds 3] [--threads 1] [--steps 250] [--report FILE]

DIR is made by `vocabularies.py --sizes SIZE`. The model: a decoder of LAYERS pre-norm blocks of width WIDTH with learned positions and tied embeddings, AdamW, warm-up and
cosine, on the CPU; products in bfloat16, weights and evaluation in single precision. The compute is fixed: every side trains on as many positions, so a side whose tokens hold more characters has read more text, as in practice.
Training text is cut at line ends into pieces of about 2,000 characters, shuffled by the seed, each followed by the end-of-text token; all sides get the same pieces in the
same order. Held-out text of five genres is read in windows of CONTEXT tokens that overlap by half, so that every token but the first few has at least half a window before it. Bits of all tokens of
the text, the end-of-text token left out, divided by its characters.

A row a side and seed; rows that FILE has already are not run again. Needs torch, numpy, tokenizers, sentencepiece.
"""
import argparse
import json
import math
import os
import random
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn

from vocabularies import reader

GENRES = {"literature": "aozora", "encyclopaedia": "kyoto-wiki", "statutes": "law", "chat": "realpersonachat", "manuals": "msdocs-visualstudio"}
CONTEXT, BATCH, WIDTH, HEADS, LAYERS = 256, 16, 192, 6, 4
HELD_OUT_CHARACTERS = 25_000


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.before_attention, self.before_mlp = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x):
        rows, length, _ = x.shape
        q, k, v = (part.view(rows, length, HEADS, -1).transpose(1, 2) for part in self.qkv(self.before_attention(x)).chunk(3, -1))
        seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, WIDTH))
        return x + self.mlp(self.before_mlp(x))


class Model(nn.Module):
    def __init__(self, vocabulary):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks, self.norm = nn.Sequential(*(Block() for _ in range(LAYERS))), nn.LayerNorm(WIDTH)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        return self.norm(self.blocks(x)) @ self.tokens.weight.T


def pieces(path):
    out = []
    for line in open(path, encoding="utf-8"):
        piece = ""
        for part in json.loads(line)["text"].splitlines(keepends=True):
            piece += part
            if len(piece) >= 2000:
                out.append(piece)
                piece = ""
        if piece:
            out.append(piece)
    return out


def held_out(path):
    """Genre → texts of as many characters in all."""
    texts, sizes = {genre: [] for genre in GENRES}, dict.fromkeys(GENRES, 0)
    genre_of = {source: genre for genre, source in GENRES.items()}
    for line in open(path, encoding="utf-8"):
        record = json.loads(line)
        genre = genre_of.get(record["source"])
        if genre and sizes[genre] < HELD_OUT_CHARACTERS:
            text = record["text"][: HELD_OUT_CHARACTERS - sizes[genre]]
            texts[genre].append(text)
            sizes[genre] += len(text)
    return texts


def train(side, eos, texts, steps, seed):
    torch.manual_seed(seed)
    order = list(range(len(texts)))
    random.Random(seed).shuffle(order)
    wanted, stream, characters = steps * BATCH * CONTEXT + 1, [], 0
    for index in order:
        if len(stream) >= wanted:
            break
        stream += side.ids(texts[index])
        stream.append(eos)
        characters += len(texts[index])
    if len(stream) < wanted:
        sys.exit(f"the training text has {len(stream)} tokens, {wanted} are needed")
    ids = torch.from_numpy(np.array(stream, dtype=np.int64))
    model = Model(side.size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, betas=(0.9, 0.95), weight_decay=0.1)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1, (step + 1) / 50) * (0.05 + 0.95 * (1 + math.cos(math.pi * step / steps)) / 2))
    for step in range(steps):
        start = step * BATCH * CONTEXT
        window = ids[start : start + BATCH * CONTEXT + 1]
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(window[:-1].view(BATCH, CONTEXT)).flatten(0, 1)
        loss = nn.functional.cross_entropy(logits.float(), window[1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        rate.step()
    return model, characters


@torch.no_grad()
def bits(model, side, eos, texts):
    total, characters, judged, tokens = 0.0, 0, 0, 0
    for text in texts:
        ids = torch.tensor([eos] + side.ids(text))
        characters += len(text)
        # Windows begin half a window apart; of each but the first, the first half was judged in the window before.
        inputs, wanted = nn.functional.pad(ids[:-1], (0, -(len(ids) - 1) % (CONTEXT // 2) + CONTEXT // 2), value=eos), nn.functional.pad(ids[1:], (0, CONTEXT), value=-100)
        starts = range(0, max(1, len(ids) - 1 - CONTEXT // 2), CONTEXT // 2)
        for group in range(0, len(starts), BATCH):
            window = torch.stack([inputs[start : start + CONTEXT] for start in starts[group : group + BATCH]])
            labels = torch.stack([wanted[start : start + CONTEXT] for start in starts[group : group + BATCH]])
            labels[0 if group else 1 :, : CONTEXT // 2] = -100
            judged += int((labels >= 0).sum())
            total += float(nn.functional.cross_entropy(model(window).flatten(0, 1), labels.flatten(), reduction="sum"))
        tokens += len(ids) - 1
    assert judged == tokens, (judged, tokens)
    return total / math.log(2) / characters


def path_of(folder, name, size):
    if name.startswith("seimai-"):
        return os.path.join(folder, f"{name}-{size}", "tokenizer.json")
    return os.path.join(folder, f"{name}-{size}" + (".json" if name.startswith("huggingface-") else ".model"))


def main():
    p = argparse.ArgumentParser(usage=__doc__.replace("%", "%%"))
    p.add_argument("--vocabularies", required=True)
    p.add_argument("--size", type=int, default=8000)
    p.add_argument("--sides", default="seimai-cl100k-0.25,huggingface-deepseek-v3,sentencepiece-bpe,sentencepiece-unigram")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--steps", type=int, default=250)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--report")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    texts, tests = pieces(os.path.join(a.vocabularies, "train.jsonl")), held_out(os.path.join(a.vocabularies, "held-out.jsonl"))
    rows = json.load(open(a.report))["rows"] if a.report and os.path.exists(a.report) else []
    for seed in range(a.seeds):
        for name in a.sides.split(","):
            key = {"side": name, "size": a.size, "seed": seed, "steps": a.steps}
            if any(all(row[k] == v for k, v in key.items()) for row in rows):
                continue
            side = reader(path_of(a.vocabularies, name, a.size))
            eos = side.tokenizer.token_to_id("<|endoftext|>") if hasattr(side, "tokenizer") else side.model.eos_id()
            start = time.monotonic()
            model, characters = train(side, eos, texts, a.steps, seed)
            model.eval()
            by_genre = {genre: round(bits(model, side, eos, tests[genre]), 4) for genre in GENRES}
            rows.append({**key, "parameters": sum(p.numel() for p in model.parameters()), "tokens": a.steps * BATCH * CONTEXT, "characters": characters,
                         "bits_per_character": round(statistics.mean(by_genre.values()), 4), "by_genre": by_genre, "wall_s": round(time.monotonic() - start)})
            print(json.dumps(rows[-1]), flush=True)
            if a.report:
                summary = {}
                for of in dict.fromkeys(row["side"] for row in rows):
                    of_side = [row["bits_per_character"] for row in rows if row["side"] == of and row["size"] == a.size and row["steps"] == a.steps]
                    if of_side:
                        summary[of] = {"mean": round(statistics.mean(of_side), 4), "least": min(of_side), "most": max(of_side), "seeds": len(of_side)}
                with open(a.report, "w") as out:
                    json.dump({"summary": summary, "model": {"context": CONTEXT, "batch": BATCH, "width": WIDTH, "heads": HEADS, "layers": LAYERS}, "rows": rows}, out, indent=1)
                    out.write("\n")


main()
