"""Fixtures: an appliance of one's own for each test, callers that are stopped afterwards."""

import pytest

from harness import Appliance, Caller


class Callers:
    """Makes callers and stops them at the end of the test."""

    def __init__(self, directory):
        self.directory = directory
        self.all = []

    def __call__(self, to=None, **options):
        options.setdefault("video", "320x180@15")
        caller = Caller(self.directory, to, **options)
        self.all.append(caller)
        return caller

    def end(self):
        for caller in self.all:
            if caller.process.poll() is None:
                caller.kill()


@pytest.fixture
def callers(tmp_path):
    made = Callers(tmp_path)
    yield made
    made.end()


@pytest.fixture
def appliance(tmp_path, request):
    """An appliance; @pytest.mark.parametrize("config", …) changes its configuration. At the end it
    must stop cleanly, with nothing in its log that the test did not allow."""
    config = getattr(request, "param", None)
    started = Appliance(tmp_path / "mcu", config).start()
    yield started
    problems = []
    for step in (started.stop, started.check_log):
        try:
            step()
        except AssertionError as failure:
            problems.append(str(failure))
    if problems:
        pytest.fail("\n".join(problems))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """The appliance's log goes with a failure."""
    outcome = yield
    report = outcome.get_result()
    appliance = item.funcargs.get("appliance") if hasattr(item, "funcargs") else None
    if report.failed and appliance is not None:
        report.sections.append(("mcud log", appliance.log_tail()))
