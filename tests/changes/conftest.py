"""The same sandbox and client as for the endpoints themselves."""

from tests.salesloft.conftest import _impatient, api, sandbox

__all__ = ["_impatient", "api", "sandbox"]
