"""Pure mathematics: the operations that the service has, one file each."""

from importlib import import_module

from mathops.operations.operation import Operation, Parameter, Result

_MODULES = (
    "power",
    "fibonacci",
    "factorial",
)
OPERATIONS: tuple[Operation, ...] = tuple(import_module(f"{__name__}.{name}").OPERATION for name in _MODULES)

__all__ = ["OPERATIONS", "Operation", "Parameter", "Result"]
