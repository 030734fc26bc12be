"""Pure mathematics: the operations that the service has, one file each."""

from mathops.operations.factorial import FACTORIAL
from mathops.operations.fibonacci import FIBONACCI
from mathops.operations.operation import Operation, Parameter, Result
from mathops.operations.power import POWER

OPERATIONS: tuple[Operation, ...] = (POWER, FIBONACCI, FACTORIAL)

__all__ = ["FACTORIAL", "FIBONACCI", "OPERATIONS", "POWER", "Operation", "Parameter", "Result"]
