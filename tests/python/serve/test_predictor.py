"""Batches of a data set, as Ray Data gives them."""

import numpy as np
import pytest
import torch

from tests.support.served import Lengths, Scores, lengths_inputs, saved, scores_inputs
from tracejet import InvalidInput
from tracejet.serve import Predictor


def test_outputs_are_added_to_the_columns(tmp_path):
    model = Scores()
    predict = Predictor(saved(model, scores_inputs(), tmp_path), columns={"ids": "number"})
    x, ids = np.random.rand(20, 4).astype(np.float32), np.arange(20)  # more rows than a call takes
    found = predict({"x": x, "number": ids, "title": np.array(["a"] * 20)})
    assert list(found) == ["x", "number", "title", "scores", "is_high"]
    expected = model(torch.from_numpy(x), torch.from_numpy(ids))
    torch.testing.assert_close(torch.from_numpy(found["scores"]), expected["scores"], rtol=1e-4, atol=1e-5)
    assert np.array_equal(found["is_high"], expected["is_high"].numpy())


@pytest.mark.parametrize("pad", [None, {"tokens": 0.0, "mask": 0.0}])
def test_rows_of_different_lengths(tmp_path, pad):
    predict = Predictor(saved(Lengths(), lengths_inputs(), tmp_path), pad=pad)
    rows = [np.random.rand(length).astype(np.float32) for length in (3, 5, 3, 16, 2)]
    tokens, mask = np.empty(5, object), np.empty(5, object)
    tokens[:], mask[:] = rows, [np.ones_like(row) for row in rows]
    found = predict({"tokens": tokens, "mask": mask})
    assert [row.shape for row in found["output_1"]] == [row.shape for row in rows]
    assert np.allclose(found["output_0"], [row.mean() for row in rows], rtol=1e-4)


def test_what_doesnt_fit_is_refused(tmp_path):
    predict = Predictor(saved(Scores(), scores_inputs(), tmp_path))
    with pytest.raises(InvalidInput, match="there is no column 'ids'; the columns are x"):
        predict({"x": np.zeros((1, 4), np.float32)})
    with pytest.raises(InvalidInput, match=r"float64 is given where the program takes torch\.int64"):
        predict({"x": np.zeros((1, 4), np.float32), "ids": np.zeros(1)})
    with pytest.raises(InvalidInput, match="axis 1 is 5, expected 4"):
        predict({"x": np.zeros((1, 5), np.float32), "ids": np.zeros(1, np.int64)})
