"""A callback of Lightning that records the gradient spectrum while a module is trained."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Optional

try:
    from lightning.pytorch import Callback
except ImportError:
    from pytorch_lightning import Callback

from .torch import Normaliser, SpectrumRecorder

__all__ = ["SpectrumCallback"]


class SpectrumCallback(Callback):  # type: ignore[misc]
    """Records after every ``every``-th epoch on the images of a loader: see ``freqbias.torch.SpectrumRecorder``. Only the first process
    measures; ``model`` names the attribute of the Lightning module that is the classifier, the module itself unless it is given."""

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
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every {every}: expected 1 or more")
        self._folder, self._loader, self._every, self._model = folder, loader, every, model
        self._settings: dict[str, Any] = {"normaliser": normaliser, "name": name, "dataset": dataset, "checkpoints": checkpoints}
        self.recorder: Optional[SpectrumRecorder] = None

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Measures, if it is an epoch's turn."""
        if not trainer.is_global_zero or trainer.current_epoch % self._every != 0:
            return
        model = pl_module if self._model is None else getattr(pl_module, self._model)
        if self.recorder is None:
            self.recorder = SpectrumRecorder(self._folder, model, self._loader, **self._settings)
        self.recorder.record(trainer.current_epoch)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lets go of the folder."""
        if self.recorder is not None:
            self.recorder.close()
