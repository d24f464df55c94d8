"""The examples of docs/trainers.md, and what trainers do with an optimizer: their steps, schedules and checkpoints.

Models are made from a config, data are made here, and nothing is downloaded.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

from oco.torch import SketchyShampoo

PAGE = Path(__file__).parents[2] / "docs" / "trainers.md"
PLAIN, HUGGING_FACE, LIGHTNING = range(3)
# Lightning 2.6 asks torch for a class that torch 2.13 deprecates, and advises more workers for its loaders.
OF_LIGHTNING = [
    "ignore:`isinstance\\(treespec, LeafSpec\\)` is deprecated:FutureWarning",
    "ignore:The '\\w+_dataloader' does not have many workers",
]


def lightning():
    return pytest.importorskip("lightning", reason="needs the extra: trainers")


@pytest.fixture
def transformers(monkeypatch):
    # transformers would take the folder tests/datasets for Hugging Face's package of that name.
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if not (Path(entry) / "datasets").is_dir()])
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    pytest.importorskip("accelerate", reason="needs the extra: trainers")
    return pytest.importorskip("transformers", reason="needs the extra: trainers")


def example(number):
    block = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[number]
    names = {"__name__": "page"}
    exec(compile(block, f"trainers.md, example {number + 1}", "exec"), names)
    return names


def test_the_plain_loop_learns():
    names = example(PLAIN)
    assert float(names["loss"].detach()) < 0.8 * torch.tensor(4.0).log()
    assert names["scheduler"].get_last_lr()[0] == pytest.approx(0.0, abs=1e-9)


def test_the_hugging_face_example_learns(transformers):
    names = example(HUGGING_FACE)
    assert names["result"].global_step == 20
    assert names["result"].training_loss < 0.9 * torch.tensor(32.0).log()
    assert {int(state["step"]) for state in names["optimizer"].state.values()} == {20}


def test_the_hugging_face_trainer_resumes_from_its_checkpoint(transformers, tmp_path):
    """Saved after step 4 of 8, with a schedule: the weights at the end are those of the run without a stop."""

    def trainer(name):
        torch.manual_seed(0)
        sizes = {"vocab_size": 16, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 1}
        config = transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0)
        model = transformers.GPT2LMHeadModel(config)
        rows = [(torch.arange(8) + start) % 16 for start in range(16)]
        arguments = transformers.TrainingArguments(
            str(tmp_path / name), max_steps=8, per_device_train_batch_size=4, use_cpu=True, save_steps=4,
            report_to="none", disable_tqdm=True,
        )  # fmt: skip
        optimizer = SketchyShampoo(model.named_parameters(), lr=1e-2, rank=4, update_freq=2, start_step=2)
        data = [{"input_ids": row, "labels": row} for row in rows]
        return transformers.Trainer(model, arguments, train_dataset=data, optimizers=(optimizer, None))

    through = trainer("through")
    through.train()
    resumed = trainer("resumed")
    before = [p.detach().clone() for p in resumed.model.parameters()]
    resumed.train(resume_from_checkpoint=str(tmp_path / "through" / "checkpoint-4"))
    pairs = list(zip(through.model.parameters(), resumed.model.parameters(), strict=True))
    assert all(torch.equal(p, q) for p, q in pairs)
    assert not any(torch.equal(p, q) for (p, _), q in zip(pairs, before, strict=True))


def test_a_class_given_to_the_hugging_face_trainer_warns_of_its_group_of_vectors(transformers, tmp_path):
    sizes = {"vocab_size": 16, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 1}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0))
    arguments = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none")
    given = transformers.Trainer(model, arguments, optimizer_cls_and_kwargs=(SketchyShampoo, {"rank": 4}))
    with pytest.warns(UserWarning, match="none of the .* parameters of group 1 is preconditioned"):
        given.create_optimizer()


@pytest.mark.filterwarnings(*OF_LIGHTNING)
def test_the_lightning_example_takes_the_steps_of_a_plain_loop():
    lightning()
    names = example(LIGHTNING)
    torch.manual_seed(0)
    inputs, labels = names["data"].tensors
    drawn = torch.randn(64, 16), torch.randint(4, (64,))
    assert all(torch.equal(own, given) for own, given in zip(drawn, (inputs, labels), strict=True))
    net = names["Classifier"]()
    optimizer = SketchyShampoo(net.named_parameters(), lr=1e-2, rank=8)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=4)
    for _ in range(4):
        for start in range(0, 64, 16):
            optimizer.zero_grad()
            rows = slice(start, start + 16)
            torch.nn.functional.cross_entropy(net.net(inputs[rows]), labels[rows]).backward()
            optimizer.step()
        scheduler.step()
    assert all(torch.equal(p, q) for p, q in zip(net.parameters(), names["module"].parameters(), strict=True))
    assert [row["rank"] for row in names["trainer"].optimizers[0].report()] == [8, 8, 4, 8]
