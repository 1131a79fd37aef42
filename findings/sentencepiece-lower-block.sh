#!/usr/bin/env bash
# What SentencePiece makes of U+2581 ▁ in a text when the model says escape_whitespaces = false, that is, when blanks are blanks and ▁ stands for none.
#
# Expected: as the model writes no blank as ▁, decoding turns no ▁ into a blank.
# Seen: sentencepiece 0.2.3 encodes "a▁a" to the piece ▁ and decodes it to "a a", whatever the model says; without a piece for ▁ it goes through its
# three bytes and comes back as it was. A piece of a NUL is taken for unused while byte_fallback is on, with a warning in the log: NUL becomes its byte piece.
# So a vocabulary with ▁ in a token cannot be decoded by SentencePiece. Found while exporting vocabularies: ids were right, one text was not.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3 protobuf==7.36.2
"$scratch/venv/bin/python" - <<'PY'
from importlib.metadata import version

import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as proto

LOWER_BLOCK = "\u2581"


def processor(*pieces):
    """BPE with byte fallback, blanks left alone, these pieces before the 256 bytes."""
    model = proto.ModelProto()
    for score, piece in enumerate(pieces):
        model.pieces.add(piece=piece, score=-score, type=proto.ModelProto.SentencePiece.NORMAL)
    for byte in range(256):
        model.pieces.add(piece=f"<0x{byte:02X}>", type=proto.ModelProto.SentencePiece.BYTE)
    model.pieces.add(piece="<unk>", type=proto.ModelProto.SentencePiece.UNKNOWN)
    model.trainer_spec.model_type = proto.TrainerSpec.BPE
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = False
    return sentencepiece.SentencePieceProcessor(model_proto=model.SerializeToString())


def round_trip(loaded, text):
    return loaded.decode(loaded.encode(text))


text = f"a{LOWER_BLOCK}a a"
with_piece, without, with_nul = processor("a", " ", LOWER_BLOCK), processor("a", " "), processor("a", " ", "\0")
seen = {
    "with a piece": round_trip(with_piece, text),
    "without": round_trip(without, text),
    "pieces of NUL": [with_nul.id_to_piece(id) for id in with_nul.encode("\0")],
}
print("sentencepiece", version("sentencepiece"))
for name, value in seen.items():
    print(f"  {name:<14} {value!r}")
expected = {"with a piece": "a a a", "without": text, "pieces of NUL": ["<0x00>"]}
raise SystemExit("the behaviour has changed" if seen != expected else 0)
PY
