"""Looks at a finished run from Python, with nothing but the package itself: python3 examples/look_at_a_run.py OUT"""

import sys

import seimai

run = seimai.open(sys.argv[1] if len(sys.argv) > 1 else "out")
print(run)

print("\nWhat the rules dropped, and one document of each rule")
for rule, n in list(run.rules.items())[:5]:
    one = run.rejected(rule, sample=1, seed=1).to_pylist()[0]
    print(f"  {n:>6} {rule:<24} {one['doc_id']}: {one['evidence']}")

answer = run.what_if(preset="none")
print(f"\nWithout thresholds of quality: {answer.kept_before} -> {answer.kept_after} documents, before duplicates are looked for again")

tokenizer = run.tokenizer
pieces, held = [], []
for token in tokenizer.encode("精米した米を炊いていただきました。"):
    held.append(token)
    if "\ufffd" not in (piece := tokenizer.decode(held)):  # a rare character is more than one token
        pieces.append(piece)
        held = []
print("\nTokens  ", "|".join(pieces))

said = seimai.keigo("社長は先に帰らさせていただきますとおっしゃいました。")
print("Keigo   ", " ".join(f"{span.text}={span.cls}" for span in said.spans))
print("Misuse  ", " ".join(f"{misuse.text}: {misuse.type}" for misuse in said.misuse))

part = run.pack.parts[0]
row = [memoryview(part.tokens)[0, column] for column in range(8)]
print("Packed  ", run.pack, row, "…")
