"""A packed row in a model of transformers: its loss is that of its documents alone."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="seimai.torch needs torch")
transformers = pytest.importorskip("transformers", reason="a model is needed")

import seimai.torch  # noqa: E402

import torch_packs as packs  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
S = 48


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=64, attn_implementation="eager",
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval().double()


def isolating_mask(batch):
    """Of [rows, 1, S, S]: a column sees earlier ones of its own segment."""
    segments = batch["segment_ids"]
    same = segments[:, None, :, None] == segments[:, None, None, :]
    causal = torch.ones(S, S, dtype=torch.bool).tril()
    return torch.zeros(same.shape, dtype=torch.float64).masked_fill(~(same & causal), torch.finfo(torch.float64).min)


def losses_alone(model, rows):
    """For each piece that has targets: their number, and their mean loss when the model sees nothing else."""
    for ends, tokens in rows:
        for start, end in zip([0, *ends], ends, strict=False):
            if end - start > 1:
                ids = torch.tensor([tokens[start:end]])
                yield end - start - 1, model(input_ids=ids, labels=ids).loss.item()


@pytest.mark.parametrize("labels", ["shifted", "unshifted"])
def test_the_loss_of_packed_rows_is_that_of_their_documents(tmp_path, model, labels):
    rows = packs.some_rows(6, S, vocab_size=60)
    batch = seimai.torch.PackDataset(packs.write_pack(tmp_path / "pack", rows, S, vocab_size=60), labels=labels)[range(6)]
    with torch.no_grad():
        alone = list(losses_alone(model, rows))
        wanted = sum(n * loss for n, loss in alone) / sum(n for n, _ in alone)
        inputs = {name: batch[name] for name in ("input_ids", "position_ids")}
        if labels == "unshifted":
            found = model(**inputs, attention_mask=isolating_mask(batch), labels=batch["labels"]).loss
            # Positions that restart do not isolate documents by themselves.
            leaking = model(**inputs, attention_mask=torch.ones_like(batch["input_ids"]), labels=batch["labels"]).loss
        else:
            def loss(mask):
                return torch.nn.functional.cross_entropy(model(**inputs, attention_mask=mask).logits.flatten(0, 1), batch["labels"].flatten())

            found, leaking = loss(isolating_mask(batch)), loss(torch.ones_like(batch["input_ids"]))
    # The loss itself is computed in float32.
    assert found.item() == pytest.approx(wanted, rel=1e-6)
    assert abs(leaking.item() - wanted) > 1e-4
