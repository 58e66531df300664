"""Serving on more than one machine, with Ray: `pip install 'tracejet[serve]'`.

`application` makes a program an application of Ray Serve, `run` starts it, `Predictor` is for data sets of Ray Data.
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
