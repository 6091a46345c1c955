"""Threads, forks, signals and the end of the interpreter: an exception, never a crash."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from conftest import gradients

import freqbias


def run(code, timeout=60, expected=0):
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=timeout)
    assert done.returncode == expected, done.stderr
    return done


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_threads_of_its_own():
    values = gradients(200)
    before = freqbias.GradientSpectrum(32, 32)
    before.update(values)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            spectrum = freqbias.GradientSpectrum(32, 32)
            spectrum.update(values)
            before.update(values)
            same = np.array_equal(spectrum.result().mean, freqbias.spectral.gradient_profiles(values).mean(0))
            close = np.abs(spectrum.result().mean - before.result().mean).max() < 1e-12
            os.write(writer, b"yes" if close and (same or close) else b"no")
        finally:
            os._exit(0)
    os.close(writer)
    begun = time.monotonic()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() - begun > 30:
            os.kill(child, signal.SIGKILL)
            pytest.fail("the forked process waits for ever")
        time.sleep(0.01)
    assert os.read(reader, 3) == b"yes"
    before.update(values)
    assert before.count == 400


def test_the_interpreter_may_end_during_work():
    run(
        """
        import threading, time, numpy as np, freqbias
        values = np.random.default_rng(0).standard_normal((4000, 3, 32, 32)).astype(np.float32)
        def work():
            spectrum = freqbias.GradientSpectrum(32, 32)
            while True:
                spectrum.update(values)
        def measure():
            images, labels = freqbias.synthetic(16)
            freqbias.fourier_heat_map(lambda x: np.zeros((len(x), 10), np.float32), lambda x, y: x * 0 + 1, images, labels)
        for target in [work, measure, work]:
            threading.Thread(target=target, daemon=True).start()
        time.sleep(0.5)
        """
    )


def test_other_threads_run_while_gradients_are_read():
    run(
        """
        import threading, time, numpy as np, freqbias
        values = np.ones((12000, 3, 32, 32), np.float32) * np.arange(32, dtype=np.float32)
        ticks, done = [], threading.Event()
        def tick():
            while not done.is_set():
                ticks.append(time.monotonic())
                time.sleep(0.001)
        thread = threading.Thread(target=tick); thread.start()
        spectrum = freqbias.GradientSpectrum(32, 32)
        begun = time.monotonic()
        for _ in range(4):
            spectrum.update(values)
        ended = time.monotonic()
        done.set(); thread.join()
        assert spectrum.count == 48000
        assert sum(begun < at < ended for at in ticks) >= 2, (len(ticks), ended - begun)
        """
    )


def test_reading_gradients_beside_a_measure_does_not_wait_for_it():
    """A thread that reads holds the interpreter's lock, which the functions of a measure in another thread need."""
    run(
        """
        import threading, numpy as np, freqbias
        values = np.random.default_rng(0).standard_normal((2000, 3, 32, 32)).astype(np.float32)
        images, labels = freqbias.synthetic(16)
        done = threading.Event()
        def measure():
            model = lambda x: np.zeros((len(x), 10), np.float32)
            freqbias.fourier_heat_map(model, lambda x, y: x * 0 + 1, images, labels, window=3)
            done.set()
        def read():
            spectrum = freqbias.GradientSpectrum(32, 32)
            while not done.is_set():
                spectrum.update(values)
        threads = [threading.Thread(target=target) for target in [read, measure, read]]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        assert done.is_set()
        """
    )


def test_a_model_may_use_the_library_on_one_thread():
    run(
        """
        import os
        os.environ["RAYON_NUM_THREADS"] = "1"
        import numpy as np, freqbias
        images, labels = freqbias.synthetic(16)
        def model(x):
            return freqbias.spectral.density(x)[:, :10].astype(np.float32)
        found = freqbias.phase_amplitude(model, images, labels, batch_size=4)
        assert freqbias.threads() == 1 and found.data["n_images"] == 16
        """
    )


@pytest.mark.parametrize("work", ["measure", "fit", "synthetic", "restructure"])
def test_ctrl_c_stops_work(work):
    code = """
        import sys, time, numpy as np, freqbias
        images, labels = freqbias.synthetic(400)
        print("begun", flush=True)
        try:
            if "WORK" == "fit":
                target = freqbias.cdes.target_density(32, 32)
                freqbias.cdes.fit(images, target, epochs=100000)
            elif "WORK" == "synthetic":
                freqbias.synthetic(100_000)
            elif "WORK" == "restructure":
                many = np.concatenate([images] * 60)
                while True:
                    freqbias.cdes.restructure(many, many)
            else:
                freqbias.fourier_heat_map(
                    lambda x: x.mean((2, 3)), lambda x, y: np.ones_like(x), images, labels % 3, batch_size=1)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code).replace("WORK", work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout.readline() == "begun\n"
    time.sleep(1)
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    said, errors = child.communicate(timeout=30)
    assert said == "stopped\n" and child.returncode == 0, errors
    assert time.monotonic() - begun < 10


def test_the_programs_are_there_and_ctrl_c_is_theirs(tmp_path):
    script = os.path.join(os.path.dirname(sys.executable), "freqbias")
    command = [script] if os.path.exists(script) else [sys.executable, "-m", "freqbias"]
    assert "freqbias" in subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    refused = subprocess.run([*command, "grad", "--arch", "nothing"], capture_output=True, text=True)
    assert refused.returncode == 2 and len(refused.stderr.strip().splitlines()) == 1
    train = ["easy_train", "--arch", "resnet20", "--epochs", "50", "--out-dir", str(tmp_path)]
    child = subprocess.Popen([*command, *train], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1 and "--resume" in said, said


def test_exceptions_of_functions_are_the_callers():
    images, labels = freqbias.synthetic(4)

    class Mine(Exception):
        pass

    calls = []

    def fails(batch):
        calls.append(len(batch))
        if len(calls) > 3:
            raise Mine("of my own")
        return np.zeros((len(batch), 10), np.float32)

    with pytest.raises(Mine, match="of my own"):
        freqbias.band_accuracy(fails, images, labels)
    assert len(calls) == 4, "nothing is called after it"
    # Functions may use the package themselves.
    def nested(batch):
        freqbias.spectral.density(batch)
        return np.zeros((len(batch), 10), np.float32)

    assert freqbias.band_accuracy(nested, images, labels, radii=[4]).data["n_images"] == 4


def test_functions_are_called_on_the_thread_that_asked():
    import threading

    images, labels = freqbias.synthetic(4)
    seen = set()

    def model(batch):
        seen.add(threading.get_ident())
        return np.zeros((len(batch), 10), np.float32)

    freqbias.phase_amplitude(model, images, labels)
    assert seen == {threading.get_ident()}
