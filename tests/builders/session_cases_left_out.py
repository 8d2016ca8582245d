"""Sessions from which tests are left out, or whose notes are meddled with."""

from __future__ import annotations

from tests.builders.session_cases import BAD, GOOD, GREEN, OPEN, RED, Case, hook, tests

_FIND = (
    "import glob, gc, os, sys\n"
    "def notes():\n"
    "    return glob.glob(os.path.join(os.getcwd(), '.harness/work/.session-*/journal'))[0]\n"
)
_XDIST = ("-p", "xdist", "-n", "2", "test_it.py")

LEFT_OUT = [
    Case(
        "items dropped",
        OPEN,
        "conftest.py",
        tests(BAD, conftest=hook("def pytest_collection_modifyitems(items): del items[1:]")),
    ),
    Case(
        "items deselected",
        OPEN,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "def pytest_collection_modifyitems(config, items):\n"
                "    config.hook.pytest_deselected(items=items[1:]); del items[1:]"
            ),
        ),
    ),
    Case(
        "items dropped late",
        OPEN,
        "did not run",
        tests(BAD, conftest=hook("def pytest_runtestloop(session): del session.items[1:]")),
    ),
    Case(
        "by a plugin of the repository",
        OPEN,
        "picky",
        {
            "picky.py": "def pytest_collection_modifyitems(items): del items[1:]\n",
            "pytest.ini": "[pytest]\naddopts = -p picky\n",
            **tests(BAD),
        },
    ),
    Case(
        "option set by conftest",
        OPEN,
        "conftest.py",
        tests(
            BAD, conftest=hook("def pytest_configure(config): config.option.keyword = 'test_a'")
        ),
    ),
    Case(
        "file ignored by a hook",
        OPEN,
        "conftest.py",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "conftest.py": "def pytest_ignore_collect(collection_path):\n"
            "    return True if collection_path.name == 'test_bad.py' else None\n",
        },
        ("t",),
    ),
    Case(
        "file ignored by a list",
        OPEN,
        "collect_ignore",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "t/conftest.py": "collect_ignore = ['test_bad.py']\n",
        },
        ("t",),
    ),
    Case(
        "folder not entered",
        OPEN,
        "norecursedirs",
        {
            "t/test_a.py": GOOD,
            "t/old/test_bad.py": BAD,
            "pytest.ini": "[pytest]\nnorecursedirs = old\n",
        },
        ("t",),
    ),
    Case(
        "import error hidden",
        RED,
        "did not pass",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": "import nothing_like_this\n",
            "conftest.py": hook(
                "@pytest.hookimpl(hookwrapper=True)\ndef pytest_make_collect_report(collector):\n"
                "    result = yield\n    report = result.get_result()\n"
                "    if report.failed: report.outcome = 'passed'; report.result = []"
            ),
        },
        ("t",),
    ),
    Case(
        "module emptied",
        OPEN,
        "conftest.py",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "conftest.py": hook(
                "@pytest.hookimpl(hookwrapper=True)\ndef pytest_make_collect_report(collector):\n"
                "    result = yield\n"
                "    if 'bad' in collector.nodeid: result.get_result().result = []"
            ),
        },
        ("t",),
    ),
    Case(
        "function made no test",
        OPEN,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(tryfirst=True)\ndef pytest_pycollect_makeitem(collector, name, obj):\n"
                "    return [] if name == 'test_bad' else None"
            ),
        ),
    ),
    Case(
        "item exchanged",
        OPEN,
        "left out",
        tests(
            BAD,
            conftest=hook(
                "class Fake(pytest.Item):\n    def runtest(self): pass\n"
                "def pytest_collection_modifyitems(items):\n"
                "    items[1] = Fake.from_parent(items[1].parent, name=items[1].name)"
            ),
        ),
    ),
    Case(
        "function exchanged when collected",
        OPEN,
        "replaced",
        tests(
            BAD,
            conftest=hook(
                "def pytest_collection_modifyitems(items): items[1].obj = lambda: None"
            ),
        ),
    ),
    Case(
        "module of one's own",
        OPEN,
        "conftest.py",
        {
            "t/test_a.py": GOOD,
            "t/test_bad.py": BAD,
            "conftest.py": hook(
                "class Empty(pytest.Module):\n    def collect(self): return []\n"
                "def pytest_pycollect_makemodule(module_path, parent):\n"
                "    if 'bad' in module_path.name:\n"
                "        return Empty.from_parent(parent, path=module_path)"
            ),
        },
        ("t",),
    ),
    Case(
        "under workers",
        OPEN,
        "conftest.py",
        tests(BAD, conftest=hook("def pytest_collection_modifyitems(items): del items[1:]")),
        _XDIST,
    ),
    Case("key under workers", OPEN, "addopts", tests(BAD, ini="addopts = -k test_a"), _XDIST),
    Case(
        "a worker dies",
        RED,
        "did not pass",
        tests("import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\n"),
        _XDIST,
    ),
    Case(
        "a failure hidden in workers",
        RED,
        "conftest.py",
        tests(
            BAD,
            conftest=hook(
                "@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
                "    result = yield\n    result.get_result().outcome = 'passed'"
            ),
        ),
        _XDIST,
    ),
]

MEDDLED = [
    Case(
        "notes deleted",
        OPEN,
        "record of its end",
        tests(_FIND + "def test_a(): os.unlink(notes())\n"),
    ),
    Case("notes cut", OPEN, "notes", tests(_FIND + "def test_a(): os.truncate(notes(), 0)\n")),
    Case(
        "notes written",
        OPEN,
        "tampered",
        tests(_FIND + "def test_a(): open(notes(), 'a').write('{\"event\": \"finish\"}\\n')\n"),
    ),
    Case(
        "notes of one's own",
        OPEN,
        "record of its end",
        tests(
            _FIND + "def test_a():\n    text = open(notes()).read()\n    os.unlink(notes())\n"
            "    open(notes.__globals__['os'].path.join('.', 'x'), 'w').write(text)\n"
        ),
    ),
    Case(
        "plugin unregistered",
        OPEN,
        "",
        tests(
            "def test_a(request):\n    m = request.config.pluginmanager\n"
            "    for p in list(m.get_plugins()):\n"
            "        if type(p).__name__ == 'Recorder': m.unregister(p)\n"
            "def test_bad(): assert 0\n".replace("assert 0", "pass")
        ),
    ),
    Case(
        "watch unregistered",
        OPEN,
        "not seen",
        tests(
            "def test_a(request):\n    m = request.config.pluginmanager\n"
            "    for p in list(m.get_plugins()):\n"
            "        if type(p).__name__ == 'OutcomeWatch': m.unregister(p)\n"
            "def test_b(): pass\n"
        ),
    ),
    Case(
        "plugin patched",
        RED,
        "did not pass",
        tests(
            "import sys\ndef test_a():\n"
            "    for name, m in list(sys.modules.items()):\n"
            "        if name.startswith('session_notes_'):\n"
            "            m.Recorder.pytest_runtest_logreport = lambda *a, **k: None\n"
            "            m.Journal.write = m.Journal.write\n"
            "def test_bad(): assert 0\n"
        ),
    ),
    Case(
        "functions of modules replaced",
        GREEN,
        "",
        tests(
            "import builtins, json, os, time\ndef test_a(monkeypatch):\n"
            "    def boom(*a, **k): raise OSError\n"
            "    for m, n in ((os, 'open'), (os, 'write'), (json, 'dumps'), (os, 'getpid')):\n"
            "        monkeypatch.setattr(m, n, boom)\n"
        ),
    ),
    Case(
        "every file closed",
        GREEN,
        "",
        tests("import os\ndef test_a(): os.closerange(20, 200)\ndef test_b(): pass\n"),
    ),
    Case(
        "JUnit file rewritten",
        RED,
        "did not pass",
        tests(
            BAD,
            conftest=hook(
                "import atexit, glob\n@atexit.register\ndef _():\n"
                "    for p in glob.glob('.harness/work/.*.xml'):\n"
                "        open(p, 'w').write('<testsuites><testsuite><testcase name=\"a\"/></testsuite></testsuites>')\n"
                "    os._exit(0)"
            ),
        ),
    ),
    Case(
        "JUnit file deleted",
        RED,
        "did not pass",
        tests(
            BAD,
            conftest=hook(
                "import atexit, glob\n@atexit.register\ndef _():\n"
                "    [os.unlink(p) for p in glob.glob('.harness/work/.*.xml')]\n    os._exit(0)"
            ),
        ),
    ),
]
