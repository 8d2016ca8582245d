"""Frozen dataclasses that are quick to make, for a program that makes dozens as it starts.

`dataclasses.dataclass` writes and compiles six functions for every frozen class, which takes
0.5 ms: a quarter of what `harness status` took. Here nothing is compiled: the methods are the
same functions for every class, and a class takes a tenth of that. The fields, their checks
and their slots are those of the standard library, and so are `fields`, `replace`,
`is_dataclass` and matching by position.
"""

from __future__ import annotations

import dataclasses
import reprlib
from collections.abc import Callable
from typing import Any, ClassVar, Literal, TypeVar, cast, dataclass_transform

T = TypeVar("T")


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(
    *, frozen: Literal[True], slots: Literal[True], kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class what `dataclasses.dataclass` with these arguments makes of it.

    Args:
        frozen: As there. Written out for the reader, like ``slots``.
        slots: As there.
        kw_only: Whether every field is given by its name.

    Raises:
        TypeError: A field has a rule of its own, as one that is not compared: such a class is
            for the standard library.
    """

    def make(cls: type[T]) -> type[T]:
        # A record that extends another has fields of two classes: left to who knows the rules.
        if dataclasses.is_dataclass(cls):
            return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)(cls)
        bare = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )
        made: Any = bare(cls)
        made.__init__ = _init_of(made, kw_only=kw_only)
        for name, method in _SHARED.items():
            if name not in vars(cls):
                setattr(made, name, method)
        made.__dataclass_params__.frozen = True  # as a record that extends it must be
        return cast("type[T]", made)

    return make


def _init_of(cls: Any, *, kw_only: bool) -> Callable[..., None]:
    """Return the method that fills the slots of a new record."""
    fields = dataclasses.fields(cls)
    if own := [one.name for one in fields if not (one.init and one.repr and one.compare)]:
        raise TypeError(f"{cls.__qualname__}.{own[0]} has a rule that is not known here")
    finish = vars(cls).get("__post_init__")
    # The slots themselves: they are set past the __setattr__ that refuses.
    slots = tuple((field.name, vars(cls)[field.name].__set__) for field in fields)
    known = dict(slots).keys()
    positional = () if kw_only else tuple(known)

    def fill(self: Any, /, *values: Any, **named: Any) -> None:
        if values:
            named = _name_values(cls, positional, values, named)
        if named.keys() != known:
            named = _complete(cls, fields, named)
        for name, set_slot in slots:
            set_slot(self, named[name])
        if finish is not None:
            finish(self)

    return fill


def _name_values(
    cls: type, names: tuple[str, ...], values: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    if len(values) > len(names):
        raise _refusal(cls, f"takes {len(names)} positional arguments, not {len(values)}")
    by_place = dict(zip(names, values, strict=False))  # fewer: the others are named
    if twice := by_place.keys() & named.keys():
        raise _refusal(cls, f"got multiple values for argument {min(twice)!r}")
    return {**by_place, **named}


def _complete(
    cls: type, fields: tuple[dataclasses.Field[Any], ...], named: dict[str, Any]
) -> dict[str, Any]:
    """Add the defaults of the fields that were not given."""
    complete = dict(named)
    for field in fields:
        if field.name in named:
            continue
        if field.default_factory is not dataclasses.MISSING:
            complete[field.name] = field.default_factory()
        elif field.default is not dataclasses.MISSING:
            complete[field.name] = field.default
        else:
            raise _refusal(cls, f"missing the required argument {field.name!r}")
    if unknown := named.keys() - {field.name for field in fields}:
        raise _refusal(cls, f"got an unexpected keyword argument {min(unknown)!r}")
    return complete


def _refusal(cls: type, problem: str) -> TypeError:
    return TypeError(f"{cls.__qualname__}.__init__() {problem}")


def _values(record: Any) -> tuple[Any, ...]:
    return tuple([getattr(record, name) for name in record.__slots__])


class _Shared:
    """The methods that every class is given; this one is never made an object of."""

    __slots__: ClassVar[tuple[str, ...]] = ()

    def __eq__(self, other: object) -> Any:
        return _values(self) == _values(other) if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash(_values(self))

    @reprlib.recursive_repr()
    def __repr__(self) -> str:
        pairs = zip(self.__slots__, _values(self), strict=True)
        return f"{type(self).__qualname__}({', '.join(f'{n}={v!r}' for n, v in pairs)})"

    def __setattr__(self, name: str, value: Any) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def __getstate__(self) -> tuple[Any, ...]:
        return _values(self)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(self.__slots__, state, strict=True):
            object.__setattr__(self, name, value)


_SHARED = {name: method for name, method in vars(_Shared).items() if callable(method)}
