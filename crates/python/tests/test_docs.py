"""Every line of Python in docs/python.md, in its order."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import MISSING, program

PAGE = Path(__file__).resolve().parents[3] / "docs/python.md"


def blocks():
    """The code of each block, and what it needs."""
    for found in re.finditer(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        code = found.group(1)
        needs = re.match(r"# needs (\w+)\n", code)
        line = PAGE.read_text()[: found.start(1)].count("\n")
        yield "\n" * line + code, needs.group(1) if needs else None


def test_every_line_runs(tmp_path, monkeypatch):
    if not PAGE.exists():
        pytest.skip("the page is not beside the package")
    monkeypatch.chdir(tmp_path)
    names, ran = {}, 0
    for code, needs in blocks():
        if needs == "run":
            train = ["--arch", "resnet20", "--epochs", "1", "--limit-train", "64", "--limit-test", "32", "--quiet"]
            subprocess.run([*program("easy_train"), *train], check=True, capture_output=True)
        elif needs and importlib.util.find_spec(needs) is None:
            MISSING.append(needs)
            continue
        exec(compile(code, str(PAGE), "exec"), names)
        ran += 1
    assert ran >= 5, "blocks without needs"
    spectrum = tmp_path / "runs/mine/spectrum/gradient_spectrum.png"
    assert spectrum.exists() or importlib.util.find_spec("torch") is None


def test_the_types_are_sound():
    """mypy in its strictest form, on the package and its stubs."""
    pytest.importorskip("mypy")
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_stubs_name_what_there_is():
    """The same names in the native half and in its stubs."""
    import freqbias._freqbias as native

    stubs = (Path(native.__file__).parent / "_freqbias.pyi").read_text()
    said = set(re.findall(r"^(?:(?:def|class) )?(\w+)(?=[(:])", stubs, re.MULTILINE))
    assert said == {name for name in dir(native) if not name.startswith("_")}
