"""What a recorder leaves in a run folder, and which folders it refuses."""

import json
import subprocess

import numpy as np
import pytest
from conftest import needs, program

torch = needs("torch")

import freqbias  # noqa: E402
import freqbias.torch  # noqa: E402
from modules import MEAN, OWN_MEAN, OWN_STD, STD, Small, cifar_resnet, lambda_module, loader  # noqa: E402


def test_live_spectra_are_a_run_folder_that_the_programs_read(images, tmp_path):
    needs("torchvision")
    pixels, labels = images
    torch.manual_seed(0)
    model = cifar_resnet()
    with freqbias.torch.SpectrumRecorder(
        tmp_path / "run",
        model,
        loader(pixels, labels, 16),
        every=2,
        normaliser=(OWN_MEAN, OWN_STD),
        name="resnet18",
        dataset="synthetic",
        checkpoints=True,
    ) as recorder:
        measured = [recorder.step() for _ in range(3)]
        assert [found is not None for found in measured] == [True, False, True]
        of_folder = {"name": "resnet18", "dataset": "synthetic", "normaliser": (OWN_MEAN, OWN_STD), "resume": True}
        with pytest.raises(freqbias.Error, match="in use|another program"):
            freqbias.torch.SpectrumRecorder(tmp_path / "run", model, loader(pixels, labels), **of_folder).record(0)
    table = json.loads((tmp_path / "run/spectrum/gradient_spectrum.json").read_text())
    assert (table["epochs"], table["arch"], table["n_images"]) == ([0, 2], "resnet18", 32)
    assert np.array_equal(table["mean"][0], measured[0].mean)
    names = {path.name for path in (tmp_path / "run/spectrum").iterdir()}
    assert {"gradient_spectrum.png", "gradient_spectrum.svg", "gradient_spectrum.npz", "density.png"} <= names
    # The programs read what was written: the checkpoint, and the run as one of their own.
    said = call("inspect", str(tmp_path / "run/2_checkpoint.safetensors"))
    assert "resnet18" in said
    on = ["--dataset", "synthetic", "--limit-train", "32", "--limit-test", "32", "--quiet"]
    call("grad", "--run", str(tmp_path / "run"), *on)
    own = json.loads((tmp_path / "run/grad/gradient_spectrum.json").read_text())
    assert own["epochs"] == [0, 2] and own["radii"] == table["radii"]
    # Rounding of float32 switches a ReLU here and there: not so in the mean.
    assert np.abs(np.array(own["mean"]) - table["mean"]).max() < 5e-3


def test_a_folder_that_has_spectra_is_gone_on_with_or_refused(images, tmp_path):
    pixels, labels = images
    model, settings = Small(), {"name": "small", "dataset": "mine"}

    def recorder(count=32, **more):
        return freqbias.torch.SpectrumRecorder(tmp_path, model, loader(pixels[:count], labels[:count], 16), **more)

    with recorder(every=2, **settings) as first:
        for _ in range(3):
            first.step()
    with pytest.raises(ValueError, match="spectra of 2 epochs from 0 to 2 here; resume=True adds to what is there, or name another"):
        recorder(**settings)
    for other in [{"name": "large", "dataset": "mine"}, {"name": "small"}]:
        with pytest.raises(ValueError, match="this is the run of the network small on mine, and"):
            recorder(resume=True, **other)
    with recorder(every=2, resume=True, **settings) as more:
        # Numbers go on: 3 is not measured, 4 is.
        assert [more.step() is not None for _ in range(2)] == [False, True] and list(more.spectra) == [4]
        more.record(2)
    assert json.loads((tmp_path / "spectrum/gradient_spectrum.json").read_text())["epochs"] == [0, 2, 4]
    with recorder(8, resume=True, **settings) as fewer, pytest.raises(freqbias.Error, match="measured on 32 images"):
        fewer.record(6)


def test_a_run_of_other_images_or_of_another_normaliser_is_refused(images, tmp_path):
    pixels, labels = np.repeat(np.repeat(images[0][:4], 2, 2), 2, 3), images[1][:4]
    model = lambda_module(lambda x: torch.tanh(x[:, :, 3:60:6, 5:60:6].flatten(1))[:, :10] * 5)

    def record(size=(64, 64), normaliser=(OWN_MEAN, OWN_STD), **more):
        batches = [(pixels[:, :, : size[0], : size[1]], labels)]
        settings = {"normaliser": normaliser, "name": "small", **more}
        with freqbias.torch.SpectrumRecorder(tmp_path, model, batches, **settings) as recorder:
            recorder.step()

    record()
    # 63×64 has the very bands of 64×64.
    with pytest.raises(ValueError, match="the run of images of 64×64, and these are 63×64; name another folder"):
        record((63, 64), resume=True)
    for other in [(MEAN, STD), None]:
        with pytest.raises(ValueError, match="the normaliser of this run is mean 0.4, 0.5, 0.3, std 0.3, 0.15, 0.25, and"):
            record(normaliser=other, resume=True)
    record(resume=True)
    record(normaliser=lambda x: x, resume=True)  # of a function nobody knows what it is
    assert json.loads((tmp_path / "spectrum/gradient_spectrum.json").read_text())["epochs"] == [0, 1, 2]


def call(name, *flags):
    done = subprocess.run([*program(name), *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_callback_of_lightning(images, tmp_path):
    lightning = needs("lightning.pytorch")
    from freqbias.lightning import SpectrumCallback

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.network = Small()

        def training_step(self, batch, _):
            return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.01)

    callback = SpectrumCallback(tmp_path / "run", loader(*images), every=2, model="network", dataset="mine")
    settings = {"max_epochs": 3, "accelerator": "cpu", "logger": False}
    settings |= {f"enable_{what}": False for what in ("checkpointing", "progress_bar", "model_summary")}
    trainer = lightning.Trainer(callbacks=[callback], **settings)
    trainer.fit(Module(), loader(*images, 16))
    table = json.loads((tmp_path / "run/spectrum/gradient_spectrum.json").read_text())
    assert table["epochs"] == [0, 2] and table["dataset"] == "mine"
    assert np.array_equal(table["mean"][1], callback.recorder.spectra[2].mean)
    # Nobody holds the folder any more: a trainer goes on from its checkpoint, before epoch 3.
    trainer.save_checkpoint(tmp_path / "three.ckpt")
    again = SpectrumCallback(tmp_path / "run", loader(*images), model="network", dataset="mine", resume=True)
    settings["max_epochs"] = 5
    lightning.Trainer(callbacks=[again], **settings).fit(Module(), loader(*images, 16), ckpt_path=tmp_path / "three.ckpt")
    assert json.loads((tmp_path / "run/spectrum/gradient_spectrum.json").read_text())["epochs"] == [0, 2, 3, 4]


def test_another_fit_is_another_run(images, tmp_path):
    needs("lightning.pytorch")
    from freqbias.lightning import SpectrumCallback

    settings = {"dataset": "mine", "checkpoints": True}
    callback = SpectrumCallback(tmp_path, loader(*images), **settings)
    for epoch in range(3):
        if epoch == 0:
            callback.on_train_start(Resumed(0), Small())
        callback.on_train_epoch_end(Resumed(epoch), Small())
    with pytest.raises(ValueError, match="there are spectra of 3 epochs from 0 to 2 here"):
        callback.on_train_start(Resumed(0), Small())
    again = SpectrumCallback(tmp_path, loader(*images), resume=True, **settings)
    with pytest.raises(ValueError, match="training begins at epoch 0; go on from a checkpoint"):
        again.on_train_start(Resumed(0), Small())
    again.on_train_start(Resumed(1), Small())
    again.on_train_epoch_end(Resumed(1), Small())
    again.teardown(None, None, "fit")
    assert json.loads((tmp_path / "spectrum/gradient_spectrum.json").read_text())["epochs"] == [0, 1]
    assert sorted(path.name for path in tmp_path.glob("*_checkpoint*")) == ["0_checkpoint.safetensors", "1_checkpoint.safetensors"]


def test_a_network_that_has_diverged_leaves_no_row(images, tmp_path):
    model = Small()
    with freqbias.torch.SpectrumRecorder(tmp_path, model, loader(*images)) as recorder:
        assert recorder.step() is not None
        with torch.no_grad():
            model.body[-1].weight.fill_(torch.nan)
        with pytest.warns(UserWarning, match="none of the 32 images of epoch 1 has a gradient with a profile, and no row is written"):
            assert recorder.step() is None
    assert json.loads((tmp_path / "spectrum/gradient_spectrum.json").read_text())["epochs"] == [0]


def test_a_loader_must_give_its_batches_again(images, tmp_path):
    with pytest.raises(TypeError, match="loader of type generator: it gives its batches once"):
        freqbias.torch.SpectrumRecorder(tmp_path, Small(), (batch for batch in loader(*images)))
    with pytest.raises(TypeError, match="loader of type .*Iter: it gives its batches once"):
        freqbias.torch.SpectrumRecorder(tmp_path, Small(), iter(loader(*images)))
    with pytest.raises(ValueError, match="no images"):
        freqbias.torch.SpectrumRecorder(tmp_path, Small(), []).record(0)
    with freqbias.torch.SpectrumRecorder(tmp_path, Small(), list(loader(*images))) as recorder:
        assert recorder.step() is not None and recorder.step() is not None


class Resumed:
    """As much of a trainer as a callback looks at."""

    is_global_zero = True

    def __init__(self, epoch):
        self.current_epoch = epoch
