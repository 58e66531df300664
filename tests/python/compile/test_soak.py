"""Compiled programs called from four threads with random shapes; `make soak` does it for minutes and samples memory."""

import pytest

from bench import soak


@pytest.mark.parametrize("engine", soak.ENGINES)
def test_answers_stay_right_whoever_asks_and_for_whatever_shape(engine):
    result = soak.soak(engine, calls=200, longest=24)
    assert result.calls >= 200 and not result.wrong, result.wrong
    assert soak.table_of(result).row_count > 0 and result.calls_per_second(0) > 0


def test_a_wrong_answer_is_found(monkeypatch):
    draw = soak.Pool.draw

    def draw_wrong(pool, choose):
        ids, mask, (first, second) = draw(pool, choose)
        return ids, mask, (first + 1, second)

    monkeypatch.setattr(soak.Pool, "draw", draw_wrong)
    result = soak.soak("aten", calls=4, longest=8)
    assert result.wrong and "differs by 1" in result.wrong[0]
