#!/usr/bin/env bash
# Guess: once Lightning has loaded a checkpoint (`on_load_checkpoint`), callbacks see the epoch that training goes on from; at the latest in
#   `on_fit_start`, which is called when fit begins.
# Happens: in `on_load_checkpoint` and in `on_fit_start` after it, `trainer.current_epoch` and `trainer.global_step` are 0, as of a run from
#   the beginning: the loops are put back between `on_fit_start` and `on_train_start`. A callback that clears its folder for a new run in
#   `on_fit_start` clears that of the run that is resumed.
# Version: lightning 2.6.6; torch 2.15.0.
# Source: https://github.com/Lightning-AI/pytorch-lightning/blob/2.6.6/src/lightning/pytorch/trainer/trainer.py (`_run`: the hook
#   `on_fit_start`, then `restore_training_state`).
# Output seen: on_load_checkpoint 0, of a checkpoint of epoch 3; on_fit_start 0; on_train_start 3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check torch==2.15.0 lightning==2.6.6 numpy==2.4.6
found=$(venv/bin/python -W ignore - 2>/dev/null <<'PY'
import lightning
import torch


class Module(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, _):
        return self.layer(batch[0]).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


class Says(lightning.Callback):
    def on_load_checkpoint(self, trainer, module, checkpoint):
        print(f"on_load_checkpoint {trainer.current_epoch}, of a checkpoint of epoch {checkpoint['epoch']}")

    def on_fit_start(self, trainer, module):
        print(f"on_fit_start {trainer.current_epoch}")

    def on_train_start(self, trainer, module):
        print(f"on_train_start {trainer.current_epoch}")


loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(4, 2)), batch_size=2)
quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
first = lightning.Trainer(max_epochs=3, accelerator="cpu", **quiet)
first.fit(Module(), loader)
first.save_checkpoint("three.ckpt")
lightning.Trainer(max_epochs=4, accelerator="cpu", callbacks=[Says()], **quiet).fit(Module(), loader, ckpt_path="three.ckpt")
PY
)
echo "$found"
[ "$found" = "on_load_checkpoint 0, of a checkpoint of epoch 3
on_fit_start 0
on_train_start 3" ]
