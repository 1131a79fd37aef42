#!/usr/bin/env python3
"""Trains a tiny model on a pack and draws its loss: the last step of docs/guide/tutorial.md.

    python examples/train_tiny.py OUT [--steps 300] [--batch 16] [--width 128] [--layers 2] [--seed 1] [--curve loss.svg]

OUT is a finished run. With a validation set (`[split] validation`) the loss on it is told, too, in bits per character, which vocabularies of any
size can be compared by. Needs `pip install 'seimai[torch]'`; a CPU is enough. The model is a plain decoder with rotary positions; documents in a row
do not see each other (`segment_ids`), and positions restart with each (`position_ids`).
"""
import argparse
import math
import time

import seimai
import seimai.torch
import torch
from torch import nn
from torch.nn import functional


def rotated(x, positions):
    """Rotary positions (arXiv 2104.09864): x is [rows, heads, S, width of a head]."""
    half = x.shape[-1] // 2
    frequencies = 10000.0 ** (-torch.arange(half, device=x.device) / half)
    angles = (positions[:, None, :, None] * frequencies).to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * angles.cos() - second * angles.sin(), first * angles.sin() + second * angles.cos()], -1)


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norms = nn.ModuleList([nn.RMSNorm(width), nn.RMSNorm(width)])
        self.qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x, positions, mask):
        rows, length, width = x.shape
        q, k, v = self.qkv(self.norms[0](x)).view(rows, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(rotated(q, positions), rotated(k, positions), v, attn_mask=mask)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(functional.gelu(self.up(self.norms[1](x))))


class Model(nn.Module):
    def __init__(self, vocabulary, width, layers):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(width, heads=max(1, width // 32)) for _ in range(layers))
        self.norm = nn.RMSNorm(width)

    def loss(self, batch, reduction="mean"):
        segments, length = batch["segment_ids"], batch["input_ids"].shape[1]
        same = segments[:, None, :, None] == segments[:, None, None, :]
        mask = same & torch.ones(length, length, dtype=torch.bool, device=same.device).tril()
        x = self.embedding(batch["input_ids"])
        for block in self.blocks:
            x = block(x, batch["position_ids"], mask)
        logits = self.norm(x) @ self.embedding.weight.T
        return functional.cross_entropy(logits.flatten(0, 1).float(), batch["labels"].flatten(), reduction=reduction)


def bits_per_character(model, run):
    """Over what is held out; None where nothing is."""
    if run.validation_pack is None:
        return None
    dataset = seimai.torch.PackDataset(run.validation_pack)
    with torch.no_grad():
        nats = sum(model.loss(dataset[range(row, row + 1)], reduction="sum").item() for row in range(len(dataset)))
    documents = run.documents(["text"], split="validation")
    return nats / math.log(2) / sum(len(row["text"]) for batch in documents for row in batch.to_pylist())


def curve(points, path):
    """The losses as a picture: one line, two axes."""
    width, height, left, bottom = 640, 320, 56, 40
    top, low = max(loss for _, loss in points), min(loss for _, loss in points)
    x = lambda step: left + (width - left - 16) * step / max(1, points[-1][0])
    y = lambda loss: 16 + (height - bottom - 16) * (top - loss) / max(top - low, 1e-9)
    line = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in points)
    marks = "".join(f'<text x="{left - 8}" y="{y(loss) + 4:.0f}" text-anchor="end">{loss:.2f}</text>' for loss in (top, low))
    marks += f'<text x="{left}" y="{height - 14}">step 0</text><text x="{width - 16}" y="{height - 14}" text-anchor="end">{points[-1][0]}</text>'
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">'
            f'<rect width="100%" height="100%" fill="#fff"/><path d="M{left} 16V{height - bottom}H{width - 16}" fill="none" stroke="#888"/>'
            f'<polyline points="{line}" fill="none" stroke="#2b6cb0" stroke-width="2"/>{marks}</svg>\n'
        )


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("out")
    p.add_argument("--steps", type=int, default=300)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--width", type=int, default=128)
    p.add_argument("--layers", type=int, default=2)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--curve", default="loss.svg")
    a = p.parse_args()
    torch.manual_seed(a.seed)
    run = seimai.open(a.out)
    model = Model(run.pack.vocab_size, a.width, a.layers)
    print(f"{sum(weight.numel() for weight in model.parameters()):,} weights, {run.pack.rows} sequences of {run.pack.sequence_length} tokens")
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.1)
    rate = lambda step: min(1, (step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * step / a.steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    stream = seimai.torch.PackStream(f"{a.out}/pack", global_batch=a.batch, seed=a.seed)
    points, started = [], time.monotonic()
    for step, batch in enumerate(stream):
        if step == a.steps:
            break
        loss = model.loss(batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        points.append((step, loss.item()))
        if step % max(1, a.steps // 10) == 0 or step == a.steps - 1:
            print(f"step {step:5}  loss {loss.item():.3f}  {time.monotonic() - started:6.1f} s", flush=True)
    curve(points, a.curve)
    print(f"the curve: {a.curve}")
    held_out = bits_per_character(model, run)
    if held_out is not None:
        print(f"held out: {held_out:.2f} bits per character")


main()
