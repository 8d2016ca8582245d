"""What happened in each phase of a test, seen beneath every other hook, held in its report.

Raw and final outcome travel together in the report, from workers of pytest-xdist as well, so
that whoever reads the journal sees when somebody made a failure look like a success.
"""

from __future__ import annotations

import functools
import inspect
import unittest
from collections.abc import Generator
from traceback import format_exception_only
from typing import Any

import pytest

from harness.runner.child_plugin.journal import FAILED, NOT_CALLED, PASSED, SKIPPED, XFAILED

SEEN = "harness_seen"
_LONGEST_ERROR = 300


def name_suspects(config: pytest.Config, hook: str) -> list[str]:
    """Name the plugins and ``conftest.py`` files that take part in a hook of pytest."""
    names = []
    for impl in config.pluginmanager.hook.__dict__[hook].get_hookimpls():
        if not is_ours(impl.function):
            name = str(impl.plugin_name or impl.function.__module__)
            names.append(name.replace(f"{config.rootpath}/", ""))
    return sorted(set(names))


def is_ours(function: Any) -> bool:
    """Say whether a part of a hook is of pytest, of pytest-xdist or of the harness."""
    module = str(function.__module__)
    known = ("_pytest.", "xdist.", "__channelexec__", "pytest_subtests.", "harness.runner.")
    return module.startswith(known) or module == __name__


def name_outcome(error: BaseException | None) -> str:
    """Name the outcome that an exception makes."""
    if error is None:
        return PASSED
    if isinstance(error, pytest.xfail.Exception):
        return XFAILED
    if isinstance(error, (pytest.skip.Exception, unittest.SkipTest)):
        return SKIPPED
    return FAILED


class OutcomeWatch:
    """Registered last, so that its wrappers are the innermost and the outermost of all."""

    def __init__(
        self, config: pytest.Config, original: dict[int, str], functions: dict[int, Any]
    ) -> None:
        """Take ids and functions that items had when they were collected, by identity."""
        self._original, self._functions = original, functions
        self._raw: dict[tuple[int, str], tuple[str, str]] = {}
        self._in_call: pytest.Item | None = None
        self._calls, self._is_entered = 0, False
        self._is_counting = any(
            not (impl.opts.get("hookwrapper") or impl.opts.get("wrapper"))
            and not is_ours(impl.function)
            for impl in config.pluginmanager.hook.pytest_pyfunc_call.get_hookimpls()
        )

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, None]:
        """See how the set-up ended."""
        result = yield
        self._note(item, "setup", result.excinfo)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        """See how the call ended, and that it was one."""
        self._in_call, self._calls, self._is_entered = item, 0, False
        replaced = self._count_calls(item)
        result = yield
        self._in_call = None
        self._note(item, "call", result.excinfo)
        raw, _ = self._raw[id(item), "call"]
        is_function = isinstance(item, pytest.Function) and not _is_unittest(item)
        was_called = self._calls or not replaced[1]
        if raw == PASSED and (replaced[0] or not was_called):
            self._raw[id(item), "call"] = (NOT_CALLED, replaced[0] or "another plugin answered")
        elif raw == PASSED and is_function and not self._is_entered:
            self._raw[id(item), "call"] = (NOT_CALLED, "pytest was kept from calling it")

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, None]:
        """See how the tear-down ended."""
        result = yield
        self._note(item, "teardown", result.excinfo)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, Any, None]:
        """See a failure of the function before anybody can swallow it."""
        self._is_entered = True
        result = yield
        if result.excinfo is not None:
            error = result.excinfo[1]
            self._raw[id(pyfuncitem), "function"] = (name_outcome(error), _shorten(error))

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, None]:
        """Put what was seen into the report, beside what the report says."""
        error = None if call.excinfo is None else call.excinfo.value
        result = yield
        report = result.get_result()
        if self._in_call is item:  # a subtest: the test itself has not returned
            raw = (name_outcome(error), "" if error is None else _shorten(error))
        else:
            raw = self._raw.pop((id(item), str(call.when)), (NOT_CALLED, "no such phase"))
        suspects = name_suspects(item.config, "pytest_runtest_makereport")
        seen = {
            "id": self._original.get(id(item), item.nodeid),
            "raw": raw[0],
            "error": raw[1],
            "final": str(report.outcome),
            "may_fail": bool(list(item.iter_markers("xfail"))) or raw[0] == XFAILED,
            "suspects": suspects + name_suspects(item.config, "pytest_runtest_call")
            if raw[0] != report.outcome
            else [],
        }
        vars(report)[SEEN] = seen

    def _note(self, item: pytest.Item, when: str, excinfo: Any) -> None:
        """Keep the worst of what was seen: unittest collects failures beside the exception."""
        errors = [] if excinfo is None else [excinfo[1]]
        errors += [one.value for one in vars(item).get("_excinfo") or ()]
        outcomes = [(name_outcome(error), _shorten(error)) for error in errors]
        if when == "call" and (swallowed := self._raw.pop((id(item), "function"), None)):
            outcomes.append(swallowed)
        order = (FAILED, XFAILED, SKIPPED)
        worst = sorted(outcomes, key=lambda pair: order.index(pair[0]))
        self._raw[id(item), when] = worst[0] if worst else (PASSED, "")

    def _count_calls(self, item: pytest.Item) -> tuple[str, bool]:
        """Say what was put in a test's place, and whether its calls are counted."""
        if "runtest" in vars(item):
            return "its runtest was replaced", False
        if not isinstance(item, pytest.Function):
            return "", False
        function, now = self._functions.get(id(item)), unwrap(item.obj)
        is_async = inspect.iscoroutinefunction(now)
        if function is not None and function is not now and not is_async:
            return "its function was replaced", False
        if _is_unittest(item):
            return _find_unrun(item), False
        if not self._is_counting:
            return "", False
        counted = self._wrap_counted(item.obj)
        if counted is not None:
            item.obj = counted
        return "", counted is not None

    def _wrap_counted(self, function: Any) -> Any:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            return None
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def count_awaited(*arguments: Any, **named: Any) -> Any:
                self._calls += 1
                return await function(*arguments, **named)

            return count_awaited

        @functools.wraps(function)
        def count_call(*arguments: Any, **named: Any) -> Any:
            self._calls += 1
            return function(*arguments, **named)

        return count_call


def _is_unittest(item: pytest.Item) -> bool:
    """Say whether unittest runs a test, which never asks who calls functions."""
    return any(cls.__name__ == "TestCaseFunction" for cls in type(item).__mro__)


def _find_unrun(item: pytest.Function) -> str:
    """Say why unittest makes an object of a method and never runs what stands in it."""
    kind, method = type(item.instance), item.obj
    calls = {str(one.__module__) for one in (kind.__call__, kind.run)}
    if not calls <= {"unittest.case", "unittest.async_case"}:
        return ""  # frameworks that run such methods bring calls of their own
    if inspect.isgeneratorfunction(method) or inspect.isasyncgenfunction(method):
        return "unittest runs no generator"
    name = "_callTestMethod"  # what awaits, in the classes that do
    caller = next((vars(one)[name] for one in kind.__mro__ if name in vars(one)), None)
    is_awaited = caller is None or caller.__module__ != "unittest.case"
    is_coroutine = inspect.iscoroutinefunction(method)
    return "unittest awaits no coroutine" if is_coroutine and not is_awaited else ""


def unwrap(function: Any) -> Any:
    """Return the plain function beneath decorators and bound methods."""
    inner = inspect.unwrap(function)
    return inspect.unwrap(inner.__func__) if inspect.ismethod(inner) else inner


def _shorten(error: BaseException) -> str:
    message = format_exception_only(type(error), error)[-1].strip()[:_LONGEST_ERROR]
    return message.encode(errors="replace").decode()  # workers hand over nothing but UTF-8
