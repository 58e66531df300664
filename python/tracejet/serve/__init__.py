"""Serving on more than one machine, with Ray: `pip install 'tracejet[serve]'`.

`application` makes a program an application of Ray Serve, `run` starts it, `Predictor` is for data sets of Ray Data.
Start reading at `replica.py`: a request comes in by `http.py` or `grpc_messages.py`, its tensors are read in `wire.py`
and held against `signature.py`; `batcher.py` says when the program is called, `rows.py` with which requests at once,
and `program.py` calls it. Only `application.py`, `replica.py` and `metrics.py` know Ray.

What surprises: whether rows depend on each other isn't written in a program, so `independence.py` tries it before the
first request.
"""

try:
    import kserve as _kserve
    import ray.serve as _ray_serve
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error.name} isn't installed: pip install 'tracejet[serve]'", name=error.name, path=error.path
    ) from error

from tracejet.serve.application import GRPC_SERVICER, application, run
from tracejet.serve.data import Predictor

__all__ = ["GRPC_SERVICER", "Predictor", "application", "run"]

del _kserve, _ray_serve
