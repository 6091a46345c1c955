"""A callback of Lightning that records the gradient spectrum while a module is trained."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Optional

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from ._arguments import flag, repeatable, text, whole
from .torch import Normaliser, SpectrumRecorder

__all__ = ["SpectrumCallback"]


class SpectrumCallback(Callback):  # type: ignore[misc]
    """Records after every ``every``-th epoch on the images of a loader: see ``freqbias.torch.SpectrumRecorder``. Only the first process
    measures; ``model`` names the attribute of the Lightning module that is the classifier, the module itself unless it is given. A trainer
    that goes on from a checkpoint (``fit(…, ckpt_path=…)``) needs ``resume=True``: epochs have the trainer's numbers."""

    def __init__(
        self,
        folder: "str | os.PathLike[str]",
        loader: Iterable[Any],
        *,
        every: int = 1,
        model: Optional[str] = None,
        normaliser: Normaliser = None,
        name: Optional[str] = None,
        dataset: str = "images",
        checkpoints: bool = False,
        resume: bool = False,
    ) -> None:
        super().__init__()
        self._folder, self._loader, self._every = os.fsdecode(folder), repeatable(loader), whole(every, "every", 1)
        self._model = None if model is None else text(model, "model")
        self._settings: dict[str, Any] = {
            "normaliser": normaliser,
            "name": None if name is None else text(name, "name"),
            "dataset": text(dataset, "dataset"),
            "checkpoints": flag(checkpoints, "checkpoints"),
            "resume": flag(resume, "resume"),
        }
        self.recorder: Optional[SpectrumRecorder] = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Looks into the folder before an epoch has been spent. Earlier, in ``on_fit_start``, the trainer does not know its epoch yet."""
        if not trainer.is_global_zero:
            return
        # Another fit is another run.
        self.teardown(trainer, pl_module, "fit")
        self.recorder = None
        self._recorder(pl_module).begin_at(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Measures, if it is an epoch's turn."""
        if not trainer.is_global_zero or trainer.current_epoch % self._every != 0:
            return
        self._recorder(pl_module).record(trainer.current_epoch)

    def _recorder(self, pl_module: Any) -> SpectrumRecorder:
        if self.recorder is None:
            model = pl_module if self._model is None else getattr(pl_module, self._model)
            self.recorder = SpectrumRecorder(self._folder, model, self._loader, **self._settings)
        return self.recorder

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lets go of the folder."""
        if self.recorder is not None:
            self.recorder.close()
