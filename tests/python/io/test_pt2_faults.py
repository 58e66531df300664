"""Compiled programs as files, where processes are killed, disks are full, or several write at once: a file is whole."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import torch
from torch import nn

import tracejet
from tests.support.full_disk import run_on_small_disk
from tests.support.interrupted_writer import kill_while_writing
from tests.support.several_processes import run_at_once


def scaled(factor: float, width: int = 8) -> nn.Module:
    """x * factor, with weights of 4 * width**2 bytes."""
    layer = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(width) * factor)
    return layer.eval()


def save(factor: float, path: Path, width: int = 8, engine: str = "openvino") -> None:
    tracejet.compile(scaled(factor, width), arg_inputs=[torch.ones(1, width)], engine=engine).save(path)


def factor_in(path: Path, width: int = 8) -> float:
    """The same in every element, or the file is none of `save`."""
    values = tracejet.load(path)(torch.ones(1, width)).unique()
    assert values.numel() == 1
    return values.item()


@pytest.mark.parametrize("target", ["kept/model.pt2", "{folder}/kept/model.pt2", "second"])
def test_a_link_is_written_through_also_to_a_file_that_isnt_there_yet(target: str, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "second").symlink_to("kept/model.pt2")
    link = tmp_path / "model.pt2"
    link.symlink_to(target.format(folder=tmp_path))
    for factor in (1, 2):
        save(factor, link)
        assert link.is_symlink() and factor_in(tmp_path / "kept/model.pt2") == factor
    assert [file.name for file in (tmp_path / "kept").iterdir()] == ["model.pt2"]


def test_only_a_file_takes_the_place_of_what_is_there(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    refusals = {"fifo": "something else than a file", "folder": "Is a directory", "circle": "Too many levels"}
    for name, refusal in {**refusals, "link": refusals["fifo"]}.items():
        with pytest.raises(tracejet.Error, match=f"can't write .*/{name}: .*{refusal}") as raised:
            tracejet.save(tracejet.trace(scaled(1), arg_inputs=[torch.ones(1, 8)]), tmp_path / name)
        assert raised.value.code == tracejet.ErrorCode.UNWRITABLE_FILE
    assert (tmp_path / "fifo").is_fifo() and (tmp_path / "link").is_symlink()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_fifo_is_no_file_to_load_and_isnt_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.pt2")
    with pytest.raises(tracejet.Error, match="it is no file"):
        tracejet.load(tmp_path / "fifo.pt2")


@pytest.mark.parametrize("engine", ["openvino", "aten"])
def test_a_process_that_is_killed_while_it_writes_leaves_the_file_that_was_there(engine: str, tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    save(1, path, width=4096, engine=engine)
    code = f"""
        from pathlib import Path
        import torch, tracejet
        from tests.python.io.test_pt2_faults import scaled
        compiled = tracejet.compile(scaled(2, 4096), arg_inputs=[torch.ones(1, 4096)], engine={engine!r})
        while True:
            compiled.save({str(path)!r})
        """
    left = kill_while_writing(code, tmp_path)
    assert left < path.stat().st_size
    assert factor_in(path, width=4096) in (1, 2)
    save(3, path, width=4096, engine=engine)
    assert factor_in(path, width=4096) == 3


def test_a_full_disk_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    full = run_on_small_disk(
        """
        import tracejet
        from tests.python.io.test_pt2_faults import factor_in, save, scaled
        path = folder / "model.pt2"
        save(1, path)
        before = path.read_bytes()
        for _ in range(2):
            try:
                save(2, path, width=1024)
            except tracejet.Error as error:
                print(error)
            assert path.read_bytes() == before and [file.name for file in folder.iterdir()] == ["model.pt2"]
            assert factor_in(path) == 1
        save(3, path)
        assert factor_in(path) == 3
        """,
        tmp_path,
        "1m",
    )
    assert full.returncode == 0, full.stderr
    assert full.stdout.count(f"can't write {tmp_path}/model.pt2: No space left on device") == 2


def test_processes_that_write_and_read_one_file_at_once_see_whole_ones(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    save(1, path)
    done = threading.Event()

    def write() -> None:
        code = """
            from tests.python.io.test_pt2_faults import save
            for round in range(15):
                save(1 if is_first else 2, folder / "model.pt2")
            """
        try:
            run_at_once(code, tmp_path)
        finally:
            done.set()

    writers = threading.Thread(target=write)
    writers.start()
    seen = set()
    while not done.is_set():
        seen.add(factor_in(path))
    writers.join()
    assert seen <= {1.0, 2.0} and factor_in(path) in seen
    assert [file.name for file in tmp_path.iterdir()] == ["model.pt2"]


def test_a_program_outlives_the_file_that_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "model.pt2"
    save(1, path)
    loaded = tracejet.load(path)
    save(2, path)
    assert loaded(torch.ones(1, 8)).unique().item() == 1
    path.unlink()
    assert loaded(torch.ones(1, 8)).unique().item() == 1
